"""Rounds are set up, opened, changed while open, closed and selected."""

import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from concours.audit import AuditRecord
from concours.base.db import session
from concours.base.errors import Closed, Conflict, Invalid, NotFound
from concours.entries.models import EntryStatus
from concours.identity.models import Role
from concours.jury import closing, lookup, opening, panel, rounds, shortlist
from concours.jury.kinds.criteria import CriterionDraft
from concours.jury.models import Assignment, Panelist, Round, RoundEntry, RoundStatus, Selected
from concours.jury.results import final_rounds, final_selection
from concours.jury.rounds import RoundDraft
from concours.jury.selection import Quota, lottery_seed
from concours.teams.models import Member
from tests.conftest import both_databases
from tests.factories import Make
from tests.jury.build import CRITERIA, Jury


def pairs(jury: Jury, found: Round) -> set[tuple[int, int]]:
    return {(row.entry_id, row.account_id) for row in jury.work(found)}


@both_databases
def test_opening_shares_the_work_out_evenly_with_random_names_and_orders(jury: Jury) -> None:
    jury.entries(12)
    for _ in range(4):
        jury.judge()
    found = jury.opened(reviews=2, select_count=5)

    work = jury.work(found)
    assert Counter(row.entry_id for row in work) == dict.fromkeys({row.entry_id for row in work}, 2)
    assert set(Counter(row.account_id for row in work).values()) == {6}
    assert len({row.token for row in work}) == len(work)
    for judge in jury.judges:
        assert [row.position for row in jury.work(found, judge)] == [1, 2, 3, 4, 5, 6]
    assert lookup.find_round(jury.event.id, found.id).status == RoundStatus.OPEN
    assert session().scalar(sa.select(sa.func.count()).select_from(RoundEntry)) == 12
    acts = list(session().scalars(sa.select(AuditRecord.verb).order_by(AuditRecord.id)))
    assert acts == ["jury.create_round", "jury.add_judges", "jury.open_round"]


def test_two_judges_of_the_same_works_see_them_in_different_orders(jury: Jury) -> None:
    jury.entries(40)
    jury.judge(), jury.judge()
    found = jury.opened(reviews=2, select_count=5)
    orders = [[row.entry_id for row in jury.work(found, judge)] for judge in jury.judges]
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]
    assert orders[0] != sorted(orders[0])


def test_one_category_follows_the_other_in_a_judges_order(jury: Jury) -> None:
    later, first = jury.category(position=2), jury.category(position=1)
    for category in (later, first):
        jury.entries(6, category)
    jury.judge()
    found = jury.opened(reviews=1, select_count=1)
    assert [row.entry.category_id for row in jury.work(found)] == [first.id] * 6 + [later.id] * 6


def test_own_department_own_work_own_team_and_earlier_steps_aside_are_kept_away(jury: Jury, make: Make) -> None:
    category = jury.category()
    other = make.department()
    team = make.team(jury.event, other)
    of_department = jury.judge(department_id=jury.department.id)
    author, in_team, stepped = jury.judge(), jury.judge(), jury.judge()
    session().add(
        Member(
            event_id=jury.event.id,
            team_id=team.id,
            account_id=in_team.id,
            staff_number="1",
            name="x",
            created_at=jury.now,
        )
    )
    session().commit()
    by_department = jury.entry(category)
    by_author = jury.entry(category, author_id=author.id, department_id=other.id)
    by_team = jury.entry(category, team_id=team.id, department_id=other.id)
    from_before = jury.entry(category, department_id=other.id)
    former = jury.opened(judges=[stepped], reviews=1, select_count=1)
    aside = jury.work(former, stepped, from_before)[0]
    from concours.jury import marks

    marks.recuse(jury.event, former.id, aside.token, "我的学生", actor=stepped, now=jury.now)
    session().commit()

    found = jury.opened(reviews=3, select_count=1)
    kept_away = {(by_department.id, of_department.id), (by_author.id, author.id), (by_team.id, in_team.id)}
    kept_away.add((from_before.id, stepped.id))
    assert not pairs(jury, found) & kept_away
    assert len(pairs(jury, found)) == 12


