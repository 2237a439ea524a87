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
from concours.voting.receipts import Standing
from concours.voting.rules import Day, Facts, day_at, read_facts
from concours.voting.tally import Standings, configure, standings
from concours.voting.voters import VoterKeys
from concours.voting.waiting import Listener, Waiter

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
    _facts: dict[int, Facts] = field(default_factory=dict)
    _days: dict[int, Day] = field(default_factory=dict)
    _standings: dict[int, Standings] = field(default_factory=dict)

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
    waiter = booth.listener.expect(commitment)
    try:
        facts, day, answer = _ask(booth, facts, candidate=candidate, nonce=nonce, tag=tag, network=network)
        if answer.word == "known":
            vote = _again(booth, facts, waiter, answer, candidate=candidate, commitment=commitment)
            left_today = left_total = None
        else:
            journal_id, slot, _repeat, ordinal = answer.values
            vote = _wait(booth, facts, waiter, Standing(journal_id, candidate, day.date, commitment))
            left_today = max(0, facts.rules.per_day - int(slot)) if facts.rules.per_day else None
            left_total = max(0, facts.rules.total - int(ordinal)) if facts.rules.total else None
    finally:
        booth.listener.forget(commitment, waiter)
    receipt = receipts.describe(facts, vote)
    receipt["nonce"], receipt["tag"] = nonce.hex(), tag.hex()
    return Cast(vote.leaf is not None, receipt, left_today, left_total)


def _ask(
    booth: Booth, facts: Facts, *, candidate: int, nonce: bytes, tag: bytes, network: str
) -> tuple[Facts, Day, limits.Answer]:
    """Asks the script until it agrees with us on the rules' version and the day; raises what it refuses."""
    day = booth.day(facts)
    for _ in range(ROUNDS):
        try:
            answer = limits.admit(booth.client, facts, day, candidate=candidate, nonce=nonce, tag=tag, network=network)
        except RedisError as away:
            log.warning("a vote could not be taken: %s", type(away).__name__)
            raise refusals.redis_away() from away
        if answer.word in {"admitted", "known"}:
            return facts, day, answer
        if answer.word == "unloaded":
            raise refusals.preparing()
        if answer.word == "stale":
            facts = booth.facts(facts.id, fresh=True)
            if facts.version > int(answer.values[0]):
                _configure(booth, facts)
            day = booth.day(facts, int(time.time() * 1000))
        elif answer.word == "day":
            day = booth.day(facts, int(answer.values[0]))
        else:
            raise refusals.refusal(answer.word, [int(v) for v in answer.values], facts)
    raise refusals.preparing()


def _configure(booth: Booth, facts: Facts) -> None:
    try:
        with reading(), booth.engine.connect() as connection:
            configure(booth.client, connection, facts)
    except RedisError as away:
        raise refusals.redis_away() from away


def _wait(booth: Booth, facts: Facts, waiter: Waiter, vote: Standing) -> Standing:
    """The vote as recorded, or as it was where patience ended; raises what the ledger's unique keys refused."""
    if not waiter.wait(booth.patience_s):
        return _recorded(booth, facts, vote.journal_id, vote.commitment) or _still_waits(booth, facts, vote)
    if waiter.leaf >= 0:
        return Standing(vote.journal_id, vote.candidate, vote.day, vote.commitment, waiter.leaf, waiter.recorded_at)
    first = _recorded(
        booth, facts, vote.journal_id, vote.commitment
    )  # of a Redis that was lost: the nonce's first vote
    if first is None:
        raise refusals.refusal(ledger.REASONS.get(waiter.leaf, "already_voted"), [], facts)
    if first.candidate != vote.candidate:
        raise refusals.nonce_reused()
    return first


def _again(
    booth: Booth, facts: Facts, waiter: Waiter, answer: limits.Answer, *, candidate: int, commitment: bytes
) -> Standing:
    """The vote that this nonce was admitted with before."""
    if int(answer.values[0]) != candidate:
        raise refusals.nonce_reused()
    journal_id = answer.values[1]
    found = _recorded(booth, facts, journal_id, commitment)
    if found is None:
        waiter.wait(booth.patience_s)
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
