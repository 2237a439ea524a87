"""The keeper of the polls' logs: a thread beside the sequencer that turns recorded votes into tiles and checkpoints.

It follows the ledger and never stands in a vote's way: it reads what is committed, hashes at most CHUNK leaves at a
time, and writes in short transactions of its own, fenced like the sequencer's. What it writes follows from the
recorded votes alone, so one that dies anywhere is followed by another that goes on where the tiles end. A checkpoint
is signed every CHECKPOINT_S while there is news; `closing` signs the last one. A log that was amended after its close
is closed again.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import redis
import sqlalchemy as sa
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from concours.base import clock
from concours.base.db import reading, reason_of
from concours.voting import secrets
from concours.voting.ledger import LostLease
from concours.voting.log import closing, logbook, tiles
from concours.voting.log.logbook import Broken
from concours.voting.models import LogKey, Poll, PollLog, PollProgress

CHUNK = 2_048  # leaves hashed at a time: some 15 ms of one core
EVERY_S = 1.0
BREATH_S = 0.01  # between two chunks, so that votes go first
CHECKPOINT_S = 10

log = logging.getLogger(__name__)
_log, _poll, _progress, _key = (cast(sa.Table, model.__table__) for model in (PollLog, Poll, PollProgress, LogKey))


def start(keeper: "Keeper", stop: threading.Event) -> threading.Thread:
    """Keeps the logs until `stop` is set, whenever the sequencer holds the lease. Join the thread at the end."""
    thread = threading.Thread(target=_keep, args=(keeper, stop), name="keeper of the logs", daemon=True)
    thread.start()
    return thread


def _keep(keeper: "Keeper", stop: threading.Event) -> None:
    while not stop.is_set():
        more = False
        try:
            more = keeper.step()
        except LostLease:
            log.info("a later sequencer keeps the logs")
        except (RedisError, SQLAlchemyError) as away:
            log.warning(
                "the keeper of the logs waits: %s", reason_of(away) if isinstance(away, DBAPIError) else repr(away)
            )
        except Exception:
            log.exception("the keeper of the logs starts over")
        stop.wait(BREATH_S if more else EVERY_S)


@dataclass
class Keeper:
    """Keeps the logs of all published polls; `fence()` is the sequencer's token, None while it has none."""

    engine: sa.Engine
    client: "redis.Redis"
    poll_key_secret: str
    fence: Callable[[], int | None]

    def step(self) -> bool:
        """One chunk of each log, and what is due of checkpoints, keys and closing. Whether more leaves wait."""
        fence = self.fence()
        if fence is None:
            return False
        waits = False
        for row in self._open_logs():
            try:
                waits |= self._tend(row, fence)
            except (Broken, secrets.WrongSecret) as fault:
                log.error("the log of poll %s stands still: %s", row.slug, fault)
        return waits

    def _open_logs(self) -> list[sa.Row[Any]]:
        columns = (_poll.c.id, _poll.c.slug, _poll.c.closes_at, _progress.c.next_leaf, _log.c.size, _log.c.published)
        more = (_log.c.signed_at, _log.c.rotate, _log.c.checked_at, _log.c.closed_at)
        with reading(), self.engine.connect() as connection:
            return list(
                connection.execute(
                    sa.select(*columns, *more)
                    .join(_progress, _progress.c.poll_id == _poll.c.id)
                    .outerjoin(_log, _log.c.poll_id == _poll.c.id)
                    .where(
                        _poll.c.published.is_(True),
                        sa.or_(_log.c.closed_at.is_(None), _log.c.published != _progress.c.next_leaf),
                    )
                )
            )

    def _tend(self, row: sa.Row[Any], fence: int) -> bool:
        now = clock.now()
        if row.size is None:
            self._begin(row, fence, now)
        size = self._extend(row, row.size or 0, fence)
        if row.closed_at is not None:  # amended after its close: its next checkpoint comes with its next closing note
            if size == row.next_leaf and closing.is_due(row.closes_at, row.checked_at, now):
                closing.close(self, row, fence, now)
            return bool(size < row.next_leaf)
        if row.signed_at is None or (size != row.published and closing.since(row.signed_at, now) >= CHECKPOINT_S):
            with self.engine.begin() as connection:
                logbook.sign(connection, row, fence, self.poll_key_secret, now)
        if row.rotate:
            with self.engine.begin() as connection:
                logbook.rotate(connection, row, fence, self.poll_key_secret, now)
        if size == row.next_leaf and closing.is_due(row.closes_at, row.checked_at, now):
            closing.close(self, row, fence, now)
        return bool(size < row.next_leaf)

    def _begin(self, row: sa.Row[Any], fence: int, now: datetime) -> None:
        key, wrapped = secrets.make_log_key(self.poll_key_secret, row.slug)
        public = key.public_key().public_bytes_raw()
        with self.engine.begin() as connection:
            connection.execute(
                sa.insert(_log).values(poll_id=row.id, size=0, fence=fence, rotate=False, trouble=[], closing="")
            )
            connection.execute(
                sa.insert(_key).values(poll_id=row.id, number=0, public=public, wrapped=wrapped, note="", since=now)
            )

    def _extend(self, row: sa.Row[Any], size: int, fence: int) -> int:
        """Adds at most a chunk of recorded votes to the tiles; returns the size reached."""
        if row.next_leaf <= size:
            return size
        with reading(), self.engine.connect() as connection:
            leaves = logbook.hashes_of(connection, row.id, size, CHUNK)
            unfinished = tiles.load(connection, row.id, tiles.edge(size))
        try:
            grown = tiles.grow(size, unfinished, leaves)
        except KeyError as missing:
            raise Broken(f"tile {missing} is not there") from None
        with self.engine.begin() as connection:
            if logbook.lock(connection, row.id, fence).size != size:
                return size  # another keeper was faster
            tiles.store(connection, row.id, grown)
            changed = sa.update(_log).where(_log.c.poll_id == row.id)
            connection.execute(changed.values(size=size + len(leaves), fence=fence))
        return size + len(leaves)
