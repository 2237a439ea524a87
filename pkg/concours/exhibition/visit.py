"""What a visitor sees: halls that are open, what hangs in them, one work with its label. Only reads.

A work hangs where it was hung, but a visitor sees it only as long as it is accepted: what its author changed or
withdrew since, or the organiser rejected, is not shown to anybody before it is accepted again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from concours.base.db import session
from concours.base.errors import NotFound
from concours.base.messages import msg
from concours.entries.models import Entry, EntryFile, EntryStatus
from concours.events.models import Event
from concours.exhibition.models import Hall, Placement
from concours.media.models import Asset

WALL_PAGE = 24
_SHOWN = Entry.status == EntryStatus.ACCEPTED


@dataclass(frozen=True)
class HallCard:
    """A hall on the way in: how many works, and the first of them."""

    hall: Hall
    works: int
    first: Entry | None


@dataclass(frozen=True)
class Wall:
    """A stretch of a hall: its placements in order, and the position after which the next stretch begins (or None)."""

    hall: Hall
    placements: Sequence[Placement]
    next_after: int | None


def _with_everything(path: Any) -> list[Any]:
    return [
        path.selectinload(Entry.files).joinedload(EntryFile.asset).selectinload(Asset.renditions),
        path.joinedload(Entry.category),
        path.joinedload(Entry.department),
        path.joinedload(Entry.author),
    ]


def halls(event: Event, *, only_open: bool) -> list[HallCard]:
    """The event's halls in order, with their number of works and first work; constant in queries."""
    wanted = sa.select(Hall).where(Hall.event_id == event.id).order_by(Hall.position)
    if only_open:
        wanted = wanted.where(Hall.opened_at.is_not(None))
    found = list(session().scalars(wanted))
    if not found:
        return []
    numbers = [hall.id for hall in found]
    rows = session().execute(
        sa.select(Placement.hall_id, sa.func.count(), sa.func.min(Placement.position))
        .join(Entry, Entry.id == Placement.entry_id)
        .where(Placement.hall_id.in_(numbers), _SHOWN)
        .group_by(Placement.hall_id)
    )
    counted = {hall_id: (works, first) for hall_id, works, first in rows}
    firsts = session().scalars(
        sa.select(Placement)
        .options(*_with_everything(joinedload(Placement.entry)))
        .where(sa.tuple_(Placement.hall_id, Placement.position).in_([(h, f) for h, (_n, f) in counted.items()]))
    )
    by_hall = {placement.hall_id: placement.entry for placement in firsts}
    return [HallCard(hall, counted.get(hall.id, (0, 0))[0], by_hall.get(hall.id)) for hall in found]


def open_hall(event: Event, position: int) -> Hall:
    """The open hall at that place; raises NotFound."""
    hall = session().scalar(
        sa.select(Hall).where(Hall.event_id == event.id, Hall.position == position, Hall.opened_at.is_not(None))
    )
    if hall is None:
        raise NotFound(
            msg("This hall is not open."), hint=msg("The halls that are open are listed on the exhibition's page.")
        )
    return hall


def wall(hall: Hall, after: int = 0, limit: int = WALL_PAGE, *, everything: bool = False) -> Wall:
    """Up to `limit` works of the hall after position `after`; with `everything` also those no visitor sees now."""
    rows = list(
        session().scalars(
            sa.select(Placement)
            .join(Entry, Entry.id == Placement.entry_id)
            .options(*_with_everything(joinedload(Placement.entry)))
            .where(Placement.hall_id == hall.id, Placement.position > after, sa.true() if everything else _SHOWN)
            .order_by(Placement.position)
            .limit(limit + 1)
        )
    )
    more = len(rows) > limit
    return Wall(hall, rows[:limit], rows[limit - 1].position if more else None)


@dataclass(frozen=True)
class Shown:
    """A work on show, where it hangs, and its neighbours' numbers."""

    entry: Entry
    hall: Hall
    before: int | None
    after: int | None


def work(event: Event, number: int) -> Shown:
    """The work of that number, where it hangs in an open hall; raises NotFound."""
    row = (
        session()
        .execute(
            sa.select(Placement, Hall)
            .join(Hall, Hall.id == Placement.hall_id)
            .join(Entry, Entry.id == Placement.entry_id)
            .options(*_with_everything(joinedload(Placement.entry)))
            .where(Hall.event_id == event.id, Hall.opened_at.is_not(None), Entry.number == number, _SHOWN)
            .order_by(Hall.position)
            .limit(1)
        )
        .first()
    )
    if row is None:
        raise NotFound(msg("This work is not on show."), hint=msg("All works on show hang in the halls."))
    placement, hall = row
    return Shown(placement.entry, hall, _neighbour(placement, -1), _neighbour(placement, 1))


def _neighbour(placement: Placement, way: int) -> int | None:
    beside = Placement.position < placement.position if way < 0 else Placement.position > placement.position
    order = Placement.position.desc() if way < 0 else Placement.position
    return session().scalar(
        sa.select(Entry.number)
        .join(Placement, Placement.entry_id == Entry.id)
        .where(Placement.hall_id == placement.hall_id, beside, _SHOWN)
        .order_by(order)
        .limit(1)
    )


__all__ = ["HallCard", "Shown", "Wall", "halls", "open_hall", "wall", "work"]
