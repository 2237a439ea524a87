"""Confirmed decisions become leaves: the counts follow, nothing is deleted, and a crash anywhere changes nothing."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from redis.exceptions import ConnectionError as NoRedis

from concours.base.db import db, session
from concours.voting import keys, ledger, tally
from concours.voting.amendments import decisions, leaves, recording
from concours.voting.amendments.models import RESTORE, VOID, Amendment, Decision, VoidedVote
from concours.voting.booth import booth
from concours.voting.models import PollProgress, Vote
from concours.voting.reconciliation import reconcile
from tests.conftest import both_databases
from tests.factories import Make
from tests.voting.amendments.build import Council, settle, totals
from tests.voting.build import PollMaker, PollWorld, at_work
from tests.voting.logs import record

FRESH: dict[str, Any] = {"execution_options": {"populate_existing": True}}


def of(world: PollWorld, candidate: int) -> list[int]:
    """The leaves of a candidate's votes."""
    query = sa.select(Vote.leaf).where(Vote.poll_id == world.id, Vote.candidate_id == candidate).order_by(Vote.leaf)
    found = list(session().scalars(query))
    session().commit()
    return found


def amendments(world: PollWorld) -> list[tuple[int, dict[str, object]]]:
    """The amendments' leaves and what they say."""
    session().commit()
    query = sa.select(Amendment.leaf, Amendment.data).where(Amendment.poll_id == world.id).order_by(Amendment.leaf)
    found = [(row.leaf, json.loads(bytes(row.data))) for row in session().execute(query)]
    session().commit()
    return found


@both_databases
def test_a_void_takes_votes_out_and_a_restore_puts_them_back(app: APIFlask, a_poll: PollMaker, make: Make) -> None:
    world = a_poll()
    hand = at_work(app)
    record(world, hand, 100)
    before = totals(world)
    council = Council(make, world)
    hurt = world.candidates[0]
    chosen = of(world, hurt)[:10]
    council.decide(chosen)
    assert totals(world) == before  # confirmed, but not recorded
    settle(hand)
    assert totals(world) == before | {hurt: before[hurt] - 10}
    [(leaf, said)] = amendments(world)
    assert leaf == 100
    spans = [list(span) for span in leaves.ranges_of(chosen)]
    assert said == {"of": spans, "poll": world.id, "reason": "刷票", "type": "void", "v": 1}
    found = reconcile(booth(), world.id)
    assert (found.difference, found.leaves, found.total("voided")) == (0, 101, 10)
    council.decide(chosen[:4], RESTORE)
    settle(hand)
    assert totals(world) == before | {hurt: before[hurt] - 6}
    assert [leaf for leaf, _ in amendments(world)] == [100, 101]
    record(world, hand, 5)  # votes go on behind the amendments
    assert sum(totals(world).values()) == 105 - 6
    assert reconcile(booth(), world.id).difference == 0


@both_databases
def test_what_is_void_already_is_not_taken_out_again(app: APIFlask, a_poll: PollMaker, make: Make) -> None:
    world = a_poll()
    hand = at_work(app)
    record(world, hand, 60)
    council = Council(make, world)
    council.decide(range(0, 20))
    council.decide(range(10, 30))
    council.propose(range(0, 60), VOID)
    settle(hand)
    assert sum(totals(world).values()) == 30
    told = [d.changed for d in session().scalars(sa.select(Decision).order_by(Decision.number), **FRESH)]
    session().commit()
    assert told == [20, 10, 0]  # the third is only proposed
    council.decide(range(25, 35), RESTORE)  # 30 to 34 count already
    settle(hand)
    assert sum(totals(world).values()) == 35
    assert reconcile(booth(), world.id).difference == 0


@both_databases
def test_votes_behind_the_proposal_are_not_touched(app: APIFlask, a_poll: PollMaker, make: Make) -> None:
    world = a_poll()
    hand = at_work(app)
    record(world, hand, 30)
    council = Council(make, world)
    proposed = council.propose(range(30))
    record(world, hand, 30)
    decisions.confirm(proposed, world.poll, actor=council.second, now=datetime.now(UTC))
    settle(hand)
    assert sum(totals(world).values()) == 30
    assert amendments(world)[0] == (60, {**amendments(world)[0][1], "of": [[0, 29]]})


