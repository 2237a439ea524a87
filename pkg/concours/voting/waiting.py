"""Requests that wait until their vote is recorded: one listener thread per process, woken by the sequencer.

After each commit the sequencer publishes one message: the poll, the moment, and for each vote of the batch the first 16
bytes of its commitment and its leaf (or why the unique keys refused it). A message may be lost (Redis restarts): a
request that hears nothing within its patience looks for itself, so nothing depends on this but speed.
"""

import logging
import os
import struct
import threading
from collections.abc import Iterable
from typing import Protocol

import redis
from redis.exceptions import RedisError

from concours.voting import keys

HEAD = struct.Struct(">QQ")  # poll, recorded at (ms since 1970)
ITEM = struct.Struct(">16sq")  # commitment, leaf; below 0: refused, as `ledger` numbers its reasons
MARK_BYTES = 16
LISTEN_S = 1.0
RETRY_S = 0.2

log = logging.getLogger(__name__)


def pack(poll_id: int, recorded_at: int, votes: Iterable[tuple[bytes, int]]) -> bytes:
    """The message for a batch: (commitment, leaf or why it was refused) of each vote."""
    return HEAD.pack(poll_id, recorded_at) + b"".join(ITEM.pack(c[:MARK_BYTES], leaf) for c, leaf in votes)


class Waits(Protocol):
    """Whoever waits for the record of a vote."""

    def tell(self, leaf: int, recorded_at: int) -> None:
        """The vote is recorded at `leaf` (below 0: refused); `recorded_at` in ms since 1970."""


class Listener:
    """The process' ear on the channel of recorded votes; its thread starts with the first vote of the process."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._waiting: dict[bytes, list[Waits]] = {}
        self._guard = threading.Lock()
        self._pid = 0
        self._listening = threading.Event()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Ends the thread, within a second."""
        self._stopped.set()

    def expect(self, commitment: bytes, waiter: Waits) -> None:
        """Begins to wait for a vote. Call it before the vote is cast, so that no message slips by."""
        if self._pid != os.getpid():
            self._start()
        with self._guard:
            self._waiting.setdefault(commitment[:MARK_BYTES], []).append(waiter)

    def forget(self, commitment: bytes, waiter: Waits) -> None:
        """Ends the waiting."""
        mark = commitment[:MARK_BYTES]
        with self._guard:
            others = self._waiting.get(mark)
            if others is None:
                return
            if waiter in others:
                others.remove(waiter)
            if not others:
                del self._waiting[mark]

    def _start(self) -> None:
        with self._guard:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            self._waiting, self._listening = {}, threading.Event()
        threading.Thread(target=self._listen, name="recorded-votes", daemon=True).start()
        self._listening.wait(LISTEN_S)

    def _listen(self) -> None:
        while not self._stopped.is_set():
            channel = self._client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
            try:
                channel.subscribe(keys.RECORDED_CHANNEL)
                channel.get_message(timeout=LISTEN_S)  # the answer to the subscription
                self._listening.set()
                while not self._stopped.is_set():
                    message = channel.get_message(timeout=LISTEN_S)
                    if message is not None:
                        self._hear(message["data"])
            except (RedisError, OSError) as away:
                if self._listening.is_set():
                    log.warning("not hearing of recorded votes for the moment: %s", away)
                self._listening.clear()
                self._stopped.wait(RETRY_S)
            finally:
                channel.close()

    def _hear(self, message: bytes) -> None:
        _poll, recorded_at = HEAD.unpack_from(message)
        waiting = self._waiting
        for mark, leaf in ITEM.iter_unpack(message[HEAD.size :]):
            if mark in waiting:
                with self._guard:
                    woken = waiting.pop(mark, [])
                for waiter in woken:
                    waiter.tell(leaf, recorded_at)