def test_what_cannot_be_shared_out_is_said_with_its_measure_and_can_be_opened_all_the_same(jury: Jury) -> None:
    jury.entries(4)
    jury.judge(department_id=jury.department.id)
    jury.judge()
    found = jury.round(reviews=2, select_count=1)
    with pytest.raises(opening.CannotShareOut) as refused:
        opening.open_round(jury.event, found.id, actor=jury.organiser, now=jury.now)
    session().rollback()
    said = str(refused.value.faults[0])
    assert said.startswith("4 entries have fewer than 2 judges free of conflict: 4 reviews would be missing")
    assert jury.department.name in str(refused.value.faults[0].values["where"])
    assert lookup.find_round(jury.event.id, found.id).status == RoundStatus.DRAFT

    made = opening.open_round(jury.event, found.id, actor=jury.organiser, now=jury.now, anyway=True)
    session().commit()
    assert made.missing == 4
    assert lookup.find_round(jury.event.id, found.id).status == RoundStatus.OPEN


def test_uneven_loads_a_split_panel_and_too_large_a_number_are_named(jury: Jury, make: Make) -> None:
    category = jury.category()
    jury.entries(6, category)
    jury.judge(department_id=jury.department.id)
    jury.judge(), jury.judge()
    uneven = jury.round(reviews=2, select_count=7)
    with pytest.raises(opening.CannotShareOut) as refused:
        opening.open_round(jury.event, uneven.id, actor=jury.organiser, now=jury.now)
    session().rollback()
    assert [str(fault).split(":")[0] for fault in refused.value.faults] == [
        "The work cannot be shared evenly",
        "7 entries are to be selected, but only 6 are in the round.",
    ]

    free = Jury(make)
    free.entries(2)
    for _ in range(6):
        free.judge()
    split = free.round(reviews=2, select_count=1)
    with pytest.raises(opening.CannotShareOut, match="groups that share no entry") as parted:
        opening.open_round(free.event, split.id, actor=free.organiser, now=free.now)
    assert parted.value.faults[-1].values["needed"] == 7


def test_rounds_open_only_while_judging_is_open_and_only_once(jury: Jury) -> None:
    jury.entries(2)
    jury.judge()
    found = jury.round(reviews=1)
    with pytest.raises(Closed):
        opening.open_round(jury.event, found.id, actor=jury.organiser, now=jury.now + timedelta(days=2))
    session().rollback()
    opening.open_round(jury.event, found.id, actor=jury.organiser, now=jury.now)
    session().commit()
    with pytest.raises(Conflict):
        opening.open_round(jury.event, found.id, actor=jury.organiser, now=jury.now)


def test_a_round_without_entries_or_judges_says_what_is_missing(jury: Jury) -> None:
    jury.category()
    found = jury.round(reviews=1)
    with pytest.raises(Conflict, match="no entry to judge"):
        opening.open_round(jury.event, found.id, actor=jury.organiser, now=jury.now)
    session().rollback()
    jury.entries(1)
    with pytest.raises(Conflict, match="is empty"):
        opening.open_round(jury.event, found.id, actor=jury.organiser, now=jury.now)


@both_databases
def test_a_judge_added_while_open_takes_over_what_is_not_marked(jury: Jury) -> None:
    jury.entries(12)
    jury.judge(), jury.judge(), jury.judge()
    found = jury.opened(reviews=1, select_count=3)
    first = jury.work(found, jury.judges[0])
    for assignment in first:
        jury.mark(assignment, {"yes": True})
    newcomer = jury.judge()
    outcome = panel.add_judges(jury.event, found.id, [newcomer.id], actor=jury.organiser, now=jury.now)
    session().commit()

    assert [row.id for row in jury.work(found, jury.judges[0])] == [row.id for row in first]
    loads = Counter(row.account_id for row in jury.work(found))
    assert loads[newcomer.id] == outcome.given == outcome.taken >= 2
    assert max(loads[judge.id] for judge in jury.judges[1:]) - loads[newcomer.id] <= 1
    assert set(Counter(row.entry_id for row in jury.work(found)).values()) == {1}


@both_databases
def test_a_judge_who_leaves_keeps_their_marks_and_hands_on_the_rest(jury: Jury) -> None:
    jury.entries(6)
    jury.judge(), jury.judge(), jury.judge()
    found = jury.opened(reviews=2, select_count=3)
    leaver = jury.judges[0]
    marked = jury.work(found, leaver)[0]
    jury.mark(marked, {"yes": True})
    panel.drop_judge(jury.event, found.id, leaver.id, actor=jury.organiser, now=jury.now)
    session().commit()

    assert [row.id for row in jury.work(found, leaver)] == [marked.id]
    assert set(Counter(row.entry_id for row in jury.work(found)).values()) == {2}
    assert jury.mark(marked, {"yes": False}).refusal is not None

    panel.add_judges(jury.event, found.id, [leaver.id], actor=jury.organiser, now=jury.now)
    session().commit()
    assert jury.mark(marked, {"yes": False}).saved


