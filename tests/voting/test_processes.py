"""Sequencers as processes of their own: one is killed with -9 in the middle of votes, the other goes on."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from apiflask import APIFlask

from concours.base.db import db
from concours.voting import keys, ledger
from concours.voting.booth import booth
from concours.voting.reconciliation import reconcile
from tests.conftest import both_databases, environment
from tests.voting.build import PollMaker, PollWorld, Voter, nonce, until_loaded

Come = Callable[[PollWorld], Voter]
LONGEST_WAIT_S = 5.0
RUN = """
import sys, threading
from concours.factory import create_app
from concours.voting import sequencer
sequencer.run(create_app(), threading.Event())
"""


@contextmanager
def a_process(app: APIFlask, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A sequencer in a process of its own."""
    environ = {**os.environ, **environment(folder, app.config["DATABASE_URL"], app.config["REDIS_URL"])}
    with (folder / "sequencer.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-c", RUN], env=environ, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def holder() -> int:
    """The process id of the sequencer that has the lease; 0 for none."""
    found = booth().client.hget(keys.LEASE, "holder")
    return int(found.split(b"-")[0]) if found else 0


def until(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    """Waits until it is so."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.02)


@both_databases
def test_the_second_takes_over_and_nothing_doubles(
    app: APIFlask, a_poll: PollMaker, a_voter: Come, tmp_path: Path
) -> None:
    world = a_poll(count=10)
    with a_process(app, tmp_path) as one, a_process(app, tmp_path) as other:
        until_loaded(world, 30)
        voters = [a_voter(world) for _ in range(8)]
        over = threading.Event()
        given: list[tuple[int, str]] = []
        waits: list[float] = []

        def vote_on(voter: Voter) -> None:
            place = 0
            while not over.is_set():
                candidate, mine, begun = world.candidates[place % 10], nonce(), time.monotonic()
                answer = voter.vote(candidate, mine)
                while answer.status_code != 201:  # a 503 or 202: the same again
                    answer = voter.vote(candidate, mine)
                waits.append(time.monotonic() - begun)
                given.append((candidate, answer.get_json()["receipt"]["commitment"]))
                place += 1

        threads = [threading.Thread(target=vote_on, args=(voter,)) for voter in voters]
        for thread in threads:
            thread.start()
        until(lambda: len(given) > 20)
        killed = holder()
        assert killed in {one.pid, other.pid}
        os.kill(killed, signal.SIGKILL)
        until(lambda: holder() not in {0, killed})
        before = len(given)
        until(lambda: len(given) > before + 20)
        over.set()
        for thread in threads:
            thread.join(60)
        assert holder() in {one.pid, other.pid} - {killed}
    with db.engine.connect() as connection:
        rows = ledger.votes_from(connection, world.id, 0, 1_000_000)
    recorded = [(row.candidate_id, row.commitment.hex()) for row in rows]
    assert sorted(recorded) == sorted(given)  # every 201 once, and nothing else
    assert [row.leaf for row in rows] == list(range(len(rows)))
    found = reconcile(booth(), world.id)
    assert found.difference == 0
    assert {line.candidate: line.ledger for line in found.lines} == Counter(candidate for candidate, _ in given)
    assert max(waits) < LONGEST_WAIT_S + 5  # the lease ends after 3 s; the rest is for a busy machine
