"""The marks that stand in a round, and what they are worth."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import sqlalchemy as sa

from concours.base.db import session
from concours.jury.models import Assignment, Round


@dataclass(frozen=True)
class Worth:
    """What was said of each entry, from 0 to 100.

    `marks`: entry → each judge's mark of it, in the order of the assignments. `whole`: entry → what ranks it, where
    the kind orders all entries together (rankings, pairs); None where the mean of the marks does.
    """

    marks: Mapping[int, list[Fraction]]
    whole: Mapping[int, Fraction] | None = None


class Standing(NamedTuple):
    """A judge's mark of an entry that stands; `position`: the entry's place in the judge's random order."""

    entry: int
    judge: int
    position: int
    value: Mapping[str, Any]


def standing(found: Round, entries: Collection[int] | None = None) -> list[Standing]:
    """The marks that stand, of `entries` only (all for None), by their assignments' numbers; one query.

    Marks of judges who stepped aside from the entry do not stand; those of judges who left the panel do.
    """
    rows = session().execute(
        sa.select(Assignment.entry_id, Assignment.account_id, Assignment.position, Assignment.value)
        .where(
            Assignment.round_id == found.id,
            Assignment.marked_at.is_not(None),
            Assignment.recused_at.is_(None),
        )
        .order_by(Assignment.id)
    )
    wanted = None if entries is None else set(entries)
    return [
        Standing(entry, judge, position, value)
        for entry, judge, position, value in rows.tuples()
        if value is not None and (wanted is None or entry in wanted)
    ]


def each(found: Round, entries: Collection[int] | None, points: Callable[[Mapping[str, Any]], Fraction]) -> Worth:
    """The worth where each mark has its own, by `points`."""
    marks: dict[int, list[Fraction]] = {}
    for mark in standing(found, entries):
        marks.setdefault(mark.entry, []).append(points(mark.value))
    return Worth(marks)
