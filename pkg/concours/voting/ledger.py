"""The ledger: recorded votes in SQL, each with its gapless leaf. Its unique keys are the last word on what counts: no
commitment twice, and no slot of a voter twice.

A batch is one transaction: votes, refusals, tally and progress stand or fall together. The progress row is locked
first, so two sequencers can never give out the same leaf.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from concours.voting.journal import Entry, place_of
from concours.voting.models import PollLog, PollProgress, RefusedVote, SequencerTerm, Tally, Vote, VoteSlot
from concours.voting.receipts import Standing
from concours.voting.rules import milliseconds

ALREADY_VOTED, QUOTA_USED, REPEATED, CLOSED = -1, -2, -3, -4
REASONS = {ALREADY_VOTED: "already_voted", QUOTA_USED: "quota_used", CLOSED: "poll_closed"}
COLUMNS = (
    ("poll_id", "bigint"),
    ("leaf", "bigint"),
    ("candidate_id", "bigint"),
    ("tag", "bytea"),
    ("nonce", "bytea"),
    ("commitment", "bytea"),
    ("day", "date"),
    ("slot", "integer"),
    ("repeat", "integer"),
    ("ordinal", "integer"),
    ("journal_id", "varchar"),
    ("recorded_at", "timestamptz"),
    ("network", "bytea"),
    ("weight", "integer"),
    ("nth", "integer"),
)

SLOTS_OF_A_VOTE = 4
VOTER_BYTES = 16  # of the tag, in a slot

_vote, _slot, _refused, _tally, _progress, _term, _log = (
    cast(sa.Table, model.__table__)
    for model in (Vote, VoteSlot, RefusedVote, Tally, PollProgress, SequencerTerm, PollLog)
)

# Made once: building a statement costs as much as running it, and these run for each batch.
_LOCKED = (
    sa.select(_progress.c.next_leaf, _progress.c.journal_id, _progress.c.fence)
    .where(_progress.c.poll_id == sa.bindparam("poll"))
    .with_for_update()
)
_CLOSED = sa.select(_log.c.closed_at).where(_log.c.poll_id == sa.bindparam("poll"))
_REACHED = (
    sa.update(_progress)
    .where(_progress.c.poll_id == sa.bindparam("poll"))
    .values(
        next_leaf=sa.bindparam("leaf"),
        journal_id=sa.bindparam("mark"),
        fence=sa.bindparam("term"),
        changed_at=sa.bindparam("now"),
    )
)
_NAMES = ", ".join(name for name, _ in COLUMNS)
_INSERT = {
    "sqlite": f"INSERT INTO vote ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT DO NOTHING",  # noqa: S608 (our own names)
    "postgresql": f"INSERT INTO vote ({_NAMES}) SELECT * FROM unnest("  # noqa: S608 (our own names)
    + ", ".join(f"%s::{kind}[]" for _, kind in COLUMNS)
    + ") ON CONFLICT DO NOTHING",
}

# The slots of the leaves from one to another, read from the votes themselves; days as `date.toordinal()` counts them.
_DAY = {"sqlite": "CAST(julianday(v.day) - 1721424.5 AS INTEGER)", "postgresql": "v.day - DATE '0001-01-01' + 1"}
SLOTS = {
    dialect: "INSERT INTO vote_slot (poll_id, voter, candidate_id, day, number, leaf)"  # noqa: S608 (our own names)
    f" SELECT v.poll_id, substr(v.tag, 1, {VOTER_BYTES}),"
    " CASE WHEN kind.column1 IN (1, 4) THEN 0 ELSE v.candidate_id END,"
    f" CASE WHEN kind.column1 IN (1, 2) THEN {day} ELSE 0 END,"
    " CASE kind.column1 WHEN 1 THEN v.slot WHEN 2 THEN v.repeat WHEN 3 THEN v.nth ELSE v.ordinal END, v.leaf"
    " FROM vote v CROSS JOIN (VALUES (1), (2), (3), (4)) kind"
    f" WHERE v.poll_id = {mark} AND v.leaf >= {mark} AND v.leaf < {mark} ON CONFLICT DO NOTHING"
    for (dialect, day), mark in zip(_DAY.items(), ("?", "%s"), strict=True)
}


def _adding(insert: Any) -> Any:
    new = insert(_tally)
    return new.on_conflict_do_update(
        index_elements=[_tally.c.poll_id, _tally.c.candidate_id],
        set_={"votes": _tally.c.votes + new.excluded.votes},
    )


_ADD = {"sqlite": _adding(sqlite.insert), "postgresql": _adding(postgresql.insert)}


class LostLease(Exception):
    """Another sequencer has taken over: this one must not write any more."""


class OutOfStep(Exception):
    """The journal's position in memory is not the ledger's: read it again from SQL."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a poll is recorded."""

    next_leaf: int
    journal_id: str


