"""Every line of a roster has its fate and its sentence."""

from dataclasses import replace
from typing import Any

import pytest

from concours.teams.fates import Fate, Verdict, counts, judge, rank_of
from concours.teams.roster import Line
from concours.teams.world import KnownDepartment, KnownPerson, KnownTeam, World, word_key

OFFICE = KnownDepartment(1, "办公厅", max_teams=2, teams=1)
STAFF = KnownDepartment(2, "人事司", max_teams=None, teams=0)
FIRST = KnownTeam(10, "一队", 1, members=3, captain="1000")
PEOPLE = {
    "1000": KnownPerson(100, "1000", "赵一", 1, team_id=10),
    "1001": KnownPerson(101, "1001", "王伟", 1, team_id=10),
    "1002": KnownPerson(102, "1002", "李娜", 1),
    "1003": KnownPerson(103, "1003", "阿依古丽·买买提", None),
    "2000": KnownPerson(200, "2000", "孙超", 2),
    "9999": KnownPerson(999, "9999", "钱七", 1, is_active=False),
}
WORLD = World(
    departments={word_key(word): d for d in (OFFICE, STAFF) for word in (d.name, f"B0{d.id}")},
    teams={"一队": FIRST, "人事一队": KnownTeam(20, "人事一队", 2)},
    people=PEOPLE,
    allowed=None,
    team_max=5,
)


def line(number: str = "5000", name: str = "周八", department: str = "办公厅", team: str = "一队", **more: Any) -> Line:
    return Line(2, number, name, department, team, **more)


def fate(one: Line, world: World = WORLD) -> Fate:
    return judge([one], world)[0]


def test_an_unknown_person_is_new_and_a_known_one_too() -> None:
    assert fate(line()).verdict == Verdict.NEW
    assert fate(line("1002", "李娜")).person == PEOPLE["1002"]


def test_somebody_who_is_there_stays_unless_made_captain_of_a_team_without_one() -> None:
    assert fate(line("1001", "王伟")).verdict == Verdict.UNCHANGED
    headless = replace(WORLD, teams={"一队": replace(FIRST, captain="")})
    assert fate(line("1001", "王伟", captain="是"), headless).verdict == Verdict.CAPTAIN
    assert fate(line("1000", "赵一", captain="是")).verdict == Verdict.UNCHANGED


@pytest.mark.parametrize("number", ["５０００", " 5000 ", "'5000", "5000\u3000"])
def test_a_staff_number_is_one_in_every_spelling(number: str) -> None:
    assert fate(line(number)).staff_number == "5000"


@pytest.mark.parametrize("words", ["办公厅", "B01", "b01", "Ｂ０１", "办 公 厅"])
def test_a_department_is_known_by_code_and_name(words: str) -> None:
    assert fate(line(department=words)).department == OFFICE


@pytest.mark.parametrize("name", ["阿依古丽·买买提", "阿依古丽•买买提", "阿依古丽・ 买买提"])
def test_the_kind_of_dot_in_a_name_does_not_matter(name: str) -> None:
    assert fate(line("1003", name)).verdict == Verdict.NEW


@pytest.mark.parametrize(
    ("wrong", "verdict", "words"),
    [
        (line(number=""), Verdict.MISSING, "staff number"),
        (line(name="", team=""), Verdict.MISSING, "name / team"),
        (line(name="王" * 81), Verdict.TOO_LONG, "81"),
        (line(team="队" * 81), Verdict.TOO_LONG, "team"),
        (line(number="1" * 33), Verdict.TOO_LONG, "32"),
        (line(phone="1" * 33), Verdict.TOO_LONG, "phone"),
        (line(number="12 34"), Verdict.STAFF_NUMBER, "12 34"),
        (line(number="1.23E+17"), Verdict.STAFF_NUMBER, "shortened"),
        (line(number="#N/A"), Verdict.STAFF_NUMBER, "#N/A"),
        (line(team="2021-06-01", dates=frozenset({"team"})), Verdict.DATE, "2021-06-01"),
        (line(captain="副队长"), Verdict.CAPTAIN_UNCLEAR, "副队长"),
        (line(department="文体中心"), Verdict.UNKNOWN_DEPARTMENT, "文体中心"),
        (line(team="人事一队"), Verdict.TEAM_ELSEWHERE, "人事一队"),
        (line("9999", "钱七"), Verdict.ACCOUNT_AT_REST, "9999"),
        (line("1002", "李哪"), Verdict.NAME_DIFFERS, "李娜"),
        (line("1001", "王伟", team="二队"), Verdict.OTHER_TEAM, "一队"),
        (line("2000", "孙超"), Verdict.OTHER_DEPARTMENT, "2000"),
        (line(captain="是"), Verdict.TWO_CAPTAINS, "1000"),
    ],
)
def test_what_is_wrong_is_said(wrong: Line, verdict: Verdict, words: str) -> None:
    found = fate(wrong)
    assert found.verdict == verdict
    assert words in str(found.reason)
    assert rank_of(found.verdict) == 0


