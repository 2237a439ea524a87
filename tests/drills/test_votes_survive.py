"""Votes go on while every process is killed, and once only holds under a crowd: on a whole platform, from outside."""

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from concours.cli.replay import polls
from concours.cli.replay.ballots import Voters
from tests.drills.stack import Stack, until
from tests.drills.votes import holds, poll_of_teams

VOTES = 4_000
CROWD = 1_000
HANDS = 32
KILLED = ("web", "worker", "sequencer", "Valkey")

pytestmark = pytest.mark.drill


def test_no_vote_is_lost_or_doubled_while_everything_is_killed_once(stack: Stack) -> None:
    stage, slug, poll, candidates = poll_of_teams(stack, VOTES)
    voters = Voters(stack.url, poll)
    turns = [polls.Turn(turn.candidates, troubles=False) for turn in polls.turns(stage, candidates)]
    share = len(turns) // len(KILLED)
    with ThreadPoolExecutor(HANDS) as pool:
        for number, name in enumerate(KILLED):
            end = len(turns) if name == KILLED[-1] else (number + 1) * share
            begun = voters.count.sent
            votes = [pool.submit(polls.take_turn, voters, turn, candidates) for turn in turns[number * share : end]]
            until(lambda begun=begun: voters.count.sent > begun + 50, 120, "votes go on")
            old = stack.kill(name)
            for vote in votes:
                vote.result()
            stack.wait_new(name, old, within=60)

    holds(stack, stage, slug, voters, VOTES)


@pytest.mark.long  # tests/voting/test_parallel.py has it in process
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


@pytest.mark.long  # tests/voting/test_parallel.py has it in process
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
