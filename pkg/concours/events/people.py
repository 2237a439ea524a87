"""An event's people by the list: staff number, name, department, role; accounts are made where there are none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from concours.base.db import session
from concours.base.errors import FieldProblem, Invalid
from concours.base.messages import Message, msg
from concours.events.models import Event
from concours.events.state import require_changeable
from concours.identity import accounts, departments, grants, invitations
from concours.identity.accounts import Person
from concours.identity.imports import ImportRefused, LineProblem, rows_of
from concours.identity.invitations import Link
from concours.identity.models import Account, Department, Grant, Role

ROWS_LIMIT = 2_000  # lines of one import

ROLE_WORDS: Mapping[str, str] = {
    "organiser": Role.ORGANISER,
    "organizer": Role.ORGANISER,
    "主办方": Role.ORGANISER,
    "组织者": Role.ORGANISER,
    "工委": Role.ORGANISER,
    "coordinator": Role.COORDINATOR,
    "联络员": Role.COORDINATOR,
    "部门联络员": Role.COORDINATOR,
    "judge": Role.JUDGE,
    "评委": Role.JUDGE,
    "auditor": Role.AUDITOR,
    "监督员": Role.AUDITOR,
}
_HEADINGS = {"staff number", "staff_number", "username", "工号", "账号", "编号", "用户名"}


@dataclass(frozen=True)
class Imported:
    """What an import did: accounts made, roles given (not held before), links for those without a password."""

    made: int
    given: int
    links: list[Link]


@dataclass(frozen=True)
class _Line:
    number: int
    username: str
    name: str
    department: Department | None
    role: str


def import_people(event: Event, text: str, *, role: str = "", actor: Account, now: datetime) -> Imported:
    """Roles from lines `staff number,name,department,role`; the last may be missing where `role` is given for all.

    All of it or nothing: raises ImportRefused with every line's problem. Links are made for all of the list who have
    no password yet and for whom the actor may make one.
    """
    require_changeable(event)
    if role and role not in grants.GIVEN:
        raise Invalid(problems=[FieldProblem("role", msg("Please choose one of the roles."))])
    rows = rows_of(text, limit=ROWS_LIMIT, headings=_HEADINGS)
    known = accounts.find_many(accounts.normal_username(cells[0]) for _, cells in rows)
    units: dict[str, Department] = {}
    for department in departments.everything():
        units[department.name] = department
        units[department.code] = department
    lines: list[_Line] = []
    problems: list[LineProblem] = []
    seen: dict[tuple[str, str, int | None], int] = {}
    names: dict[str, str] = {}
    for number, cells in rows:
        username, name, unit, word = (*cells, "", "", "", "")[:4]
        username = accounts.normal_username(username)
        meant = ROLE_WORDS.get(word.lower(), "") if word else role
        line = _Line(number, username, name, units.get(unit), meant)
        key = (username, meant, line.department.id if line.department and meant == Role.COORDINATOR else None)
        problem = _problem(line, unit, known.get(username)) or _clash(line, names, seen.get(key))
        if problem is not None:
            problems.append(LineProblem(number, problem))
        seen.setdefault(key, number)
        names.setdefault(username, name)
        lines.append(line)
    if problems:
        raise ImportRefused(problems)
    return _apply(event, lines, known, actor=actor, now=now)


def _problem(line: _Line, unit: str, account: Account | None) -> Message | None:
    wrong = accounts.username_problem(line.username)
    checks: tuple[tuple[bool, Message], ...] = (
        (wrong is not None, msg("The staff number cannot be used: %(problem)s", problem=wrong or "")),
        (not line.name, msg("The name is missing.")),
        (
            len(line.name) > accounts.NAME_LIMIT,
            msg("The name has more than %(limit)s characters.", limit=accounts.NAME_LIMIT),
        ),
        (bool(unit) and line.department is None, msg("There is no department “%(words)s”.", words=unit[:120])),
        (not line.role, msg("The role is missing or unknown; say coordinator, judge, auditor or organiser.")),
        (
            line.role == Role.COORDINATOR and line.department is None,
            msg("A coordinator needs a department."),
        ),
        (
            account is not None and account.name != line.name,
            msg("The staff number belongs to %(name)s.", name=account.name if account else ""),
        ),
        (account is not None and not account.is_active, msg("This account rests.")),
    )
    return next((sentence for holds, sentence in checks if holds), None)


def _clash(line: _Line, names: dict[str, str], earlier: int | None) -> Message | None:
    if earlier is not None:
        return msg("The same as line %(line)s.", line=earlier)
    if names.get(line.username, line.name) != line.name:
        return msg("The same staff number stands above with another name.")
    return None


def _apply(event: Event, lines: list[_Line], known: dict[str, Account], *, actor: Account, now: datetime) -> Imported:
    fresh = {
        line.username: Person(line.username, line.name, line.department.id if line.department else None)
        for line in lines
        if line.username not in known
    }
    made = accounts.create_many(actor, list(fresh.values()), now=now, event_id=event.id)
    session().flush()
    people = known | {account.username: account for account in made}
    held = {
        (grant.account_id, grant.role, grant.department_id)
        for grant in session().scalars(sa.select(Grant).where(Grant.event_id == event.id, Grant.role != Role.MEMBER))
    }
    given = 0
    for line in lines:
        account = people[line.username]
        unit = line.department.id if line.department and line.role == Role.COORDINATOR else None
        if (account.id, line.role, unit) in held:
            continue
        grants.give_new(account, event.id, line.role, actor=actor, now=now, department=line.department)
        given += 1
    session().flush()
    numbers = {people[line.username].id for line in lines if people[line.username].password_hash is None}
    links = invitations.links_for(actor, event.id, now=now, only=numbers) if numbers else []
    return Imported(len(made), given, links)