def test_a_coordinator_is_not_told_whose_number_it_is_in_another_department() -> None:
    """Otherwise a file of all numbers would tell the names of the whole house."""
    mine = replace(WORLD, allowed=frozenset({1}))
    found = fate(line("2000", "谁"), mine)
    assert found.verdict == Verdict.OTHER_DEPARTMENT
    assert "孙超" not in str(found.reason)
    assert "孙超" in str(fate(line("2000", "谁")).reason), "who sees all departments is told"
    assert "李娜" in str(fate(line("1002", "李哪"), mine).reason), "a slip in the own department is told"


def test_a_coordinator_puts_people_into_the_own_departments_alone() -> None:
    mine = replace(WORLD, allowed=frozenset({2}))
    assert fate(line(), mine).verdict == Verdict.NOT_YOUR_DEPARTMENT
    assert fate(line(department="人事司", team="人事一队"), mine).verdict == Verdict.NEW


def test_the_same_person_twice_names_both_rows() -> None:
    twice = judge([replace(line(), row=2), replace(line("5001"), row=3), replace(line("５０００"), row=7)], WORLD)
    assert [f.verdict for f in twice] == [Verdict.DUPLICATE, Verdict.NEW, Verdict.DUPLICATE]
    assert "row 7" in str(twice[0].reason)
    assert "row 2" in str(twice[2].reason)


def test_a_new_team_is_of_one_department() -> None:
    fates = judge([line(team="新队"), line("5001", department="人事司", team="新队")], WORLD)
    assert [f.verdict for f in fates] == [Verdict.NEW, Verdict.TEAM_ELSEWHERE]


def test_new_teams_beyond_the_quota_are_refused_and_the_first_of_the_file_are_not() -> None:
    fates = judge([line(team="二队"), line("5001", team="三队"), line("5002", team="二队")], WORLD)
    assert [f.verdict for f in fates] == [Verdict.NEW, Verdict.TEAM_QUOTA, Verdict.NEW]
    assert "may have 2 teams; it has 1 and the file would add 2" in str(fates[1].reason)


def test_members_beyond_the_size_of_a_team_are_refused() -> None:
    fates = judge([line(str(n)) for n in range(5000, 5003)], WORLD)
    assert [f.verdict for f in fates] == [Verdict.NEW, Verdict.NEW, Verdict.TEAM_FULL]
    assert "would have 6 members; at most 5" in str(fates[2].reason)


def test_two_captains_of_a_new_team_are_both_refused() -> None:
    fates = judge([replace(line(str(n), team="二队", captain="是"), row=n) for n in (5000, 5001)], WORLD)
    assert [f.verdict for f in fates] == [Verdict.TWO_CAPTAINS] * 2
    assert "5001" in str(fates[0].reason)


def test_a_refused_line_takes_no_place_of_quota_or_size() -> None:
    wrong = [line("1002", "李哪", team="二队"), *(line(str(n), team="三队") for n in range(5000, 5005))]
    assert [f.verdict for f in judge(wrong, WORLD)] == [Verdict.NAME_DIFFERS, *[Verdict.NEW] * 5]


def test_the_counts_say_what_would_happen() -> None:
    fates = judge([line(), line("1001", "王伟"), line("1002", "李娜", team="二队"), line("", "")], WORLD)
    assert counts(fates) == {
        "new": 2, "unchanged": 1, "missing": 1,
        "rows": 4, "refused": 1, "changes": 2, "teams": 1, "accounts": 1,
    }  # fmt: skip
