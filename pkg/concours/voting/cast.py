"""Casts one ballot: who votes, is it admitted, is it recorded. Of several picks all count or none.

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
from concours.voting.voters import Voter, VoterKeys, VoterRequired
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
    past: dict[int, Standings] = field(default_factory=dict)  # shown with a delay

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
    """A ballot that was admitted: a receipt (recorded or provisional) for each pick, and how many votes the voter has
    left."""

    recorded: bool
    receipts: list[dict[str, Any]]
    left_today: int | None
    left_total: int | None


async def cast(
    booth: Booth, poll_id: int, *, token: str, network: str, candidates: tuple[int, ...], nonce: bytes
) -> Cast:
    """Casts a ballot for `candidates` (different ones, ascending) with the 16-byte `nonce` of the client, in the
    booth's event loop.

    `token` is the voter's token, `network` as `network.network_of` gives it. Raises VoterRequired, NotFound, the
    refusals of `refusals`, and Unavailable when Redis (or SQL, where it is needed) is away.
    """
    facts, voter = await _voter(booth, await _facts(booth, poll_id), token)
    tag = secrets.tag_of(facts.key, poll_id, voter.id)
    nonces = secrets.nonces_of(nonce, len(candidates))
    commitments = [secrets.commitment_of(tag, one) for one in nonces]
    day = booth.day(facts)
    for _ in range(ROUNDS):
        record = await booth.listener.expect(commitments[0])
        try:
            ballot = limits.ballot(
                facts, day, candidates=candidates, nonce=nonce, tag=tag, weight=voter.weight, network=network
            )
            answer = await _admit(booth, ballot)
            if answer.word in {"admitted", "known"}:
                known = answer.word == "known"
                first = answer.values[1 if known else 0]
                votes = [
                    Standing(journal_id, candidate, day.date, commitment, voter.weight)
                    for journal_id, candidate, commitment in zip(
                        journal.ids_of(first, len(candidates)), candidates, commitments, strict=True
                    )
                ]
                if known:
                    votes = await _again(booth, facts, record, votes, answer)
                    return _cast(facts, votes, nonces, tag)
                votes = await _outcome(booth, facts, await _told(record, booth.patience_s), votes)
                return _cast(facts, votes, nonces, tag, used_today=int(answer.values[1]), used=int(answer.values[2]))
        finally:
            booth.listener.forget(commitments[0], record)
        if answer.word in {"stale", "unloaded"}:
            facts, day = await asyncio.to_thread(_come_to_terms, booth, facts, day, answer)
            voters.voter_of(token, facts, booth.voter_keys, time.time())  # who votes may have changed
        elif answer.word == "day":
            day = booth.day(facts, int(answer.values[0]))
        else:
            raise refusals.refusal(answer.word, [int(v) for v in answer.values], facts)
    raise refusals.preparing()


def _cast(
    facts: Facts,
    votes: list[Standing],
    nonces: list[bytes],
    tag: bytes,
    used_today: int | None = None,
    used: int | None = None,
) -> Cast:
    """The receipts; what shows whose votes they are (nonce and tag) goes to the voter alone."""
    given = [receipts.describe(facts, vote) for vote in votes]
    for receipt, nonce in zip(given, nonces, strict=True):
        receipt["nonce"], receipt["tag"] = nonce.hex(), tag.hex()
    rules = facts.rules
    return Cast(
        recorded=votes[0].leaf is not None,
        receipts=given,
        left_today=max(0, rules.per_day - used_today) if rules.per_day and used_today is not None else None,
        left_total=max(0, rules.total - used) if rules.total and used is not None else None,
    )


async def _facts(booth: Booth, poll_id: int) -> Facts:
    known = booth.known(poll_id)
    return await asyncio.to_thread(booth.facts, poll_id) if known is None else known


async def _voter(booth: Booth, facts: Facts, token: str) -> tuple[Facts, Voter]:
    """Whose token it is; where it is none, that is said by the poll as it is now, not as this process knew it."""
    try:
        return facts, voters.voter_of(token, facts, booth.voter_keys, time.time())
    except VoterRequired:
        await asyncio.to_thread(booth.still_published, facts)
        facts = booth.facts(facts.id)
        return facts, voters.voter_of(token, facts, booth.voter_keys, time.time())


async def _admit(booth: Booth, ballot: bytes) -> limits.Answer:
    try:
        return await booth.gate.ask(ballot)
    except (RedisError, OSError, TimeoutError) as away:
        log.warning("a vote could not be taken: %s", type(away).__name__)
        raise refusals.redis_away() from away


async def _told(record: "asyncio.Future[Told | None]", patience_s: float) -> Told | None:
    """The sequencer's word; None at the end of patience."""
    alarm = asyncio.get_running_loop().call_later(patience_s, _give_up, record)  # cheaper than asyncio.timeout
    try:
        return await record
    finally:
        alarm.cancel()