def test_when_nobody_is_left_the_round_says_so_and_can_still_be_closed(jury: Jury) -> None:
    jury.entries(2)
    jury.judge()
    found = jury.opened(reviews=1, select_count=1)
    jury.mark(jury.work(found)[0], {"yes": True})
    outcome = panel.drop_judge(jury.event, found.id, jury.judges[0].id, actor=jury.organiser, now=jury.now)
    session().commit()
    assert outcome.plan.missing == 1
    jury.close(found, "available")
    assert len(jury.select(found, 1).unscored) == 1


def test_the_number_of_reviews_can_change_while_open(jury: Jury) -> None:
    jury.entries(6)
    jury.judge(), jury.judge(), jury.judge()
    found = jury.opened(reviews=3, select_count=3)
    marked = jury.work(found)[0]
    jury.mark(marked, {"yes": True})
    panel.change_reviews(jury.event, found.id, 1, actor=jury.organiser, now=jury.now)
    session().commit()
    assert len(jury.work(found)) == 6
    assert marked.id in {row.id for row in jury.work(found)}
    panel.change_reviews(jury.event, found.id, 2, actor=jury.organiser, now=jury.now)
    session().commit()
    assert len(jury.work(found)) == 12
    assert session().scalar(sa.select(sa.func.count()).select_from(Assignment)) == 18
    with pytest.raises(Invalid):
        panel.change_reviews(jury.event, found.id, 0, actor=jury.organiser, now=jury.now)


def test_entries_accepted_later_can_be_taken_in_and_withdrawn_ones_leave(jury: Jury) -> None:
    entries = jury.entries(3)
    jury.judge()
    found = jury.opened(reviews=1, select_count=1)
    jury.entries(2)
    assert panel.include_newcomers(jury.event, found.id, actor=jury.organiser, now=jury.now) == 2
    session().commit()
    assert len(jury.work(found)) == 5
    assert panel.include_newcomers(jury.event, found.id, actor=jury.organiser, now=jury.now) == 0
    entries[0].status = EntryStatus.WITHDRAWN
    session().commit()
    assert closing.missing_reviews(lookup.find_round(jury.event.id, found.id)) == 4


def test_closing_with_missing_marks_asks_for_the_rule_and_keeps_it(jury: Jury) -> None:
    jury.entries(3)
    jury.judge()
    found = jury.opened(reviews=1, select_count=1)
    with pytest.raises(Invalid, match="3 reviews are missing"):
        jury.close(found)
    session().rollback()
    jury.close(found, "lowest")
    assert lookup.find_round(jury.event.id, found.id).rule["missing"] == "lowest"
    closing.reopen(jury.event, found.id, actor=jury.organiser, now=jury.now)
    session().commit()
    assert "missing" not in lookup.find_round(jury.event.id, found.id).rule
    jury.mark_all(found)
    jury.close(found)
    assert lookup.find_round(jury.event.id, found.id).rule["missing"] == "none"


@both_databases
def test_exactly_n_are_selected_and_the_next_round_takes_the_shortlist(jury: Jury) -> None:
    entries = jury.entries(7)
    jury.judge(), jury.judge()
    first = jury.opened(reviews=2, select_count=4)
    jury.mark_all(first, {entries[0].id: 1, entries[1].id: 1})
    jury.close(first)
    result = jury.select(first, 4)
    assert result.selection is not None
    assert len(result.selection.ties[0].members) == 5
    kept = list(session().scalars(sa.select(Selected).where(Selected.round_id == first.id).order_by(Selected.place)))
    assert [row.place for row in kept] == [1, 2, 3, 4]
    assert {row.decided_by for row in kept} == {"lottery"}
    assert not {row.entry_id for row in kept} & {entries[0].id, entries[1].id}

    second = jury.opened(title="复评", kind="points", criteria=CRITERIA, source=first.id, reviews=2, select_count=2)
    assert {row.entry_id for row in jury.work(second)} == {row.entry_id for row in kept}
    best = [kept[3].entry_id, kept[0].entry_id]
    jury.mark_all(second, {best[0]: 9, best[1]: 8})
    jury.close(second)
    jury.select(second, 2)
    assert [row.entry_id for row in final_selection(jury.event.id)] == best
    assert [row.decided_by for row in final_selection(jury.event.id)] == ["score", "score"]
    assert [row.score for row in final_selection(jury.event.id)] == [100.0, 87.5]


