"""What is lost is brought back from the ledger; whoever is killed, nothing counts twice and nothing is missing."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from redis.exceptions import ConnectionError as NoRedis

from concours.base.db import db
from concours.voting import journal, keys, ledger, sequencer, tally
from concours.voting.booth import booth
from concours.voting.reconciliation import reconcile
from concours.voting.sequencer import Sequencer
from tests.conftest import both_databases
from tests.voting.build import PollMaker, PollWorld, Voter, at_work, nonce, sequencing, until_loaded

Come = Callable[[PollWorld], Voter]


def wipe() -> None:
    """Redis loses everything."""
    booth().client.flushall()


@both_databases
def test_a_wiped_redis_is_rebuilt_and_the_limits_hold(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(count=6, per_day=3, per_candidate_day=1, total=4)
    with sequencing(app):
        until_loaded(world)
        voter, mine = a_voter(world), nonce()
        first = voter.vote(world.candidates[0], mine)
        assert [voter.vote(c).status_code for c in world.candidates[1:3]] == [201, 201]
        others = [a_voter(world) for _ in range(4)]
        assert {other.vote(world.candidates[5]).status_code for other in others} == {201}
        before = reconcile(booth(), world.id)
        wipe()
        until_loaded(world)
        after = reconcile(booth(), world.id)
        assert after.lines == before.lines
        assert after.difference == 0
        assert voter.vote(world.candidates[0]).get_json()["code"] == "quota_used"
        assert others[0].vote(world.candidates[5]).get_json()["code"] == "already_voted"
        assert voter.vote(world.candidates[0], mine).get_json()["receipt"] == first.get_json()["receipt"]
        assert others[0].vote(world.candidates[0]).status_code == 201
        assert reconcile(booth(), world.id).difference == 0


def test_until_it_is_rebuilt_nothing_is_taken(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_candidate_day=1)
    hand = at_work(app)
    voter = a_voter(world)
    wipe()
    refused = voter.vote(world.candidates[0])
    assert (refused.status_code, refused.get_json()["code"]) == (503, "poll_preparing")
    assert refused.headers["Retry-After"] == "1"
    assert booth().client.xlen(keys.journal(world.id)) == 0
    hand.forget()
    assert hand.hold()
    hand.tend()
    assert tally.loaded(booth().client, [world.id])[world.id].applied == 0


def cast_behind(voter: Voter, candidate: int, with_nonce: str) -> tuple[threading.Thread, list[Any]]:
    """Votes in a thread; its answer comes into the list."""
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(voter.vote(candidate, with_nonce)))
    thread.start()
    return thread, answers


def until_waiting(world: PollWorld, count: int = 1) -> None:
    """Until so many votes stand in the journal."""
    until = time.monotonic() + 10
    while booth().client.xlen(keys.journal(world.id)) < count:
        assert time.monotonic() < until
        time.sleep(0.005)


@both_databases
def test_a_sequencer_that_dies_between_commit_and_publication(
    app: APIFlask, a_poll: PollMaker, a_voter: Come, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = a_poll(per_candidate_day=1)
    first = at_work(app)
    voter = a_voter(world)
    thread, answers = cast_behind(voter, world.candidates[0], nonce())
    until_waiting(world)

    def dies(*_: object) -> str:
        raise NoRedis("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(tally, "publish", dies)
        with pytest.raises(NoRedis):
            first.step()
    with db.engine.connect() as connection:
        assert ledger.progress(connection, world.id).next_leaf == 1  # it is in the ledger
    assert booth().standings(world.id).votes == {}  # the projection is behind, never ahead
    first.release()
    second = at_work(app)  # its first look repairs
    assert second.fence is not None
    thread.join(20)
    assert answers[0].status_code == 201
    assert answers[0].get_json()["receipt"]["leaf"] == 0
    assert booth().standings(world.id).votes == {world.candidates[0]: 1}
    assert second.step() == 0
    assert reconcile(booth(), world.id).difference == 0


def test_a_batch_told_twice_counts_once(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll()
    hand = at_work(app)
    thread, answers = cast_behind(a_voter(world), world.candidates[0], nonce())
    until_waiting(world)
    told: list[ledger.Batch] = []
    publish = tally.publish

    def keep(client: Any, batch: ledger.Batch, fence: int) -> str:
        told.append(batch)
        return publish(client, batch, fence)

    tally.publish = keep  # type: ignore[assignment]
    try:
        hand.step()
    finally:
        tally.publish = publish  # type: ignore[assignment]
    thread.join(20)
    assert answers[0].status_code == 201
    assert hand.fence is not None
    assert tally.publish(hand.client, told[0], hand.fence) == "ok"
    assert booth().standings(world.id).votes == {world.candidates[0]: 1}


def test_two_sequencers_take_turns(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll()
    first, second = at_work(app), Sequencer.of(app)
    assert not second.hold()
    thread, answers = cast_behind(a_voter(world), world.candidates[0], nonce())
    until_waiting(world)
    first.step()
    thread.join(20)
    assert answers[0].status_code == 201
    first.release()
    assert second.hold()
    assert first.fence is None
    assert not first.hold()


def test_a_sequencer_that_slept_through_its_lease_cannot_write(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll()
    sleeper = at_work(app)
    booth().client.delete(keys.LEASE)  # its lease ran out while it slept
    later = at_work(app)
    assert sleeper.fence is not None
    assert later.fence is not None
    assert later.fence > sleeper.fence
    thread, answers = cast_behind(a_voter(world), world.candidates[0], nonce())
    until_waiting(world)
    later.step()
    thread.join(20)
    thread, more = cast_behind(a_voter(world), world.candidates[1], nonce())
    until_waiting(world, 2)
    with pytest.raises(ledger.LostLease):
        sleeper.step()
    later.step()
    thread.join(20)
    assert [a.get_json()["receipt"]["leaf"] for a in (*answers, *more)] == [0, 1]
    assert reconcile(booth(), world.id).difference == 0


def test_an_old_copy_of_redis_is_caught_up(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_day=2, per_candidate_day=1)
    client = booth().client
    with sequencing(app):
        until_loaded(world)
        voter = a_voter(world)
        assert voter.vote(world.candidates[0]).status_code == 201
        old = {name: client.dump(name) for name in client.scan_iter(match="{p:*")}
        assert voter.vote(world.candidates[1]).status_code == 201
        other = a_voter(world)
        assert other.vote(world.candidates[1]).status_code == 201
    wipe()
    for name, value in old.items():
        client.restore(name, 0, value)
    with sequencing(app):
        until = time.monotonic() + 10
        while tally.loaded(client, [world.id])[world.id].applied != 3:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert voter.vote(world.candidates[2]).get_json()["code"] == "quota_used"
        assert other.vote(world.candidates[1]).get_json()["code"] == "already_voted"
        assert other.vote(world.candidates[0]).status_code == 201
        found = reconcile(booth(), world.id)
        assert (found.difference, found.leaves) == (0, 4)


def test_a_clock_that_went_back_loses_no_vote(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    """The new Redis' clock is behind: its journal ids must still follow the last recorded one."""
    world = a_poll()
    hand = at_work(app)
    voter = a_voter(world)
    ahead = f"{int(time.time() * 1000) + 3_600_000}-7"
    entry = journal.Entry(
        ahead, b"t" * 32, b"n" * 16, b"c" * 32, world.candidates[0], world.poll.opens_at.date(), 1, 1, 1
    )
    with db.engine.begin() as connection:
        batch = ledger.record(
            connection, world.id, [entry], after="0-0", fence=hand.fence or 0, now=world.poll.opens_at
        )
    assert batch.after == 1
    hand.release()
    wipe()
    with sequencing(app):
        until_loaded(world)
        answer = voter.vote(world.candidates[1])
        assert answer.status_code == 201
        assert answer.get_json()["receipt"]["id"].startswith(ahead.split("-", maxsplit=1)[0])
        assert reconcile(booth(), world.id).leaves == 2


