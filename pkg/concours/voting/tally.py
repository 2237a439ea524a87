"""What Redis shows of the ledger, and how it is brought back: fold, repair, rebuild, configure.

The projection is never ahead of the ledger: it is written after the commit. A crash between the two leaves it behind;
`repair` catches up from the first leaf it misses. A Redis that lost its data takes no votes until `rebuild` has put
back, from the ledger alone, every voter's slots and nonces, the counts and the watermark.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import redis
import sqlalchemy as sa

from concours.entries.models import Entry, EntryStatus
from concours.voting import failover, journal, keys, ledger, scripts, waiting
from concours.voting.amendments import voided
from concours.voting.models import Candidate, Poll
from concours.voting.rules import Facts, milliseconds
from concours.voting.voters_back import put_back

CHUNK = 5_000  # votes read from SQL and put back in one pipeline

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What Redis holds of a poll; `version` and `applied` are None where its state is not loaded."""

    version: int | None
    applied: int | None


@dataclass(frozen=True)
class Standings:
    """Votes per candidate, by weight, as of a ledger size (leaves)."""

    size: int
    votes: dict[int, int]

    @cached_property
    def leading(self) -> list[tuple[int, int]]:
        """(candidate, votes), most votes first."""
        return sorted(self.votes.items(), key=lambda pair: (-pair[1], pair[0]))

    @cached_property
    def json(self) -> bytes:
        """For programs: made once for each ledger size."""
        return json.dumps([{"candidate": candidate, "votes": votes} for candidate, votes in self.leading]).encode()


def loaded(client: "redis.Redis", poll_ids: Iterable[int]) -> dict[int, Loaded]:
    """What Redis holds of each poll, in one round trip; without those whose node of a Cluster cannot be reached, unless
    none can."""
    polls = list(poll_ids)
    pipe = client.pipeline(transaction=False)
    for poll in polls:
        pipe.hmget(keys.state(poll), "ready", "version", "applied")
    found = {}
    for poll, (ready, version, applied) in failover.reached(polls, pipe.execute(raise_on_error=False)).items():
        found[poll] = Loaded(int(version), int(applied)) if ready == b"1" else Loaded(None, None)
    return found


def publish(client: "redis.Redis", batch: ledger.Batch, fence: int) -> str:
    """Tells of a committed batch: folds it, moves the watermark, wakes who waits. Answers as lua/publish.lua does."""
    message = waiting.pack(batch.poll_id, milliseconds(batch.recorded_at), batch.fates)
    poll = batch.poll_id
    given: list[object] = [keys.RECORDED_CHANNEL, message, batch.first, batch.after, batch.mark, fence]
    given.append(len(batch.counts))
    for candidate, votes in batch.counts.items():
        given += [candidate, votes]
    for reason, candidate, weight in batch.refusals:
        given += [reason, candidate, weight]
    names = tuple(
        name(poll) for name in (keys.state, keys.counts, keys.journal, keys.refused, keys.minutes, keys.issued)
    )
    return scripts.word(client, "publish", names, tuple(given))


def amend(client: "redis.Redis", poll_id: int, leaf: int, changes: Mapping[int, int], fence: int) -> str:
    """Folds an amendment that is committed as `leaf`: what each candidate gains or loses. Answers as lua/amend.lua
    does."""
    given: list[object] = [leaf, fence]
    for candidate, votes in changes.items():
        given += [candidate, votes]
    return scripts.word(client, "amend", (keys.state(poll_id), keys.counts(poll_id)), tuple(given))


def repair(client: "redis.Redis", connection: sa.Connection, poll_id: int, applied: int, fence: int) -> str:
    """Catches up from leaf `applied` to the ledger's end, in the running (reading) transaction."""
    client, process = failover.stay(client, poll_id)
    if process is not None:
        applied = failover.applied(client, poll_id, applied)
    for rows in _chunks(connection, poll_id, applied):
        _restore(client, poll_id, rows)
        for moment, told in groupby(rows, key=lambda row: row.recorded_at):
            message = waiting.pack(poll_id, milliseconds(moment), [(row.commitment, row.leaf) for row in told])
            client.publish(keys.RECORDED_CHANNEL, message)
    return _settle(client, connection, poll_id, "repair", fence, process)


def rebuild(client: "redis.Redis", connection: sa.Connection, facts: Facts, fence: int) -> str:
    """Puts everything of the poll back into Redis from the ledger; the poll takes votes only when it is done.

    The journal must have been recorded to its end before, in an earlier transaction.
    """
    client, process = failover.stay(client, facts.id)
    client.delete(keys.state(facts.id))
    forget_voters(client, facts.id)
    restored = 0 if _key_is_gone(connection, facts.id) else put_back(client, connection, facts.id)
    _write(client, connection, facts)
    answer = _settle(client, connection, facts.id, "rebuild", fence, process)
    log.info("poll %s rebuilt in Redis from %s votes: %s", facts.id, restored, answer)
    return answer


