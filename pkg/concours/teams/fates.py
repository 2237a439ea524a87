"""What would become of each line of a roster, said of a snapshot of the event (`world`). Pure: it asks no database.

A line is refused for the first thing that is wrong with it. What one line says of itself is looked at first, then what
it means for the team: the quota of the department, the size of the team, its one captain, in the order of the file.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from concours.base.messages import Message, msg
from concours.identity.accounts import NAME_LIMIT, PHONE_LIMIT, username_problem
from concours.teams.roster import COLUMN_NAMES, REQUIRED, Line, listed
from concours.teams.world import KnownDepartment, KnownPerson, KnownTeam, World, person_key, word_key

STAFF_NUMBER_LIMIT = 32
TEAM_NAME_LIMIT = 80
SHOWN = 40  # characters of a wrong value in a sentence
_YES = frozenset({"是", "对", "有", "yes", "y", "true", "1", "√", "✓", "✔", "队长", "captain"})
_NO = frozenset({"", "否", "不是", "无", "no", "n", "false", "0", "×", "-", "—", "/", "队员"})
_SHORTENED = re.compile(r"\d([.]\d+)?E[+]?\d+", re.IGNORECASE)
LIMITS = {"staff_number": STAFF_NUMBER_LIMIT, "name": NAME_LIMIT, "team": TEAM_NAME_LIMIT, "phone": PHONE_LIMIT}
_DOTS = dict.fromkeys(map(ord, "•・‧∙⋅●．.∘"), "·")


class Verdict(StrEnum):
    """What becomes of a line. The first three are good."""

    NEW = "new"
    CAPTAIN = "captain"
    UNCHANGED = "unchanged"
    MISSING = "missing"
    TOO_LONG = "too_long"
    DATE = "date"
    STAFF_NUMBER = "staff_number"
    CAPTAIN_UNCLEAR = "captain_unclear"
    DUPLICATE = "duplicate"
    UNKNOWN_DEPARTMENT = "unknown_department"
    NOT_YOUR_DEPARTMENT = "not_your_department"
    TEAM_ELSEWHERE = "team_elsewhere"
    ACCOUNT_AT_REST = "account_at_rest"
    NAME_DIFFERS = "name_differs"
    OTHER_DEPARTMENT = "other_department"
    OTHER_TEAM = "other_team"
    TEAM_QUOTA = "team_quota"
    TEAM_FULL = "team_full"
    TWO_CAPTAINS = "two_captains"


CHANGING = frozenset({Verdict.NEW, Verdict.CAPTAIN})
GOOD = CHANGING | {Verdict.UNCHANGED}


def rank_of(verdict: str) -> int:
    """0 for what is refused, 1 for what changes something, 2 for what changes nothing."""
    return 2 if verdict == Verdict.UNCHANGED else 1 if verdict in CHANGING else 0


@dataclass(frozen=True)
class Fate:
    """A line with what becomes of it; a good line knows its department, and team and person where they exist."""

    line: Line
    verdict: Verdict
    reason: Message | None = None
    staff_number: str = ""
    department: KnownDepartment | None = None
    team: KnownTeam | None = None
    person: KnownPerson | None = None
    captain: bool = False

    @property
    def is_good(self) -> bool:
        """Whether the line is not refused."""
        return self.verdict in GOOD


def staff_number_of(text: str) -> str:
    """The staff number a (cleaned) cell holds: full-width digits become plain ones, the mark of text goes."""
    return unicodedata.normalize("NFKC", text).strip().removeprefix("'").strip()


def judge(lines: Iterable[Line], world: World) -> list[Fate]:
    """The fate of every line, in the order of the file."""
    known = list(lines)
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    for line in known:
        rows_of[person_key(staff_number_of(line.staff_number))].append(line.row)
    homes: dict[str, int] = {}  # the department that a new team was first said to be of
    fates = [_alone(line, world, rows_of, homes) for line in known]
    _hold_to_quotas(fates)
    _hold_to_size(fates, world)
    _one_captain(fates)
    return fates


def counts(fates: Sequence[Fate]) -> dict[str, int]:
    """How many lines have each verdict, and in all: `rows`, `refused`, `changes`, new `teams`, new `accounts`."""
    found = Counter(str(fate.verdict) for fate in fates)
    good = [fate for fate in fates if fate.is_good]
    return {
        **found,
        "rows": len(fates),
        "refused": len(fates) - len(good),
        "changes": sum(fate.verdict in CHANGING for fate in good),
        "teams": len({fate.line.team for fate in good if fate.team is None}),
        "accounts": sum(fate.person is None for fate in good),
    }


class _Refused(Exception):
    """Ends looking at a line: the first thing that is wrong decides."""

    def __init__(self, verdict: Verdict, reason: Message) -> None:
        super().__init__(verdict)
        self.verdict, self.reason = verdict, reason


def _alone(line: Line, world: World, rows_of: Mapping[str, list[int]], homes: dict[str, int]) -> Fate:
    """What is wrong with a line by itself, or how it would be good."""
    try:
        _require_whole(line)
        number = _staff_number(line, rows_of)
        department = _department(line, world)
        team = _team(line, world, department, homes)
        person = world.people.get(person_key(number))
        if person is not None:
            _require_same(line, person, department, team, world)
    except _Refused as refused:
        return Fate(line, refused.verdict, refused.reason)
    captain = _word(line.captain) in _YES
    number = person.username if person is not None else number
    verdict = Verdict.NEW
    if person is not None and team is not None and person.team_id == team.id:
        verdict = Verdict.CAPTAIN if captain and team.captain != number else Verdict.UNCHANGED
    return Fate(line, verdict, None, number, department, team, person, captain)


def _word(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _require_whole(line: Line) -> None:
    """Nothing is missing, too long, or not what its column is for."""
    missing = [column for column in REQUIRED if not getattr(line, column)]
    if missing:
        raise _Refused(Verdict.MISSING, msg("Missing: %(columns)s.", columns=listed(missing)))
    dated = next((column for column in REQUIRED if column in line.dates), None)
    if dated is not None:
        reason = msg(
            "The spreadsheet has made a date (%(value)s) of the %(column)s: format the cell as text and type it again.",
            value=getattr(line, dated)[:SHOWN],
            column=COLUMN_NAMES[dated],
        )
        raise _Refused(Verdict.DATE, reason)
    for column, limit in LIMITS.items():
        if len(getattr(line, column)) > limit:
            reason = msg(
                "The %(column)s has %(length)s characters; at most %(limit)s are possible.",
                column=COLUMN_NAMES[column],
                length=len(getattr(line, column)),
                limit=limit,
            )
            raise _Refused(Verdict.TOO_LONG, reason)
    if _word(line.captain) not in _YES | _NO:
        reason = msg(
            "“%(value)s” does not say whether this is the captain: write 是 or 否, yes or no.",
            value=line.captain[:SHOWN],
        )
        raise _Refused(Verdict.CAPTAIN_UNCLEAR, reason)


def _staff_number(line: Line, rows_of: Mapping[str, list[int]]) -> str:
    number = staff_number_of(line.staff_number)
    if _SHORTENED.fullmatch(number):
        reason = msg(
            "The spreadsheet has shortened this number to %(number)s: format the column as text and type it again.",
            number=number,
        )
        raise _Refused(Verdict.STAFF_NUMBER, reason)
    if username_problem(number) is not None:
        reason = msg(
            "“%(number)s” cannot be a staff number: it has letters, digits and . _ - + @ alone.", number=number[:SHOWN]
        )
        raise _Refused(Verdict.STAFF_NUMBER, reason)
    others = [str(row) for row in rows_of[person_key(number)] if row != line.row]
    if others:
        rows = ", ".join(others[:5]) + (" …" if len(others) > 5 else "")
        reason = msg("The staff number %(number)s stands in row %(rows)s as well.", number=number, rows=rows)
        raise _Refused(Verdict.DUPLICATE, reason)
    return number


def _department(line: Line, world: World) -> KnownDepartment:
    department = world.departments.get(word_key(line.department))
    if department is None:
        reason = msg("There is no department “%(department)s”.", department=line.department[:SHOWN])
        raise _Refused(Verdict.UNKNOWN_DEPARTMENT, reason)
    if world.allowed is not None and department.id not in world.allowed:
        reason = msg("You do not coordinate the department “%(department)s”.", department=department.name)
        raise _Refused(Verdict.NOT_YOUR_DEPARTMENT, reason)
    return department


def _team(line: Line, world: World, department: KnownDepartment, homes: dict[str, int]) -> KnownTeam | None:
    """The team, or None where it would be new; `homes` remembers whose a new team is."""
    team = world.teams.get(line.team)
    home = team.department_id if team is not None else homes.setdefault(line.team, department.id)
    if home != department.id:
        reason = msg("The team “%(team)s” belongs to another department; choose another name.", team=line.team)
        raise _Refused(Verdict.TEAM_ELSEWHERE, reason)
    return team


def _require_same(
    line: Line, person: KnownPerson, department: KnownDepartment, team: KnownTeam | None, world: World
) -> None:
    """Nothing speaks against a person who has an account already.

    Whose name a number has is told of one's own departments alone: a file of numbers would tell of everybody.
    """
    if not person.is_active:
        raise _Refused(Verdict.ACCOUNT_AT_REST, msg("The account %(number)s is at rest.", number=person.username))
    elsewhere = msg(
        "The account %(number)s belongs to another department. An administrator can change that.",
        number=person.username,
    )
    if _name_key(person.name) != _name_key(line.name):
        if world.allowed is not None and person.department_id not in world.allowed:
            raise _Refused(Verdict.OTHER_DEPARTMENT, elsewhere)
        reason = msg(
            "The staff number %(number)s belongs to “%(known)s”, not to “%(name)s”.",
            number=person.username,
            known=person.name,
            name=line.name,
        )
        raise _Refused(Verdict.NAME_DIFFERS, reason)
    if person.team_id is not None and (team is None or person.team_id != team.id):
        other = world.team_names.get(person.team_id, "")
        raise _Refused(Verdict.OTHER_TEAM, msg("Is a member of the team “%(team)s” already.", team=other))
    if person.department_id not in {None, department.id} and person.team_id is None:
        raise _Refused(Verdict.OTHER_DEPARTMENT, elsewhere)


def _name_key(name: str) -> str:
    """Names are the same whatever the width of letters, the blanks and the kind of dot within them."""
    return "".join(unicodedata.normalize("NFKC", name).translate(_DOTS).split()).casefold()


def _refuse(fates: list[Fate], index: int, verdict: Verdict, reason: Message) -> None:
    fates[index] = replace(fates[index], verdict=verdict, reason=reason)


def _hold_to_quotas(fates: list[Fate]) -> None:
    """Refuses the lines of new teams beyond the department's number of teams; the first of the file have it."""
    places: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for fate in fates:
        if fate.is_good and fate.team is None and fate.department is not None:
            of_department = places[fate.department.id]
            of_department.setdefault(fate.line.team, len(of_department))
    for index, fate in enumerate(fates):
        department = fate.department
        if not fate.is_good or fate.team is not None or department is None or department.max_teams is None:
            continue
        if department.teams + places[department.id][fate.line.team] >= department.max_teams:
            reason = msg(
                "“%(department)s” may have %(limit)s teams; it has %(have)s and the file would add %(more)s.",
                department=department.name,
                limit=department.max_teams,
                have=department.teams,
                more=len(places[department.id]),
            )
            _refuse(fates, index, Verdict.TEAM_QUOTA, reason)


