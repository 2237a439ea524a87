"""`python -m bench.fraud_ledger`: time and memory of `concours poll evidence` over a ledger in SQLite that holds one of
the benchmark's worlds."""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.fraud_world import DAY, World, make
from bench.log import a_poll
from bench.stack import folder
from bench.vote import environ_of
from concours.base.db import db
from concours.cli import database

SEED = 1001
NAMES = (
    "poll_id, leaf, candidate_id, tag, nonce, commitment, day, slot, repeat, ordinal, nth, journal_id, recorded_at, "
    "weight, network"
)


def rows(world: World, poll_id: int, candidates: list[int], opened: datetime) -> Iterator[tuple[Any, ...]]:
    """The world's votes as the ledger has them: pseudonyms by chance, one for each voter and network."""
    tags = [os.urandom(32) for _ in range(int(world.voter.max()) + 1)]
    networks = [os.urandom(16) for _ in range(int(world.network.max()) + 1)]
    begun = int(opened.timestamp() * 1_000)
    used: dict[int, int] = {}
    slots: dict[tuple[int, int], int] = {}
    times: dict[tuple[int, int], int] = {}
    columns = (world.at.tolist(), world.voter.tolist(), world.candidate.tolist(), world.network.tolist())
    for leaf, (at, voter, candidate, network) in enumerate(zip(*columns, strict=True)):
        day = at // DAY
        ordinal = used[voter] = used.get(voter, 0) + 1
        slot = slots[voter, day] = slots.get((voter, day), 0) + 1
        nth = times[voter, candidate] = times.get((voter, candidate), 0) + 1
        moment = opened + timedelta(milliseconds=at)
        yield (
            poll_id, leaf, candidates[candidate], tags[voter], os.urandom(16), os.urandom(32),
            (opened + timedelta(days=day)).date().isoformat(), slot, 1, ordinal, nth, f"{begun + at}-{leaf % 1_000}",
            moment.strftime("%Y-%m-%d %H:%M:%S.%f"), 1, networks[network],
        )  # fmt: skip


def run(scale: float) -> dict[str, float]:
    """Seconds and MiB of the command as a process of its own."""
    world = make(SEED, scale)
    found: dict[str, float] = {"votes": len(world.at)}
    with folder() as path:
        url = f"sqlite:///{path / 'bench.sqlite3'}"
        app = database.application(url)
        database.upgrade(app)
        with app.app_context():
            poll, candidates = a_poll(datetime.now(UTC))
            opened = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
            raw = db.engine.raw_connection()
            cursor: Any = raw.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            marks = ", ".join("?" * 15)
            cursor.executemany(f"INSERT INTO vote ({NAMES}) VALUES ({marks})", rows(world, poll.id, candidates, opened))
            cursor.execute("COMMIT")
            raw.close()
            slug = poll.slug
            db.session.remove()
            db.engine.dispose()
        environ = {**os.environ, **environ_of(path, "redis://127.0.0.1:1/0", url)}  # Redis is not asked
        wall = time.monotonic()
        said = subprocess.run(
            [sys.executable, "-m", "concours.cli", "poll", "evidence", slug, "--json"],
            env=environ,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        answer = json.loads(said.splitlines()[-1])
        assert answer["votes"] == len(world.at)
        found["strong_groups"] = len(answer["strong"])
        found["wall_s"] = time.monotonic() - wall
        found["cpu_s"] = used.ru_utime + used.ru_stime
        found["greatest_memory_mib"] = used.ru_maxrss / 1_024
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.fraud_ledger", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1: about 780,000 votes")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, SQLite, load {load:.1f} at the beginning")
    for name, value in run(given.scale).items():
        print(f"{name:36} {value:,.1f}")


if __name__ == "__main__":
    main()
