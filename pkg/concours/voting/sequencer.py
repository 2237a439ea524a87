"""The sequencer: takes the journals in batches, records them in the ledger, then tells Redis and all who wait.

One is active at a time: by a lease in Redis, and by a fencing token that SQL gives out and checks. It may be killed at
any point. Before the commit nothing has happened; after it, the next one finds the projection behind the ledger and
repairs it. It never loses its place: where a journal goes on is in SQL, changed with the votes in one transaction.
"""

import logging
import os
import secrets as random
import threading
import time
from dataclasses import dataclass, field

import redis
import sqlalchemy as sa
from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from concours.base import clock
from concours.base.db import db, reading, reason_of
from concours.base.redis import connect
from concours.voting import failover, journal, keys, ledger, scripts, snapshots, tally
from concours.voting.amendments import recording
from concours.voting.log import keeper
from concours.voting.log.keeper import Keeper
from concours.voting.models import Poll, PollProgress
from concours.voting.rules import DELAYED, Rules, moment_of, read_facts

LEASE_MS = 3_000
RENEW_S = 0.5
TEND_S = 0.5
BLOCK_MS = 200
AMEND_S = 0.25  # of TEND_S for decisions about votes, so that a large one holds up no vote for long
AWAY_S = 0.25  # between two attempts while SQL or Redis is away, or another sequencer is active

log = logging.getLogger(__name__)


def run(app: Flask, stop: threading.Event) -> None:
    """Records votes until `stop` is set. While SQL or Redis is away it waits and tries again."""
    with app.app_context():
        sequencer = Sequencer.of(app)
    log.info("sequencer %s started", sequencer.name)
    logs = keeper.start(Keeper(sequencer.engine, sequencer.client, sequencer.poll_key_secret, sequencer.token), stop)
    while not stop.is_set():
        try:
            if not sequencer.hold():
                stop.wait(AWAY_S)
                continue
            sequencer.tend()
            if not sequencer.positions:  # no poll yet: nothing to block on
                stop.wait(TEND_S)
                continue
            sequencer.step(block_ms=BLOCK_MS)
        except ledger.LostLease:
            log.warning("sequencer %s gives way to a later one", sequencer.name)
            sequencer.fence = None
            stop.wait(AWAY_S)
        except (RedisError, SQLAlchemyError) as away:
            log.warning("sequencer waits: %s", reason_of(away) if isinstance(away, DBAPIError) else repr(away))
            sequencer.forget()
            stop.wait(AWAY_S)
        except Exception:
            log.exception("sequencer starts over")
            sequencer.forget()
            stop.wait(1.0)
    logs.join(5)
    sequencer.release()


def heartbeat(client: "redis.Redis") -> float | None:
    """Seconds since a sequencer was last at work; None where that was more than HEARTBEAT_S ago, or never."""
    left = int(client.pttl(keys.HEARTBEAT))
    return None if left < 0 else keys.HEARTBEAT_S - left / 1000


