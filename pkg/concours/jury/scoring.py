"""From marks to scores: pure, exact arithmetic. The formulas with a worked example are in docs/counting.md.

Every score is on one scale from 0 to 100 and is kept as a fraction, so that two entries are tied when they are equal
and never because, or unless, a computer rounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from statistics import median, stdev
from typing import Any

TOP = 100


class Missing(StrEnum):
    """What becomes of reviews that were asked for and not given, stated when the round is closed.

    `NONE`: there are none. `AVAILABLE`: the marks that were given count, an entry without any has no score.
    `LOWEST`: each missing one counts as No, or as the lowest points. `EXCLUDE`: an entry with fewer marks than asked
    has no score.
    """

    NONE = "none"
    AVAILABLE = "available"
    LOWEST = "lowest"
    EXCLUDE = "exclude"


@dataclass(frozen=True)
class Scale:
    """One criterion: whole points from `lowest` to `highest`, weighing `weight` against the others."""

    key: str
    weight: Fraction
    lowest: int
    highest: int


@dataclass(frozen=True)
class Score:
    """What the marks of one entry say.

    `marks`: each mark on the scale of 0 to 100. `missing`: reviews asked for and not given. `mean` is what ranks (what
    the common order says in rounds that have one), `median` stands beside it; `spread` is the sample standard
    deviation of the marks (0.0 for fewer than two); `counted`: how many marks these are of, missing ones
    that count as lowest among them.
    """

    entry: int
    marks: tuple[Fraction, ...]
    missing: int
    mean: Fraction
    median: Fraction
    spread: float
    counted: int

    @property
    def reviews(self) -> int:
        """How many marks were given."""
        return len(self.marks)


def yes_points(value: Mapping[str, Any]) -> Fraction:
    """A mark of a yes/no round: 100 for Yes, 50 for "maybe", 0 for No.

    The mean of these is the share of Yes in per cent, each Maybe counted as half a Yes.
    """
    return Fraction(TOP, 2) if value["yes"] == "maybe" else Fraction(TOP if value["yes"] else 0)


def weighted_points(value: Mapping[str, Any], scales: Sequence[Scale]) -> Fraction:
    """A mark of a points round on the scale of 0 to 100.

    100 · Σ w·(p − lowest)/(highest − lowest) / Σ w over the criteria, with p the points given and w the weight: the
    additive value function with normalised single-criterion values (Keeney & Raiffa, Decisions with Multiple
    Objectives, 1976, ch. 3). Where all criteria have one scale from 0 to 100, it is the plain weighted mean.
    """
    total = sum((scale.weight for scale in scales), Fraction(0))
    parts = (
        scale.weight * Fraction(int(value[scale.key]) - scale.lowest, scale.highest - scale.lowest) for scale in scales
    )
    return TOP * sum(parts, Fraction(0)) / total


def weight_of(number: float) -> Fraction:
    """A weight as it was typed: 0.3 is three tenths, not the nearest binary fraction."""
    return Fraction(repr(float(number)))


def score(
    entry: int, marks: Sequence[Fraction], *, asked: int, missing: Missing, whole: Fraction | None = None
) -> Score | None:
    """The entry's score, or None where the rule for missing marks leaves it without one.

    `marks` in any order; `asked`: the reviews each entry was to have. `whole`: what ranks the entry in place of the
    mean, where all entries are ordered together (0 to 100); each missing review takes away its part of it where it
    counts as lowest.
    """
    lacking = max(0, asked - len(marks))
    if not marks and missing is not Missing.LOWEST:
        return None
    if lacking and missing is Missing.EXCLUDE:
        return None
    counted = sorted(marks) + ([Fraction(0)] * lacking if missing is Missing.LOWEST else [])
    counted.sort()
    part = Fraction(len(marks), len(counted))
    ranks = sum(counted, Fraction(0)) / len(counted) if whole is None else whole * part
    return Score(
        entry=entry,
        marks=tuple(sorted(marks, reverse=True)),
        missing=lacking,
        mean=ranks,
        median=Fraction(median(counted)),
        spread=stdev([float(mark) for mark in counted]) if len(counted) > 1 else 0.0,
        counted=len(counted),
    )
