"""Whatever people vote, void and restore, in whatever order, wherever Redis is lost: a plain model says the same."""

import json
from typing import Any

from apiflask import APIFlask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import concours_verify as verify
from concours.base.db import db, session
from concours.base.errors import Conflict
from concours.voting import tally
from concours.voting.amendments.models import RESTORE, VOID
from concours.voting.booth import booth
from concours.voting.log import logbook
from concours.voting.reconciliation import reconcile
from tests.factories import Make
from tests.voting.amendments.build import Council, settle, totals
from tests.voting.build import PollMaker, at_work
from tests.voting.logs import record

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("votes"), st.integers(1, 30), st.just(0)),
        st.tuples(st.sampled_from([VOID, RESTORE]), st.integers(0, 2**30), st.integers(1, 20)),
        st.tuples(st.sampled_from(["wipe", "die"]), st.just(0), st.just(0)),
    ),
    min_size=2,
    max_size=9,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_counts_follow_a_plain_model(
    steps: list[tuple[str, int, int]], app: APIFlask, a_poll: PollMaker, make: Make
) -> None:
    booth().client.flushall()  # an earlier example's sequencer is not at work any more
    world = a_poll()
    hand = at_work(app)
    council = Council(make, world)
    said: list[dict[str, Any]] = []  # the model: every leaf, and which votes are void
    void: set[int] = set()
    for word, number, width in [("votes", 5, 0), *steps]:
        votes = [leaf for leaf, what in enumerate(said) if what]
        if word == "votes":
            said += [json.loads(leaf) for leaf in record(world, hand, number)]
        elif word in (VOID, RESTORE):
            chosen = [leaf for leaf in votes[number % len(votes) :][:width] if (leaf + number) % 3]
            turning = [leaf for leaf in chosen if (leaf in void) != (word == VOID)]
            try:
                council.decide(chosen or votes[:1], word)
            except Conflict:
                session().rollback()
                session().refresh(world.poll)
                session().commit()  # an open transaction would hold SQLite's write lock
                assert not turning
                continue
            if not chosen:
                chosen = votes[:1]
            settle(hand)
            said.append({})
            void = void | set(chosen) if word == VOID else void - set(chosen)
        elif word == "wipe":
            booth().client.flushall()
            settle(hand)
        else:
            hand.release()
            hand = at_work(app)
        expected: dict[int, int] = {}
        for leaf, what in enumerate(said):
            if what and leaf not in void:
                expected[what["candidate"]] = expected.get(what["candidate"], 0) + what["weight"]
        assert totals(world) == {c: v for c, v in expected.items() if v}
    assert reconcile(booth(), world.id).difference == 0
    with db.engine.connect() as connection:
        leaves = logbook.leaves_of(connection, world.id, 0, len(said) + 1)
    assert len(leaves) == len(said)
    count = verify.Count(world.id)
    for leaf in leaves:
        count.add(leaf)
    assert set(count.void) == void
    assert {c: v for c, v in count.votes.items() if v} == totals(world)
    hand.release()
    tally.shut(hand.client, world.id)
    world.poll.published = False  # the next example's sequencer has its own poll alone
    session().commit()
