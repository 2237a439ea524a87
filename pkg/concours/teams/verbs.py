"""Registering teams by hand: a team, its name, category and captain, and single members.

A roster of many goes through `imports`; both put people into teams by `enrol`, held to the same rules by `fates`.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from concours import audit
from concours.base import typed
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Invalid, NotFound
from concours.base.messages import Message, msg
from concours.events.models import Event
from concours.identity.accounts import find_by_username
from concours.identity.models import Account, Department, Grant, Role
from concours.teams.enrol import enrol
from concours.teams.fates import LIMITS, TEAM_NAME_LIMIT, Fate, Verdict, judge, staff_number_of
from concours.teams.models import Member, Team
from concours.teams.roster import Line
from concours.teams.scope import changes, covers, hold, require_registration
from concours.teams.world import snapshot, word_key

_FIELD_OF: dict[str, str] = {
    Verdict.NAME_DIFFERS: "name",
    Verdict.TEAM_QUOTA: "department",
    Verdict.MISSING: "name",
}


def create_team(
    event: Event,
    *,
    actor: Account,
    now: datetime,
    name: str,
    department_id: int | None,
    category_id: int | None = None,
    captain_number: str = "",
    captain_name: str = "",
) -> Team:
    """Registers a team; a captain named by staff number becomes its first member (with a new account where needed).

    Raises Closed outside the registration, Invalid naming the fields: name, department, category, captain_number,
    captain_name.
    """
    require_registration(event, now)
    hold(event)
    name = typed.line(name)
    department = session().get(Department, department_id) if department_id is not None else None
    if department is None or not covers(changes(actor, event), department.id):
        raise Invalid(problems=[FieldProblem("department", msg("Please choose one of your departments."))])
    problems = [*_name_problems(event, name), *_category_problems(event, category_id)]
    place = snapshot(event, (), allowed=None).departments[word_key(department.code)]
    if place.max_teams is not None and place.teams >= place.max_teams:
        problems.append(
            FieldProblem(
                "department",
                msg(
                    "“%(department)s” has %(have)s of the %(limit)s teams it may have.",
                    department=department.name,
                    have=place.teams,
                    limit=place.max_teams,
                ),
            )
        )
    if problems:
        raise Invalid(problems=problems)
    team = Team(
        event_id=event.id,
        department_id=department.id,
        category_id=category_id,
        name=name,
        member_count=0,
        created_at=now,
    )
    session().add(team)
    audit.record(actor, "teams.create", team, now=now, event_id=event.id, name=name, department=department.code)
    if typed.line(captain_number):
        try:
            _join(event, team, captain_number, captain_name, captain=True, actor=actor, now=now)
        except Invalid as refused:
            raise Invalid(
                problems=[FieldProblem(f"captain_{_short(p.field)}", p.message) for p in refused.problems]
            ) from refused
    return team


def _short(field: str) -> str:
    return "name" if field == "name" else "number"


def edit_team(
    team: Team,
    event: Event,
    *,
    actor: Account,
    now: datetime,
    name: str,
    category_id: int | None = None,
    captain_number: str = "",
) -> None:
    """Changes name, category and captain; without a captain's number the team has none. The captain is a member.

    Raises Closed and Invalid like `create_team`.
    """
    require_registration(event, now)
    hold(event)
    name = typed.line(name)
    problems = [*_name_problems(event, name, but=team.id), *_category_problems(event, category_id)]
    captain = _member_of(team, captain_number) if typed.line(captain_number) else None
    if captain is None and typed.line(captain_number):
        problems.append(
            FieldProblem("captain_number", msg("Nobody of this team has this staff number; add the person first."))
        )
    if problems:
        raise Invalid(problems=problems)
    before = {"name": team.name, "category": team.category_id, "captain": team.captain_id}
    team.name, team.category_id = name, category_id
    team.captain_id = captain.account_id if captain is not None else None
    after = {"name": name, "category": category_id, "captain": team.captain_id}
    if before != after:
        audit.record(actor, "teams.edit", team, now=now, event_id=event.id, before=before, after=after)


def remove_team(team: Team, event: Event, *, actor: Account, now: datetime) -> None:
    """Takes an empty team away. Raises Closed, and Conflict where it has members, entries or a place in a poll."""
    require_registration(event, now)
    hold(event)
    session().refresh(team)
    if team.member_count > 0:
        raise Conflict(
            msg("The team “%(team)s” has %(count)s members.", team=team.name, count=team.member_count),
            hint=msg("Only an empty team can be removed. Take its members out first."),
            code="team_not_empty",
        )
    audit.record(actor, "teams.remove", team, now=now, event_id=event.id, name=team.name)
    _delete(
        team,
        msg("The team “%(team)s” has a work or stands in a poll, so it stays.", team=team.name),
    )


def add_member(
    team: Team, event: Event, *, actor: Account, now: datetime, staff_number: str, name: str, phone: str = ""
) -> Member:
    """Adds one person, with a new account where the staff number is unknown.

    Raises Closed, and Invalid naming the fields: staff_number, name, phone.
    """
    require_registration(event, now)
    hold(event)
    number = _join(event, team, staff_number, name, phone, actor=actor, now=now)
    member = session().scalars(sa.select(Member).where(Member.team_id == team.id, Member.staff_number == number)).one()
    audit.record(actor, "teams.add_member", member, now=now, event_id=event.id, team=team.id, staff_number=number)
    return member


def remove_member(team: Team, event: Event, member_id: int, *, actor: Account, now: datetime) -> Member:
    """Takes a person out of the team; the account stays. Raises Closed, NotFound, and Conflict where clips were
    sent.
    """
    require_registration(event, now)
    hold(event)
    member = session().scalar(sa.select(Member).where(Member.id == member_id, Member.team_id == team.id))
    if member is None:
        raise NotFound(msg("This person is not in the team any more."))
    audit.record(
        actor, "teams.remove_member", member, now=now, event_id=event.id, team=team.id, staff_number=member.staff_number
    )
    _delete(member, msg("%(name)s has sent clips, so the place in the team stays.", name=member.name))
    session().execute(
        sa.delete(Grant).where(
            Grant.account_id == member.account_id, Grant.event_id == event.id, Grant.role == Role.MEMBER
        )
    )
    values = {"member_count": Team.member_count - 1}
    session().execute(sa.update(Team).where(Team.id == team.id).values(values))
    session().execute(
        sa.update(Team).where(Team.id == team.id, Team.captain_id == member.account_id).values(captain_id=None)
    )
    session().refresh(team)
    return member


def _delete(row: Team | Member, used: Message) -> None:
    """Deletes the row, or raises Conflict with `used` where other rows point to it: the database knows them all."""
    try:
        with session().begin_nested():
            session().delete(row)
    except IntegrityError as fault:
        raise Conflict(used, code="still_used") from fault


def _name_problems(event: Event, name: str, but: int | None = None) -> list[FieldProblem]:
    if not name:
        return [FieldProblem("name", msg("Please give the team a name."))]
    if len(name) > TEAM_NAME_LIMIT:
        return [FieldProblem("name", msg("At most %(limit)s characters, please.", limit=TEAM_NAME_LIMIT))]
    taken = session().scalar(
        sa.select(Team.id).where(Team.event_id == event.id, Team.name == name, Team.id != (but or 0))
    )
    return [FieldProblem("name", msg("There is already a team of this name in the event."))] if taken else []


def _category_problems(event: Event, category_id: int | None) -> list[FieldProblem]:
    if category_id is None or category_id in {category.id for category in event.categories}:
        return []
    return [FieldProblem("category", msg("Please choose one of the categories."))]


def _member_of(team: Team, staff_number: str) -> Member | None:
    account = find_by_username(staff_number_of(typed.line(staff_number)))
    if account is None:
        return None
    return session().scalar(sa.select(Member).where(Member.team_id == team.id, Member.account_id == account.id))


def _join(
    event: Event,
    team: Team,
    staff_number: str,
    name: str,
    phone: str = "",
    *,
    captain: bool = False,
    actor: Account,
    now: datetime,
) -> str:
    """Puts one person into the team by the rules of a roster; returns the staff number as it is kept."""
    session().flush()
    number = staff_number_of(typed.line(staff_number))
    name = typed.line(name)
    known = find_by_username(number) if number else None
    if not name and known is not None and known.department_id == team.department_id:
        name = known.name
    department = session().get_one(Department, team.department_id)
    line = Line(1, number, name, department.code, team.name, typed.line(phone), "是" if captain else "")
    fate = judge([line], snapshot(event, [number], allowed=changes(actor, event)))[0]
    if not fate.is_good:
        raise Invalid(problems=[FieldProblem(_field_of(line, fate), fate.reason or msg("This cannot be accepted."))])
    if fate.verdict == Verdict.UNCHANGED:
        raise Invalid(problems=[FieldProblem("staff_number", msg("This person is in the team already."))])
    enrol(event, [fate], now=now)
    return fate.staff_number


def _field_of(line: Line, fate: Fate) -> str:
    """The field of the form that a refusal is about."""
    if fate.verdict == Verdict.MISSING and not line.staff_number:
        return "staff_number"
    if fate.verdict == Verdict.TOO_LONG:
        return next(column for column, limit in LIMITS.items() if len(getattr(line, column)) > limit)
    return _FIELD_OF.get(fate.verdict, "staff_number")
