"""The client of a Cluster, against a real one: every command finds its node, and what moved is found again."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.exceptions import ConnectionError, RedisClusterException, RedisError

from concours.base.cluster import ClusterClient
from concours.base.cluster_map import Address, SlotMap, nodes_of, slot_of
from concours.base.config import ConfigError, load
from concours.base.durability import findings
from concours.base.redis import NODE_TIMEOUT_S, connect
from tests.base.test_config import GOOD
from tests.drills.cluster import Cluster, cluster

POLLS = (1, 2, 3)  # each on another of three nodes


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three primaries."""
    with cluster(tmp_path_factory.mktemp("nodes")) as found:
        assert len({found.of_poll(poll).port for poll in POLLS}) == len(POLLS)
        yield found


@pytest.fixture
def client(nodes: Cluster) -> Iterator[ClusterClient]:
    """A fresh client of the empty Cluster."""
    found = connect(nodes.url)
    assert isinstance(found, ClusterClient)
    found.flushall()
    yield found
    found.close()


def key(poll: int, name: str = "x") -> str:
    return f"{{p:{poll}}}:{name}"


def test_each_key_is_at_its_node_and_found_there(nodes: Cluster, client: ClusterClient) -> None:
    for poll in POLLS:
        client.set(key(poll), poll)
    assert [client.get(key(poll)) for poll in POLLS] == [b"1", b"2", b"3"]
    assert [nodes.of_poll(poll).client.get(key(poll)) for poll in POLLS] == [b"1", b"2", b"3"]
    assert sorted(client.scan_iter(match="{p:*}:*")) == [b"{p:1}:x", b"{p:2}:x", b"{p:3}:x"]
    assert list(client.scan_iter(match="{p:2}:*")) == [b"{p:2}:x"]


def test_a_pipeline_asks_every_node_and_keeps_the_order(client: ClusterClient) -> None:
    digest = client.script_load("return {KEYS[1], ARGV[1]}")
    pipe = client.pipeline(transaction=False)
    for poll in (3, 1, 2, 1):
        pipe.incr(key(poll))
        pipe.evalsha(digest, 1, key(poll), "a")  # redis-py's own cluster pipeline refuses this
    pipe.time()
    *said, (seconds, _micros) = pipe.execute()
    assert said[::2] == [1, 1, 1, 2]
    assert said[1] == [b"{p:3}:x", b"a"]
    assert seconds > 0


def test_a_transaction_has_one_slot(client: ClusterClient) -> None:
    pipe = client.pipeline(transaction=True)
    pipe.hset(key(1, "h"), "a", 1)
    pipe.hgetall(key(1, "h"))
    assert pipe.execute() == [1, {b"a": b"1"}]
    pipe.get(key(1))
    pipe.get(key(2))
    with pytest.raises(RedisClusterException):
        pipe.execute()


def test_a_refusal_is_raised_or_told_in_its_place(client: ClusterClient) -> None:
    client.set(key(1), "text")
    pipe = client.pipeline(transaction=False)
    pipe.incr(key(1))
    pipe.incr(key(2))
    refused, fine = pipe.execute(raise_on_error=False)
    assert isinstance(refused, redis.ResponseError)
    assert fine == 1
    pipe.incr(key(1))
    with pytest.raises(redis.ResponseError):
        pipe.execute()


def test_streams_of_several_nodes_are_read_together(client: ClusterClient) -> None:
    after: dict[Any, Any] = {key(poll, "journal"): "0-0" for poll in POLLS}
    assert not client.xread(after, count=5, block=30)
    client.xadd(key(1, "journal"), {"c": 1})
    client.xadd(key(3, "journal"), {"c": 3})
    assert {name for name, _ in dict(client.xread(after, count=5)).items()} == {b"{p:1}:journal", b"{p:3}:journal"}


def test_a_slot_that_moves_is_followed(nodes: Cluster, client: ClusterClient) -> None:
    client.set(key(4), "before")  # a poll that no other test here has
    slot = slot_of(key(4))
    source, target = nodes.of_poll(4), nodes.of_poll(2)
    sent, got = source.ask("CLUSTER MYID"), target.ask("CLUSTER MYID")
    target.ask("CLUSTER SETSLOT", slot, "IMPORTING", sent)
    source.ask("CLUSTER SETSLOT", slot, "MIGRATING", got)
    assert client.get(key(4)) == b"before"
    client.set(key(4, "new"), "during")  # ASK: the key is not here, so it is there
    assert target.client.execute_command("CLUSTER COUNTKEYSINSLOT", slot) == 1
    pipe = client.pipeline(transaction=False)
    pipe.get(key(4, "new"))
    pipe.get(key(3))
    assert pipe.execute() == [b"during", None]
    source.ask("MIGRATE", "127.0.0.1", target.port, key(4), 0, 5000)
    target.ask("CLUSTER SETSLOT", slot, "NODE", got)
    source.ask("CLUSTER SETSLOT", slot, "NODE", got)
    assert client.get(key(4)) == b"before"
    assert client.server_of(key(4)).connection_pool.connection_kwargs["port"] == target.port


