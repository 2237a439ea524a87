"""Recording the jury's show of hands in a discussion. Append-only: the last one on an entry stands."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from concours import audit
from concours.base import typed
from concours.base.db import session
from concours.base.errors import FieldProblem, Invalid, NotFound
from concours.base.messages import msg
from concours.entries.models import Entry, EntryStatus
from concours.entries.times import require_running
from concours.events.models import Event, PhaseKind
from concours.events.phases import require_open
from concours.identity.models import Account
from concours.jury import limits
from concours.jury.kinds.discussion import standing_hands
from concours.jury.lookup import hold, require
from concours.jury.marks import require_kind
from concours.jury.models import (
    FLAGS,
    Assignment,
    Remark,
    Round,
    RoundEntry,
    RoundKind,
    RoundStatus,
    Selected,
    ShowOfHands,
)


@dataclass(frozen=True)
class Hands:
    """A show of hands as it was counted, with what is to be remembered of the discussion. All 0: not decided."""

    in_favour: int
    against: int
    abstaining: int = 0
    note: str = ""


def show(event: Event, round_id: int, entry_id: int, hands: Hands, *, actor: Account, now: datetime) -> ShowOfHands:
    """Records how the jury voted on an entry; what was recorded before stays in the history.

    The same again changes nothing. Raises Invalid for numbers that cannot be, Conflict where the round is not open.
    """
    found = hold(event.id, round_id)
    require_kind(found, RoundKind.DISCUSSION)
    require(found, RoundStatus.OPEN)
    require_running(event)
    require_open(event, PhaseKind.JUDGING, now)
    inside = session().scalar(
        sa.select(RoundEntry.id)
        .join(Entry, Entry.id == RoundEntry.entry_id)
        .where(RoundEntry.round_id == found.id, RoundEntry.entry_id == entry_id, Entry.status == EntryStatus.ACCEPTED)
    )
    if inside is None:
        raise NotFound(msg("This entry is not in the round."), code="no_such_entry")
    note = typed.paragraphs(hands.note)
    _check(hands, note)
    last = standing_hands(found, [entry_id]).get(entry_id)
    counted = (hands.in_favour, hands.against, hands.abstaining, note)
    if last is not None and (last.in_favour, last.against, last.abstaining, last.note) == counted:
        return last
    made = ShowOfHands(
        round_id=found.id,
        entry_id=entry_id,
        in_favour=hands.in_favour,
        against=hands.against,
        abstaining=hands.abstaining,
        note=note,
        recorded_by=actor.id,
        at=now,
    )
    session().add(made)
    session().flush()
    audit.record(
        actor,
        "jury.show_of_hands",
        found,
        now=now,
        event_id=event.id,
        entry=entry_id,
        in_favour=hands.in_favour,
        against=hands.against,
        abstaining=hands.abstaining,
        note=note,
    )
    return made


def _check(hands: Hands, note: str) -> None:
    problems = [
        FieldProblem(name, msg("From 0 to %(limit)s hands, please.", limit=limits.PANEL))
        for name in ("in_favour", "against", "abstaining")
        if not 0 <= getattr(hands, name) <= limits.PANEL
    ]
    if len(note) > limits.NOTE_CHARACTERS:
        problems.append(
            FieldProblem("note", msg("At most %(limit)s characters, please.", limit=limits.NOTE_CHARACTERS))
        )
    if problems:
        raise Invalid(problems=problems)


@dataclass(frozen=True)
class Discussed:
    """An entry under discussion: what earlier rounds selected it with (round's title, place, score), the flags that
    judges raised (kind, text), why it was picked by hand, and all shows of hands, the last first."""

    entry: Entry
    reason: str
    earlier: tuple[tuple[str, int, float], ...]
    flags: tuple[tuple[str, str], ...]
    hands: tuple[tuple[ShowOfHands, str], ...]


def discussed(found: Round, *, after: int, limit: int) -> tuple[list[Discussed], int | None]:
    """The round's entries from behind the number `after` of an entry's row, and where the next page begins; five
    queries."""
    rows = session().execute(
        sa.select(Entry, RoundEntry.reason)
        .join(RoundEntry, RoundEntry.entry_id == Entry.id)
        .where(RoundEntry.round_id == found.id, Entry.status == EntryStatus.ACCEPTED, Entry.id > after)
        .order_by(Entry.id)
        .limit(limit + 1)
    )
    listed = list(rows.tuples())
    more = len(listed) > limit
    listed = listed[:limit]
    numbers = [entry.id for entry, _ in listed]
    earlier = session().execute(
        sa.select(Selected.entry_id, Round.title, Selected.place, Selected.score)
        .join(Round, Round.id == Selected.round_id)
        .where(Round.event_id == found.event_id, Round.id != found.id, Selected.entry_id.in_(numbers))
        .order_by(Round.position)
    )
    scores: dict[int, list[tuple[str, int, float]]] = {}
    for entry_id, title, place, score in earlier.tuples():
        scores.setdefault(entry_id, []).append((title, place, score))
    raised = session().execute(
        sa.select(Assignment.entry_id, Remark.kind, Remark.text)
        .join(Assignment, Assignment.id == Remark.assignment_id)
        .where(Remark.kind.in_(FLAGS), Remark.withdrawn_at.is_(None), Assignment.entry_id.in_(numbers))
        .order_by(Remark.id)
    )
    flags: dict[int, list[tuple[str, str]]] = {}
    for entry_id, kind, text in raised.tuples():
        flags.setdefault(entry_id, []).append((kind, text))
    shown = session().execute(
        sa.select(ShowOfHands, Account.name)
        .join(Account, Account.id == ShowOfHands.recorded_by)
        .where(ShowOfHands.round_id == found.id, ShowOfHands.entry_id.in_(numbers))
        .order_by(ShowOfHands.id.desc())
    )
    hands: dict[int, list[tuple[ShowOfHands, str]]] = {}
    for one, name in shown.tuples():
        hands.setdefault(one.entry_id, []).append((one, name))
    return [
        Discussed(
            entry,
            reason,
            tuple(scores.get(entry.id, ())),
            tuple(flags.get(entry.id, ())),
            tuple(hands.get(entry.id, ())),
        )
        for entry, reason in listed
    ], (numbers[-1] if more else None)
