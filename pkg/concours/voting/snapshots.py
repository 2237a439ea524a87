"""Standings as they were: once a minute the sequencer keeps the tally of each poll whose counts are shown with a delay.

They are kept in SQL, so that a Redis that lost its data shows nothing too early, and only as long as they are needed:
the newest one that may be shown, and those behind it.
"""

from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from concours.voting import ledger
from concours.voting.models import StandingsSnapshot
from concours.voting.tally import Standings

_snapshot = cast(sa.Table, StandingsSnapshot.__table__)


def take(connection: sa.Connection, poll_id: int, delay: timedelta, now: datetime) -> None:
    """Keeps the tally as it is now, unless nothing was recorded since the last; forgets what is no longer needed."""
    size = ledger.progress(connection, poll_id).next_leaf
    last = sa.select(sa.func.max(_snapshot.c.size)).where(_snapshot.c.poll_id == poll_id)
    if connection.execute(last).scalar_one() != size:
        counts = {str(candidate): votes for candidate, votes in ledger.totals(connection, poll_id).items()}
        connection.execute(sa.insert(_snapshot).values(poll_id=poll_id, taken_at=now, size=size, counts=counts))
    shown = _newest(connection, poll_id, now - delay)
    if shown is not None:
        older = sa.delete(_snapshot).where(_snapshot.c.poll_id == poll_id, _snapshot.c.taken_at < shown.taken_at)
        connection.execute(older)


def as_of(connection: sa.Connection, poll_id: int, moment: datetime, known: Standings | None = None) -> Standings:
    """The standings as they were kept last at `moment` or before; of no votes where none were kept yet.

    `known`: standings that the caller has already, given back where they are the ones.
    """
    row = _newest(connection, poll_id, moment)
    if row is None:
        return Standings(0, {})
    if known is not None and known.size == row.size:
        return known
    one = sa.and_(_snapshot.c.poll_id == poll_id, _snapshot.c.taken_at == row.taken_at)
    counts: dict[str, int] = connection.execute(sa.select(_snapshot.c.counts).where(one)).scalar_one()
    return Standings(row.size, {int(candidate): votes for candidate, votes in counts.items()})


def _newest(connection: sa.Connection, poll_id: int, until: datetime) -> Any:
    """The latest snapshot's moment and size; None where there is none yet."""
    found: Any = connection.execute(
        sa.select(_snapshot.c.taken_at, _snapshot.c.size)
        .where(_snapshot.c.poll_id == poll_id, _snapshot.c.taken_at <= until)
        .order_by(_snapshot.c.taken_at.desc())
        .limit(1)
    ).one_or_none()
    return found