def test_a_node_that_is_gone_refuses_its_part_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    with cluster(tmp_path_factory.mktemp("dying"), timeout_ms=15_000) as nodes:
        client = connect(nodes.url)
        for poll in POLLS:
            client.set(key(poll), poll)
        nodes.of_poll(2).kill()
        pipe = client.pipeline(transaction=False)
        for poll in POLLS:
            pipe.get(key(poll))
        answers = pipe.execute(raise_on_error=False)
        assert [answers[0], answers[2]] == [b"1", b"3"]
        assert isinstance(answers[1], RedisError)
        client.xadd(key(3, "journal"), {"c": 3})
        streams: dict[Any, Any] = {key(2, "journal"): "0-0", key(3, "journal"): "0-0"}
        assert len(dict(client.xread(streams))) == 1
        with pytest.raises(ConnectionError):
            client.get(key(2))
        assert client.publish("channel", "a word") == 0, "another node tells everybody"


def test_a_node_that_hangs_is_waited_for_once_and_then_left_alone(nodes: Cluster, client: ClusterClient) -> None:
    hung = nodes.of_poll(2)
    os.kill(hung.process.pid, signal.SIGSTOP)
    try:
        for longest in (NODE_TIMEOUT_S + 1, 0.5):
            begun = time.monotonic()
            pipe = client.pipeline(transaction=False)
            for poll in POLLS:
                pipe.get(key(poll))
            answers = pipe.execute(raise_on_error=False)
            assert time.monotonic() - begun < longest
            assert answers[0] is answers[2] is None
            assert isinstance(answers[1], RedisError)
    finally:
        os.kill(hung.process.pid, signal.SIGCONT)
    client._resting.clear()  # as after REST_S
    assert client.get(key(2)) is None


def test_what_is_relied_on_is_asked_of_every_node(nodes: Cluster, tmp_path: Path) -> None:
    sqlite = f"sqlite:///{tmp_path / 'x.sqlite3'}"
    settings = {"DATABASE_URL": sqlite, "REDIS_URL": nodes.url, "VOTES_REDIS_URL": nodes.url, "WEB_THREADS": 1}
    second = nodes.nodes[1]
    second.client.config_set("appendfsync", "everysec")
    try:
        said = [finding.sentence for finding in findings(settings) if "flushes" in finding.sentence]
    finally:
        second.client.config_set("appendfsync", "always")
    assert len(said) == 1
    assert said[0].startswith(f"127.0.0.1:{second.port}: Redis flushes everysec")


def test_an_address_names_nodes_password_and_options() -> None:
    url = "rediss+cluster://app:p%40ss@one:7000,[fd00::2]:7001,three?ssl_cert_reqs=required"
    assert nodes_of(url) == [Address("one", 7000), Address("fd00::2", 7001), Address("three", 6379)]
    assert SlotMap(url).url_of(Address("fd00::9", 7002)) == "rediss://app:p%40ss@[fd00::9]:7002?ssl_cert_reqs=required"


@pytest.mark.parametrize(
    "url", ["redis+cluster://", "redis+cluster://one:x", "redis+cluster://one:7000/3", "cluster://one:7000"]
)
def test_a_wrong_address_is_refused_by_name(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="VOTES_REDIS_URL"):
        load(GOOD | {"VOTES_REDIS_URL": url}, root=tmp_path)


def test_votes_are_with_the_rest_unless_they_are_given_a_place(tmp_path: Path) -> None:
    assert load(GOOD, root=tmp_path)["VOTES_REDIS_URL"] == GOOD["REDIS_URL"]
    given = "redis+cluster://one:7000,two:7000"
    assert load(GOOD | {"VOTES_REDIS_URL": given}, root=tmp_path)["VOTES_REDIS_URL"] == given
    with pytest.raises(ConfigError, match="REDIS_URL"):
        load(GOOD | {"REDIS_URL": given}, root=tmp_path)
