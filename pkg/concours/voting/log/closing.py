"""Closing a poll: intake has stopped, the journal is drained, the counts agree, the last checkpoint is signed.

Nothing of this is done by hand: the keeper of the logs tries again every AGAIN_S until it succeeds, and once more for
each decision about votes that comes after the close. Until then neither the result nor the leaves are published; where
counts differ, the candidates are named.
"""

import base64
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol, cast

import redis
import sqlalchemy as sa
from sqlalchemy.orm import Session

from concours.base.db import reading
from concours.voting import keys
from concours.voting.amendments import recording
from concours.voting.amendments.models import ClosingNote
from concours.voting.log import logbook, notes, tiles
from concours.voting.log.notes import Head
from concours.voting.models import Candidate, Poll, PollLog, PollProgress
from concours.voting.reconciliation import Connected, Reconciliation, reconcile
from concours.voting.rules import milliseconds
from concours.voting.tally import Standings

AGAIN_S = 15  # between two attempts, where the counts differ
GRACE_MS = 1_000  # behind the closing time, by Redis' clock, which is the one that admits
NAMED = 20  # differences that are kept

log = logging.getLogger(__name__)
_log, _poll, _progress, _closing = (
    cast(sa.Table, model.__table__) for model in (PollLog, Poll, PollProgress, ClosingNote)
)


class Hands(Connected, Protocol):
    """What closing works with: connections, and the secret under which the log's key is wrapped."""

    poll_key_secret: str


def is_due(closes_at: datetime, checked_at: datetime | None, now: datetime) -> bool:
    """Whether the poll's time is over, and an attempt to close it is not just behind us."""
    return now > closes_at and (checked_at is None or since(checked_at, now) >= AGAIN_S)


def since(moment: datetime, now: datetime) -> float:
    """Seconds from `moment` to `now`; endless where the clock was set back: then nothing waits for its old hour."""
    passed = (now - moment).total_seconds()
    return passed if passed >= 0 else math.inf


def close(hands: Hands, row: sa.Row[Any], fence: int, now: datetime) -> bool:
    """Closes the poll's log if everything agrees; notes what does not. Whether it is closed."""
    if not stopped(hands.client, row.id, milliseconds(row.closes_at)):
        return False
    counted = reconcile(hands, row.id)
    if counted.waiting:
        return False
    trouble = differences(counted) + altered(hands.engine, row.id, row.next_leaf)
    with hands.engine.begin() as connection:
        return _decide(connection, hands, row, fence, now, counted, trouble)


def stopped(client: "redis.Redis", poll_id: int, closes: int) -> bool:
    """Whether no vote can be admitted any more: Redis has these closing times and its clock is behind them (ms)."""
    pipe = client.pipeline(transaction=False)
    pipe.time()
    pipe.hmget(keys.state(poll_id), "ready", "closes")
    (seconds, micros), (ready, known) = pipe.execute()
    return ready == b"1" and int(known) == closes and seconds * 1000 + micros // 1000 > closes + GRACE_MS


def differences(counted: Reconciliation) -> list[dict[str, Any]]:
    """The candidates whose counts do not agree, with all their counts; nothing waits in the journal."""
    lines = [asdict(line) for line in counted.lines if line.difference or line.receipts != line.redis]
    if not lines and counted.misjudged:
        return [{"misjudged": counted.misjudged}]
    if not lines and counted.difference:
        return [{"leaves": counted.leaves, "ledger": counted.rows}]
    return lines[:NAMED]