@both_databases
def test_a_sequencer_that_dies_between_commit_and_fold(
    app: APIFlask, a_poll: PollMaker, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = a_poll()
    hand = at_work(app)
    record(world, hand, 40)
    Council(make, world).decide(range(15))

    def dies(*_: object) -> str:
        raise NoRedis("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(tally, "amend", dies)
        with pytest.raises(NoRedis):
            settle(hand)
    with db.engine.connect() as connection:
        assert sum(ledger.totals(connection, world.id).values()) == 25  # it is in the ledger
    shown = tally.standings(booth().client, world.id)
    assert shown is not None
    assert sum(shown.votes.values()) == 40  # the projection is behind, never ahead
    hand.release()
    at_work(app)  # its first look repairs
    assert sum(totals(world).values()) == 25
    assert reconcile(booth(), world.id).difference == 0
    assert len(amendments(world)) == 1


@both_databases
def test_a_rebuild_from_sql_alone_gives_the_same(app: APIFlask, a_poll: PollMaker, make: Make) -> None:
    world = a_poll()
    hand = at_work(app)
    record(world, hand, 50)
    council = Council(make, world)
    council.decide(range(0, 50, 3))
    settle(hand)
    council.decide(range(0, 20), RESTORE)
    settle(hand)
    before, lines = totals(world), reconcile(booth(), world.id).lines
    voters = booth().client.keys(keys.every_voter(world.id))
    booth().client.flushall()
    hand.forget()
    assert hand.hold()
    hand.tend()
    assert totals(world) == before
    assert reconcile(booth(), world.id).lines == lines
    assert len(booth().client.keys(keys.every_voter(world.id))) == len(voters) == 50  # a void frees no slot


@both_databases
def test_an_amendment_told_twice_is_folded_once(app: APIFlask, a_poll: PollMaker, make: Make) -> None:
    world = a_poll()
    hand = at_work(app)
    record(world, hand, 20)
    Council(make, world).decide(range(5))
    settle(hand)
    before = totals(world)
    assert hand.fence is not None
    assert tally.amend(hand.client, world.id, 20, {world.candidates[0]: -5}, hand.fence) == "ok"
    assert totals(world) == before
    assert tally.amend(hand.client, world.id, 22, {}, hand.fence) == "behind"
    assert tally.amend(hand.client, world.id, 21, {}, hand.fence - 1) == "fenced"


def test_a_sequencer_that_lost_its_lease_records_nothing(app: APIFlask, a_poll: PollMaker, make: Make) -> None:
    world = a_poll()
    hand = at_work(app)
    record(world, hand, 20)
    decided = Council(make, world).decide(range(5))
    decision_id = decided.id
    session().commit()
    with db.engine.begin() as connection:
        connection.execute(sa.update(PollProgress).values(fence=(hand.fence or 0) + 1))
    with pytest.raises(ledger.LostLease), db.engine.begin() as connection:
        recording.record_part(connection, world.id, decision_id, fence=hand.fence or 0, now=datetime.now(UTC))
    assert amendments(world) == []


@both_databases
def test_a_large_decision_is_several_leaves(
    app: APIFlask, a_poll: PollMaker, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaves, "MAX_RANGES", 7)
    monkeypatch.setattr(leaves, "MAX_VOTES", 30)
    world = a_poll()
    hand = at_work(app)
    record(world, hand, 200)
    before = sum(totals(world).values())
    chosen = [*range(0, 100), *range(101, 200, 2)]
    decided = Council(make, world).decide(chosen)
    settle(hand)
    told = amendments(world)
    assert len(told) > 10
    spans = [span for _, said in told for span in said["of"]]  # type: ignore[attr-defined]
    assert [leaf for first, last in spans for leaf in range(first, last + 1)] == chosen
    assert sum(totals(world).values()) == before - len(chosen)
    session().refresh(decided)
    assert (decided.status, decided.changed) == ("recorded", len(chosen))
    assert sum(change for _, change in decided.standings.values()) == -len(chosen)
    session().commit()
    assert reconcile(booth(), world.id).difference == 0


def test_a_leaf_fits_a_bundle_whatever_it_names() -> None:
    far = 10**15 - 1
    spans = [(far - 2 * n, far - 2 * n) for n in range(leaves.MAX_RANGES)]
    worst = leaves.leaf_of(2**53, "restore", "\U0001f5f3" * 300, spans)
    assert len(worst) <= leaves.LEAF_BYTES


def test_the_kept_mark_of_a_void_that_was_edited_is_found(app: APIFlask, a_poll: PollMaker, make: Make) -> None:
    world = a_poll()
    hand = at_work(app)
    record(world, hand, 30)
    Council(make, world).decide(range(10))
    settle(hand)
    assert reconcile(booth(), world.id).difference == 0
    with db.engine.begin() as connection:
        connection.execute(sa.delete(VoidedVote).where(VoidedVote.leaf == 3))
    assert reconcile(booth(), world.id).misjudged == 1
