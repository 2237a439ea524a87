"""How far judges agree: Krippendorff's alpha, with missing marks, and intraclass correlations of complete tables.

Krippendorff, Computing Krippendorff's alpha-reliability, 2011; McGraw & Wong, Forming inferences about some
intraclass correlation coefficients, Psychological Methods 1, 1996.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from concours.jury.analysis.arrays import Floats, Ints, sums


class Metric(StrEnum):
    """What a difference between two marks is worth: 1 where they differ at all; by how many marks of the whole lie
    between them, squared; or their difference, squared."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


def alpha(unit: Ints, value: Floats, metric: Metric = Metric.INTERVAL) -> float | None:
    """Krippendorff's alpha: 1 for full agreement, 0 for what chance gives, below 0 for less.

    `unit`: the place of what was judged, from 0, and `value`: the mark, one item each per mark; who gave it does not
    matter, and what was not given is not there. Units with one mark tell nothing and are left out. None where nothing
    was judged twice, or all marks are equal: then there is nothing to agree on.
    """
    size = int(unit.max()) + 1 if len(unit) else 0
    keep = np.bincount(unit, minlength=size)[unit] > 1
    if not keep.any():
        return None
    unit, value = unit[keep], value[keep]
    _, code, often = np.unique(value, return_inverse=True, return_counts=True)
    if len(often) == 1:
        return None
    total = float(len(value))
    each = sums(unit, np.ones(len(unit)), size)
    per_pair = np.divide(1.0, each - 1, out=np.zeros(size), where=each > 1)
    if metric is Metric.NOMINAL:
        cell, count = np.unique(unit * np.int64(len(often)) + code, return_counts=True)
        equal = sums(cell // len(often), count * (count - 1.0), size)
        seen = float((per_pair * (each * (each - 1) - equal)).sum())
        chance = total * (total - 1) - float((often * (often - 1.0)).sum())
    else:
        points = value
        if metric is Metric.ORDINAL:  # Krippendorff's sum of frequencies between two ranks is their midranks' distance
            points = (np.cumsum(often) - often / 2.0)[code]
        points = points - points.mean()
        seen = float((per_pair * _squares(unit, points, each, size)).sum())
        chance = 2.0 * total * float((points * points).sum())
    return 1.0 - (total - 1) * seen / chance


def _squares(unit: Ints, points: Floats, each: Floats, size: int) -> Floats:
    """The squared differences within each unit, over ordered pairs."""
    total: Floats = sums(unit, points, size)
    result: Floats = 2.0 * (each * sums(unit, points * points, size) - total * total)
    return result


@dataclass(frozen=True)
class Correlations:
    """Intraclass correlations of a complete table by the two-way analysis of variance.

    `mean_squares`: of entries, judges and the rest. `consistency` ICC(C,1): a judge's level does not count;
    `agreement` ICC(A,1): it does; `…_of_means` ICC(C,k), ICC(A,k): of the mean of all judges. In the words of Shrout &
    Fleiss 1979: ICC(3,1), ICC(2,1), ICC(3,k), ICC(2,k).
    """

    mean_squares: tuple[float, float, float]
    consistency: float
    agreement: float
    consistency_of_means: float
    agreement_of_means: float


def correlations(table: Floats) -> Correlations | None:
    """The intraclass correlations of `table`, shape (entries, judges), without a gap.

    None where there are fewer than two of either or all marks are equal. Raises ValueError for a table with gaps.
    """
    if table.ndim != 2 or not np.isfinite(table).all():
        raise ValueError("the table has gaps")
    n, k = table.shape
    if min(n, k) < 2 or float(np.ptp(table)) == 0.0:
        return None
    middle, rows, columns = table.mean(), table.mean(axis=1), table.mean(axis=0)
    rest = table - rows[:, None] - columns + middle
    entries = float(k * ((rows - middle) ** 2).sum()) / (n - 1)
    judges = float(n * ((columns - middle) ** 2).sum()) / (k - 1)
    noise = float((rest**2).sum()) / ((n - 1) * (k - 1))
    between = entries - noise
    return Correlations(
        mean_squares=(entries, judges, noise),
        consistency=_share(between, entries + (k - 1) * noise),
        agreement=_share(between, entries + (k - 1) * noise + k * (judges - noise) / n),
        consistency_of_means=_share(between, entries),
        agreement_of_means=_share(between, entries + (judges - noise) / n),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
