"""Casts one vote: who votes, is it admitted, is it recorded.

The answer never says more than is known. *Recorded* means committed in SQL. *Provisional* means admitted and in the
journal, but not recorded within the poll's patience. A nonce that is sent again gets the answer of its first vote, so a
client that heard nothing (a timeout, a 503) sends the same again, and it cannot count twice.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import redis
import sqlalchemy as sa
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from concours.base.db import reading
from concours.voting import journal, ledger, limits, receipts, refusals, secrets, voters
from concours.voting.event_loop import EventLoop
from concours.voting.limits import Gate
from concours.voting.receipts import Standing
from concours.voting.rules import Day, Facts, day_at, read_facts
from concours.voting.tally import Standings, configure, standings
from concours.voting.voters import VoterKeys
from concours.voting.waiting import Listener, Told

ROUNDS = 4  # of asking the script again, after the day or the rules have changed

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass
class Booth:
    """What a web process needs to take votes: its connections, keys and what it remembers of each poll."""

    engine: sa.Engine
    client: "redis.Redis"
    voter_keys: VoterKeys
    poll_key_secret: str
    patience_s: float
    listener: Listener
    gate: Gate
    loop: EventLoop = field(default_factory=EventLoop)
    _facts: dict[int, Facts] = field(default_factory=dict)
    _days: dict[int, Day] = field(default_factory=dict)
    _standings: dict[int, Standings] = field(default_factory=dict)
    _asked: dict[int, float] = field(default_factory=dict)

    def run(self, casting: Coroutine[Any, Any, T]) -> T:
        """Waits in this thread for what is done in the event loop."""
        return self.loop.run(casting)

    def close(self) -> None:
        """Hangs up."""

        async def farewell() -> None:
            await self.gate.close()
            await self.listener.close()

        self.loop.stop(farewell())

    def facts(self, poll_id: int, *, fresh: bool = False) -> Facts:
        """The poll's facts, read once per version. Raises NotFound."""
        found = None if fresh else self._facts.get(poll_id)
        if found is None:
            with reading(), self.engine.connect() as connection:
                found = read_facts(connection, poll_id, self.poll_key_secret)
            if found is None:
                self._facts.pop(poll_id, None)
                raise refusals.no_such_poll()
            self._facts[poll_id] = found
        return found

    def known(self, poll_id: int) -> Facts | None:
        """The poll's facts, where they have been read before."""
        return self._facts.get(poll_id)

    def day(self, facts: Facts, now_ms: int | None = None) -> Day:
        """Today in the poll's zone, as last told by Redis' clock (`now_ms`), else by ours."""
        known = self._days.get(facts.id)
        if known is None or now_ms is not None:
            known = day_at(int(time.time() * 1000) if now_ms is None else now_ms, facts.zone)
            self._days[facts.id] = known
        return known

    def still_published(self, facts: Facts) -> None:
        """Raises NotFound where the poll has been taken back; asks SQL once a second at most."""
        if time.monotonic() > self._asked.get(facts.id, 0.0) + 1.0:
            self._asked[facts.id] = time.monotonic()
            self.facts(facts.id, fresh=True)

    def standings(self, poll_id: int) -> Standings:
        """The recorded votes per candidate, read again only when the ledger has grown. Raises Unavailable."""
        kept = self._standings.get(poll_id)
        try:
            found = standings(self.client, poll_id, unless=kept.size if kept else None)
        except RedisError as away:
            raise refusals.redis_away() from away
        if found is None:
            raise refusals.preparing()
        if kept is not None and found.size == kept.size:
            return kept
        self._standings[poll_id] = found
        return found


@dataclass(frozen=True, slots=True)
class Cast:
    """A vote that was admitted: its receipt (recorded or provisional), and how many votes the voter has left."""

    recorded: bool
    receipt: dict[str, Any]
    left_today: int | None
    left_total: int | None


async def cast(booth: Booth, poll_id: int, *, token: str, network: str, candidate: int, nonce: bytes) -> Cast:
    """Casts a vote for `candidate` with the 16-byte `nonce` of the client, in the booth's event loop.

    `token` is the voter's token, `network` as `network.network_of` gives it. Raises VoterRequired, NotFound, the
    refusals of `refusals`, and Unavailable when Redis (or SQL, where it is needed) is away.
    """
    facts = await _facts(booth, poll_id)
    voter = voters.read_token(token, poll_id, booth.voter_keys, time.time())
    tag = secrets.tag_of(facts.key, poll_id, voter.id)
    commitment = secrets.commitment_of(tag, nonce)
    day = booth.day(facts)
    for _ in range(ROUNDS):
        record = await booth.listener.expect(commitment)
        try:
            ballot = limits.ballot(
                facts, day, candidate=candidate, nonce=nonce, tag=tag, weight=voter.weight, network=network
            )
            answer = await _admit(booth, ballot)
            if answer.word == "admitted":
                journal_id, slot, _repeat, ordinal = answer.values
                told = await _told(record, booth.patience_s)
                vote = Standing(journal_id, candidate, day.date, commitment, voter.weight)
                vote = await _outcome(booth, facts, told, vote)
                return _cast(facts, vote, nonce, tag, used_today=int(slot), used=int(ordinal))
            if answer.word == "known":
                given = Standing(answer.values[1], candidate, day.date, commitment, voter.weight)
                vote = await _again(booth, facts, record, given, first=int(answer.values[0]))
                return _cast(facts, vote, nonce, tag)
        finally:
            booth.listener.forget(commitment, record)
        if answer.word in {"stale", "unloaded"}:
            facts, day = await asyncio.to_thread(_come_to_terms, booth, facts, day, answer)
        elif answer.word == "day":
            day = booth.day(facts, int(answer.values[0]))
        else:
            raise refusals.refusal(answer.word, [int(v) for v in answer.values], facts)
    raise refusals.preparing()


