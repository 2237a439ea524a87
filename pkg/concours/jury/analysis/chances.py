"""How likely each entry is among the best N, given the marks: by draws from the model's posterior.

With the variances as estimated, average and severities have a joint normal distribution, and given these the
qualities are independent normals. Each draw is one jury's truth that the marks allow; in each the best N are taken
under the same quotas as in the selection. The share of draws in which an entry is among them is its chance.
"""

from collections.abc import Mapping

import numpy as np
from scipy import linalg

from concours.jury.analysis.arrays import Bools, Floats, Ints
from concours.jury.analysis.model import Fit
from concours.jury.selection import Quota

DRAWS = 2_000
"""A chance of one half is then told to within 0.022 in 95 of 100 cases."""
AT_ONCE = 2_000_000
"""Most numbers drawn at a time (16 MB)."""


def drawn(fit: Fit, count: int, source: np.random.RandomState) -> Floats:
    """`count` draws of all qualities, shape (count, n), in points. `source`: NumPy's frozen generator (NEP 19)."""
    solved, equations = fit.solved, fit.equations
    sigma = float(np.sqrt(fit.variances.noise))
    normal = source.standard_normal((count, len(solved.theta)))
    away = linalg.solve_triangular(solved.root, normal.T, lower=True, trans="T").T * solved.scaling
    middle = -(equations.border @ away.T).T * solved.shrunk
    rest = source.standard_normal((count, len(solved.quality))) * np.sqrt(solved.shrunk)
    result: Floats = fit.quality + sigma * (away[:, :1] + middle + rest)
    return result


def chances(
    fit: Fit,
    category: Ints,
    places: int,
    quotas: Mapping[int, Quota] | None = None,
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> Floats | None:
    """Each entry's chance, shape (n,), in the order of `fit.marks.entries`; `category` in the same order.

    None where the marks do not tell how far chance goes. Quotas that cannot be kept are the caller's to refuse.
    """
    if not fit.noise_known:
        return None
    source = np.random.RandomState(seed)
    inside = np.zeros(len(fit.quality))
    step = max(1, min(draws, AT_ONCE // max(1, len(fit.quality))))
    for begin in range(0, draws, step):
        values = drawn(fit, min(step, draws - begin), source)
        inside += best(values, category, places, quotas or {}).sum(axis=0)
    return inside / draws


def best(values: Floats, category: Ints, places: int, quotas: Mapping[int, Quota]) -> Bools:
    """The best `places` of each row of `values` (R, n) under quotas: the set that `selection.select` takes.

    The best of each category that fill its minimum come first, those beyond its maximum last; between these goes the
    value alone. By the exchange property of matroids that is the same set as the greedy walk down the order.
    """
    key = values
    if quotas:
        key = values.copy()
        beyond = 4.0 * float(np.ptp(values)) + 1.0
        for one, quota in quotas.items():
            columns = np.flatnonzero(category == one)
            rank = np.argsort(np.argsort(-values[:, columns], axis=1, kind="stable"), axis=1)
            most = len(columns) if quota.most is None else quota.most
            key[:, columns] += beyond * (rank < quota.least) - beyond * (rank >= most)
    inside = np.zeros(values.shape, dtype=bool)
    if places >= values.shape[1]:
        return ~inside
    if places > 0:
        first = np.argpartition(-key, places - 1, axis=1)[:, :places]
        np.put_along_axis(inside, first, values=True, axis=1)
    return inside
