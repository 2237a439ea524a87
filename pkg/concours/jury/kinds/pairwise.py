"""Pairwise: each judge says which of two of their works is the better, or that they are equal.

What was said is in `Comparison` rows. A judge's review of a work is done (its assignment is marked, {"compared": n})
when every pair drawn for it is decided, so that progress, closing and redistribution count it like any mark.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import aliased

from concours.base.db import session
from concours.base.messages import Message, msg
from concours.entries.models import Entry, EntryStatus
from concours.jury.analysis.pairs import bradley_terry
from concours.jury.kinds.drawing import Pair, draw
from concours.jury.kinds.standing import Worth
from concours.jury.models import Assignment, Comparison, Round
from concours.jury.scoring import TOP

PRIOR = 0.5
"""Wins, and as many losses, that every entry has against a rival of average strength (docs/counting.md, “Pairs”)."""
FIRST, SECOND, EQUAL = "first", "second", "equal"
MILLION = 1_000_000


class Said(NamedTuple):
    """A judge's standing word on two entries. `better`: `first`, `second` or `equal`."""

    judge: int
    first: int
    second: int
    better: str


def problem(found: Round, value: Mapping[str, Any]) -> Message | None:  # noqa: ARG001 -- as every kind's
    """No mark will do: works are compared."""
    return msg("In this round works are compared in pairs.")


def seed_of(found: Round, judge: int) -> str:
    """The seed of a judge's pairs; the lottery's published one tells nothing of it."""
    return f"{found.seed}|pairs|{judge}"


def pairs_of(found: Round, judge: int, works: Collection[int], done: Collection[Pair]) -> list[Pair]:
    """The pairs of a judge's works (assignments), those `done` included, in the order of asking."""
    return draw(sorted(works), int(found.rule.get("comparisons") or 2), seed_of(found, judge), done)


def own_words(found: Round, judge: int) -> dict[Pair, str]:
    """What a judge said that stands: pair of assignments → which is the better; one query."""
    rows = session().execute(
        sa.select(Comparison.first_id, Comparison.second_id, Comparison.better)
        .join(Assignment, Assignment.id == Comparison.first_id)
        .where(Comparison.round_id == found.id, Assignment.account_id == judge)
        .order_by(Comparison.id)
    )
    said: dict[Pair, str | None] = {(first, second): better for first, second, better in rows.tuples()}
    return {pair: better for pair, better in said.items() if better is not None}


def words(found: Round, entries: Collection[int] | None = None) -> list[Said]:
    """What all judges said that stands, of `entries` (all for None), in the order of the first word on each pair."""
    first, second = aliased(Assignment), aliased(Assignment)
    rows = session().execute(
        sa.select(first.id, second.id, first.account_id, first.entry_id, second.entry_id, Comparison.better)
        .select_from(Comparison)
        .join(first, first.id == Comparison.first_id)
        .join(second, second.id == Comparison.second_id)
        .where(Comparison.round_id == found.id, first.recused_at.is_(None), second.recused_at.is_(None))
        .order_by(Comparison.id)
    )
    last: dict[Pair, tuple[int, int, int, str | None]] = {}
    for one, other, judge, entry, rival, better in rows.tuples():
        last[one, other] = (judge, entry, rival, better)
    return [
        Said(judge, entry, rival, better)
        for judge, entry, rival, better in last.values()
        if better is not None and (entries is None or (entry in entries and rival in entries))
    ]


def settle(found: Round, judge: int, now: datetime) -> None:
    """Sets which of the judge's works are reviewed: those of which every pair that is asked is decided."""
    said = own_words(found, judge)
    active = active_of(found, judge)
    asked = pairs_of(found, judge, active, said)
    for number, row in active.items():
        own = [pair for pair in asked if number in pair]
        done = sum(pair in said for pair in own)
        value = {"compared": done} if own and done == len(own) else None
        if row.value != value:
            row.value = value
            row.marked_at = now if value is not None else None
    session().flush()


def own_works(found: Round, judge: int) -> Sequence[Assignment]:
    """All works that are or were a judge's in the round and are still accepted, read anew."""
    return (
        session()
        .scalars(
            sa.select(Assignment)
            .join(Entry, Entry.id == Assignment.entry_id)
            .where(
                Assignment.round_id == found.id,
                Assignment.account_id == judge,
                Entry.status == EntryStatus.ACCEPTED,
            )
            .order_by(Assignment.id)
            .execution_options(populate_existing=True)
        )
        .all()
    )


def active_of(found: Round, judge: int) -> dict[int, Assignment]:
    """The judge's works as they are now, by their assignments' numbers."""
    return {row.id: row for row in own_works(found, judge) if row.recused_at is None and row.withdrawn_at is None}


def worth(found: Round, entries: Collection[int] | None = None) -> Worth:
    """Bradley and Terry's strengths as the whole; each judge's mark is the share of comparisons the entry won."""
    said = words(found, entries)
    marks: dict[int, dict[int, list[Fraction]]] = defaultdict(lambda: defaultdict(list))
    won: list[tuple[int, int]] = []
    for one in said:
        share = {FIRST: Fraction(1), SECOND: Fraction(0), EQUAL: Fraction(1, 2)}[one.better]
        marks[one.first][one.judge].append(share)
        marks[one.second][one.judge].append(1 - share)
        # two halves of a comparison each, so that an equal one is half a win for both
        ahead = {FIRST: (True, True), SECOND: (False, False), EQUAL: (True, False)}[one.better]
        won.extend((one.first, one.second) if first else (one.second, one.first) for first in ahead)
    shares = {
        entry: [TOP * sum(given, Fraction(0)) / len(given) for _, given in sorted(judges.items())]
        for entry, judges in marks.items()
    }
    return Worth(shares, expected(won, sorted(marks)))


def expected(won: list[tuple[int, int]], entries: list[int]) -> dict[int, Fraction]:
    """What share of comparisons with each of the others every entry is expected to win, 0 to 100.

    Out of the strengths, and in their order. `won`: (winner, loser), each comparison as two halves. Rounded to a
    millionth of a point: below that is the machine's rounding.
    """
    if len(entries) < 2:
        return {}
    strength = bradley_terry(entries, won, prior=2 * PRIOR).strength
    chances = 1.0 / (1.0 + np.exp(strength[None, :] - strength[:, None]))
    shares = (chances.sum(axis=1) - 0.5) / (len(entries) - 1)
    return {
        entry: Fraction(round(TOP * float(share) * MILLION), MILLION)
        for entry, share in zip(entries, shares, strict=True)
    }
