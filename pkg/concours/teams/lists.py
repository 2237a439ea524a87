"""What the pages of teams and rosters show. Lists are paged by key; the number of queries does not grow with the
rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from concours.base.db import session
from concours.events.models import Event, Quota
from concours.events.rules import read_settings
from concours.identity.models import Account, Department, Invitation
from concours.teams.models import Member, RosterImport, RosterRow, Team
from concours.teams.scope import Departments

PAGE = 50
FATES_PAGE = 100


@dataclass(frozen=True)
class Totals:
    """How many teams, members and valid clips there are."""

    teams: int
    members: int
    clips: int


@dataclass(frozen=True)
class Place:
    """A department as a form offers it; `left` is how many teams it may still register, None: any number."""

    id: int
    code: str
    name: str
    teams: int
    left: int | None


@dataclass(frozen=True)
class Person:
    """A member as the team's page shows it; `state`: `active` (has signed in), `invited`, or `waiting` for a link."""

    member: Member
    phone: str
    state: str


def of(event: Event, scope: Departments) -> list["sa.ColumnElement[bool]"]:
    """The condition that a team is the event's and of these departments."""
    condition: list[sa.ColumnElement[bool]] = [Team.event_id == event.id]
    return condition if scope is None else [*condition, Team.department_id.in_(scope)]


def totals(event: Event, scope: Departments) -> Totals:
    """Sums of the kept counters."""
    sums = sa.select(
        sa.func.count(Team.id),
        sa.func.coalesce(sa.func.sum(Team.member_count), 0),
        sa.func.coalesce(sa.func.sum(Team.clip_count), 0),
    )
    teams, members, clips = session().execute(sums.where(*of(event, scope))).one()
    return Totals(teams, members, clips)


def teams(
    event: Event, scope: Departments, *, after: int = 0, department_id: int | None = None, words: str = ""
) -> Sequence[Team]:
    """Up to 51 teams by number, from `after` on, with department, category and captain; `words` are in their names."""
    query = sa.select(Team).where(*of(event, scope), Team.id > after)
    if department_id is not None:
        query = query.where(Team.department_id == department_id)
    if words:
        query = query.where(Team.name.contains(words, autoescape=True))
    query = query.options(joinedload(Team.department), joinedload(Team.category), joinedload(Team.captain))
    return session().scalars(query.order_by(Team.id).limit(PAGE + 1)).all()


def people(team: Team, *, now: datetime, after: int = 0) -> list[Person]:
    """Up to 51 members by number, from `after` on, with their phone and whether they have come in."""
    invited = sa.exists().where(
        Invitation.account_id == Account.id, Invitation.used_at.is_(None), Invitation.expires_at > now
    )
    state = sa.case((Account.password_hash.is_not(None), "active"), (invited, "invited"), else_="waiting")
    rows = session().execute(
        sa.select(Member, Account.phone, state)
        .join(Account, Account.id == Member.account_id)
        .where(Member.team_id == team.id, Member.id > after)
        .order_by(Member.id)
        .limit(PAGE + 1)
    )
    return [Person(*row) for row in rows]


def places(event: Event, scope: Departments) -> list[Place]:
    """The departments of the scope, by code, with the teams they may still register."""
    general = read_settings(event).max_teams_per_department
    limit = sa.func.coalesce(Quota.max_teams, general) if general is not None else Quota.max_teams
    count = (
        sa.select(sa.func.count())
        .where(Team.event_id == event.id, Team.department_id == Department.id)
        .correlate(Department)
        .scalar_subquery()
    )
    query = (
        sa.select(Department.id, Department.code, Department.name, count, limit)
        .outerjoin(Quota, sa.and_(Quota.department_id == Department.id, Quota.event_id == event.id))
        .order_by(Department.code)
    )
    if scope is not None:
        query = query.where(Department.id.in_(scope))
    return [
        Place(number, code, name, having, None if most is None else max(0, most - having))
        for number, code, name, having, most in session().execute(query)
    ]


def small_teams(event: Event, scope: Departments) -> int:
    """How many teams have fewer members than the event asks for."""
    least = read_settings(event).team_min
    query = sa.select(sa.func.count(Team.id)).where(Team.member_count < least)
    return session().scalar(query.where(*of(event, scope))) or 0


def rosters(event: Event, actor: Account, scope: Departments, *, before: int | None = None) -> Sequence[RosterImport]:
    """Up to 51 imports, the newest first: one's own, or all where the scope is everything."""
    query = sa.select(RosterImport).where(RosterImport.event_id == event.id).options(joinedload(RosterImport.actor))
    if scope is not None:
        query = query.where(RosterImport.actor_id == actor.id)
    if before is not None:
        query = query.where(RosterImport.id < before)
    return session().scalars(query.order_by(RosterImport.id.desc()).limit(PAGE + 1)).all()


def fates(roster: RosterImport, *, after: tuple[int, int] = (-1, 0), verdict: str = "") -> Sequence[RosterRow]:
    """Up to 101 rows with their fates, what was refused first, from the key (rank, row) `after` on."""
    query = sa.select(RosterRow).where(
        RosterRow.import_id == roster.id, sa.tuple_(RosterRow.rank, RosterRow.row) > sa.tuple_(*after)
    )
    if verdict:
        query = query.where(RosterRow.verdict == verdict)
    return session().scalars(query.order_by(RosterRow.rank, RosterRow.row).limit(FATES_PAGE + 1)).all()


def export(event: Event, scope: Departments) -> Iterable[Any]:
    """The whole roster: staff number, name, department, team, phone, whether captain,
    clips.
    """
    query = (
        sa.select(
            Member.staff_number,
            Member.name,
            Department.name,
            Team.name,
            Account.phone,
            Team.captain_id == Member.account_id,
            Member.clip_count,
            Member.day_count,
        )
        .join(Team, Team.id == Member.team_id)
        .join(Department, Department.id == Team.department_id)
        .join(Account, Account.id == Member.account_id)
        .order_by(Department.code, Team.id, Member.id)
    )
    return session().execute(query.where(*of(event, scope)))
