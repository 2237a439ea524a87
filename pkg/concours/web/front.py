"""The front page: events, what can be done in each right now, and a strip of what hangs in the halls."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from concours.base.db import session
from concours.base.messages import Message, msg
from concours.entries.models import Entry, EntryFile, EntryStatus
from concours.events.models import Event, EventStatus, PhaseKind
from concours.events.offers import open_to
from concours.exhibition.models import Hall, Placement
from concours.identity.access import SIGNED_IN
from concours.identity.models import Account, Grant, Role
from concours.media.models import Asset, AssetStatus
from concours.web.frame import link
from concours.web.steps import Step, steps_at

PAGE = 24
STRIP = 12

SHOWS: dict[PhaseKind, tuple[str, Message]] = {
    PhaseKind.EXHIBITION: ("exhibition.entrance", msg("Visit the exhibition")),
    PhaseKind.RESULTS: ("exhibition.show_results", msg("See the results")),
}
"""What there is to see while such a phase is open; what there is to do, the rooms offer (`events.offers`)."""


@dataclass(frozen=True)
class Door:
    """Something that can be done in an event right now."""

    url: str
    label: Message


@dataclass(frozen=True)
class EventCard:
    """An event on the front page. `group`: `now` (a phase is open), `next`, `past` or `draft`."""

    event: Event
    steps: list[Step]
    group: str
    doors: list[Door]

    @property
    def closing(self) -> Step | None:
        """The open step that closes first."""
        return min((s for s in self.steps if s.state == "now"), key=lambda s: s.closes_at, default=None)

    @property
    def coming(self) -> Step | None:
        """The step that opens next."""
        return min((s for s in self.steps if s.state == "next"), key=lambda s: s.opens_at, default=None)


def _group(event: Event, steps: Sequence[Step]) -> str:
    if event.status == EventStatus.DRAFT:
        return "draft"
    if event.status == EventStatus.ARCHIVED:
        return "past"
    states = {step.state for step in steps}
    return "now" if "now" in states else "next" if "next" in states else "past"


def _doors(event: Event, steps: Sequence[Step], account: Account | None, roles: Set[str], now: datetime) -> list[Door]:
    mine = set(roles)
    if account is None:
        mine.add(SIGNED_IN)  # the door leads through the sign-in
    elif account.is_admin:
        mine.add(Role.ORGANISER)
    wanted = {each.endpoint: each.label for each in open_to(account, mine, event, now)}
    for step in steps:
        if step.state == "now" and step.kind in SHOWS:
            endpoint, label = SHOWS[step.kind]
            wanted.setdefault(endpoint, label)
    found = ((link(endpoint, event_slug=event.slug), label) for endpoint, label in wanted.items())
    return [Door(url, label) for url, label in found if url is not None]


def _roles(account: Account | None) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    if account is not None:
        for event_id, role in session().execute(
            sa.select(Grant.event_id, Grant.role).where(Grant.account_id == account.id)
        ):
            found.setdefault(event_id, set()).add(role)
    return found


def events_for(account: Account | None, now: datetime, after: int | None = None) -> tuple[list[EventCard], int | None]:
    """A page of events, newest first, and the number after which the next page begins (or None).

    Drafts are among them for admins and for those who have a role in them.
    """
    roles = _roles(account)
    visible: sa.ColumnElement[bool] = Event.status != EventStatus.DRAFT
    if account is not None:
        visible = sa.true() if account.is_admin else sa.or_(visible, Event.id.in_(roles))
    wanted = sa.select(Event).options(selectinload(Event.phases)).where(visible).order_by(Event.id.desc())
    if after is not None:
        wanted = wanted.where(Event.id < after)
    rows = list(session().scalars(wanted.limit(PAGE + 1)))
    cards = []
    for event in rows[:PAGE]:
        steps = steps_at(event, now)
        group = _group(event, steps)
        doors = _doors(event, steps, account, roles.get(event.id, set()), now) if group == "now" else []
        cards.append(EventCard(event, steps, group, doors))
    return cards, rows[PAGE - 1].id if len(rows) > PAGE else None


def exhibited(now: datetime) -> list[Entry]:
    """The works hung last in open halls of published events, at most STRIP, those with a picture that is ready; hall by
    hall in turn."""
    with_picture = (
        sa.select(EntryFile.id)
        .join(Asset, Asset.id == EntryFile.asset_id)
        .where(EntryFile.entry_id == Placement.entry_id, Asset.status == AssetStatus.READY)
        .exists()
    )
    rows = session().scalars(
        sa.select(Placement)
        .join(Hall, Hall.id == Placement.hall_id)
        .join(Event, Event.id == Hall.event_id)
        .join(Entry, Entry.id == Placement.entry_id)
        .options(
            joinedload(Placement.entry).joinedload(Entry.event),
            joinedload(Placement.entry)
            .selectinload(Entry.files)
            .joinedload(EntryFile.asset)
            .selectinload(Asset.renditions),
        )
        .where(
            Hall.opened_at <= now, Event.status != EventStatus.DRAFT, Entry.status == EntryStatus.ACCEPTED, with_picture
        )
        .order_by(Placement.id.desc())
        .limit(STRIP)
    )
    return [placement.entry for placement in _hall_by_hall(rows)]


def _hall_by_hall(placements: Iterable[Placement]) -> list[Placement]:
    """One of each hall in turn, so that the strip begins with a work of every kind."""
    halls: dict[int, list[Placement]] = {}
    for placement in placements:
        halls.setdefault(placement.hall_id, []).append(placement)
    return [placement for turn in zip_longest(*halls.values()) for placement in turn if placement is not None]
