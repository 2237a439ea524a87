"""Lists of events: the public ones, and those that somebody has a part in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from concours.base.db import session
from concours.events.creation import may_create
from concours.events.models import Event, EventStatus, Phase
from concours.events.navigation import Place, own_places
from concours.events.offers import Offer, open_to
from concours.events.phases import PHASE_NAMES
from concours.identity.models import Account, Grant

PAGE = 24
MINE = 60  # events on a person's own page


def published(*, before: int | None = None, status: EventStatus = EventStatus.PUBLISHED) -> Sequence[Event]:
    """Up to 25 events of that status (one more than a page) with their phases, the newest first."""
    query = sa.select(Event).options(selectinload(Event.phases)).where(Event.status == status)
    if before is not None:
        query = query.where(Event.id < before)
    return session().scalars(query.order_by(Event.id.desc()).limit(PAGE + 1)).all()


def open_phases(event: Event, now: datetime) -> list[Phase]:
    """The phases that are open at `now`, in order."""
    return [phase for phase in event.phases if phase.opens_at <= now < phase.closes_at]


def next_phase(event: Event, now: datetime) -> Phase | None:
    """The phase that opens next, or None."""
    return min((phase for phase in event.phases if phase.opens_at > now), key=lambda p: p.opens_at, default=None)


@dataclass(frozen=True)
class MyEvent:
    """An event somebody has a part in: as what, what is open, what they can do now, and their own pages in it."""

    event: Event
    roles: list[str]
    open_phases: list[Phase]
    next_phase: Phase | None
    offers: list[Offer]
    places: list[Place]


def my_events(account: Account, now: datetime) -> list[MyEvent]:
    """The newest 60 events in which the account has a role."""
    rows = (
        session()
        .execute(
            sa.select(Event, Grant.role)
            .join(Grant, Grant.event_id == Event.id)
            .options(selectinload(Event.phases))
            .where(Grant.account_id == account.id)
            .order_by(Event.id.desc(), Grant.role)
        )
        .all()
    )
    roles: dict[Event, list[str]] = {}
    for event, role in rows:
        held = roles.setdefault(event, [])
        if role not in held:
            held.append(role)
    return [
        MyEvent(
            event,
            held,
            open_phases(event, now),
            next_phase(event, now),
            open_to(account, set(held), event, now),
            own_places(set(held), event),
        )
        for event, held in list(roles.items())[:MINE]
    ]


def my_events_panel(account: Account, now: datetime) -> Mapping[str, Any]:
    """What `events/my_events.html` shows on a person's own page."""
    return {"events": my_events(account, now), "may_create": may_create(account), "phase_names": PHASE_NAMES}