def test_the_outcome_of_a_selection_stays_when_an_entry_is_withdrawn_later(jury: Jury) -> None:
    entries = jury.entries(3)
    jury.judge()
    found = jury.opened(reviews=1, select_count=2)
    jury.mark_all(found)
    jury.close(found)
    before = jury.select(found, 2)
    entries[0].status = EntryStatus.WITHDRAWN
    session().commit()
    after = shortlist.outcome(jury.event, lookup.find_round(jury.event.id, found.id))
    assert after.selection == before.selection


def test_a_round_cannot_take_a_shortlist_that_is_not_there(jury: Jury) -> None:
    jury.entries(3)
    jury.judge()
    first = jury.round(reviews=1)
    second = jury.round(reviews=1, source=first.id)
    with pytest.raises(Conflict, match="no shortlist yet"):
        opening.open_round(jury.event, second.id, actor=jury.organiser, now=jury.now)


def test_a_selection_can_be_taken_back_until_another_round_judges_it(jury: Jury) -> None:
    jury.entries(3)
    jury.judge()
    first = jury.opened(reviews=1, select_count=2)
    jury.mark_all(first)
    jury.close(first)
    jury.select(first, 2)
    shortlist.withdraw_selection(jury.event, first.id, actor=jury.organiser, now=jury.now)
    session().commit()
    assert final_selection(jury.event.id) == []
    assert lookup.find_round(jury.event.id, first.id).status == RoundStatus.CLOSED
    jury.select(first, 1)
    jury.opened(reviews=1, source=first.id)
    with pytest.raises(Conflict, match="already judges this shortlist"):
        shortlist.withdraw_selection(jury.event, first.id, actor=jury.organiser, now=jury.now)


def test_categories_judged_apart_each_have_their_last_round(jury: Jury) -> None:
    one, other = jury.category(position=1), jury.category(position=2)
    jury.entries(3, one), jury.entries(3, other)
    jury.judge()
    numbers = []
    for category in (one, other):
        found = jury.opened(reviews=1, select_count=2, categories=[category.id])
        jury.mark_all(found)
        jury.close(found)
        jury.select(found, 2)
        numbers.append(found.id)
    assert {category: found.id for category, found in final_rounds(jury.event.id).items()} == {
        one.id: numbers[0],
        other.id: numbers[1],
    }
    assert [row.entry.category_id for row in final_selection(jury.event.id)] == [one.id] * 2 + [other.id] * 2


def test_quotas_bind_the_selection_and_an_impossible_one_is_named(jury: Jury) -> None:
    one, other = jury.category(title="书法"), jury.category(title="摄影")
    strong, weak = jury.entries(4, one), jury.entries(3, other)
    jury.judge()
    quotas = {other.id: Quota(least=2, most=None)}
    found = jury.opened(kind="points", criteria=CRITERIA, reviews=1, select_count=4, quotas=quotas)
    jury.mark_all(found, {entry.id: 9 for entry in strong} | {entry.id: 2 for entry in weak})
    jury.close(found)
    result = jury.select(found, 4)
    assert result.selection is not None
    chosen = Counter(fate.candidate.category for fate in result.selection.selected)
    assert chosen == {one.id: 2, other.id: 2}
    assert {str(f.decided_by) for f in result.selection.selected if f.candidate.category == other.id} == {"quota"}

    shortlist.withdraw_selection(jury.event, found.id, actor=jury.organiser, now=jury.now)
    session().commit()
    with pytest.raises(Conflict, match="8 entries are to be selected, but only 7 have a score"):
        jury.select(found, 8)
    session().rollback()
    with pytest.raises(Conflict, match="minimums together are 2"):
        jury.select(found, 1)


