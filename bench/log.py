"""`python -m bench.log`: what the public log costs: to keep, to close, to prove, and for a stranger to recount."""

import argparse
import json
import os
import platform
import resource
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from tests.factories import Make

import concours_verify
from bench.stack import folder
from concours.base.db import db, session
from concours.cli import database
from concours.voting import ledger, polls
from concours.voting.journal import Entry
from concours.voting.ladder.ways import only
from concours.voting.log import closing, logbook, notes, publication, tiles
from concours.voting.log.keeper import Keeper
from concours.voting.models import Candidate, Poll, PollLog
from concours.voting.rules import Rules
from concours.voting.secrets import commitment_of

MODEL_CASE = 779_700
BATCH = 2_000
CANDIDATES = 276
PROOFS = 500
SECRET = "a secret of the benchmark alone, kept nowhere"


@contextmanager
def measured(into: dict[str, float], name: str, per: float) -> Iterator[None]:
    """Notes the wall and processor time of the block, in microseconds for each of `per`."""
    wall, cpu = time.monotonic(), time.process_time()
    yield
    into[f"{name}_wall_us"] = (time.monotonic() - wall) / per * 1e6
    into[f"{name}_cpu_us"] = (time.process_time() - cpu) / per * 1e6


def a_poll(now: datetime) -> tuple[Poll, list[int]]:
    """A published poll that is open, over teams; the numbers of its candidates."""
    make = Make(now)
    event = make.event()
    draft = polls.Draft("网络人气奖", "", only("device"), now - timedelta(hours=1), now + timedelta(days=1), Rules())
    poll = polls.create(event, draft, actor=make.account(), now=now, poll_key_secret=SECRET)
    poll.published = True
    department = make.department()
    teams = [make.team(event, department) for _ in range(CANDIDATES)]
    session().add_all(Candidate(poll_id=poll.id, team_id=team.id, position=n) for n, team in enumerate(teams))
    session().flush()
    candidates = list(session().scalars(sa.select(Candidate.id).where(Candidate.poll_id == poll.id)))
    session().commit()
    return poll, candidates


def record(poll_id: int, candidates: list[int], votes: int) -> None:
    """Records votes as the sequencer does, each of another voter."""
    with db.engine.begin() as connection:
        fence = ledger.take_term(connection, datetime.now(UTC))
    for first in range(0, votes, BATCH):
        batch = []
        for number in range(first, min(votes, first + BATCH)):
            tag, nonce = secrets.token_bytes(32), secrets.token_bytes(16)
            candidate = candidates[number * 31 % len(candidates)]
            commitment = commitment_of(tag, nonce)
            batch.append(Entry(f"{number + 1}-0", tag, nonce, commitment, candidate, date(2021, 7, 8), 1, 1, 1))
        after = f"{first}-0" if first else "0-0"
        with db.engine.begin() as connection:
            ledger.record(connection, poll_id, batch, after=after, fence=fence, now=datetime.now(UTC))


def publish(poll: Poll, path: Path) -> None:
    """Writes the closed log into a folder, as its addresses would give it."""
    with db.engine.begin() as connection:
        row = cast(Any, poll)
        head = logbook.sign(connection, row, 1, SECRET, datetime.now(UTC))
        text = closing.statement(head, ledger.totals(connection, poll.id), datetime.now(UTC))
        signed = notes.note(text, notes.sign(text, head.origin, logbook.current_key(connection, row, SECRET)))
        connection.execute(sa.update(PollLog).values(closed_at=datetime.now(UTC), closing=signed))
    with db.engine.connect() as connection:
        log = publication.find(connection, poll.slug)
        (path / "checkpoint").write_text(publication.checkpoint(connection, log), encoding="utf-8")
        (path / "closing").write_text(log.closing, encoding="utf-8")
        (path / "keys").write_text(json.dumps(publication.keys(connection, log)), encoding="utf-8")
        for number in range(-(-log.size // tiles.WIDTH)):
            width = tiles.width_at(log.size, (0, number))
            bundle = path / "tile" / "entries" / publication.path_of(number, width)
            bundle.parent.mkdir(parents=True, exist_ok=True)
            bundle.write_bytes(publication.entries(connection, log, number, width))


def run(votes: int) -> dict[str, float]:
    """All figures; microseconds of wall and processor time for each vote (each proof)."""
    found: dict[str, float] = {"votes": votes}
    with folder() as path:
        app = database.application(f"sqlite:///{path / 'bench.sqlite3'}")
        database.upgrade(app)
        with app.app_context():
            poll, candidates = a_poll(datetime.now(UTC))
            record(poll.id, candidates, votes)
            keeper = Keeper(db.engine, cast(Any, None), SECRET, lambda: 1)
            with measured(found, "kept", votes):
                while keeper.step():
                    pass
            with measured(found, "hashed_again_at_the_close", votes):
                assert closing.altered(db.engine, poll.id, votes) == []
            publish(poll, path)
            with db.engine.connect() as connection, measured(found, "inclusion_proof", PROOFS):
                for number in range(PROOFS):
                    assert publication.inclusion(connection, poll.id, number * (votes // PROOFS)) is not None
            session().close()
            db.engine.dispose()
        before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(
            [sys.executable, concours_verify.__file__, "tally", "--log", path, "--json"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found["recount_wall_s"] = time.monotonic() - wall
        found["recount_cpu_s"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.log", description=__doc__)
    parser.add_argument("--votes", type=int, default=MODEL_CASE, help="size of the log")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, SQLite, load {load:.1f} at the beginning")
    for name, value in run(given.votes).items():
        print(f"{name:36} {value:,.2f}")


if __name__ == "__main__":
    main()
