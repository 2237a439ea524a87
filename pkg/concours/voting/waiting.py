"""Requests that wait until their vote is recorded: one listener per process, woken by the sequencer.

After each commit the sequencer publishes one message: the poll, the moment, and for each vote of the batch the first 16
bytes of its commitment and its leaf (or why the unique keys refused it). A message may be lost (Redis restarts): a
request that hears nothing within its patience looks for itself, so nothing depends on this but speed.
"""

import asyncio
import logging
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import redis.asyncio
from redis.exceptions import RedisError

from concours.base.redis import CONNECT_TIMEOUT_S
from concours.voting import keys

HEAD = struct.Struct(">QQ")  # poll, recorded at (ms since 1970)
ITEM = struct.Struct(">16sq")  # commitment, leaf; below 0: refused, as `ledger` numbers its reasons
MARK_BYTES = 16
SUBSCRIBED_WITHIN_S = 1.0  # a vote waits so long for the subscription, then does without
HEALTH_EVERY_S = 15
RETRY_S = 0.2

log = logging.getLogger(__name__)


def pack(poll_id: int, recorded_at: int, votes: Iterable[tuple[bytes, int]]) -> bytes:
    """The message for a batch: (commitment, leaf or why it was refused) of each vote."""
    return HEAD.pack(poll_id, recorded_at) + b"".join(ITEM.pack(c[:MARK_BYTES], leaf) for c, leaf in votes)


@dataclass(frozen=True, slots=True)
class Told:
    """The sequencer's word on a vote: its leaf (below 0: why the ledger refused it), and when (ms since 1970)."""

    leaf: int
    recorded_at: int


class Listener:
    """The process' ear on the channel of recorded votes, within one event loop.

    `where` names the server to subscribe at, asked before each attempt: in a Cluster every node hears of every vote, so
    where one went away the next will do.
    """

    def __init__(self, where: Callable[[], str]) -> None:
        self._where = where
        self._waiting: dict[bytes, list[asyncio.Future[Told | None]]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._hears = asyncio.Event()

    async def expect(self, commitment: bytes) -> "asyncio.Future[Told | None]":
        """Begins to wait for a vote. Call it before the vote is cast, so that no message slips by."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen(), name="recorded-votes")
        if not self._hears.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(SUBSCRIBED_WITHIN_S):
                    await self._hears.wait()
        told: asyncio.Future[Told | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(commitment[:MARK_BYTES], []).append(told)
        return told

    def forget(self, commitment: bytes, told: "asyncio.Future[Told | None]") -> None:
        """Ends the waiting."""
        mark = commitment[:MARK_BYTES]
        others = self._waiting.get(mark)
        if others is None:
            return
        if told in others:
            others.remove(told)
        if not others:
            del self._waiting[mark]

    async def close(self) -> None:
        """Ends listening."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    async def _listen(self) -> None:
        while True:
            try:
                client = redis.asyncio.Redis.from_url(
                    self._where(), socket_connect_timeout=CONNECT_TIMEOUT_S, health_check_interval=HEALTH_EVERY_S
                )
                async with client, client.pubsub() as channel:
                    await channel.subscribe(keys.RECORDED_CHANNEL)
                    while True:
                        message = await channel.get_message(timeout=HEALTH_EVERY_S)
                        if message is None:
                            continue
                        if message["type"] == "subscribe":
                            self._hears.set()
                        elif message["type"] == "message":
                            self._hear(message["data"])
            except (RedisError, OSError) as away:
                if self._hears.is_set():
                    log.warning("not hearing of recorded votes for the moment: %s", away)
                self._hears.clear()
            except Exception:
                log.exception("the listener starts over")
            await asyncio.sleep(RETRY_S)

    def _hear(self, message: bytes) -> None:
        _poll, recorded_at = HEAD.unpack_from(message)
        for mark, leaf in ITEM.iter_unpack(message[HEAD.size :]):
            for told in self._waiting.pop(mark, ()):
                if not told.done():
                    told.set_result(Told(leaf, recorded_at))
