"""How far a round is: per judge, and how many entries have how many marks. A fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from concours.base.db import session
from concours.entries.models import Entry, EntryStatus
from concours.identity.models import Account
from concours.jury.kinds import discussion
from concours.jury.models import Assignment, Mark, Panelist, Round, RoundEntry, RoundKind, ShowOfHands


@dataclass(frozen=True)
class JudgeProgress:
    """A judge of a round: works given, marked, stepped aside from; when they last marked; their seat on the panel."""

    account: Account
    assigned: int
    marked: int
    recused: int
    last_mark_at: datetime | None
    panelist: Panelist

    @property
    def dropped_at(self) -> datetime | None:
        """Since when they are off the panel."""
        return self.panelist.dropped_at


@dataclass(frozen=True)
class Progress:
    """A round's progress.

    `coverage`: marks per entry → entries; `complete`: entries with all reviews asked for; `asked`: reviews asked for in
    all; `missing`: those not given; `unassigned`: those that nobody has to give (no judge free of conflict is left).
    `history`: all marks ever sent, the replaced and the taken-back ones included.
    """

    judges: tuple[JudgeProgress, ...]
    entries: int
    asked: int
    marked: int
    missing: int
    unassigned: int
    complete: int
    recused: int
    history: int
    coverage: dict[int, int]


def progress(found: Round) -> Progress:
    """The progress of a round that has opened; four queries."""
    accepted = Entry.status == EntryStatus.ACCEPTED
    active = sa.and_(Assignment.recused_at.is_(None), Assignment.withdrawn_at.is_(None), accepted)
    counted = sa.and_(Assignment.marked_at.is_not(None), Assignment.recused_at.is_(None), accepted)
    judges = session().execute(
        sa.select(
            Panelist,
            Account,
            sa.func.count(sa.case((active, Assignment.id))),
            sa.func.count(sa.case((counted, Assignment.id))),
            sa.func.count(Assignment.recused_at),
            sa.func.max(Assignment.marked_at),
        )
        .join(Account, Account.id == Panelist.account_id)
        .outerjoin(
            Assignment, sa.and_(Assignment.round_id == Panelist.round_id, Assignment.account_id == Panelist.account_id)
        )
        .outerjoin(Entry, Entry.id == Assignment.entry_id)
        .where(Panelist.round_id == found.id)
        .group_by(Panelist.id, Account.id)
        .order_by(Panelist.id)
    )
    rows = tuple(
        JudgeProgress(account, assigned, marked, recused, last, panelist)
        for panelist, account, assigned, marked, recused, last in judges
    )
    if found.kind == RoundKind.DISCUSSION:
        return _of_discussion(found, rows)
    per_entry = (
        sa.select(
            RoundEntry.entry_id,
            RoundEntry.extra_reviews.label("extra"),
            sa.func.count(sa.case((counted, Assignment.id))).label("marks"),
            sa.func.count(sa.case((active, Assignment.id))).label("given"),
        )
        .join(Entry, Entry.id == RoundEntry.entry_id)
        .outerjoin(
            Assignment, sa.and_(Assignment.round_id == RoundEntry.round_id, Assignment.entry_id == RoundEntry.entry_id)
        )
        .where(RoundEntry.round_id == found.id, accepted)
        .group_by(RoundEntry.entry_id, RoundEntry.extra_reviews)
        .subquery()
    )
    spread = session().execute(
        sa.select(per_entry.c.marks, per_entry.c.given, per_entry.c.extra, sa.func.count())
        .group_by(per_entry.c.marks, per_entry.c.given, per_entry.c.extra)
        .order_by(per_entry.c.marks)
    )
    coverage: dict[int, int] = {}
    entries = asked = complete = missing = unassigned = marked = 0
    for marks, given, extra, count in spread.tuples():
        reviews = found.reviews + extra
        coverage[marks] = coverage.get(marks, 0) + count
        entries += count
        asked += reviews * count
        marked += marks * count
        complete += count if marks >= reviews else 0
        missing += max(0, reviews - marks) * count
        unassigned += max(0, reviews - given) * count
    history = session().scalar(sa.select(sa.func.count()).where(Mark.round_id == found.id))
    return Progress(
        judges=rows,
        entries=entries,
        asked=asked,
        marked=marked,
        missing=missing,
        unassigned=unassigned,
        complete=complete,
        recused=sum(row.recused for row in rows),
        history=int(history or 0),
        coverage=coverage,
    )


def _of_discussion(found: Round, judges: tuple[JudgeProgress, ...]) -> Progress:
    """One review is asked of each entry: the jury's show of hands."""
    entries, decided = discussion.counts(found)
    shown = session().scalar(sa.select(sa.func.count()).where(ShowOfHands.round_id == found.id))
    return Progress(
        judges=judges,
        entries=entries,
        asked=entries,
        marked=decided,
        missing=entries - decided,
        unassigned=0,
        complete=decided,
        recused=0,
        history=int(shown or 0),
        coverage={marks: count for marks, count in ((0, entries - decided), (1, decided)) if count},
    )


@dataclass(frozen=True)
class SteppedAside:
    """A judge who stepped aside from an entry, with the reason given."""

    judge: str
    number: int | None
    reason: str
    at: datetime


def stepped_aside(found: Round) -> list[SteppedAside]:
    """Who stepped aside from what in the round, in time."""
    rows = session().execute(
        sa.select(Account.name, Entry.number, Assignment.recusal_reason, Assignment.recused_at)
        .join(Account, Account.id == Assignment.account_id)
        .join(Entry, Entry.id == Assignment.entry_id)
        .where(Assignment.round_id == found.id, Assignment.recused_at.is_not(None))
        .order_by(Assignment.recused_at, Assignment.id)
    )
    return [SteppedAside(name, number, reason, at) for name, number, reason, at in rows.tuples() if at is not None]