def test_the_seed_of_the_lottery_is_fixed_at_the_opening(jury: Jury) -> None:
    jury.entries(2)
    jury.judge()
    found = jury.opened(reviews=1, seed=None)
    seed = lookup.find_round(jury.event.id, found.id).seed
    assert len(seed) == 64
    assert len(lottery_seed(seed)) == 64
    jury.close(found, "lowest")
    closing.reopen(jury.event, found.id, actor=jury.organiser, now=jury.now)
    session().commit()
    assert lookup.find_round(jury.event.id, found.id).seed == seed


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"title": "  "}, "title"),
        ({"title": "评" * 81}, "title"),
        ({"kind": "dance"}, "kind"),
        ({"reviews": 0}, "reviews"),
        ({"select_count": 0}, "select_count"),
        ({"ties": ("title",)}, "ties"),
        ({"categories": [10**9]}, "categories"),
        ({"source": 10**9}, "source"),
        ({"kind": "points"}, "criterion-1"),
        ({"kind": "points", "criteria": [CriterionDraft("立意", float("nan"))]}, "criterion-1"),
        ({"kind": "points", "criteria": [CriterionDraft("立意", 1, 9, 9)]}, "criterion-1"),
        ({"kind": "points", "criteria": [CriterionDraft("立意")] * 9}, "criterion-1"),
    ],
)
def test_a_wrong_round_is_refused_at_the_field(jury: Jury, values: dict[str, Any], field: str) -> None:
    draft = {"title": "初评", "kind": "yes_no", "reviews": 2, "select_count": 1} | values
    with pytest.raises(Invalid) as refused:
        rounds.create(jury.event, RoundDraft(**draft), actor=jury.organiser, now=jury.now)
    assert set(refused.value.by_field()) == {field}


def test_a_round_is_changed_and_deleted_only_while_it_is_prepared(jury: Jury) -> None:
    jury.entries(2)
    jury.judge()
    found = jury.round(kind="points", criteria=CRITERIA, reviews=1)
    draft = RoundDraft(title="终评", kind="points", reviews=1, select_count=2, criteria=CRITERIA[:1])
    rounds.change(jury.event, found.id, draft, actor=jury.organiser, now=jury.now)
    session().commit()
    changed = lookup.find_round(jury.event.id, found.id)
    assert (changed.title, [c.title for c in changed.criteria]) == ("终评", ["立意"])
    follower = jury.round(reviews=1, source=found.id)
    with pytest.raises(Conflict, match="takes its entries from this one"):
        rounds.delete(jury.event, found.id, actor=jury.organiser, now=jury.now)
    session().rollback()
    circle = RoundDraft(title="终评", kind="yes_no", reviews=1, select_count=2, source=follower.id)
    with pytest.raises(Invalid):
        rounds.change(jury.event, found.id, circle, actor=jury.organiser, now=jury.now)
    session().rollback()
    rounds.delete(jury.event, follower.id, actor=jury.organiser, now=jury.now)
    session().commit()
    with pytest.raises(NotFound):
        lookup.find_round(jury.event.id, follower.id)
    opening.open_round(jury.event, found.id, actor=jury.organiser, now=jury.now, anyway=True)
    session().commit()
    for refused in (
        lambda: rounds.change(jury.event, found.id, draft, actor=jury.organiser, now=jury.now),
        lambda: rounds.delete(jury.event, found.id, actor=jury.organiser, now=jury.now),
    ):
        with pytest.raises(Conflict):
            refused()
        session().rollback()


def test_only_judges_of_the_event_come_onto_a_panel(jury: Jury, make: Make) -> None:
    found = jury.round(reviews=1)
    elsewhere = make.with_role(make.event(), Role.JUDGE)
    with pytest.raises(Invalid):
        panel.add_judges(jury.event, found.id, [elsewhere.id], actor=jury.organiser, now=jury.now)
    session().rollback()
    judge = jury.judge()
    panel.add_judges(jury.event, found.id, [judge.id], actor=jury.organiser, now=jury.now)
    panel.drop_judge(jury.event, found.id, judge.id, actor=jury.organiser, now=jury.now)
    session().commit()
    assert session().scalar(sa.select(sa.func.count()).select_from(Panelist)) == 0


def test_a_round_of_the_model_case_opens_in_seconds(jury: Jury) -> None:
    jury.entries(1700)
    for _ in range(60):
        jury.judge()
    found = jury.round(reviews=3, select_count=647)
    began = time.process_time()
    opening.open_round(jury.event, found.id, actor=jury.organiser, now=jury.now)
    session().commit()
    assert time.process_time() - began < 5
    assert len(jury.work(found)) == 5100
