"""The second step: judges also differ in how far they draw entries apart, and in noise.

mark = average + scale of the judge · quality of the entry (about the average) − severity + noise of the judge. Scales
are taken as drawn about 1 from a normal distribution whose variance is estimated too; the noise's variance of a judge
as if FIRM marks more had been seen with that of all. Found by expectation and maximisation (Dempster, Laird & Rubin
1977; for one factor with loadings and variances Rubin & Thayer 1982): qualities and severities by the mixed model
equations with the scales as loads and the variances as weights, then scales and variances from these, and again.
"""

import numpy as np

from concours.jury.analysis.arrays import Floats, Marks, sums
from concours.jury.analysis.equations import Equations, Solved
from concours.jury.analysis.model import Fit, Trouble, centred, described, fit, nearby

ROUNDS = 60
CLOSE = 1e-3
"""Scales and variances that change by no more than this have been found."""
START = 0.04
"""The scales' variance to begin with: a fifth up or down."""
LEAST = 1e-6
FIRM = 20.0
"""How many marks the common variance of the noise is worth beside a judge's own."""


def fit_scaled(marks: Marks) -> Fit:
    """Fits the model with scales and noises of judges. Where the marks cannot tell them (`fit`'s troubles, or entries
    that do not differ) it is `fit`, all scales 1. Raises ValueError without any mark."""
    first = fit(marks)
    cannot = {Trouble.NO_VARIANCE, Trouble.ONE_JUDGE, Trouble.ONE_ENTRY, Trouble.NO_REPEATS, Trouble.NO_NOISE}
    if cannot & set(first.troubles) or first.variances.entry == 0.0:
        return first
    about, judges = centred(marks), len(marks.judges)
    scale, variance, spread = np.ones(judges), np.ones(judges), START
    equations, solved = first.equations, first.solved
    error = np.zeros(judges)
    for _ in range(ROUNDS):
        noises = _noises(equations, solved, variance)
        wanted, error = _scales(equations, solved, variance, spread)
        spread = max(LEAST, float(np.mean((wanted - 1.0) ** 2 + error**2)))
        level = float(wanted.mean())
        moved = max(float(np.abs(wanted / level - scale).max()), float(np.abs(noises - variance).max()))
        scale, error, variance = wanted / level, error / level, noises
        sd_entry, sd_judge = _deviations(equations, solved)
        equations = Equations(about, scale[marks.judge], 1.0 / variance[marks.judge])
        solved = equations.at(sd_entry * level, sd_judge)
        if moved <= CLOSE:
            break
    solved = nearby(equations, solved.sd_entry, solved.sd_judge)
    noise = max(0.0, solved.rest) / (len(marks) - 1)
    return described(marks, equations, solved, noise, first.troubles, first.groups, (scale, error, variance))


def _deviations(equations: Equations, solved: Solved) -> tuple[float, float]:
    """The standard deviations of entries and judges, in units of the noise's, one step nearer to the greatest
    restricted likelihood: a round costs one solution of the equations, and only the last is searched for."""
    noise = solved.rest / (len(equations.marks) - 1)
    unsure, _ = equations.entry_spread(solved)
    judges = solved.theta[1:] ** 2 / noise + np.diag(solved.spread)[1:]
    return float(np.sqrt(np.mean(solved.quality**2 / noise + unsure))), float(np.sqrt(judges.mean()))


def _noises(equations: Equations, solved: Solved, variance: Floats) -> Floats:
    """The variance of each judge's noise in units of that of all, on geometric average over the marks 1."""
    marks, judges = equations.marks, len(equations.marks.judges)
    noise = solved.rest / (len(marks) - 1)
    left = equations.residual(marks.value, solved)
    unknown = noise * equations.leverage(solved) * variance[marks.judge]
    squares = sums(marks.judge, left * left + unknown, judges)
    found: Floats = noise_of(squares, marks.given.astype(np.float64), noise) / noise
    level = float(np.exp(marks.given @ np.log(found) / len(marks)))
    return found / level


def noise_of(squares: Floats, given: Floats, noise: float) -> Floats:
    """The variance of each judge's noise, of `given` marks with these expected `squares` of what is left of them, where
    that of all is `noise`."""
    result: Floats = (squares + FIRM * noise) / (given + FIRM)
    return result


def _scales(equations: Equations, solved: Solved, variance: Floats, spread: float) -> tuple[Floats, Floats]:
    """The scales given what is known of qualities and severities, and their errors. `variance`: of the judges' noises
    in units of that of all; `spread`: of the scales."""
    marks, judges = equations.marks, len(equations.marks.judges)
    noise = solved.rest / (len(marks) - 1)
    unsure, together = equations.entry_spread(solved)
    entry, judge = marks.entry, 1 + marks.judge
    quality = solved.quality[entry]
    left = marks.value - solved.theta[0] - solved.theta[judge]
    product = left * quality - noise * (together[entry, 0] + together[entry, judge])
    square = quality * quality + noise * unsure[entry]
    return scale_of(sums(marks.judge, product, judges), sums(marks.judge, square, judges), noise * variance, spread)


def scale_of(product: Floats, square: Floats, noise: Floats, spread: float) -> tuple[Floats, Floats]:
    """Scales with their errors, of judges with these expected sums: of quality times what is left of the mark without
    average and severity, and of the squared quality. `noise`: the variances of the judges' noises,
    `spread`: that of the scales."""
    firmness = square / noise + 1.0 / spread
    scale: Floats = (product / noise + 1.0 / spread) / firmness
    return scale, 1.0 / np.sqrt(firmness)
