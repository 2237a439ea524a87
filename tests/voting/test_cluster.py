"""The vote path over a real Cluster: polls on several nodes, a slot that moves, a state that another server wrote."""

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import hiredis
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.cluster_map import slot_of
from concours.voting import failover, journal, keys, scripts
from concours.voting.booth import booth
from concours.voting.cluster_gate import addressed
from concours.voting.reconciliation import reconcile
from tests.drills.cluster import Cluster, cluster
from tests.voting.build import PollMaker, PollWorld, Voter, at_work, nonce, sequencing, until_loaded

Come = Callable[[PollWorld], Voter]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three primaries."""
    with cluster(tmp_path_factory.mktemp("nodes")) as found:
        yield found


@pytest.fixture
def over_a_cluster(nodes: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Votes have the Cluster; everything else has the one server."""
    monkeypatch.setenv("TEST_VOTES_REDIS_URL", nodes.url)


@pytest.fixture
def app(over_a_cluster: None, app: APIFlask) -> APIFlask:
    """The application over the Cluster."""
    return app


def until_open(world: PollWorld) -> PollWorld:
    """Waits until the sequencer at work has loaded the poll into the server that has it."""
    until_loaded(world)
    until = time.monotonic() + 5
    while failover.left_behind(booth().client, [world.id]) and time.monotonic() < until:
        time.sleep(0.01)
    return world


def test_votes_of_polls_on_several_nodes_are_recorded(
    app: APIFlask, nodes: Cluster, a_poll: PollMaker, a_voter: Come, client: FlaskClient
) -> None:
    worlds = [a_poll(per_day=2)]
    while len({nodes.of_poll(world.id).port for world in worlds}) < 2:
        worlds.append(a_poll(per_day=2))
    with sequencing(app):
        for world in worlds:
            until_open(world)
            voter = a_voter(world)
            first = [voter.vote(candidate) for candidate in world.candidates]
            assert [answer.status_code for answer in first] == [201, 201, 429]
            same = nonce()
            other = a_voter(world)
            leaves = [other.vote(world.candidates[0], same).get_json()["receipt"]["leaf"] for _ in range(2)]
            assert leaves == [2, 2]
        ready = client.get("/readyz").get_json()
        assert ready["parts"]["redis"]["detail"].endswith("the Cluster of the votes has 3 primaries, all well")
        assert ready["parts"]["sequencer"]["ok"]
    for world in worlds:
        counted = reconcile(booth(), world.id)
        assert counted.difference == 0
        assert counted.total("ledger") == 3


def test_a_quiet_poll_holds_up_no_other(app: APIFlask, nodes: Cluster, a_poll: PollMaker) -> None:
    quiet, busy = a_poll(), a_poll()
    client = booth().client
    seconds = []
    for _ in range(11):
        client.delete(keys.journal(busy.id))
        moments: list[float] = []

        def write(moments: list[float] = moments) -> None:
            time.sleep(0.1)  # the reader naps as long as it ever does
            moments.append(time.monotonic())
            client.xadd(
                keys.journal(busy.id), {"t": b"t" * 32, "n": b"n" * 16, "c": 1, "d": 700000, "s": 1, "r": 1, "o": 1}
            )

        writer = threading.Thread(target=write)
        writer.start()
        found = journal.read(client, {quiet.id: "0-0", busy.id: "0-0"}, count=10, block_ms=2_000)
        seconds.append(time.monotonic() - moments[0])
        writer.join()
        assert len(found[busy.id]) == 1
    assert statistics.median(seconds) < 0.05