def _hold_to_size(fates: list[Fate], world: World) -> None:
    """Refuses the lines beyond a team's greatest number of members."""
    after = Counter(fate.line.team for fate in fates if fate.verdict == Verdict.NEW)
    filled: Counter[str] = Counter()
    for index, fate in enumerate(fates):
        if fate.verdict != Verdict.NEW:
            continue
        name = fate.line.team
        have = fate.team.members if fate.team is not None else 0
        filled[name] += 1
        if have + filled[name] > world.team_max:
            reason = msg(
                "The team “%(team)s” would have %(count)s members; at most %(limit)s are possible.",
                team=name,
                count=have + after[name],
                limit=world.team_max,
            )
            _refuse(fates, index, Verdict.TEAM_FULL, reason)


def _one_captain(fates: list[Fate]) -> None:
    """Refuses every captain of a team that would have several, or has another one."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for fate in fates:
        if fate.is_good and fate.captain:
            rows[fate.line.team].append(fate.line.row)
    for index, fate in enumerate(fates):
        if not (fate.is_good and fate.captain):
            continue
        others = [str(row) for row in rows[fate.line.team] if row != fate.line.row]
        if others:
            reason = msg("The team has another captain in row %(rows)s.", rows=", ".join(others))
            _refuse(fates, index, Verdict.TWO_CAPTAINS, reason)
        elif fate.team is not None and fate.team.captain and fate.team.captain != fate.staff_number:
            reason = msg(
                "The captain of this team is %(number)s already; the team's page can change that.",
                number=fate.team.captain,
            )
            _refuse(fates, index, Verdict.TWO_CAPTAINS, reason)
