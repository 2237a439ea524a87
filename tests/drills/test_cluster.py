"""Several web servers and two sequencers, over one Valkey and over a real Cluster, while what is active is killed."""

import os
import signal
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from concours.base.redis import connect
from concours.cli.replay import polls
from concours.cli.replay.ballots import Voters
from concours.cli.replay.stage import Stage
from concours.voting import keys
from tests.drills.cluster import Cluster, cluster
from tests.drills.stack import Stack, free_port, until
from tests.drills.votes import poll_of_teams

VOTES = 1_500  # in each of the two polls
HANDS = 24
LONGEST_S = 5.0  # a vote's record, over the death of the sequencer that should have made it

pytestmark = pytest.mark.drill


@dataclass
class Site:
    """A platform with two web servers and two sequencers, and the Redis of its votes."""

    stack: Stack
    urls: tuple[str, str]
    votes_url: str
    cluster: Cluster | None = None
    seconds: list[float] = field(default_factory=list)

    def holder(self) -> int | None:
        """The process of the sequencer that has the lease now."""
        with connect(self.votes_url) as client:
            name: Any = client.hget(keys.LEASE, "holder")
        return int(name.split(b"-")[0]) if name else None

    def vote(self, voters: Voters, turn: polls.Turn) -> None:
        """One voter's votes, each timed until it is recorded."""
        token = voters.newcomer()
        for candidate in turn.candidates:
            begun = time.monotonic()
            voters.vote(token, candidate)
            self.seconds.append(time.monotonic() - begun)

    def told(self) -> str:
        """The times of all votes."""
        cuts = statistics.quantiles(self.seconds, n=100)
        return (
            f"{len(self.seconds)} votes, until recorded: median {cuts[49] * 1000:.0f} ms,"
            f" 99 % {cuts[98] * 1000:.0f} ms, longest {max(self.seconds):.2f} s"
        )