def altered(engine: sa.Engine, poll_id: int, size: int) -> list[dict[str, Any]]:
    """The leaves whose votes are not what was hashed when they were recorded; reads the whole ledger once."""
    found: list[dict[str, Any]] = []
    per_look = 8 * tiles.WIDTH
    for begin in range(0, size, per_look):
        end = min(size, begin + per_look)
        places = [(0, number) for number in range(begin // tiles.WIDTH, (end - 1) // tiles.WIDTH + 1)]
        with reading(), engine.connect() as connection:
            kept = b"".join(hashes for _, hashes in sorted(tiles.load(connection, poll_id, places).items()))
            try:
                hashes = logbook.hashes_of(connection, poll_id, begin, end - begin)
            except logbook.Broken:
                return [*found, {"missing_behind": begin}]
        wrong = [n for n, h in enumerate(hashes) if kept[32 * n : 32 * n + 32] != h]
        found += [{"leaf": begin + n} for n in wrong[:NAMED]]
        if len(found) >= NAMED or len(hashes) != end - begin:
            break
        time.sleep(0.001)  # votes of other polls go first
    return found[:NAMED]


def _decide(
    connection: sa.Connection,
    hands: Hands,
    row: sa.Row[Any],
    fence: int,
    now: datetime,
    counted: Reconciliation,
    trouble: list[dict[str, Any]],
) -> bool:
    found = logbook.lock(connection, row.id, fence)
    told = connection.execute(
        sa.select(_poll.c.closes_at, _progress.c.next_leaf)
        .join(_progress, _progress.c.poll_id == _poll.c.id)
        .where(_poll.c.id == row.id)
        .with_for_update(of=_progress)  # the ledger asks under this lock whether the poll is closed
    ).one()
    if (
        (found.closed_at is not None and found.published == told.next_leaf)
        or recording.waits_in(connection, row.id)
        or told.closes_at != row.closes_at
        or not (found.size == told.next_leaf == counted.leaves)
    ):
        return False  # something has changed meanwhile: once more
    change = sa.update(_log).where(_log.c.poll_id == row.id)
    if trouble:
        log.error("poll %s cannot be closed, its counts differ: %s", row.slug, trouble)
        connection.execute(change.values(trouble=trouble, checked_at=now, fence=fence))
        return False
    head = logbook.sign(connection, row, fence, hands.poll_key_secret, now)
    votes = {line.candidate: line.ledger for line in counted.lines}
    standing = sa.select(Candidate.id).where(Candidate.poll_id == row.id)
    everybody = {number: votes.get(number, 0) for number in connection.execute(standing).scalars()} | votes
    before = connection.execute(
        sa.select(_closing).where(_closing.c.poll_id == row.id).order_by(_closing.c.number.desc()).limit(1)
    ).one_or_none()
    number = 0 if before is None else before.number + 1
    corrected = None if before is None else Head(head.origin, before.size, before.root)
    text = statement(head, everybody, now, corrected)
    key = logbook.current_key(connection, row, hands.poll_key_secret)
    signed = notes.note(text, notes.sign(text, head.origin, key))
    connection.execute(
        sa.insert(_closing).values(
            poll_id=row.id, number=number, size=head.size, root=head.root, note=signed, signed_at=now
        )
    )
    closed_at = found.closed_at or now
    connection.execute(change.values(trouble=[], checked_at=now, closed_at=closed_at, closing=signed, fence=fence))
    log.info("poll %s is closed with %s leaves", row.slug, head.size)
    return True


def statement(head: Head, votes: Mapping[int, int], at: datetime, corrected: Head | None = None) -> str:
    """What is signed at the close: the final size and root, the time (ms since 1970), and every candidate's votes.

    `corrected` is the final size and root that were signed before, where decisions after the close have changed them.
    """
    lines = [f"{candidate} {count}" for candidate, count in sorted(votes.items())]
    if corrected is not None:
        lines.insert(0, f"corrects {corrected.size} {base64.b64encode(corrected.root).decode()}")
    root = base64.b64encode(head.root).decode()
    return "\n".join(["concours-closing/v1", head.origin, str(head.size), root, str(milliseconds(at)), *lines]) + "\n"


def votes_in(note: str) -> dict[int, int]:
    """Every candidate's votes, as a closing note says."""
    lines = notes.split(note)[0].splitlines()[5:]
    pairs = (line.split() for line in lines if not line.startswith("corrects "))
    return {int(candidate): int(votes) for candidate, votes in pairs}


def result(connection: sa.Connection | Session, poll_id: int, known: Standings | None = None) -> Standings | None:
    """The final result as it is signed; None until the poll is settled. `known`: standings that the caller has already,
    given back where they are the ones."""
    row = connection.execute(
        sa.select(PollLog.published, PollLog.closing)
        .join(PollProgress, PollProgress.poll_id == PollLog.poll_id)
        .where(PollLog.poll_id == poll_id, PollLog.closed_at.is_not(None), PollLog.published == PollProgress.next_leaf)
    ).one_or_none()
    if row is None or (known is not None and known.size == row.published):
        return known if row is not None else None
    return Standings(row.published, votes_in(row.closing))


def settled(connection: sa.Connection | Session, poll_ids: list[int]) -> set[int]:
    """Those of the polls whose result is final: closed, and without a decision that waits for its closing note."""
    query = (
        sa.select(PollLog.poll_id)
        .join(PollProgress, PollProgress.poll_id == PollLog.poll_id)
        .where(
            PollLog.poll_id.in_(poll_ids),
            PollLog.closed_at.is_not(None),
            PollLog.published == PollProgress.next_leaf,
        )
    )
    return set(connection.execute(query).scalars())
