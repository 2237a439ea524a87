"""Casts one vote: who votes, is it admitted, is it recorded.

The answer never says more than is known. *Recorded* means committed in SQL. *Provisional* means admitted and in the
journal, but not recorded within the poll's patience. A nonce that is sent again gets the answer of its first vote, so a
client that heard nothing (a timeout, a 503) sends the same again, and it cannot count twice.
"""

import logging
import time
from dataclasses import dataclass, field
from typing import Any

import redis
import sqlalchemy as sa
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from concours.base.db import reading
from concours.voting import journal, ledger, limits, receipts, refusals, secrets, voters
from concours.voting.limits import Gate
from concours.voting.receipts import Standing
from concours.voting.rules import Day, Facts, day_at, read_facts
from concours.voting.tally import Standings, configure, standings
from concours.voting.voters import VoterKeys
from concours.voting.waiting import Listener

ROUNDS = 4  # of asking the script again, after the day or the rules have changed

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
    _facts: dict[int, Facts] = field(default_factory=dict)
    _days: dict[int, Day] = field(default_factory=dict)
    _standings: dict[int, Standings] = field(default_factory=dict)
    _asked: dict[int, float] = field(default_factory=dict)

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


def cast(booth: Booth, poll_id: int, *, token: str, network: str, candidate: int, nonce: bytes) -> Cast:
    """Casts a vote for `candidate` with the 16-byte `nonce` of the client.

    `token` is the voter's token, `network` as `network.network_of` gives it. Raises VoterRequired, NotFound, the
    refusals of `refusals`, and Unavailable when Redis (or SQL, where it is needed) is away.
    """
    facts = booth.facts(poll_id)
    voter_id = voters.read_token(token, poll_id, booth.voter_keys, time.time())
    tag = secrets.tag_of(facts.key, poll_id, voter_id)
    commitment = secrets.commitment_of(tag, nonce)
    day = booth.day(facts)
    for _ in range(ROUNDS):
        ticket = limits.ballot(facts, day, candidate=candidate, nonce=nonce, tag=tag, network=network)
        booth.listener.expect(commitment, ticket)
        try:
            booth.gate.pass_through(ticket)
            ticket.wait(booth.patience_s)
            answer = _answer(ticket)
            if answer.word == "admitted":
                journal_id, slot, _repeat, ordinal = answer.values
                vote = _outcome(booth, facts, ticket, Standing(journal_id, candidate, day.date, commitment))
                return _cast(facts, vote, nonce, tag, used_today=int(slot), used=int(ordinal))
            if answer.word == "known":
                vote = _again(booth, facts, ticket, answer, candidate=candidate, commitment=commitment)
                return _cast(facts, vote, nonce, tag)
        finally:
            booth.listener.forget(commitment, ticket)
        facts, day = _agree(booth, facts, day, answer)
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


def _answer(ticket: limits.Ticket) -> limits.Answer:
    if ticket.answer is None:
        log.warning("a vote could not be taken: %s", type(ticket.fault).__name__ if ticket.fault else "no answer")
        raise refusals.redis_away() from ticket.fault
    return ticket.answer


def _agree(booth: Booth, facts: Facts, day: Day, answer: limits.Answer) -> tuple[Facts, Day]:
    """Comes to terms with the script on the rules' version and the day; raises what it refuses."""
    if answer.word == "day":
        return facts, booth.day(facts, int(answer.values[0]))
    if answer.word == "stale":
        facts = booth.facts(facts.id, fresh=True)
        if facts.version > int(answer.values[0]):
            _configure(booth, facts)
        return facts, booth.day(facts, day.begins)
    if answer.word == "unloaded":
        booth.still_published(facts)
        raise refusals.preparing()
    raise refusals.refusal(answer.word, [int(v) for v in answer.values], facts)


def _configure(booth: Booth, facts: Facts) -> None:
    try:
        with reading(), booth.engine.connect() as connection:
            configure(booth.client, connection, facts)
    except RedisError as away:
        raise refusals.redis_away() from away


def _outcome(booth: Booth, facts: Facts, ticket: limits.Ticket, vote: Standing) -> Standing:
    """The vote as recorded, or as it was where patience ended; raises what the ledger's unique keys refused."""
    if ticket.leaf is None:
        return _recorded(booth, facts, vote.journal_id, vote.commitment) or _still_waits(booth, facts, vote)
    if ticket.leaf >= 0:
        return Standing(vote.journal_id, vote.candidate, vote.day, vote.commitment, ticket.leaf, ticket.recorded_at)
    first = _recorded(
        booth, facts, vote.journal_id, vote.commitment
    )  # of a Redis that was lost: the nonce's first vote
    if first is None:
        raise refusals.refusal(ledger.REASONS.get(ticket.leaf, "already_voted"), [], facts)
    if first.candidate != vote.candidate:
        raise refusals.nonce_reused()
    return first


def _again(
    booth: Booth, facts: Facts, ticket: limits.Ticket, answer: limits.Answer, *, candidate: int, commitment: bytes
) -> Standing:
    """The vote that this nonce was admitted with before."""
    if int(answer.values[0]) != candidate:
        raise refusals.nonce_reused()
    journal_id = answer.values[1]
    found = _recorded(booth, facts, journal_id, commitment)
    if found is None:
        if ticket.leaf is None:
            ticket.wait(booth.patience_s)
        found = _recorded(booth, facts, journal_id, commitment)
    return found or _still_waits(booth, facts, Standing(journal_id, candidate, booth.day(facts).date, commitment))


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
        return Standing(entry.journal_id, entry.candidate, entry.day, entry.commitment)
    found = _recorded(booth, facts, vote.journal_id, vote.commitment)  # recorded and trimmed between two looks
    if found is None:
        raise refusals.not_kept()
    return found