@pytest.fixture(params=[pytest.param("one server", marks=pytest.mark.long), "cluster"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Everything twice but the database: SQLite, where only one process of the platform may write at a time."""
    with ExitStack() as stack:
        yield raise_site(stack, tmp_path, clustered=request.param == "cluster")


def raise_site(stack: ExitStack, folder: Path, *, clustered: bool, replicas: int = 0) -> Site:
    """Starts it; `stack` ends it."""
    environ = {}
    nodes = stack.enter_context(cluster(folder / "nodes", replicas=replicas)) if clustered else None
    if nodes:
        environ["VOTES_REDIS_URL"] = nodes.url
    platform = stack.enter_context(Stack(folder / "data", **environ)).start()
    port = free_port()
    platform.also("web", "--port", str(port), "--workers", "1")
    platform.also("sequencer")
    other = f"http://127.0.0.1:{port}"
    until(lambda: _answers(other), 60, "the second web server answers")
    until(lambda: len(sequencers(platform)) == 2, 60, "two sequencers run")
    return Site(platform, (platform.url, other), environ.get("VOTES_REDIS_URL", platform.redis_url()), nodes)


def _answers(url: str) -> bool:
    try:
        return Voters(url, 0).line.ask("GET", "/healthz").status == 200
    except OSError:
        return False


def sequencers(stack: Stack) -> list[int]:
    """The processes that are sequencers."""
    return [pid for pid, line in stack.processes().items() if line.rstrip().endswith("concours.cli sequencer")]


def two_polls(site: Site, votes: int) -> tuple[Stage, str, list[tuple[int, list[int]]]]:
    """The stage, the event and two polls (of a Cluster: on two nodes) over the same candidates' teams."""
    stage, slug, poll, candidates = poll_of_teams(site.stack, votes)
    found = [(poll, candidates)]
    while len(found) < 2:
        number, its = polls.set_up(stage, slug, f"第{poll + 1}场", "teams")
        if site.cluster is None or site.cluster.of_poll(number) is not site.cluster.of_poll(poll):
            found.append((number, its))
    return stage, slug, found


def begin(
    site: Site, pool: ThreadPoolExecutor, stage: Stage, found: Sequence[tuple[int, list[int]]]
) -> tuple[list[Voters], list[Future[None]]]:
    """Voters of both polls come to both web servers in turn."""
    desks = [[Voters(url, poll) for url in site.urls] for poll, _ in found]
    jobs = []
    plans = [polls.turns(stage, candidates) for _, candidates in found]
    for number in range(len(plans[0])):
        for its, plan in zip(desks, plans, strict=True):
            turn = polls.Turn(plan[number].candidates, troubles=False)
            jobs.append(pool.submit(site.vote, its[number % 2], turn))
    return [desk for its in desks for desk in its], jobs


def check(stage: Stage, slug: str, desks: list[Voters], found: Sequence[tuple[int, list[int]]], votes: int) -> None:
    """Every vote once, in ledger, Redis and receipts; every receipt a leaf of its own."""
    for desk in desks:
        assert not desk.count.wrong, desk.count.wrong[:3]
    for poll, _ in found:
        counted = polls.reconcile(stage, slug, poll)
        receipts = [receipt for desk in desks if desk.poll == poll for receipt in desk.count.receipts.values()]
        assert counted["difference"] == 0
        assert counted["ledger"] == counted["redis"] == len(receipts) == votes
        assert sorted(receipt["leaf"] for receipt in receipts) == list(range(votes)), "each leaf once, without a gap"


def sent(desks: list[Voters], jobs: list[Future[None]]) -> int:
    """Votes answered so far; fails at once with a voter that failed."""
    for job in jobs:
        if job.done():
            job.result()
    return sum(desk.count.sent for desk in desks)


def test_the_active_sequencer_is_killed_and_the_other_goes_on(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    stage, slug, found = two_polls(site, VOTES)
    with ThreadPoolExecutor(HANDS) as pool:
        desks, jobs = begin(site, pool, stage, found)
        until(lambda: sent(desks, jobs) > VOTES / 2, 120, "votes go on")
        active = site.holder()
        assert active in sequencers(site.stack)
        os.kill(active, signal.SIGKILL)
        killed = time.monotonic()
        until(lambda: site.holder() not in {active, None}, 10, "another has the lease")
        moved = time.monotonic() - killed
        for job in jobs:
            job.result()
    with capsys.disabled():
        print(f"\n  {'Cluster' if site.cluster else 'one server'}: lease moved after {moved:.2f} s; {site.told()}")
    check(stage, slug, desks, found, VOTES)
    assert all(desk.count.accepted for desk in desks), "both web servers took votes of both polls"
    assert max(site.seconds) <= LONGEST_S


@pytest.mark.long
@pytest.mark.parametrize("leasing", [False, True], ids=["without the lease", "with the lease"])
def test_a_primary_dies_with_votes_that_its_replica_never_saw(
    leasing: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        site = raise_site(stack, tmp_path, clustered=True, replicas=1)
        assert site.cluster is not None
        stage, slug, found = two_polls(site, VOTES)
        leads = site.cluster.of_key(keys.LEASE)[0]
        fitting = [poll for poll, _ in found if (site.cluster.of_poll(poll) is leads) == leasing]
        assert fitting, "a poll beside the lease, and one elsewhere"
        poll = fitting[0]
        primary, replica = site.cluster.of_poll(poll), site.cluster.replica_of(poll)
        with ThreadPoolExecutor(HANDS) as pool:
            desks, jobs = begin(site, pool, stage, found)
            until(lambda: sent(desks, jobs) > VOTES / 2, 120, "votes go on")
            primary.ask("ACL SETUSER", "default", "-psync", "-sync")  # the replica is cut off and cannot come back
            primary.ask("CLIENT KILL", "TYPE", "replica")
            kept = leaves_in(replica, poll)
            until(lambda: leaves_in(primary, poll) > kept + 100, 60, "votes that only the primary has")
            seen = leaves_in(primary, poll)
            primary.kill()
            killed = time.monotonic()
            lost = seen - leaves_in(replica, poll)
            until(lambda: taken_over(replica), 30, "the replica takes over")
            away = time.monotonic() - killed
            for job in jobs:
                job.result()
        with capsys.disabled():
            print(f"\n  the replica took over after {away:.1f} s, {lost} recorded votes behind; {site.told()}")
        assert lost > 0, "the replica must lack something, or this shows nothing"
        check(stage, slug, desks, found, VOTES)


def leaves_in(node: Any, poll: int) -> int:
    """The leaves in a poll's counts, as this node has them."""
    with redis.Redis(host="127.0.0.1", port=node.port) as client:
        client.execute_command("READONLY")
        applied: Any = client.hget(keys.state(poll), "applied")
    return int(applied or 0)


def taken_over(node: Any) -> bool:
    """Whether it is a primary of a whole Cluster."""
    return node.client.info("replication")["role"] == "master" and node.ask("CLUSTER INFO")["cluster_state"] == "ok"