@dataclass(slots=True)
class Batch:
    """What a transaction recorded: leaves `first` to `after` (not included), up to the journal id `mark`.

    `fates`: (commitment, leaf, or why it was refused) of each entry, in order; `counts`: votes per candidate, by
    weight; `refusals`: reason, candidate and weight of each refused entry; the reason of a repeated nonce is empty: its
    vote counts.
    """

    poll_id: int
    first: int
    after: int
    mark: str
    recorded_at: datetime
    fates: list[tuple[bytes, int]] = field(default_factory=list)
    counts: Counter[int] = field(default_factory=Counter)
    refusals: list[tuple[str, int, int]] = field(default_factory=list)


def take_term(connection: sa.Connection, now: datetime) -> int:
    """Begins a sequencer's term; returns its fencing token, higher than all before it."""
    raised = sa.update(_term).where(_term.c.id == 1).values(fence=_term.c.fence + 1, taken_at=now)
    if connection.execute(raised).rowcount == 0:
        connection.execute(sa.insert(_term).values(id=1, fence=1, taken_at=now))
    return int(connection.execute(sa.select(_term.c.fence).where(_term.c.id == 1)).scalar_one())


def progress(connection: sa.Connection, poll_id: int) -> Progress:
    """How far the poll is recorded."""
    row = connection.execute(sa.select(_progress).where(_progress.c.poll_id == poll_id)).one_or_none()
    return Progress(0, "0-0") if row is None else Progress(row.next_leaf, row.journal_id)


def record(
    connection: sa.Connection, poll_id: int, entries: Sequence[Entry], *, after: str, fence: int, now: datetime
) -> Batch:
    """Records `entries`, which follow the journal id `after`, in the running transaction; the picks of a ballot side by
    side, and all of them or none. Behind a signed close nothing is recorded, whatever the clock of Redis said.

    Raises LostLease or OutOfStep, having written nothing.
    """
    row = connection.execute(_LOCKED, {"poll": poll_id}).one()
    if row.fence > fence:
        raise LostLease
    if row.journal_id != after:
        raise OutOfStep
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # receipts name it in ms
    batch = Batch(poll_id, row.next_leaf, row.next_leaf, place_of(entries[-1].journal_id), now)
    closed = connection.execute(_CLOSED, {"poll": poll_id}).scalar_one_or_none() is not None
    if closed or not _record_all(connection, batch, entries, batch.first):
        _record_each(connection, batch, entries, closed=closed)
    _add_up(connection, batch)
    connection.execute(_REACHED, {"poll": poll_id, "leaf": batch.after, "mark": batch.mark, "term": fence, "now": now})
    return batch


def find(connection: sa.Connection, poll_id: int, commitment: bytes) -> Standing | None:
    """The recorded vote of that commitment."""
    return find_all(connection, poll_id, [commitment]).get(commitment)


def find_all(connection: sa.Connection, poll_id: int, commitments: Sequence[bytes]) -> dict[bytes, Standing]:
    """The recorded votes of those commitments (a ballot's: at most 50)."""
    v = _vote.c
    rows = connection.execute(
        sa.select(v.commitment, v.journal_id, v.candidate_id, v.day, v.weight, v.leaf, v.recorded_at).where(
            v.poll_id == poll_id, v.commitment.in_(commitments)
        )
    )
    return {
        row.commitment: Standing(
            row.journal_id,
            row.candidate_id,
            row.day,
            row.commitment,
            row.weight,
            row.leaf,
            milliseconds(row.recorded_at),
        )
        for row in rows
    }


def refused_at(connection: sa.Connection, poll_id: int, journal_ids: Sequence[str]) -> str | None:
    """Why the unique keys refused the ballot of these journal entries, if they did."""
    here = sa.and_(_refused.c.poll_id == poll_id, _refused.c.journal_id.in_(journal_ids))
    return connection.execute(sa.select(_refused.c.reason).where(here).limit(1)).scalar_one_or_none()


def refused_as(connection: sa.Connection, poll_id: int, journal_id: str) -> str | None:
    """Why the unique keys refused that journal entry, if they did."""
    return connection.execute(
        sa.select(_refused.c.reason).where(_refused.c.poll_id == poll_id, _refused.c.journal_id == journal_id)
    ).scalar_one_or_none()


def votes_from(connection: sa.Connection, poll_id: int, leaf: int, count: int) -> Sequence[sa.Row[Any]]:
    """At most `count` recorded votes from `leaf` on, in order."""
    return connection.execute(
        sa.select(_vote).where(_vote.c.poll_id == poll_id, _vote.c.leaf >= leaf).order_by(_vote.c.leaf).limit(count)
    ).all()