def _give_up(record: "asyncio.Future[Told | None]") -> None:
    if not record.done():
        record.set_result(None)


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


async def _outcome(booth: Booth, facts: Facts, told: Told | None, votes: list[Standing]) -> list[Standing]:
    """The votes as recorded, or as they were where patience ended; raises what the ledger's unique keys refused."""
    if told is not None and told.leaf >= 0:  # a ballot's leaves lie side by side
        return [replace(vote, leaf=leaf, recorded_at=told.recorded_at) for leaf, vote in enumerate(votes, told.leaf)]
    found = await asyncio.to_thread(_recorded, booth, facts, votes)
    if found is None and told is None:
        return await asyncio.to_thread(_still_wait, booth, facts, votes)
    if found is None:
        raise refusals.refusal(ledger.REASONS.get(told.leaf, "already_voted") if told else "", [], facts)
    return found


async def _again(
    booth: Booth, facts: Facts, record: "asyncio.Future[Told | None]", votes: list[Standing], answer: limits.Answer
) -> list[Standing]:
    """The votes that this nonce was admitted with before; `votes` are those sent now."""
    if int(answer.values[0]) != votes[0].candidate or journal.picks_of(answer.values[1]) != len(votes):
        raise refusals.nonce_reused()
    found = await asyncio.to_thread(_recorded, booth, facts, votes)
    if found is None:
        await _told(record, booth.patience_s)
        found = await asyncio.to_thread(_recorded, booth, facts, votes)
    return await asyncio.to_thread(_still_wait, booth, facts, votes) if found is None else found


def _recorded(booth: Booth, facts: Facts, votes: list[Standing]) -> list[Standing] | None:
    """The votes as SQL has them; None where they are not (yet) there, or SQL is away.

    Raises what refused them, and that the nonce is another ballot's: of one that a lost Redis had admitted, say.
    """
    try:
        with reading(), booth.engine.connect() as connection:
            found = [vote for v in votes if (vote := ledger.find(connection, facts.id, v.commitment)) is not None]
            reason = None if found else ledger.refused_as(connection, facts.id, votes[0].journal_id)
    except SQLAlchemyError as away:
        log.warning("a recorded vote could not be looked up: %s", type(away).__name__)
        return None
    if reason is not None:
        raise refusals.refusal(reason, [], facts)
    if not found:
        return None
    if journal.picks_of(found[0].journal_id) != len(votes):
        raise refusals.nonce_reused()
    return _the_same(found, votes)


def _still_wait(booth: Booth, facts: Facts, votes: list[Standing]) -> list[Standing]:
    """The provisional votes, where their journal entry is still there; lost ones are not counted, and said so."""
    try:
        entries = journal.find(booth.client, facts.id, votes[0].journal_id)
    except RedisError as away:
        raise refusals.redis_away() from away
    if entries and entries[0].commitment == votes[0].commitment:
        waiting = [Standing(e.journal_id, e.candidate, e.day, e.commitment, e.weight) for e in entries]
        return _the_same(waiting, votes)
    found = _recorded(booth, facts, votes)  # recorded and trimmed between two looks
    if found is None:
        raise refusals.not_kept()
    return found


def _the_same(found: list[Standing], votes: list[Standing]) -> list[Standing]:
    """The votes that were found under a nonce, where they are those that were sent. Raises that they are others."""
    if [vote.candidate for vote in found] != [vote.candidate for vote in votes]:
        raise refusals.nonce_reused()
    return found