@both_databases
def test_what_waits_in_the_journal_survives_a_partial_loss(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_candidate_day=1)
    hand = at_work(app)
    voter = a_voter(world)
    thread, answers = cast_behind(voter, world.candidates[0], nonce())
    until_waiting(world)
    booth().client.delete(keys.state(world.id))  # the rules are gone, the journal is not
    hand.forget()
    hand.tend()
    thread.join(20)
    assert answers[0].status_code == 201
    assert reconcile(booth(), world.id).difference == 0
    again, refused = cast_behind(voter, world.candidates[0], nonce())
    again.join(20)
    assert refused[0].get_json()["code"] == "already_voted"


def test_a_vote_that_is_late_is_provisional_and_then_stands(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll()
    hand = at_work(app)
    voter, mine = a_voter(world), nonce()
    booth().patience_s = 0.05
    late = voter.vote(world.candidates[0], mine)
    assert late.status_code == 202
    receipt = late.get_json()["receipt"]
    assert (receipt["status"], receipt["leaf"], receipt["signature"]) == ("provisional", None, None)
    address = f"/api/v1/polls/{world.id}/receipts/{receipt['id']}"
    assert voter.client.get(address).get_json()["status"] == "provisional"
    again = voter.vote(world.candidates[0], mine)
    assert (again.status_code, again.get_json()["receipt"]["id"]) == (202, receipt["id"])
    hand.step()
    stands = voter.client.get(address).get_json()
    assert (stands["status"], stands["leaf"], stands["leaf_hash"]) == ("recorded", 0, receipt["leaf_hash"])
    assert voter.vote(world.candidates[0], mine).status_code == 201


def test_a_provisional_vote_whose_journal_is_lost_says_so(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_candidate_day=1)
    hand = at_work(app)
    voter, mine = a_voter(world), nonce()
    booth().patience_s = 0.05
    receipt = voter.vote(world.candidates[0], mine).get_json()["receipt"]
    wipe()
    hand.forget()
    assert hand.hold()
    hand.tend()
    address = f"/api/v1/polls/{world.id}/receipts/{receipt['id']}"
    assert voter.client.get(address).get_json()["status"] == "unknown"
    again = voter.vote(world.candidates[0], mine)  # the same nonce: the vote is taken anew
    assert again.status_code == 202
    hand.step()
    assert voter.client.get(address).get_json()["status"] == "recorded"
    assert reconcile(booth(), world.id).leaves == 1


def test_a_vote_lost_while_it_waits_is_not_called_provisional(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll()
    at_work(app)
    booth().patience_s = 0.5
    thread, answers = cast_behind(a_voter(world), world.candidates[0], nonce())
    until_waiting(world)
    wipe()
    thread.join(20)
    assert (answers[0].status_code, answers[0].get_json()["code"]) == (503, "vote_not_recorded")


def test_the_heartbeat_tells_that_a_sequencer_is_at_work(app: APIFlask, a_poll: PollMaker) -> None:
    assert sequencer.heartbeat(booth().client) is None
    with sequencing(app):
        age = sequencer.heartbeat(booth().client)
        assert age is not None
        assert 0 <= age < 5


def test_the_journal_is_trimmed_only_behind_the_watermark(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll()
    hand = at_work(app)
    booth().patience_s = 0.0
    hand.batch = 100
    voters = [a_voter(world) for _ in range(3)]
    for _ in range(100):
        for voter in voters:
            voter.vote(world.candidates[0])
    client = booth().client
    seen = 0
    while done := hand.step():
        seen += done
        mark = client.hget(keys.state(world.id), "mark")
        left = client.xrange(keys.journal(world.id), f"({mark.decode()}", "+")  # type: ignore[union-attr]
        assert len(left) == 300 - seen
    assert seen == 300
    assert client.xlen(keys.journal(world.id)) < 200
    assert reconcile(booth(), world.id).difference == 0


@both_databases
def test_what_was_admitted_before_a_poll_was_taken_back_is_recorded(
    app: APIFlask, a_poll: PollMaker, a_voter: Come
) -> None:
    world = a_poll()
    hand = at_work(app)
    voter = a_voter(world)
    thread, answers = cast_behind(voter, world.candidates[0], nonce())
    until_waiting(world)
    world.poll.published = False  # nobody saw that a vote was on its way
    db.session.commit()
    hand._tended = 0.0
    hand.tend()
    assert hand.step() == 1
    thread.join(20)
    assert answers[0].status_code == 201
    hand._tended = 0.0
    hand.tend()
    assert hand.positions == {}
    assert voter.vote(world.candidates[1]).status_code in {404, 503}
