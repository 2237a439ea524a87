"""The second step: judges also differ in how far they draw entries apart.

mark = average + scale of the judge · quality of the entry (about the average) − severity + noise. Scales are taken as
drawn about 1 from a normal distribution whose variance is estimated too; a judge with few marks keeps nearly 1. Found
by expectation and maximisation (Dempster, Laird & Rubin 1977; for one factor with loadings Rubin & Thayer 1982):
qualities and severities by the mixed model equations with the scales as loads, then scales from these, and again.
"""

import numpy as np

from concours.jury.analysis.arrays import Floats, Marks, sums
from concours.jury.analysis.equations import Equations, Solved
from concours.jury.analysis.model import Fit, Trouble, centred, described, fit, nearby

ROUNDS = 60
CLOSE = 1e-3
"""Scales that change by no more than this have been found."""
START = 0.04
"""The scales' variance to begin with: a fifth up or down."""
LEAST = 1e-6


def fit_scaled(marks: Marks) -> Fit:
    """Fits the model with scales. Where the marks cannot tell scales (`fit`'s troubles, or entries that do not
    differ) it is `fit`, all scales 1. Raises ValueError without any mark."""
    first = fit(marks)
    cannot = {Trouble.NO_VARIANCE, Trouble.ONE_JUDGE, Trouble.ONE_ENTRY, Trouble.NO_REPEATS, Trouble.NO_NOISE}
    if cannot & set(first.troubles) or first.variances.entry == 0.0:
        return first
    about = centred(marks)
    scale, spread = np.ones(len(marks.judges)), START
    equations, solved = first.equations, first.solved
    error = np.zeros(len(scale))
    for _ in range(ROUNDS):
        wanted, error = _scales(equations, solved, spread)
        spread = max(LEAST, float(np.mean((wanted - 1.0) ** 2 + error**2)))
        level = float(wanted.mean())
        moved = float(np.abs(wanted / level - scale).max())
        scale, error = wanted / level, error / level
        equations = Equations(about, scale[marks.judge])
        solved = nearby(equations, solved.sd_entry * level, solved.sd_judge)
        if moved <= CLOSE:
            break
    noise = max(0.0, solved.rest) / (len(marks) - 1)
    return described(marks, equations, solved, noise, first.troubles, first.groups, (scale, error))


def _scales(equations: Equations, solved: Solved, spread: float) -> tuple[Floats, Floats]:
    """The scales given what is known of qualities and severities, and their errors; `spread`: their variance."""
    marks, judges = equations.marks, len(equations.marks.judges)
    noise = solved.rest / (len(marks) - 1)
    variance, together = equations.entry_spread(solved)
    entry, judge = marks.entry, 1 + marks.judge
    quality = solved.quality[entry]
    left = marks.value - solved.theta[0] - solved.theta[judge]
    product = left * quality - noise * (together[entry, 0] + together[entry, judge])
    square = quality * quality + noise * variance[entry]
    return scale_of(sums(marks.judge, product, judges), sums(marks.judge, square, judges), noise, spread)


def scale_of(product: Floats, square: Floats, noise: float, spread: float) -> tuple[Floats, Floats]:
    """Scales with their errors, of judges with these expected sums: of quality times what is left of the mark without
    average and severity, and of the squared quality. `noise`, `spread`: variances of the noise and of the scales."""
    firmness = square / noise + 1.0 / spread
    scale: Floats = (product / noise + 1.0 / spread) / firmness
    return scale, 1.0 / np.sqrt(firmness)