@dataclass
class Sequencer:
    """One sequencer. `positions` is where each poll's journal goes on; `fence` its token while it holds the lease."""

    engine: sa.Engine
    client: "redis.Redis"
    batch: int
    poll_key_secret: str
    name: str = field(default_factory=lambda: f"{os.getpid()}-{random.token_hex(4)}")
    fence: int | None = None
    positions: dict[int, str] = field(default_factory=dict)
    _renewed: float = 0.0
    _tended: float = 0.0
    _kept_minute: int = 0

    @classmethod
    def of(cls, app: Flask) -> "Sequencer":
        """The sequencer of an application (its context must be open)."""
        return cls(
            engine=db.engine,
            client=connect(app.config["VOTES_REDIS_URL"]),
            batch=int(app.config["SEQUENCER_BATCH"]),
            poll_key_secret=app.config["POLL_KEY_SECRET"],
        )

    def hold(self) -> bool:
        """Takes the lease or keeps it; with a newly taken one begins a term in SQL. Whether it is held."""
        if self.fence is not None and time.monotonic() - self._renewed < RENEW_S:
            return True
        if not scripts.run(self.client, "lease", (keys.LEASE,), (self.name, LEASE_MS)):
            self.fence = None
            return False
        self.client.set(keys.HEARTBEAT, self.name, ex=keys.HEARTBEAT_S)
        self._renewed = time.monotonic()
        if self.fence is None:
            with self.engine.begin() as connection:
                self.fence = ledger.take_term(connection, clock.now())
            self.forget()
            log.info("sequencer %s begins term %s", self.name, self.fence)
        return True

    def token(self) -> int | None:
        """The fencing token, while the lease is held."""
        return self.fence

    def release(self) -> None:
        """Gives the lease back, so that another need not wait for its end."""
        try:
            if self.fence is not None:
                scripts.run(self.client, "lease", (keys.LEASE,), (self.name, 0))
        except RedisError:
            log.info("the lease runs out by itself")
        self.fence = None

    def forget(self) -> None:
        """Drops what is remembered of the journals' positions; they are read from SQL again."""
        self.positions.clear()
        self._tended = 0.0

    def tend(self) -> None:
        """Twice a second, and before the first step: each published poll is loaded in Redis, caught up with the ledger
        and has the rules of its last version; what two people decided about votes is recorded."""
        if self.positions and time.monotonic() - self._tended < TEND_S:
            return
        self._tended = time.monotonic()
        polls, taken_back = self._polls()
        self._shut(taken_back)
        for poll_id, (_version, reached) in polls.items():
            self.positions.setdefault(poll_id, reached.journal_id)
        for poll_id in set(self.positions) - set(polls):  # taken back: what was admitted before is recorded first
            if not journal.read(self.client, {poll_id: self.positions[poll_id]}, count=1):
                del self.positions[poll_id]
        left_behind = failover.left_behind(self.client, polls)
        for poll_id, there in tally.loaded(self.client, polls).items():
            version, reached = polls[poll_id]
            if there.applied is None or there.version is None or there.applied > reached.next_leaf:
                self._rebuild(poll_id)
            elif there.applied < reached.next_leaf or poll_id in left_behind:
                self._repair(poll_id, there.applied)
            elif there.version < version:
                self._configure(poll_id)
        self._amend()
        self._keep_standings()

    def step(self, *, block_ms: int | None = None) -> int:
        """Records what the journals hold, a batch per poll; waits up to `block_ms` for something. How many entries."""
        done = 0
        for poll_id, entries in journal.read(self.client, self.positions, count=self.batch, block_ms=block_ms).items():
            if entries:
                done += self._record(poll_id, entries)
        return done

    def _record(self, poll_id: int, entries: list[journal.Entry]) -> int:
        try:
            with self.engine.begin() as connection:
                batch = ledger.record(
                    connection, poll_id, entries, after=self.positions[poll_id], fence=self._fence(), now=clock.now()
                )
        except ledger.OutOfStep:
            with reading(), self.engine.connect() as connection:
                self.positions[poll_id] = ledger.progress(connection, poll_id).journal_id
            return 0
        self.positions[poll_id] = batch.mark
        answer = tally.publish(self.client, batch, self._fence())
        if answer == "fenced":
            raise ledger.LostLease
        if answer != "ok":
            self._tended = 0.0  # looked after before the next step
        return len(entries)

    def _keep_standings(self) -> None:
        """Once a minute, of each poll whose counts are shown with a delay; by the clock that admits votes."""
        seconds, microseconds = self.client.time()
        now = moment_of(seconds * 1000 + microseconds // 1000)
        minute = int(now.timestamp()) // 60
        if minute == self._kept_minute:
            return
        self._kept_minute = minute
        poll = Poll.__table__
        with reading(), self.engine.connect() as connection:
            rows = connection.execute(
                sa.select(poll.c.id, poll.c.rules).where(poll.c.published.is_(True), poll.c.closes_at > now)
            ).all()
        for poll_id, kept in rows:
            rules = Rules.read(kept)
            if rules.shown == DELAYED:
                with self.engine.begin() as connection:
                    snapshots.take(connection, poll_id, rules.delay, now)

    def _amend(self) -> None:
        """Records confirmed decisions, part by part, until they are done or AMEND_S is over; the rest comes next."""
        begun = time.monotonic()
        with reading(), self.engine.connect() as connection:
            waiting = recording.waiting(connection)
        for poll_id, decision_id in waiting:
            finished = False
            while not finished and time.monotonic() - begun < AMEND_S:
                finished = self._amend_part(poll_id, decision_id)

    def _amend_part(self, poll_id: int, decision_id: int) -> bool:
        """One part of a decision, recorded and folded; whether it was the last."""
        with self.engine.begin() as connection:
            part = recording.record_part(connection, poll_id, decision_id, fence=self._fence(), now=clock.now())
        if part is None:
            return True
        if self._check(tally.amend(self.client, part.poll_id, part.leaf, part.changes, self._fence())) != "ok":
            self._tended = 0.0  # looked after before the next step
        return part.finished

    def _rebuild(self, poll_id: int) -> None:
        tally.shut(self.client, poll_id)
        while waiting := journal.read(self.client, {poll_id: self.positions[poll_id]}, count=self.batch).get(poll_id):
            self._record(poll_id, waiting)
        with reading(), self.engine.connect() as connection:
            facts = read_facts(connection, poll_id, self.poll_key_secret)
            if facts is not None:
                self._check(tally.rebuild(self.client, connection, facts, self._fence()))

    def _repair(self, poll_id: int, applied: int) -> None:
        with reading(), self.engine.connect() as connection:
            answer = self._check(tally.repair(self.client, connection, poll_id, applied, self._fence()))
        log.info("poll %s caught up with the ledger from leaf %s: %s", poll_id, applied, answer)

    def _configure(self, poll_id: int) -> None:
        with reading(), self.engine.connect() as connection:
            facts = read_facts(connection, poll_id, self.poll_key_secret)
            if facts is not None:
                tally.configure(self.client, connection, facts)

    def _check(self, answer: str) -> str:
        if answer == "fenced":
            raise ledger.LostLease
        return answer

    def _fence(self) -> int:
        if self.fence is None:
            raise ledger.LostLease
        return self.fence

    def _shut(self, polls: list[int]) -> None:
        """Polls that were taken back take no votes any more."""
        for poll_id, there in tally.loaded(self.client, polls).items():
            if there.applied is not None:
                tally.shut(self.client, poll_id)

    def _polls(self) -> tuple[dict[int, tuple[int, ledger.Progress]], list[int]]:
        """The published polls with version and progress, and the numbers of the others."""
        poll, progress = Poll.__table__, PollProgress.__table__
        columns = (poll.c.id, poll.c.published, poll.c.version, progress.c.next_leaf, progress.c.journal_id)
        with reading(), self.engine.connect() as connection:
            rows = connection.execute(sa.select(*columns).join(progress, progress.c.poll_id == poll.c.id)).all()
        published = {r.id: (r.version, ledger.Progress(r.next_leaf, r.journal_id)) for r in rows if r.published}
        return published, [row.id for row in rows if not row.published]
