"""A real Valkey Cluster: nodes of the embedded server on free ports, with or without a replica for each primary."""

import contextlib
import os
import random
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from concours.base import embedded
from concours.base.cluster_map import slot_of
from tests.drills.stack import until

SLOTS = 16_384
HOST = "127.0.0.1"


@dataclass
class Node:
    """One server of the Cluster."""

    port: int
    process: "subprocess.Popen[bytes]"
    client: "redis.Redis"

    def ask(self, *words: Any) -> Any:
        """One command to this node, whoever has the slot."""
        return self.client.execute_command(*words)

    def kill(self) -> None:
        """As a machine dies."""
        self.process.kill()
        self.process.wait(10)


def quiet_ports() -> Iterator[int]:
    """Ports that nobody has, below those that the kernel gives to outgoing connections (from 32,768 on)."""
    return filter(_is_free, random.sample(range(20_000, 32_000), 2_000))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


class Cluster:
    """Nodes that know each other; `primaries` have the slots in equal parts, each of them followed by `replicas`."""

    def __init__(self, folder: Path, *, primaries: int = 3, replicas: int = 0, timeout_ms: int = 2_000) -> None:
        self._ports = quiet_ports()
        self.nodes = [self._start(folder / str(n), timeout_ms) for n in range(primaries * (1 + replicas))]
        self._primaries = primaries

    def _start(self, folder: Path, timeout_ms: int) -> Node:
        folder.mkdir(parents=True)
        port, bus = next(self._ports), next(self._ports)
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(
                [
                    embedded.binary(),
                    "--port", str(port),
                    "--bind", HOST,
                    "--cluster-enabled", "yes",
                    "--cluster-port", str(bus),
                    "--cluster-node-timeout", str(timeout_ms),
                    "--dir", str(folder),
                    "--appendonly", "yes",
                    "--appendfsync", "always",
                    "--save", "",
                    "--repl-diskless-sync-delay", "0",
                ],
                stdout=said,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        return Node(port, process, redis.Redis(host=HOST, port=port, socket_timeout=5))

    def form(self) -> "Cluster":
        """Makes them one Cluster; returns when each says that it is whole."""
        for node in self.nodes:
            until(lambda node=node: self._answers(node), 10, "a node answers")
        first = self.nodes[0]
        share = SLOTS / self._primaries
        for number, node in enumerate(self.nodes[: self._primaries]):
            node.ask("CLUSTER ADDSLOTSRANGE", round(number * share), round((number + 1) * share) - 1)
        for number, node in enumerate(self.nodes):
            node.ask("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            bus = int(node.client.config_get("cluster-port")["cluster-port"])
            first.ask("CLUSTER MEET", HOST, node.port, bus)
        until(lambda: all(self.knows(node) == len(self.nodes) for node in self.nodes), 20, "all nodes know each other")
        for number, node in enumerate(self.nodes[self._primaries :]):
            node.ask("CLUSTER REPLICATE", self.nodes[number % self._primaries].ask("CLUSTER MYID"))
        until(lambda: all(self.state(node) == "ok" for node in self.nodes), 20, "the Cluster is whole")
        for node in self.nodes[self._primaries :]:
            until(lambda node=node: node.client.info("replication").get("master_link_status") == "up", 20, "it follows")
        followers = len(self.nodes) // self._primaries
        until(lambda: all(len(row) == 2 + followers for n in self.nodes for row in n.ask("CLUSTER SLOTS")), 20, "known")
        return self

    def _answers(self, node: Node) -> bool:
        with contextlib.suppress(redis.exceptions.RedisError):
            return bool(node.client.ping())
        return False

    def knows(self, node: Node) -> int:
        """How many nodes this one knows."""
        return int(node.ask("CLUSTER INFO")["cluster_known_nodes"])

    def state(self, node: Node) -> str:
        """What it says of the whole: ok or fail."""
        return str(node.ask("CLUSTER INFO")["cluster_state"])

    @property
    def url(self) -> str:
        """As VOTES_REDIS_URL names it: by its first two nodes."""
        return f"redis+cluster://{HOST}:{self.nodes[0].port},{HOST}:{self.nodes[1].port}"

    def of_poll(self, poll: int) -> Node:
        """The primary of a poll, as a living node says now."""
        return self.of_key(f"{{p:{poll}}}")[0]

    def replica_of(self, poll: int) -> Node:
        """Who follows the primary of a poll."""
        return self.of_key(f"{{p:{poll}}}")[1]

    def of_key(self, key: str) -> list[Node]:
        """Primary and replicas of a key."""
        slot = slot_of(key)
        living = next(node for node in self.nodes if node.process.poll() is None)
        for first, last, *nodes in living.ask("CLUSTER SLOTS"):
            if first <= slot <= last:
                return [next(one for one in self.nodes if one.port == int(port)) for _, port, *_ in nodes]
        raise LookupError(f"nobody has {key}")

    def end(self) -> None:
        """Leaves nothing behind."""
        for node in self.nodes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(node.process.pid, signal.SIGKILL)
            node.process.wait(10)
            node.client.close()


@contextlib.contextmanager
def cluster(folder: Path, **options: Any) -> Iterator[Cluster]:
    """A Cluster that is whole, for a while."""
    made = Cluster(folder, **options)
    try:
        yield made.form()
    finally:
        made.end()
