"""A hundred thousand votes of two hundred people at once, while every process is killed in turn every few seconds and
Redis' data is wiped twice: what was acknowledged is in the ledger, exactly once."""

import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import pytest

from concours.cli import environment
from concours.cli.replay import polls
from concours.cli.replay.ballots import Voters
from tests.drills.postgres import Postgres
from tests.drills.stack import Stack, until
from tests.drills.votes import holds, poll_of_teams

VOTES = 100_000
HANDS = 200
BREATH_S = 4.0  # between two kills
RESTARTED_WITHIN_S = 120.0
WIPED_AT = (0.3, 0.65)  # of the votes

pytestmark = [pytest.mark.drill, pytest.mark.long]


@pytest.fixture(params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Stack, Postgres | None]]:
    """A platform on an empty instance, and the database server where there is one."""
    server: Postgres | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    environ = {"DATABASE_URL": server.url} if server else {}
    with Stack(tmp_path / "data", **environ) as platform:
        yield platform.start(), server


def wipe_redis(stack: Stack) -> None:
    """Valkey is killed and all its files are gone before it starts again: the supervisor must not be faster."""
    stack.kill("serve", signal.SIGSTOP)
    try:
        old = stack.kill("Valkey")
        folder = stack.instance / environment.VALKEY_FOLDER
        assert any(folder.iterdir()), "there is something to wipe"
        shutil.rmtree(folder)
        folder.mkdir()
    finally:
        stack.kill("serve", signal.SIGCONT)
    stack.wait_new("Valkey", old, within=RESTARTED_WITHIN_S)


class Killer:
    """Kills one thing after another until it is told to stop; `done` says what, in order."""

    def __init__(self, stack: Stack, server: Postgres | None, sent: Callable[[], int]) -> None:
        self.stack, self.server, self.sent = stack, server, sent
        self.done: list[str] = []
        self.fault: BaseException | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "Killer":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            names = ("web", "Valkey", "sequencer", *(("SQL",) if self.server else ()), "worker")
            wipes = [int(VOTES * share) for share in WIPED_AT]
            for name in cycle(names):
                if self._over.wait(BREATH_S):
                    return
                if name == names[0]:  # a round is over: on a slow machine nothing would ever come to work again
                    until(lambda: self.stack.get("/readyz")[0] == 200, RESTARTED_WITHIN_S, "the platform is ready")
                if wipes and self.sent() >= wipes[0]:
                    wipes.pop(0)
                    wipe_redis(self.stack)
                    self.done.append("wiped")
                elif name == "SQL" and self.server:
                    self.server.kill()
                    self.done.append(name)
                else:
                    old = self.stack.kill(name)
                    self.stack.wait_new(name, old, within=RESTARTED_WITHIN_S)
                    self.done.append(name)
        except BaseException as fault:
            self.fault = fault


def test_no_acknowledged_vote_is_lost_or_doubled(served: tuple[Stack, Postgres | None]) -> None:
    stack, server = served
    stage, slug, poll, candidates = poll_of_teams(stack, VOTES)
    voters = Voters(stack.url, poll)
    turns = [polls.Turn(turn.candidates, troubles=False) for turn in polls.turns(stage, candidates)]
    begun = time.monotonic()
    killer = Killer(stack, server, lambda: voters.count.sent)
    try:
        with killer, ThreadPoolExecutor(HANDS) as pool:
            for _ in pool.map(lambda turn: polls.take_turn(voters, turn, candidates), turns):
                pass
    finally:
        took, killed = time.monotonic() - begun, Counter(killer.done)
        print(f"{voters.count.sent:,} votes in {took:.0f} s; {dict(killed)}; answered late (202): {voters.count.late}")
    if killer.fault is not None:
        raise killer.fault
    assert killer.done.count("wiped") == len(WIPED_AT)
    assert {"web", "Valkey", "sequencer", "worker"} <= set(killer.done)
    assert server is None or "SQL" in killer.done

    holds(stack, stage, slug, voters, VOTES, within=120)
