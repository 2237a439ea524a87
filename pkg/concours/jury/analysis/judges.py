"""What the marks say of each judge: severity, consistency, drift, and a lift for the judge's own department.

All beside the model: severities are its predictions; drift and lift are one more column in it (`Fit.effect`). A figure
is called notable where it would be rare by chance even with as many judges as there are (Bonferroni, 5 % in all).
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from concours.jury.analysis.arrays import Bools, Floats, sums
from concours.jury.analysis.model import Fit

LEAST_FOR_DRIFT = 10
"""Marks of a judge below which nothing is said of the order in which they came."""
LEAST_OWN = 3
"""Marks for the own department below which nothing is said of a lift."""
RARE = 0.05
BARS = 10


@dataclass(frozen=True)
class Effect:
    """A figure in points with its standard error; `notable` as the module says."""

    value: float
    error: float
    notable: bool


@dataclass(frozen=True)
class JudgeFigures:
    """One judge. Points are those of the marks.

    `severity`: points below the average judge; negative: mild. `noise`: the standard deviation of what is left of the
    judge's marks when entry and severity are taken out: small is consistent. `follows`: the correlation of the marks
    with what the others gave the same entries, their severity taken out, -1 to 1. `drift`: points from the judge's
    first mark to the last. `own`: points more for works of the own department, of `own_marks` marks. `bars`: how many
    marks fall in each tenth of the scale, lowest first. None: the marks cannot tell.
    """

    judge: int
    marks: int
    mean: float
    severity: Effect | None
    scale: float
    noise: Effect | None
    follows: float | None
    drift: Effect | None
    own: Effect | None
    own_marks: int
    bars: tuple[int, ...]


def figures(fit: Fit, own: Bools, at: Floats, top: float = 100.0) -> tuple[JudgeFigures, ...]:
    """The figures of all judges, in the order of `fit.marks.judges`.

    `own`: whether the work is of the judge's own department, `at`: when the mark was given, in seconds from any time;
    one item each per mark, in the order of `fit.marks`. `top`: the end of the scale that begins at 0.
    """
    marks = fit.marks
    count = len(marks.judges)
    steps = drift_column(fit, at)
    noise, error = _noise(fit)
    follows = _follows(fit)
    bar = np.clip((marks.value / top * BARS).astype(np.int64), 0, BARS - 1)
    found = []
    for place in range(count):
        mine = marks.judge == place
        given, own_marks = int(mine.sum()), int((own & mine).sum())
        drifts = given >= LEAST_FOR_DRIFT and float(np.abs(steps[mine]).max()) > 0
        found.append(
            JudgeFigures(
                judge=int(marks.judges[place]),
                marks=given,
                mean=float(marks.value[mine].mean()),
                severity=_effect(float(fit.severity[place]), float(fit.severity_error[place]), count),
                scale=float(fit.scale[place]),
                noise=_effect(float(noise[place]), float(error[place]), count, float(np.sqrt(fit.variances.noise))),
                follows=follows[place],
                drift=_effect(*fit.effect(steps * mine), count) if drifts else None,
                own=_effect(*fit.effect((own & mine).astype(float)), count) if own_marks >= LEAST_OWN else None,
                own_marks=own_marks,
                bars=tuple(int(x) for x in np.bincount(bar[mine], minlength=BARS)),
            )
        )
    return tuple(found)


def column_effect(fit: Fit, column: Floats) -> Effect | None:
    """One effect over all judges: of `own`, or of `drift_column`."""
    return _effect(*fit.effect(column), 1)


def drift_column(fit: Fit, at: Floats) -> Floats:
    """Where in the judge's own sequence each mark stands: -1/2 the first, +1/2 the last; 0 where time is not known."""
    column = np.zeros(len(at))
    for place in range(len(fit.marks.judges)):
        mine = np.flatnonzero(fit.marks.judge == place)
        if len(mine) > 1 and float(np.ptp(at[mine])) > 0:
            column[mine] = (stats.rankdata(at[mine]) - 1) / (len(mine) - 1) - 0.5
    return column


def _effect(value: float, error: float, judges: int, expected: float = 0.0) -> Effect | None:
    if not np.isfinite([value, error]).all():
        return None
    rare = float(stats.norm.isf(RARE / 2 / judges))
    return Effect(value, error, bool(error > 0 and abs(value - expected) > rare * error))


def _noise(fit: Fit) -> tuple[Floats, Floats]:
    """Each judge's standard deviation about the model, and its standard error.

    A mark's residual has the variance σ²(1 − leverage), so the squares are divided by the sum of 1 − leverage.
    """
    marks = fit.marks
    if not fit.noise_known:
        unknown = np.full(len(marks.judges), np.nan)
        return unknown, unknown
    left = 1.0 - fit.equations.leverage(fit.solved)
    free = sums(marks.judge, left, len(marks.judges))
    squares = sums(marks.judge, fit.residual**2, len(marks.judges))
    enough = free > 1.0
    deviation = np.sqrt(np.divide(squares, free, out=np.full(len(free), np.nan), where=enough))
    error = deviation / np.sqrt(2.0 * np.where(enough, free, 1.0))
    return deviation, error


def _follows(fit: Fit) -> list[float | None]:
    marks = fit.marks
    n = len(marks.entries)
    level = marks.value + fit.severity[marks.judge]
    others = sums(marks.entry, np.ones(len(marks)), n)[marks.entry] - 1
    beside = sums(marks.entry, level, n)[marks.entry] - level
    found: list[float | None] = []
    for place in range(len(marks.judges)):
        mine = (marks.judge == place) & (others > 0)
        if mine.sum() < 3:
            found.append(None)
            continue
        pair = marks.value[mine], beside[mine] / others[mine]
        flat = min(float(np.ptp(column)) for column in pair) == 0.0
        found.append(None if flat else float(np.corrcoef(*pair)[0, 1]))
    return found