def totals(connection: sa.Connection, poll_id: int) -> dict[int, int]:
    """The tally: votes per candidate, by weight."""
    rows = connection.execute(sa.select(_tally.c.candidate_id, _tally.c.votes).where(_tally.c.poll_id == poll_id))
    return {row.candidate_id: row.votes for row in rows}


def _as_stored(connection: sa.Connection, column: sa.Column[Any], value: Any) -> Any:
    """A value as the driver takes it for that column (SQLite keeps days and moments as text)."""
    bind = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return bind(value) if bind else value


def _rows(connection: sa.Connection, batch: Batch, entries: Sequence[Entry], leaf: int) -> list[tuple[Any, ...]]:
    moment = _as_stored(connection, _vote.c.recorded_at, batch.recorded_at)
    days = {day: _as_stored(connection, _vote.c.day, day) for day in {e.day for e in entries}}
    return [
        (
            batch.poll_id, number, e.candidate, e.tag, e.nonce, e.commitment, days[e.day], e.slot, e.repeat, e.ordinal,
            e.journal_id, moment, e.network, e.weight, e.nth,
        )
        for number, e in enumerate(entries, leaf)
    ]  # fmt: skip


def _insert(connection: sa.Connection, batch: Batch, entries: Sequence[Entry], leaf: int) -> bool:
    """Inserts what the unique keys let in, as leaves from `leaf` on, with their slots; returns whether that is all."""
    rows: Any = _rows(connection, batch, entries, leaf)
    dialect = connection.dialect.name
    if dialect == "postgresql":
        rows = tuple(list(column) for column in zip(*rows, strict=True))
    if connection.exec_driver_sql(_INSERT[dialect], rows).rowcount != len(entries):
        return False
    taken = connection.exec_driver_sql(SLOTS[dialect], (batch.poll_id, leaf, leaf + len(entries)))
    return taken.rowcount == SLOTS_OF_A_VOTE * len(entries)


def _record_all(connection: sa.Connection, batch: Batch, entries: Sequence[Entry], leaf: int) -> bool:
    """These entries at once from `leaf` on, as nearly always the whole batch; none where the unique keys refuse any."""
    connection.exec_driver_sql("SAVEPOINT batch")
    if not _insert(connection, batch, entries, leaf):
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT batch")
        return False
    connection.exec_driver_sql("RELEASE SAVEPOINT batch")
    for e in entries:
        batch.fates.append((e.commitment, batch.after))
        batch.counts[e.candidate] += e.weight
        batch.after += 1
    return True


def _record_each(connection: sa.Connection, batch: Batch, entries: Sequence[Entry], *, closed: bool) -> None:
    """Ballot by ballot, so that each refused one is known with its reason and the leaves stay gapless."""
    for _, picks in groupby(entries, key=lambda e: place_of(e.journal_id)):
        ballot = list(picks)
        if not closed and _record_all(connection, batch, ballot, batch.after):
            continue
        fates = [_why(connection, batch.poll_id, e) for e in ballot]
        fate = next((found for found in (REPEATED, ALREADY_VOTED) if found in fates), QUOTA_USED)
        if closed and fate != REPEATED:
            fate = CLOSED
        for e in ballot:
            batch.fates.append((e.commitment, fate))
            batch.refusals.append((REASONS.get(fate, ""), e.candidate, e.weight))
            if fate in REASONS:
                connection.execute(
                    sa.insert(_refused).values(
                        poll_id=batch.poll_id,
                        journal_id=e.journal_id,
                        candidate_id=e.candidate,
                        commitment=e.commitment,
                        reason=REASONS[fate],
                        refused_at=batch.recorded_at,
                    )
                )


def _why(connection: sa.Connection, poll_id: int, e: Entry) -> int:
    if find(connection, poll_id, e.commitment) is not None:
        return REPEATED
    s = _slot.c
    same_candidate = sa.select(s.leaf).where(
        s.poll_id == poll_id,
        s.voter == e.tag[:VOTER_BYTES],
        s.candidate_id == e.candidate,
        sa.or_(
            sa.and_(s.day == e.day.toordinal(), s.number == e.repeat),
            sa.and_(s.day == 0, s.number == e.nth),
        ),
    )
    return ALREADY_VOTED if connection.execute(same_candidate).first() is not None else QUOTA_USED


def _add_up(connection: sa.Connection, batch: Batch) -> None:
    if not batch.counts:
        return
    connection.execute(
        _ADD[connection.dialect.name],
        [
            {"poll_id": batch.poll_id, "candidate_id": candidate, "votes": votes}
            for candidate, votes in sorted(batch.counts.items())
        ],
    )
