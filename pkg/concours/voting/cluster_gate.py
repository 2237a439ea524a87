"""The gate where votes have a Redis or Valkey Cluster: one line to each node, chosen by the poll's slot.

What the Cluster says it has not done is asked again within the answer's time, of whoever has the poll then. So is a
vote whose node went away: its nonce makes that safe. A vote that finds no node in time is told to press again.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError,
    MovedError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)

from concours.base.cluster import ClusterClient
from concours.base.cluster_map import Address, slot_of, told
from concours.voting import scripts
from concours.voting.limits import ANSWER_TIMEOUT_S, Answer, Gate, Ticket

AGAIN_AFTER_S = 0.05
TAG = b"{p:"
NOT_NOW = (AskError, TryAgainError, ClusterDownError, ReadOnlyError, ConnectionError, OSError, TimeoutError)
"""A slot on its way to another node (ASK, TRYAGAIN), a Cluster without a primary for it, a line that broke."""


class Line(Gate):
    """The gate's way to one node. It tells the script which server process it is talking to."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._process = b""

    async def _load(self) -> None:
        await self._connection.send_command("SCRIPT", "LOAD", scripts.text("admit_in_cluster"))
        await self._connection.read_response()
        await self._connection.send_command("INFO", "server")
        told: bytes = await self._connection.read_response(disable_decoding=True)
        self._process = told.partition(b"run_id:")[2].split(None, 1)[0]

    async def _exchange(self, waiting: Sequence[Ticket]) -> list[Ticket]:
        if waiting and self._connection is None:
            await self._dial()
        for ticket in waiting:
            ticket.command = addressed(ticket.command, self._process)
        return await super()._exchange(waiting)

    async def _dial(self) -> None:
        connection: Any = self._pool.make_connection()  # type: ignore[no-untyped-call]
        await connection.connect()
        self._connection = connection
        await self._load()


class ClusterGate(Gate):
    """The process' way to a Cluster for votes, within one event loop. `cluster` knows who has which slots."""

    def __init__(self, cluster: ClusterClient) -> None:
        self._cluster = cluster
        self._lines: dict[Address, Line] = {}
        self._slots: dict[bytes, int] = {}
        self._looking: asyncio.Task[None] | None = None

    async def ask(self, command: bytes) -> Answer:
        """The script's answer. Raises RedisError, OSError or TimeoutError where no node gives one in time."""
        slot = self._slot(command)
        until = time.monotonic() + ANSWER_TIMEOUT_S
        while True:
            node = self._cluster.map.primary(slot)
            try:
                if node is None:
                    raise ClusterDownError("CLUSTERDOWN no node is known for this poll")
                return await self._line(node).ask(command)
            except MovedError as moved:
                self._cluster.map.moved(slot, told(moved, node))
                self._cluster.doubt()
                if time.monotonic() > until:
                    raise
            except NOT_NOW:
                self._cluster.doubt()
                if time.monotonic() + AGAIN_AFTER_S > until:
                    raise
                await self._look_again()
                await asyncio.sleep(0 if node is None else AGAIN_AFTER_S)

    async def close(self) -> None:
        """Hangs up everywhere."""
        for line in self._lines.values():
            await line.close()

    def _line(self, node: Address) -> Line:
        found = self._lines.get(node)
        if found is None:
            found = self._lines[node] = Line(self._cluster.map.url_of(node))
        return found

    def _slot(self, command: bytes) -> int:
        begin = command.index(TAG)
        tag = command[begin : command.index(b"}", begin) + 1]
        slot = self._slots.get(tag)
        if slot is None:
            slot = self._slots[tag] = slot_of(tag)
        return slot

    async def _look_again(self) -> None:
        """The map is read once for all that wait for it."""
        if self._looking is None:
            self._looking = asyncio.create_task(asyncio.to_thread(self._cluster.refresh))
            self._looking.add_done_callback(self._looked)
        with suppress(RedisError):
            await asyncio.shield(self._looking)

    def _looked(self, done: "asyncio.Task[None]") -> None:
        self._looking = None
        if not done.cancelled():
            done.exception()  # heard: whoever waits tries again anyway


def addressed(command: bytes, process: bytes) -> bytes:
    """The packed ballot with the process' run id behind it, for the script that asks for it; twice changes nothing."""
    plain, guarded = _digests()
    head, _, rest = command.partition(b"\r\n")
    if plain not in rest[:80]:  # sent to another process before
        return command[: -len(_packed(process))] + _packed(process)
    return b"*%d\r\n%s%s" % (int(head[1:]) + 1, rest.replace(plain, guarded, 1), _packed(process))


def _packed(word: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(word), word)


def _digests() -> tuple[bytes, bytes]:
    return scripts.digest("admit").encode(), scripts.digest("admit_in_cluster").encode()
