"""Asks Redis to admit votes: one atomic script knows all the limits (lua/admit.lua), one round trip serves many votes.

The threads of a process hand their votes to one *gate*: a thread with a connection of its own, which writes all that
are waiting at once and reads the answers in order. A busy process so spends little on calls, and Redis flushes its
file once for all of them. A vote's thread sleeps once, until it is refused or recorded.
"""

import logging
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import hiredis
import redis
from redis.exceptions import NoScriptError, RedisError, ResponseError

from concours.base.redis import CONNECT_TIMEOUT_S
from concours.voting import keys, scripts, secrets
from concours.voting.rules import Day, Facts

ANSWER_TIMEOUT_S = 2.0  # after which the voter is told to press again, with the same nonce
AT_ONCE = 256  # votes in one write

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the script said: `word` is one of those in its head, `values` what came with it, as text."""

    word: str
    values: tuple[str, ...]


class Ticket:
    """One vote at the gate. It is called when it is refused, when Redis is away, or when it is admitted and recorded:
    then `leaf` (below 0: why the ledger refused it) and `recorded_at` (ms since 1970) say where."""

    __slots__ = ("_call", "answer", "command", "fault", "gone", "impatient", "leaf", "recorded_at")

    def __init__(self, command: bytes) -> None:
        self.command = command
        self.answer: Answer | None = None
        self.fault: Exception | None = None
        self.leaf: int | None = None
        self.recorded_at = 0
        self.gone = False
        self.impatient = False
        self._call = threading.Lock()
        self._call.acquire()

    def wait(self, patience_s: float) -> None:
        """Returns when it is called, at the end of patience, or (unanswered by then) when Redis must be given up."""
        if self._call.acquire(timeout=patience_s):
            return
        self.impatient = True
        if self.answer is None and self.fault is None:
            self._call.acquire(timeout=max(0.0, ANSWER_TIMEOUT_S - patience_s))
            self.gone = self.answer is None

    def answered(self, answer: Answer) -> None:
        """The script's word."""
        self.answer = answer
        if answer.word != "admitted" or self.leaf is not None or self.impatient:
            self._ring()

    def failed(self, fault: Exception) -> None:
        """Redis is away, or refused the script."""
        self.fault = fault
        self._ring()

    def tell(self, leaf: int, recorded_at: int) -> None:
        """The sequencer's word; it may come before that of the script is read."""
        self.leaf, self.recorded_at = leaf, recorded_at
        if self.answer is not None:
            self._ring()

    def _ring(self) -> None:
        try:
            self._call.release()
        except RuntimeError:
            return  # both words came at once: it is called already


class Gate:
    """The process' way to Redis for votes. Its thread starts with the first vote of the process."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._connection: Any = None
        self._guard = threading.Lock()
        self._pid = 0

    def pass_through(self, ticket: Ticket) -> None:
        """Hands the vote over."""
        if self._pid != os.getpid():
            self._start()
        self._queue.put(ticket)

    def stop(self) -> None:
        """Ends the thread after the votes that are waiting."""
        self._queue.put(None)

    def _start(self) -> None:
        with self._guard:
            if self._pid == os.getpid():
                return
            self._pid, self._connection, self._queue = os.getpid(), None, SimpleQueue()
            threading.Thread(target=self._serve, args=(self._queue,), name="votes", daemon=True).start()

    def _serve(self, queue: "SimpleQueue[Ticket | None]") -> None:
        going = True
        while going:
            taken = [queue.get()]
            with suppress(Empty):
                while len(taken) < AT_ONCE:
                    taken.append(queue.get_nowait())
            going = None not in taken
            waiting = [ticket for ticket in taken if ticket is not None and not ticket.gone]
            try:
                again = self._exchange(waiting)
                if again:
                    self._load()
                    self._exchange(again)
            except Exception as fault:
                if not isinstance(fault, RedisError | OSError):
                    log.exception("the gate stumbled")
                self._hang_up()
                for ticket in waiting:
                    if ticket.answer is None and ticket.fault is None:
                        ticket.failed(fault)
        self._hang_up()

    def _exchange(self, waiting: Sequence[Ticket]) -> list[Ticket]:
        """Writes all, reads all; returns those for which this server does not know the script."""
        if not waiting:
            return []
        if self._connection is None:
            self._connection = self._client.connection_pool.make_connection()
            self._connection.connect()
            self._load()
        self._connection.send_packed_command([b"".join([ticket.command for ticket in waiting])])
        unknown = []
        for ticket in waiting:
            try:
                found = self._connection.read_response(disable_decoding=True)
            except NoScriptError:
                unknown.append(ticket)
            except ResponseError as refused:  # out of memory, a full disk, loading, …
                ticket.failed(refused)
            else:
                values = tuple(v.decode() if isinstance(v, bytes) else str(v) for v in found[1:])
                ticket.answered(Answer(found[0].decode(), values))
        return unknown

    def _load(self) -> None:
        self._connection.send_command("SCRIPT", "LOAD", scripts.text("admit"))
        self._connection.read_response()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None


def connect(url: str) -> "redis.Redis":
    """The client of the vote path: short patience, no repetition behind our back."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=ANSWER_TIMEOUT_S,
        retry=None,
        health_check_interval=0,
    )


def ballot(facts: Facts, day: Day, *, candidate: int, nonce: bytes, tag: bytes, network: str) -> Ticket:
    """A vote as the script wants it."""
    poll = facts.id
    words: Any = (
        b"EVALSHA",
        scripts.digest("admit"),
        7,
        keys.state(poll),
        keys.candidates(poll),
        keys.voter(poll, tag),
        keys.network(poll, secrets.network_tag(facts.key, poll, network)),
        keys.journal(poll),
        keys.refused(poll),
        keys.issued(poll),
        facts.version,
        day.ordinal,
        day.begins,
        day.ends,
        candidate,
        nonce,
        tag,
    )
    return Ticket(hiredis.pack_command(words))