def configure(client: "redis.Redis", connection: sa.Connection, facts: Facts) -> str:
    """Puts the rules and the eligible candidates of `facts.version` into the state that is loaded. Answers as
    lua/configure.lua does."""
    fields = _fields(facts)
    given: list[object] = [facts.version, len(fields)]
    for name, value in fields.items():
        given += [name, value]
    names = (keys.state(facts.id), keys.candidates(facts.id))
    return scripts.word(client, "configure", names, (*given, *_eligible(connection, facts.id)))


def shut(client: "redis.Redis", poll_id: int) -> None:
    """Votes are taken no more, from this moment, until the poll is rebuilt."""
    client.hdel(keys.state(poll_id), "ready")


def standings(client: "redis.Redis", poll_id: int, *, unless: int | None = None) -> Standings | None:
    """The counts and the ledger size they stand for, read together; None where the poll is not loaded here.

    `unless`: a size for which the caller has the counts already; for it `votes` comes back empty.
    """
    applied, counts = _standings(client, poll_id, unless)
    if applied is None:
        return None
    pairs = iter(counts)
    return Standings(int(applied), {int(candidate): int(next(pairs)) for candidate in pairs})


def _standings(client: "redis.Redis", poll_id: int, unless: int | None) -> tuple[bytes | None, list[bytes]]:
    names = (keys.state(poll_id), keys.counts(poll_id))
    found: Any = scripts.run(client, "standings", names, ("" if unless is None else unless,))
    return (found[0], found[1:]) if found else (None, [])


def _fields(facts: Facts) -> dict[str, int]:
    limits = {name: value for name, value in facts.rules.kept().items() if isinstance(value, int)}
    return {"opens": facts.opens, "closes": facts.closes, **limits}


def _eligible(connection: sa.Connection, poll_id: int) -> list[int]:
    """Who takes votes: candidates that are not withdrawn, and of works only those that are (still) accepted."""
    candidate, entry = Candidate.__table__.c, Entry.__table__.c
    rows = connection.execute(
        sa.select(candidate.id)
        .outerjoin(Entry.__table__, entry.id == candidate.entry_id)
        .where(
            candidate.poll_id == poll_id,
            candidate.withdrawn.is_(False),
            sa.or_(candidate.entry_id.is_(None), entry.status == EntryStatus.ACCEPTED),
        )
        .order_by(candidate.id)
    )
    return list(rows.scalars())


def _write(client: "redis.Redis", connection: sa.Connection, facts: Facts) -> None:
    """Rules and candidates of a state that is not ready yet."""
    pipe = client.pipeline(transaction=False)
    mapping: dict[Any, Any] = {"version": facts.version, **_fields(facts)}
    pipe.hset(keys.state(facts.id), mapping=mapping)
    pipe.delete(keys.candidates(facts.id))
    eligible = _eligible(connection, facts.id)
    if eligible:
        pipe.sadd(keys.candidates(facts.id), *eligible)
    pipe.execute()


def _settle(
    client: "redis.Redis", connection: sa.Connection, poll_id: int, how: str, fence: int, process: bytes | None
) -> str:
    reached = ledger.progress(connection, poll_id)
    given: list[object] = [how, reached.next_leaf, reached.journal_id, fence]
    taken_out = voided.taken_out(connection, poll_id)
    for candidate, votes in ledger.totals(connection, poll_id).items():
        given += [candidate, votes, votes + taken_out.get(candidate, 0)]
    names = (keys.state(poll_id), keys.counts(poll_id), keys.journal(poll_id), keys.issued(poll_id))
    answer = scripts.word(client, "settle", names, tuple(given))
    if answer == "ok":
        failover.sign(client, poll_id, process)
    return answer


def _chunks(connection: sa.Connection, poll_id: int, leaf: int) -> Iterator[list[Any]]:
    while rows := ledger.votes_from(connection, poll_id, leaf, CHUNK):
        yield list(rows)
        leaf = rows[-1].leaf + 1


def _restore(client: "redis.Redis", poll_id: int, rows: list[Any]) -> None:
    mine: dict[bytes, list[object]] = {}
    for v in rows:
        mine.setdefault(v.tag, []).extend(
            (
                v.nonce if journal.is_first(v.journal_id) else b"",
                v.candidate_id,
                v.journal_id,
                v.day.toordinal(),
                v.slot,
                v.repeat,
                v.ordinal,
                v.nth,
            )
        )
    digest = scripts.load(client, "restore")
    pipe = client.pipeline(transaction=False)
    for tag, given in mine.items():
        pipe.evalsha(digest, 1, keys.voter(poll_id, tag), *given)  # type: ignore[arg-type]
    pipe.execute()


def _key_is_gone(connection: sa.Connection, poll_id: int) -> bool:
    """Whether the poll's key is destroyed: its voters are known no more, and nothing of them comes back."""
    table = Poll.__table__
    query = sa.select(table.c.key_destroyed_at.is_not(None)).where(table.c.id == poll_id)
    return bool(connection.execute(query).scalar_one())


def forget_voters(client: "redis.Redis", poll_id: int) -> None:
    """Takes all voters of the poll out of Redis."""
    names = []
    for name in client.scan_iter(match=keys.every_voter(poll_id), count=2_000):
        names.append(name)
        if len(names) == CHUNK:
            client.unlink(*names)
            names = []
    if names:
        client.unlink(*names)
