"""Whose teams an account may see and change in an event, and how one of them is fetched."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from concours.base.db import session
from concours.base.errors import Closed, NotFound
from concours.base.messages import msg
from concours.events.models import Event, EventStatus, PhaseKind
from concours.events.phases import is_open, require_open
from concours.identity.access import departments_of, roles_in
from concours.identity.models import Account, Role
from concours.teams.models import Member, Team

Departments = frozenset[int] | None
"""Numbers of departments; None means all of them."""


@dataclass(frozen=True)
class Reach:
    """How far an account's hand and eye reach in an event."""

    changes: Departments
    sees: Departments


def reach(actor: Account, event: Event) -> Reach:
    """`changes` and `sees` of the actor, asked once. Two queries at most."""
    roles = frozenset({Role.ORGANISER}) if actor.is_admin else roles_in(actor, event.id)
    if Role.ORGANISER in roles:
        return Reach(None, None)
    own = departments_of(actor, event.id) if Role.COORDINATOR in roles else frozenset()
    return Reach(own, None if Role.AUDITOR in roles else own)


def changes(actor: Account, event: Event) -> Departments:
    """The departments whose teams the actor may change: all for organisers, a coordinator's own, else none."""
    return reach(actor, event).changes


def sees(actor: Account, event: Event) -> Departments:
    """The departments whose teams and people the actor may look at: auditors see all besides."""
    return reach(actor, event).sees


def covers(scope: Departments, department_id: int) -> bool:
    """Whether the department is among them."""
    return scope is None or department_id in scope


def require_registration(event: Event, now: datetime) -> None:
    """Raises Closed where teams cannot be changed at `now`."""
    if event.status == EventStatus.ARCHIVED:
        raise Closed(msg("This event is archived: its teams stay as they are."), code="event_archived")
    require_open(event, PhaseKind.REGISTRATION, now)


def registration_is_open(event: Event, now: datetime) -> bool:
    """Whether teams can be changed at `now`."""
    return event.status != EventStatus.ARCHIVED and is_open(event, PhaseKind.REGISTRATION, now)


def hold(event: Event) -> None:
    """Lets one transaction at a time change who is in which team of the event (SQLite does so anyway).

    The lock is of a kind that other rows may go on pointing to the event.
    """
    session().execute(sa.select(Event.id).where(Event.id == event.id).with_for_update(key_share=True))


def team_to_change(actor: Account, event: Event, team_id: int) -> Team:
    """The team, if the actor may change it; raises NotFound."""
    return _team(event, team_id, changes(actor, event))


def team_to_see(actor: Account, event: Event, team_id: int) -> Team:
    """The team, if the actor may look at it: its own members may, too. Raises NotFound."""
    scope = sees(actor, event)
    mine = sa.select(Member.id).where(Member.team_id == team_id, Member.account_id == actor.id)
    if scope is not None and session().scalar(mine) is not None:
        scope = None
    return _team(event, team_id, scope)


def _team(event: Event, team_id: int, scope: Departments) -> Team:
    query = sa.select(Team).where(Team.id == team_id, Team.event_id == event.id)
    team = session().scalar(
        query.options(joinedload(Team.department), joinedload(Team.category), joinedload(Team.captain))
    )
    if team is None or not covers(scope, team.department_id):
        raise NotFound(msg("There is no such team, or it is not yours."))
    return team
