"""What orders a round's entries: the raw mean of their marks, or the estimate of the crossed mixed model.

Where the round's rule names the model, its estimate takes the place of the mean in the order, with mean, median and
spread beside it. Estimates are rounded to `analysis.outcome.DIGITS` decimals and kept as fractions, so that the same
marks give the same order. docs/counting.md says when the mean decides all the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from concours.base.messages import Message, msg
from concours.jury.analysis.arrays import marks_of
from concours.jury.analysis.model import Fit, Trouble, fit
from concours.jury.analysis.outcome import DIGITS, Order
from concours.jury.closing import missing_rule
from concours.jury.kinds.points import scales_of
from concours.jury.kinds.standing import standing
from concours.jury.models import Round, RoundKind
from concours.jury.rounds import MODELLED
from concours.jury.scoring import Missing, weighted_points, yes_points

_WHY_MEAN: dict[str, Message] = {
    Trouble.NO_VARIANCE: msg("All marks are equal, so the raw mean decides."),
    Trouble.ONE_JUDGE: msg("Only one judge marked, so severities cannot be told and the raw mean decides."),
    Trouble.ONE_ENTRY: msg("Only one entry has marks, so the raw mean decides."),
    Trouble.NO_REPEATS: msg("No entry has two marks, so severities cannot be told and the raw mean decides."),
    Trouble.PARTED: msg("The judges fall into groups that share no entry, so the raw mean decides."),
}


@dataclass(frozen=True)
class Estimate:
    """What the model says of one entry; all in points of the scale from 0 to 100.

    `points`: what orders it. `error`: its standard error. `severity`: how much its judges mark below the average
    judge, on average; negative: mild. `average`: of all entries, towards which the estimate is drawn.
    """

    points: Fraction
    error: float
    severity: float
    average: float


@dataclass(frozen=True)
class Ordering:
    """What orders the entries. `estimates` by entry, empty where the mean does; `why_mean`: a sentence where the rule
    names the model and the mean decides all the same. `fit`: the model where it decides."""

    order: Order = Order.MEAN
    estimates: Mapping[int, Estimate] = field(default_factory=dict)
    why_mean: Message | None = None
    fit: Fit | None = None


def ordering(found: Round, entries: Collection[int]) -> Ordering:
    """What orders `entries` by the round's rule; one query where the rule names the model, none otherwise."""
    if found.rule.get("score") != Order.MODEL or found.kind not in MODELLED:
        return Ordering()
    scales = scales_of(found)
    marks = [
        (
            mark.entry,
            mark.judge,
            yes_points(mark.value) if found.kind == RoundKind.YES_NO else weighted_points(mark.value, scales),
        )
        for mark in standing(found, entries)
    ]
    return ordered(marks, missing_rule(found))


def ordered(marks: Sequence[tuple[int, int, Fraction]], missing: Missing) -> Ordering:
    """The model's order of marks (entry, judge, points from 0 to 100), or why the mean decides."""
    if not marks:
        return Ordering(why_mean=msg("There are no marks."))
    if missing is Missing.LOWEST:
        return Ordering(
            why_mean=msg("Missing marks count as lowest, which belongs to no judge, so the raw mean decides.")
        )
    told = fit(marks_of([m[0] for m in marks], [m[1] for m in marks], [float(m[2]) for m in marks]))
    for trouble in told.troubles:
        if trouble in _WHY_MEAN:
            return Ordering(why_mean=_WHY_MEAN[trouble])
    if not told.variances.entry:
        return Ordering(why_mean=msg("The marks tell no entry from another beyond chance, so the raw mean decides."))
    given = told.marks
    severity = np.bincount(given.entry, told.severity[given.judge], len(given.entries)) / given.reviews
    estimates = {
        int(entry): Estimate(
            Fraction(f"{float(told.quality[at]):.{DIGITS}f}"),
            float(told.quality_error[at]),
            float(severity[at]),
            told.average,
        )
        for at, entry in enumerate(given.entries)
    }
    return Ordering(Order.MODEL, estimates, None, told)


def moved(estimate: Estimate, mean: Fraction) -> Message:
    """What moved an entry's estimate against its raw mean, in one sentence."""
    figures = {
        "mean": f"{float(mean):.2f}",
        "points": f"{abs(estimate.severity):.2f}",
        "fair": f"{float(mean) + estimate.severity:.2f}",
        "average": f"{estimate.average:.2f}",
        "estimate": f"{float(estimate.points):.2f}",
        "error": f"{estimate.error:.2f}",
    }
    if estimate.severity > 0:
        return msg(
            "Raw mean %(mean)s; its judges are %(points)s points severe, which makes %(fair)s; drawn towards the "
            "average %(average)s as its marks are few: %(estimate)s, give or take %(error)s.",
            **figures,
        )
    return msg(
        "Raw mean %(mean)s; its judges are %(points)s points mild, which makes %(fair)s; drawn towards the "
        "average %(average)s as its marks are few: %(estimate)s, give or take %(error)s.",
        **figures,
    )
