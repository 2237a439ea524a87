"""Rounds over a list of entries picked by hand, each with a reason."""

from collections.abc import Sequence

import sqlalchemy as sa

from concours.base import typed
from concours.base.db import session
from concours.base.errors import FieldProblem
from concours.base.messages import msg
from concours.entries.models import Entry, EntryStatus
from concours.jury import limits
from concours.jury.models import Round

FIELD = "picked"
Pick = tuple[int, str]
"""An entry's public number, and why it was picked."""


def resolved(event_id: int, picks: Sequence[Pick], problems: list[FieldProblem]) -> dict[str, str]:
    """What the round's input keeps, entry → reason; what is wrong is added to `problems`. One query.

    A number below 0 stands for a line that does not begin with one.
    """

    def wrong(line: int, message: object) -> None:
        problems.append(FieldProblem(FIELD, msg("Line %(line)s: %(problem)s", line=line, problem=message)))

    if not picks:
        problems.append(FieldProblem(FIELD, msg("Please pick at least one entry, by its number.")))
    if len(picks) > limits.PICKED:
        problems.append(FieldProblem(FIELD, msg("At most %(limit)s entries can be picked.", limit=limits.PICKED)))
        return {}
    there = _accepted(event_id, [number for number, _ in picks])
    kept: dict[str, str] = {}
    for line, (number, reason) in enumerate(picks, 1):
        entry = there.get(number)
        why = typed.line(reason)
        if number < 0:
            wrong(line, msg("it does not begin with the number of an entry."))
        elif entry is None:
            wrong(line, msg("no accepted entry of this event has the number %(number)s.", number=number))
        elif str(entry) in kept:
            wrong(line, msg("entry %(number)s is picked twice.", number=number))
        elif not why or len(why) > limits.REASON_CHARACTERS:
            wrong(line, msg("please say why in at most %(limit)s characters.", limit=limits.REASON_CHARACTERS))
        else:
            kept[str(entry)] = why
    return kept


def picks_of(found: Round) -> list[Pick]:
    """What was picked for a round, in the order of the numbers; one query."""
    kept: dict[str, str] = found.input.get("picked") or {}
    rows = session().execute(
        sa.select(Entry.id, Entry.number).where(Entry.id.in_([int(entry) for entry in kept])).order_by(Entry.number)
    )
    return [(number or 0, kept[str(entry)]) for entry, number in rows.tuples()]


def _accepted(event_id: int, numbers: Sequence[int]) -> dict[int, int]:
    rows = session().execute(
        sa.select(Entry.number, Entry.id).where(
            Entry.event_id == event_id, Entry.status == EntryStatus.ACCEPTED, Entry.number.in_(set(numbers))
        )
    )
    return {number: entry for number, entry in rows.tuples() if number is not None}