def test_a_state_that_another_server_wrote_takes_no_vote_until_it_is_caught_up(
    app: APIFlask, a_poll: PollMaker, a_voter: Come
) -> None:
    world = a_poll(per_day=1)
    client = booth().client
    voter = a_voter(world)
    with sequencing(app):
        until_open(world)
        assert voter.vote(world.candidates[0]).status_code == 201
    # what a replica has that was cut off before that vote, and takes over
    state, slots = keys.state(world.id), list(client.scan_iter(match=keys.every_voter(world.id)))
    assert len(slots) == 1
    client.delete(*slots, keys.counts(world.id), keys.issued(world.id))
    client.hset(state, mapping={"applied": 0, failover.SERVER: "0" * 40})
    assert failover.left_behind(client, [world.id]) == {world.id}
    refused = voter.vote(world.candidates[1])
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    work = at_work(app)
    assert failover.left_behind(client, [world.id]) == set()
    assert voter.vote(world.candidates[1]).get_json()["code"] == "quota_used", "the slot is known again"
    work.release()
    assert reconcile(booth(), world.id).difference == 0


def test_even_one_that_lacks_nothing_is_looked_at_first(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll()
    work = at_work(app)
    booth().client.hset(keys.state(world.id), failover.SERVER, "0" * 40)
    assert a_voter(world).vote(world.candidates[0]).status_code == 503
    work.forget()
    work.tend()
    work.release()
    with sequencing(app):
        until_open(world)
        assert a_voter(world).vote(world.candidates[0]).status_code == 201


def test_votes_go_on_while_their_slot_moves_to_another_node(
    app: APIFlask, nodes: Cluster, a_poll: PollMaker, a_voter: Come
) -> None:
    world = a_poll()
    answers: list[int] = []
    stop = threading.Event()

    def vote(voter: Voter) -> None:
        while not stop.is_set():
            same = nonce()
            status = 503
            while status == 503 and len(answers) < 10_000:
                status = voter.vote(world.candidates[0], same).status_code
                answers.append(status)

    with sequencing(app):
        until_open(world)
        voters = [threading.Thread(target=vote, args=(a_voter(world),)) for _ in range(3)]
        for thread in voters:
            thread.start()
        try:
            until = time.monotonic() + 20
            while (before := answers.count(201)) < 3 and time.monotonic() < until:
                time.sleep(0.05)
            move(nodes, world.id)
            moved = answers.count(201)
            until = time.monotonic() + 20
            while answers.count(201) < moved + 10 and time.monotonic() < until:
                time.sleep(0.05)
        finally:
            stop.set()
            for thread in voters:
                thread.join(30)
        assert before >= 3
        assert answers.count(201) >= moved + 10
        assert set(answers) <= {201, 503}
    counted = reconcile(booth(), world.id)
    assert counted.difference == 0
    assert counted.total("ledger") == answers.count(201)


def move(nodes: Cluster, poll: int) -> None:
    """Moves a poll's slot with all its keys to another node, as `CLUSTER SETSLOT` and `MIGRATE` do it."""
    slot, source = slot_of(keys.state(poll)), nodes.of_poll(poll)
    target = next(node for node in nodes.nodes if node is not source)
    sent, got = source.ask("CLUSTER MYID"), target.ask("CLUSTER MYID")
    target.ask("CLUSTER SETSLOT", slot, "IMPORTING", sent)
    source.ask("CLUSTER SETSLOT", slot, "MIGRATING", got)
    while names := source.ask("CLUSTER GETKEYSINSLOT", slot, 10):
        source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *names)
    target.ask("CLUSTER SETSLOT", slot, "NODE", got)
    source.ask("CLUSTER SETSLOT", slot, "NODE", got)


def test_the_ballot_names_the_server_it_is_for_whatever_else_it_holds() -> None:
    process, later = os.urandom(20).hex().encode(), os.urandom(20).hex().encode()
    words: Any = ("EVALSHA", scripts.digest("admit"), 1, "{p:7}:state", b"\r\n*3\r\n" + os.urandom(9), 3)
    packed: bytes = hiredis.pack_command(words)
    guarded = (words[0], scripts.digest("admit_in_cluster"), *words[2:], process)
    once = addressed(packed, process)
    assert once == hiredis.pack_command(guarded)
    assert addressed(once, later) == hiredis.pack_command((*guarded[:-1], later))
