"""A vote counts by its voter's weight, from the token to the result that a stranger counts again."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from werkzeug.serving import make_server

from concours.base.db import session
from concours.voting import keys, voters
from concours.voting.booth import booth
from concours.voting.log import closing
from concours.voting.models import PollLog, Tally, Vote
from concours.voting.reconciliation import reconcile
from tests.conftest import both_databases
from tests.verifying import Ran, run
from tests.voting.build import PollMaker, PollWorld, at_work, sequencing, until_loaded, weighing
from tests.voting.logs import keep, keeper_of

__all__ = ["run"]  # a fixture


def tallied(world: PollWorld) -> dict[int, int]:
    rows = session().execute(sa.select(Tally.candidate_id, Tally.votes).where(Tally.poll_id == world.id)).all()
    session().commit()
    return {row.candidate_id: row.votes for row in rows}


def shown(name: str) -> dict[int, int]:
    return {int(candidate): int(votes) for candidate, votes in booth().client.hgetall(name).items()}


@both_databases
def test_a_heavy_vote_counts_its_weight_everywhere(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll(per_day=2)
    one, two, _ = world.candidates
    with sequencing(app):
        until_loaded(world)
        heavy, light = weighing(world, app.test_client(), 7), weighing(world, app.test_client(), 1)
        first = heavy.vote(one).get_json()
        assert (first["receipt"]["weight"], first["left"]["today"]) == (7, 1)  # it is one of the day's two votes
        assert heavy.vote(two).status_code == 201
        assert heavy.vote(two).get_json()["code"] == "quota_used"
        assert light.vote(one).get_json()["receipt"]["weight"] == 1
    expected = {one: 8, two: 7}
    assert tallied(world) == shown(keys.counts(world.id)) == shown(keys.issued(world.id)) == expected
    found = reconcile(booth(), world.id)
    assert (found.difference, found.leaves, found.rows, found.total("ledger")) == (0, 3, 3, 15)
    leaves = session().scalars(sa.select(Vote.weight).where(Vote.poll_id == world.id).order_by(Vote.leaf)).all()
    session().commit()
    assert leaves == [7, 7, 1]


@both_databases
def test_weights_come_back_from_the_ledger_and_from_what_waits(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll()
    one, two, _ = world.candidates
    hand = at_work(app)
    booth().patience_s = 0.1
    heavy = weighing(world, app.test_client(), 30)
    assert heavy.vote(one).status_code == 202
    assert hand.step() == 1
    waiting = heavy.vote(two)
    assert (waiting.status_code, waiting.get_json()["receipt"]["weight"]) == (202, 30)
    assert reconcile(booth(), world.id).difference == 0
    booth().client.hset(keys.state(world.id), "applied", 0)  # as after a crash between the commit and the fold
    hand.forget()
    hand.tend()
    assert shown(keys.issued(world.id)) == {one: 30, two: 30}
    assert shown(keys.counts(world.id)) == {one: 30}
    booth().client.delete(keys.state(world.id), keys.counts(world.id), keys.issued(world.id))
    hand.forget()
    hand.tend()
    assert shown(keys.issued(world.id)) == shown(keys.counts(world.id)) == {one: 30, two: 30}
    assert reconcile(booth(), world.id).difference == 0
    hand.release()


def test_a_strangers_recount_adds_up_the_weights(
    app: APIFlask, a_poll: PollMaker, tmp_path: Path, run: Callable[..., Ran]
) -> None:
    world = a_poll(closes_at=a_poll.now + timedelta(seconds=4))
    one, two, three = world.candidates
    with sequencing(app):
        until_loaded(world)
        for weight, candidate in ((1, one), (1_000, two), (12, one)):
            assert weighing(world, app.test_client(), weight).vote(candidate).status_code == 201
    hand = at_work(app)
    keeper = keeper_of(hand)
    time.sleep(max(0.0, (world.poll.closes_at - a_poll.now).total_seconds()) + closing.GRACE_MS / 1000)
    until = time.monotonic() + 15
    closed = sa.select(PollLog.closed_at).where(PollLog.poll_id == world.id)
    while session().scalar(closed) is None and time.monotonic() < until:
        session().commit()
        keep(keeper)
        time.sleep(0.1)
    session().commit()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        found = run("tally", "--log", f"http://127.0.0.1:{server.server_port}/log/{world.poll.slug}")
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
    hand.release()
    assert found.status == 0, found
    assert found.told["votes"] == {str(one): 13, str(two): 1_000, str(three): 0}
    assert "the 3 votes count 1013" in found.said


def test_a_weight_cannot_be_forged(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll()
    voter = weighing(world, app.test_client(), 3)
    facts, signers = booth().facts(world.id), booth().voter_keys
    assert voters.voter_of(voter.token, booth().facts(world.id), signers, time.time()).weight == 3
    signed, mac = voter.token.rsplit(".", 1)
    assert signed.endswith(".3")
    voter.token = f"{signed[:-1]}9.{mac}"
    with pytest.raises(voters.VoterRequired):
        voters.voter_of(voter.token, booth().facts(world.id), signers, time.time())
    assert voter.vote(world.candidates[0]).status_code == 401
    assert facts.id == world.id