def _cast(
    facts: Facts, vote: Standing, nonce: bytes, tag: bytes, used_today: int | None = None, used: int | None = None
) -> Cast:
    """The receipt; what shows whose vote it is (nonce and tag) goes to the voter alone."""
    receipt = receipts.describe(facts, vote)
    receipt["nonce"], receipt["tag"] = nonce.hex(), tag.hex()
    rules = facts.rules
    return Cast(
        recorded=vote.leaf is not None,
        receipt=receipt,
        left_today=max(0, rules.per_day - used_today) if rules.per_day and used_today is not None else None,
        left_total=max(0, rules.total - used) if rules.total and used is not None else None,
    )


async def _facts(booth: Booth, poll_id: int) -> Facts:
    known = booth.known(poll_id)
    return await asyncio.to_thread(booth.facts, poll_id) if known is None else known


async def _admit(booth: Booth, ballot: bytes) -> limits.Answer:
    try:
        return await booth.gate.ask(ballot)
    except (RedisError, OSError, TimeoutError) as away:
        log.warning("a vote could not be taken: %s", type(away).__name__)
        raise refusals.redis_away() from away


async def _told(record: "asyncio.Future[Told]", patience_s: float) -> Told | None:
    """The sequencer's word; None at the end of patience."""
    try:
        async with asyncio.timeout(patience_s):
            return await record
    except TimeoutError:
        return None


def _come_to_terms(booth: Booth, facts: Facts, day: Day, answer: limits.Answer) -> tuple[Facts, Day]:
    """Agrees with the script on the version of the rules; raises where the poll is not loaded."""
    if answer.word == "unloaded":
        booth.still_published(facts)
        raise refusals.preparing()
    facts = booth.facts(facts.id, fresh=True)
    if facts.version > int(answer.values[0]):
        _configure(booth, facts)
    return facts, booth.day(facts, day.begins)


def _configure(booth: Booth, facts: Facts) -> None:
    try:
        with reading(), booth.engine.connect() as connection:
            configure(booth.client, connection, facts)
    except RedisError as away:
        raise refusals.redis_away() from away


async def _outcome(booth: Booth, facts: Facts, told: Told | None, vote: Standing) -> Standing:
    """The vote as recorded, or as it was where patience ended; raises what the ledger's unique keys refused."""
    if told is not None and told.leaf >= 0:
        return replace(vote, leaf=told.leaf, recorded_at=told.recorded_at)
    found = await asyncio.to_thread(_recorded, booth, facts, vote.journal_id, vote.commitment)
    if told is None:
        return await asyncio.to_thread(_still_waits, booth, facts, vote) if found is None else found
    if found is None:
        raise refusals.refusal(ledger.REASONS.get(told.leaf, "already_voted"), [], facts)
    if found.candidate != vote.candidate:  # the nonce's first vote, of a Redis that was lost
        raise refusals.nonce_reused()
    return found


async def _again(
    booth: Booth, facts: Facts, record: "asyncio.Future[Told]", given: Standing, *, first: int
) -> Standing:
    """The vote that this nonce was admitted with before, for the candidate `first`; `given` is the one sent now."""
    if first != given.candidate:
        raise refusals.nonce_reused()
    found = await asyncio.to_thread(_recorded, booth, facts, given.journal_id, given.commitment)
    if found is None:
        await _told(record, booth.patience_s)
        found = await asyncio.to_thread(_recorded, booth, facts, given.journal_id, given.commitment)
    return await asyncio.to_thread(_still_waits, booth, facts, given) if found is None else found


def _recorded(booth: Booth, facts: Facts, journal_id: str, commitment: bytes) -> Standing | None:
    """The vote as SQL has it; None where it is not (yet) there, or SQL is away. Raises what refused it."""
    try:
        with reading(), booth.engine.connect() as connection:
            found = ledger.find(connection, facts.id, commitment)
            reason = None if found else ledger.refused_as(connection, facts.id, journal_id)
    except SQLAlchemyError as away:
        log.warning("a recorded vote could not be looked up: %s", type(away).__name__)
        return None
    if reason is not None:
        raise refusals.refusal(reason, [], facts)
    return found


def _still_waits(booth: Booth, facts: Facts, vote: Standing) -> Standing:
    """The provisional vote, where its journal entry is still there; a lost one is not counted, and said so."""
    try:
        entry = journal.find(booth.client, facts.id, vote.journal_id)
    except RedisError as away:
        raise refusals.redis_away() from away
    if entry is not None and entry.commitment == vote.commitment:
        return Standing(entry.journal_id, entry.candidate, entry.day, entry.commitment, entry.weight)
    found = _recorded(booth, facts, vote.journal_id, vote.commitment)  # recorded and trimmed between two looks
    if found is None:
        raise refusals.not_kept()
    return found
