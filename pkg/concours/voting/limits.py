"""Asks Redis to admit votes: one atomic script knows all the limits (lua/admit.lua), one round trip serves many votes.

The votes of a process go through one *gate*, which has a connection of its own: it writes all that are waiting at once
and reads the answers in order. A busy process so spends little on calls, and Redis flushes its file once for all.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hiredis
import redis
import redis.asyncio
from redis.exceptions import NoScriptError, RedisError, ResponseError

from concours.base import redis as server
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


@dataclass(slots=True)
class Ticket:
    """One vote at the gate: what is asked, and who waits for the answer."""

    command: bytes
    answer: "asyncio.Future[Answer]"


class Gate:
    """The process' way to Redis for votes, within one event loop."""

    def __init__(self, url: str) -> None:
        self._pool = redis.asyncio.ConnectionPool.from_url(
            url, socket_connect_timeout=CONNECT_TIMEOUT_S, socket_timeout=None, health_check_interval=0
        )
        self._queue: deque[Ticket] = deque()
        self._connection: Any = None
        self._serving: asyncio.Task[None] | None = None

    async def ask(self, command: bytes) -> Answer:
        """The script's answer. Raises RedisError, OSError or TimeoutError when Redis is away, or refuses the script.

        No clock of its own: `_serve` answers every ticket, within twice ANSWER_TIMEOUT_S (the group before it, and its
        own).
        """
        ticket = Ticket(command, asyncio.get_running_loop().create_future())
        self._queue.append(ticket)
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve(), name="votes")
        return await ticket.answer

    async def close(self) -> None:
        """Hangs up; whoever still waits is told so."""
        if self._serving is not None:
            self._serving.cancel()
        await self._hang_up()

    async def _serve(self) -> None:
        """Works off what waits, and ends when nothing does."""
        try:
            while self._queue:
                waiting = [self._queue.popleft() for _ in range(min(AT_ONCE, len(self._queue)))]
                waiting = [ticket for ticket in waiting if not ticket.answer.done()]
                try:
                    async with asyncio.timeout(ANSWER_TIMEOUT_S):
                        again = await self._exchange(waiting)
                        if again:
                            await self._load()
                            await self._exchange(again)
                except (RedisError, OSError, TimeoutError) as fault:
                    await self._fail(waiting, fault)
                except Exception as fault:
                    log.exception("the gate stumbled")
                    await self._fail(waiting, fault)
        finally:
            self._serving = None

    async def _fail(self, waiting: Sequence[Ticket], fault: Exception) -> None:
        await self._hang_up()
        for ticket in waiting:
            if not ticket.answer.done():
                ticket.answer.set_exception(fault)

    async def _exchange(self, waiting: Sequence[Ticket]) -> list[Ticket]:
        """Writes all, reads all; returns those for which this server does not know the script."""
        if not waiting:
            return []
        if self._connection is None:
            connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
            await connection.connect()
            self._connection = connection
            await self._load()
        line = self._connection
        await line.send_packed_command([ticket.command for ticket in waiting], check_health=False)
        unknown = []
        for ticket in waiting:
            try:
                found = await line.read_response(disable_decoding=True)
            except NoScriptError:
                unknown.append(ticket)
            except ResponseError as refused:  # out of memory, a full disk, loading, …
                if not ticket.answer.done():
                    ticket.answer.set_exception(refused)
            else:
                if not ticket.answer.done():
                    values = tuple([v.decode() if isinstance(v, bytes) else str(v) for v in found[1:]])
                    ticket.answer.set_result(Answer(found[0].decode(), values))
        return unknown

    async def _load(self) -> None:
        await self._connection.send_command("SCRIPT", "LOAD", scripts.text("admit"))
        await self._connection.read_response()

    async def _hang_up(self) -> None:
        if self._connection is not None:
            line, self._connection = self._connection, None
            await line.disconnect(nowait=True)


def connect(url: str) -> "redis.Redis":
    """The client of the vote path besides the gate: short patience, no repetition behind our back."""
    return server.connect(url, socket_timeout=ANSWER_TIMEOUT_S, retry=None, health_check_interval=0)


def ballot(
    facts: Facts, day: Day, *, candidates: tuple[int, ...], nonce: bytes, tag: bytes, weight: int, network: str
) -> bytes:
    """A ballot as the script wants it: the packed command."""
    poll = facts.id
    place = secrets.network_tag(facts.key, poll, network)
    words: Any = (
        b"EVALSHA",
        scripts.digest("admit"),
        7,
        keys.state(poll),
        keys.candidates(poll),
        keys.voter(poll, tag),
        keys.network(poll, place),
        keys.journal(poll),
        keys.refused(poll),
        keys.issued(poll),
        facts.version,
        day.ordinal,
        day.begins,
        day.ends,
        nonce,
        tag,
        place,
        weight,
        *candidates,
    )
    packed: bytes = hiredis.pack_command(words)
    return packed
