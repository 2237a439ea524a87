"""The ledger: recorded votes in SQL, each with its gapless leaf. Its unique keys are the last word on what counts.

A batch is one transaction: votes, refusals, tally and progress stand or fall together. The progress row is locked
first, so two sequencers can never give out the same leaf.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from concours.voting.journal import Entry
from concours.voting.models import PollProgress, RefusedVote, SequencerTerm, Tally, Vote
from concours.voting.receipts import Standing
from concours.voting.rules import milliseconds

ALREADY_VOTED, QUOTA_USED, REPEATED = -1, -2, -3
REASONS = {ALREADY_VOTED: "already_voted", QUOTA_USED: "quota_used"}
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
)

_vote, _refused, _tally, _progress, _term = (
    cast(sa.Table, model.__table__) for model in (Vote, RefusedVote, Tally, PollProgress, SequencerTerm)
)


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

    `fates`: (commitment, leaf, or why it was refused) of each entry, in order; `counts`: votes per candidate;
    `refusals`: reason and candidate of each refused entry; the reason of a repeated nonce is empty: its vote counts.
    """

    poll_id: int
    first: int
    after: int
    mark: str
    recorded_at: datetime
    fates: list[tuple[bytes, int]] = field(default_factory=list)
    counts: Counter[int] = field(default_factory=Counter)
    refusals: list[tuple[str, int]] = field(default_factory=list)


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
    """Records `entries`, which follow the journal id `after`, in the running transaction.

    Raises LostLease or OutOfStep, having written nothing.
    """
    locked = sa.select(_progress).where(_progress.c.poll_id == poll_id).with_for_update()
    row = connection.execute(locked).one()
    if row.fence > fence:
        raise LostLease
    if row.journal_id != after:
        raise OutOfStep
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # receipts name it in ms
    batch = Batch(poll_id, row.next_leaf, row.next_leaf, entries[-1].journal_id, now)
    if not _record_all(connection, batch, entries):
        _record_each(connection, batch, entries)
    _add_up(connection, batch)
    connection.execute(
        sa.update(_progress)
        .where(_progress.c.poll_id == poll_id)
        .values(next_leaf=batch.after, journal_id=batch.mark, fence=fence, changed_at=now)
    )
    return batch


def find(connection: sa.Connection, poll_id: int, commitment: bytes) -> Standing | None:
    """The recorded vote of that commitment."""
    columns = (_vote.c.journal_id, _vote.c.candidate_id, _vote.c.day, _vote.c.leaf, _vote.c.recorded_at)
    row = connection.execute(
        sa.select(*columns).where(_vote.c.poll_id == poll_id, _vote.c.commitment == commitment)
    ).one_or_none()
    if row is None:
        return None
    return Standing(row.journal_id, row.candidate_id, row.day, commitment, row.leaf, milliseconds(row.recorded_at))


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
    """The tally: votes per candidate."""
    rows = connection.execute(sa.select(_tally.c.candidate_id, _tally.c.votes).where(_tally.c.poll_id == poll_id))
    return {row.candidate_id: row.votes for row in rows}


def _rows(batch: Batch, entries: Sequence[Entry], leaf: int) -> Iterator[tuple[Any, ...]]:
    for e in entries:
        yield (
            batch.poll_id, leaf, e.candidate, e.tag, e.nonce, e.commitment, e.day, e.slot, e.repeat, e.ordinal,
            e.journal_id, batch.recorded_at,
        )  # fmt: skip
        leaf += 1


def _insert(connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> int:
    """Inserts what the unique keys let in; returns how many."""
    names = [name for name, _ in COLUMNS]
    if connection.dialect.name == "postgresql":
        arrays = ", ".join(f"%s::{kind}[]" for _, kind in COLUMNS)
        return connection.exec_driver_sql(
            f"INSERT INTO vote ({', '.join(names)}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",  # noqa: S608 (our own names)
            tuple([list(column) for column in zip(*rows, strict=True)]),
        ).rowcount
    statement = sqlite.insert(_vote).on_conflict_do_nothing()
    return connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows]).rowcount


def _record_all(connection: sa.Connection, batch: Batch, entries: Sequence[Entry]) -> bool:
    """The whole batch at once, as nearly always; nothing of it where the unique keys refuse any."""
    with connection.begin_nested() as savepoint:
        if _insert(connection, list(_rows(batch, entries, batch.first))) != len(entries):
            savepoint.rollback()
            return False
    for e in entries:
        batch.fates.append((e.commitment, batch.after))
        batch.counts[e.candidate] += 1
        batch.after += 1
    return True


def _record_each(connection: sa.Connection, batch: Batch, entries: Sequence[Entry]) -> None:
    """One by one, so that each refused entry is known with its reason and the leaves stay gapless."""
    for e in entries:
        if _insert(connection, list(_rows(batch, [e], batch.after))):
            batch.fates.append((e.commitment, batch.after))
            batch.counts[e.candidate] += 1
            batch.after += 1
            continue
        fate = _why(connection, batch.poll_id, e)
        batch.fates.append((e.commitment, fate))
        batch.refusals.append((REASONS.get(fate, ""), e.candidate))
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
    same_candidate = sa.select(_vote.c.leaf).where(
        _vote.c.poll_id == poll_id,
        _vote.c.tag == e.tag,
        _vote.c.candidate_id == e.candidate,
        _vote.c.day == e.day,
        _vote.c.repeat == e.repeat,
    )
    return ALREADY_VOTED if connection.execute(same_candidate).first() is not None else QUOTA_USED


def _add_up(connection: sa.Connection, batch: Batch) -> None:
    if not batch.counts:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = insert(_tally)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[_tally.c.poll_id, _tally.c.candidate_id],
            set_={"votes": _tally.c.votes + new.excluded.votes},
        ),
        [
            {"poll_id": batch.poll_id, "candidate_id": candidate, "votes": votes}
            for candidate, votes in sorted(batch.counts.items())
        ],
    )
