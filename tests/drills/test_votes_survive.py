"""Votes go on while every process is killed, and once only holds under a crowd: on a whole platform, from outside."""

import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from concours.cli.replay import polls
from concours.cli.replay.ballots import Voters
from tests.conftest import _pg_do, _pg_url
from tests.drills.stack import Stack, until
from tests.drills.votes import poll_of_teams

VOTES = 6_000
CROWD = 1_000
HANDS = 64
KILLED = ("web", "worker", "sequencer", "Valkey")
PAUSE_S = 2.5

pytestmark = pytest.mark.drill


@pytest.fixture(params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    """A platform on an empty instance, on either database."""
    environ = {}
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        name = f"drill_{uuid.uuid4().hex[:8]}"
        _pg_do(server, f'CREATE DATABASE "{name}"')
        environ["DATABASE_URL"] = _pg_url(server, name)
    with Stack(tmp_path / "data", **environ) as platform:
        yield platform.start()


def kill_each_once(stack: Stack, voters: Voters, done: threading.Event, killed: list[str]) -> None:
    """Kills web, worker, sequencer and Valkey, each once, while votes are on their way."""
    for name in KILLED:
        begun = voters.count.sent
        until(lambda begun=begun: done.is_set() or voters.count.sent > begun + 100, 60, "votes go on")
        if done.is_set():
            return
        old = stack.kill(name)
        killed.append(name)
        stack.wait_new(name, old, within=60)
        done.wait(PAUSE_S)


def test_no_vote_is_lost_or_doubled_while_everything_is_killed_once(stack: Stack) -> None:
    stage, slug, poll, candidates = poll_of_teams(stack, VOTES)
    voters = Voters(stack.url, poll)
    turns = [polls.Turn(turn.candidates, troubles=False) for turn in polls.turns(stage, candidates)]
    done, killed = threading.Event(), []
    killer = threading.Thread(target=kill_each_once, args=(stack, voters, done, killed))
    killer.start()
    try:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda turn: polls.take_turn(voters, turn, candidates), turns))
    finally:
        done.set()
        killer.join(90)
    assert killed == list(KILLED), "each was killed in the middle of the votes"

    until(lambda: stack.get("/readyz")[0] == 200, 60, "the platform is whole again")
    found = polls.reconcile(stage, slug, poll)
    count = voters.count
    assert not count.wrong, count.wrong[:3]
    assert count.accepted == VOTES
    assert found["difference"] == 0
    assert found["ledger"] == found["redis"] == len(count.receipts) == VOTES
    standings = {row["candidate"]: row["votes"] for row in stage.admin.json(f"/api/v1/polls/{poll}/standings")}
    assert {number: votes for number, votes in standings.items() if votes} == dict(count.per_candidate())
    assert polls.leaves(voters) == set(range(VOTES)), "every receipt names a leaf of its own, without a gap"


def test_a_thousand_at_once_count_once_and_a_quota_of_five_is_five(stack: Stack) -> None:
    stage, slug, poll, candidates = poll_of_teams(stack, 1)
    voters = Voters(stack.url, poll)
    same, eager = voters.newcomer(), voters.newcomer()
    with ThreadPoolExecutor(HANDS) as pool:
        outcomes = Counter(pool.map(lambda _: voters.vote(same, candidates[0]), range(CROWD)))
        assert outcomes == {"accepted": 1, "already_voted": CROWD - 1}
        wishes = [candidates[n % len(candidates)] for n in range(CROWD)]
        tried = Counter(pool.map(lambda candidate: voters.vote(eager, candidate), wishes))
    assert tried["accepted"] == polls.PER_DAY
    assert tried["already_voted"] + tried["quota_used"] == CROWD - polls.PER_DAY
    found = polls.reconcile(stage, slug, poll)
    assert found["ledger"] == found["redis"] == 1 + polls.PER_DAY
    assert found["difference"] == 0


def test_the_same_nonce_a_thousand_times_is_one_vote_with_one_receipt(stack: Stack) -> None:
    stage, slug, poll, candidates = poll_of_teams(stack, 1)
    voters = Voters(stack.url, poll)
    token, nonce = voters.newcomer(), os.urandom(16).hex()
    began = time.monotonic()
    with ThreadPoolExecutor(HANDS) as pool:
        outcomes = Counter(pool.map(lambda _: voters.vote(token, candidates[0], nonce=nonce), range(CROWD)))
    assert outcomes == {"accepted": CROWD}, f"after {time.monotonic() - began:.1f} s"
    assert len(voters.count.receipts) == 1
    assert polls.reconcile(stage, slug, poll)["ledger"] == 1
