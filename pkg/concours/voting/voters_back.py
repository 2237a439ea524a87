"""Puts every voter of a poll back into a Redis that lost them, from the ledger alone.

Nobody votes meanwhile (the poll's state is not loaded), so a voter's hash is written whole, once: the ledger is read in
the order of its voters, and one command carries all that one of them cast.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Any, cast

import redis
import sqlalchemy as sa

from concours.voting import journal, keys
from concours.voting.models import Vote

IN_ONE_WRITE = 2_000  # voters
ROWS_AT_ONCE = 10_000

_vote = cast(sa.Table, Vote.__table__)
_ROWS = (
    sa.select(
        _vote.c.tag,
        _vote.c.nonce,
        _vote.c.candidate_id,
        _vote.c.journal_id,
        _vote.c.day,
        _vote.c.slot,
        _vote.c.repeat,
        _vote.c.nth,
        _vote.c.ordinal,
    )
    .where(_vote.c.poll_id == sa.bindparam("poll"))
    .order_by(_vote.c.tag, _vote.c.ordinal)
    .execution_options(yield_per=ROWS_AT_ONCE)
)


def put_back(client: "redis.Redis", connection: sa.Connection, poll_id: int) -> int:
    """Writes the hash of each voter of the poll, as lua/admit.lua keeps it; returns how many votes they cast."""
    votes = 0
    pipe: Any = client.pipeline(transaction=False)
    for number, (tag, rows) in enumerate(_voters(connection, poll_id), 1):
        votes += len(rows)
        pipe.execute_command("HSET", keys.voter(poll_id, tag), *_fields(rows))
        if number % IN_ONE_WRITE == 0:
            pipe.execute()
    pipe.execute()
    return votes


def _voters(connection: sa.Connection, poll_id: int) -> Iterator[tuple[bytes, list[Sequence[Any]]]]:
    rows = (tuple(row) for row in connection.execute(_ROWS, {"poll": poll_id}))
    for tag, mine in groupby(rows, key=lambda row: row[0]):
        yield tag, list(mine)


def _fields(rows: Sequence[Sequence[Any]]) -> list[bytes | str | int]:
    """Field, value, ... of a voter: keys.py tells what each means."""
    found: list[bytes | str | int] = []
    latest = (0, 0)
    candidates: dict[int, tuple[int, int, int]] = {}
    for _tag, nonce, candidate, journal_id, day, slot, repeat, nth, _ordinal in rows:
        on = _ordinal_of(day)
        if journal.is_first(journal_id):
            found += (b"r" + nonce, f"{candidate}:{journal_id}")
        latest = max(latest, (on, slot))
        if nth >= candidates.get(candidate, (0, 0, 0))[2]:
            candidates[candidate] = (on, repeat, nth)
    found += ("n", f"{latest[0]}:{latest[1]}", "t", max(row[8] for row in rows))
    for candidate, (on, repeat, nth) in candidates.items():
        found += (f"c{candidate}", f"{on}:{repeat}:{nth}")
    return found


@lru_cache(maxsize=1_024)
def _ordinal_of(day: date) -> int:
    return day.toordinal()
