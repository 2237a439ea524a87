"""How much a department may register and submit: the event's general rule, unless the department has its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from concours import audit
from concours.base.db import session
from concours.base.errors import NotFound
from concours.base.messages import msg
from concours.events.models import Event, Quota
from concours.events.rules import read_settings
from concours.events.state import require_changeable
from concours.identity.models import Account, Department


@dataclass(frozen=True)
class DepartmentLimits:
    """The greatest number of teams and of entries of one department; None: no limit."""

    max_teams: int | None
    max_entries: int | None


def limits_of(event: Event, department_id: int | None) -> DepartmentLimits:
    """What a department may do in the event; without a department the general rule."""
    general = read_settings(event)
    own = None
    if department_id is not None:
        own = session().scalar(sa.select(Quota).where(Quota.event_id == event.id, Quota.department_id == department_id))
    teams = own.max_teams if own is not None and own.max_teams is not None else general.max_teams_per_department
    entries = own.max_entries if own is not None and own.max_entries is not None else general.max_entries_per_department
    return DepartmentLimits(teams, entries)


def of_event(event_id: int) -> Sequence[Quota]:
    """The departments with a quota of their own, by code."""
    return (
        session()
        .scalars(
            sa.select(Quota)
            .join(Department)
            .options(joinedload(Quota.department))
            .where(Quota.event_id == event_id)
            .order_by(Department.code)
        )
        .all()
    )


def set_quota(
    event: Event,
    department: Department,
    *,
    max_teams: int | None,
    max_entries: int | None,
    actor: Account,
    now: datetime,
) -> None:
    """Gives a department its own limits; None in both takes them away again."""
    require_changeable(event)
    own = session().scalar(sa.select(Quota).where(Quota.event_id == event.id, Quota.department_id == department.id))
    if max_teams is None and max_entries is None:
        if own is None:
            raise NotFound(msg("This department has no quota of its own."))
        session().delete(own)
    else:
        if own is None:
            own = Quota(event_id=event.id, department_id=department.id)
            session().add(own)
        own.max_teams, own.max_entries = max_teams, max_entries
    audit.record(
        actor,
        "events.set_quota",
        department,
        now=now,
        event_id=event.id,
        max_teams=max_teams,
        max_entries=max_entries,
    )
