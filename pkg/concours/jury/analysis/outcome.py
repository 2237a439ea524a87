"""The selection that a rule makes of marks, and what it would be without one judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from concours.jury.analysis.arrays import Ints, Marks, marks_of
from concours.jury.analysis.model import Fit, fit
from concours.jury.analysis.scale import fit_scaled
from concours.jury.scoring import Missing, Score, score
from concours.jury.selection import Candidate, CannotSelect, Quota, Selection, Step, select

DIGITS = 6
"""Digits of the model's estimates behind the point, in points, that order entries: below is the machine's rounding."""


class Order(StrEnum):
    """What entries are ordered by before the chain for ties: the mean of their marks, or the model's estimate."""

    MEAN = "mean"
    MODEL = "model"


@dataclass(frozen=True)
class Given:
    """One mark that counts. `points`: 0 to 100; `own`: whether the work is of the judge's own department; `at`: when
    it was given, in seconds from any time."""

    entry: int
    judge: int
    points: Fraction
    own: bool = False
    at: float = 0.0


@dataclass(frozen=True)
class Known:
    """What the selection knows of an entry besides its marks: the label that the lottery draws on, the category."""

    entry: int
    label: str
    category: int


@dataclass(frozen=True)
class Rule:
    """How the round selects; as in `selection` and `scoring`. `asked`: reviews each entry was to have; `scaled`:
    whether the model lets judges differ in scale too."""

    places: int
    order: Order
    ties: tuple[Step, ...]
    seed: str
    asked: int
    missing: Missing = Missing.NONE
    quotas: Mapping[int, Quota] = field(default_factory=dict)
    scaled: bool = False


@dataclass(frozen=True)
class Without:
    """What the selection would be without one judge's marks: who would enter and who would leave, by entry.
    `possible`: False where the rest of the marks could not fill the places."""

    judge: int
    enters: tuple[int, ...]
    leaves: tuple[int, ...]
    possible: bool = True


def plain(of: Ints) -> list[int]:
    """Ids as plain numbers."""
    return [int(item) for item in of]


def columns(given: Sequence[Given]) -> Marks:
    """The marks as arrays."""
    points = [float(mark.points) for mark in given]
    return marks_of([mark.entry for mark in given], [mark.judge for mark in given], points)


def fitted(given: Sequence[Given], rule: Rule) -> Fit:
    """The model that the rule asks for. Raises ValueError without any mark."""
    return fit_scaled(columns(given)) if rule.scaled else fit(columns(given))


def scores(given: Sequence[Given], known: Sequence[Known], rule: Rule, *, asked: int | None = None) -> dict[int, Score]:
    """The score of each of `known` that has one. `asked`: reviews asked for, where they are not the rule's."""
    points: dict[int, list[Fraction]] = {one.entry: [] for one in known}
    for mark in given:
        if mark.entry in points:
            points[mark.entry].append(mark.points)
    reviews = rule.asked if asked is None else asked
    found = {entry: score(entry, marks, asked=reviews, missing=rule.missing) for entry, marks in points.items()}
    return {entry: scored for entry, scored in found.items() if scored is not None}


def selected(known: Sequence[Known], rule: Rule, scored: Mapping[int, Score], found: Fit | None) -> Selection:
    """The selection by the rule; `found` is needed where the model's estimates order. An entry without a mark has no
    estimate and cannot be selected by it. Raises CannotSelect."""
    candidates = []
    estimate = {} if found is None else dict(zip(plain(found.marks.entries), found.quality, strict=True))
    for one in known:
        mine = scored.get(one.entry)
        if mine is None or (rule.order is Order.MODEL and one.entry not in estimate):
            continue
        by = mine.mean if rule.order is Order.MEAN else Fraction(f"{float(estimate[one.entry]):.{DIGITS}f}")
        candidates.append(Candidate(one.entry, one.label, one.category, by, mine.median, mine.reviews))
    return select(candidates, rule.places, ties=rule.ties, seed=rule.seed, quotas=rule.quotas)


def without(
    given: Sequence[Given],
    known: Sequence[Known],
    rule: Rule,
    now: tuple[Mapping[int, Score], Selection],
    judge: int,
) -> Without:
    """What the selection would be without the marks of `judge`, whose reviews count as not asked for. `now`: scores and
    selection as they are."""
    rest = [mark for mark in given if mark.judge != judge]
    touched = {mark.entry for mark in given if mark.judge == judge}
    if not rest:
        return Without(judge, (), (), possible=False)
    scored = {entry: one for entry, one in now[0].items() if entry not in touched}
    scored |= scores(rest, [one for one in known if one.entry in touched], rule, asked=rule.asked - 1)
    try:
        then = selected(known, rule, scored, fitted(rest, rule) if rule.order is Order.MODEL else None)
    except CannotSelect:
        return Without(judge, (), (), possible=False)
    inside = {fate.candidate.entry for fate in now[1].selected}
    would_be = {fate.candidate.entry for fate in then.selected}
    return Without(judge, tuple(sorted(would_be - inside)), tuple(sorted(inside - would_be)))
