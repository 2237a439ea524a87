"""The crossed mixed model: mark = average + quality of the entry − severity of the judge + noise.

Entries and judges are random, crossed and unbalanced. The three variances are estimated by restricted maximum
likelihood (Patterson & Thompson 1971), profiled over two ratios; qualities and severities are best linear unbiased
predictions with their prediction errors (Henderson 1975). docs/counting.md has a worked example.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from scipy import optimize, sparse
from scipy.sparse import csgraph

from concours.jury.analysis.arrays import Floats, Marks
from concours.jury.analysis.equations import Equations, Solved

GRID = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Where the search begins: standard deviations of entries and judges in units of the noise's."""
NOUGHT = 1e-3
"""Below this a standard deviation is tried as nought."""
FURTHEST = 1e3
"""The greatest standard deviation that is told from one without bound: the noise is then nought."""
FLAT = 1e-9
"""A difference of twice the log likelihood that says nothing."""


class Trouble(StrEnum):
    """What the marks cannot tell.

    `NO_VARIANCE`: all marks are equal. `ONE_JUDGE`, `ONE_ENTRY`: nothing to compare with, so its variance is taken as
    nought. `NO_REPEATS`: no entry has two marks; entries and noise cannot be parted, entries are ordered by mark less
    severity, and no standard error can be given. `NO_NOISE`: the model explains every mark. `PARTED`: the panel falls
    into groups that share no entry (`Fit.groups`); between these only chance says that they are alike.
    """

    NO_VARIANCE = "no_variance"
    ONE_JUDGE = "one_judge"
    ONE_ENTRY = "one_entry"
    NO_REPEATS = "no_repeats"
    NO_NOISE = "no_noise"
    PARTED = "parted"


@dataclass(frozen=True)
class Group:
    """Judges and entries linked with one another by marks: their ids, ascending."""

    judges: tuple[int, ...]
    entries: tuple[int, ...]


@dataclass(frozen=True)
class Variances:
    """The three variances, in squared points."""

    entry: float
    judge: float
    noise: float

    def reliability(self, reviews: int) -> float:
        """The squared correlation of an entry's estimate with its quality, with severities known: between 0 and 1."""
        total = self.entry + self.noise / reviews
        return self.entry / total if total else 0.0


@dataclass(frozen=True)
class Fit:
    """What the model says. Arrays are in the order of `marks.entries` (n,) and `marks.judges` (J,).

    `quality`: average plus the entry's effect, in points, shrunk towards the average as far as its marks are few.
    `severity`: points that the judge marks below the average judge; negative: mild. `scale`: how far the judge draws
    entries apart, 1 on average. `noise`: the standard deviation of the noise in its marks; one for all unless judges
    have scales. The `…_error`s are standard errors of prediction, NaN where there can be none.
    """

    marks: Marks
    variances: Variances
    average: float
    quality: Floats
    quality_error: Floats
    severity: Floats
    severity_error: Floats
    scale: Floats
    scale_error: Floats
    noise: Floats
    troubles: tuple[Trouble, ...]
    groups: tuple[Group, ...]
    equations: Equations
    solved: Solved

    @cached_property
    def residual(self) -> Floats:
        """What is left of each mark, shape (m,)."""
        return self.equations.residual(self.marks.value, self.solved)

    @property
    def noise_known(self) -> bool:
        """Whether the marks tell how far chance goes; without it there is no standard error and no probability."""
        return not {Trouble.NO_REPEATS, Trouble.NO_VARIANCE} & set(self.troubles)

    def effect(self, column: Floats) -> tuple[float, float]:
        """How many points a mark rises with one more of `column` (m,), and the standard error: generalised least
        squares with the variances as they are. NaN where the marks cannot tell it from entries and judges."""
        left = self.equations.weight * self.equations.residual(column, self.solved)
        square = float(column @ left)
        if square <= FLAT * max(1.0, float(column @ column)) or not self.noise_known:
            return float("nan"), float("nan")
        return float(left @ self.marks.value) / square, float(np.sqrt(self.variances.noise / square))


def fit(marks: Marks) -> Fit:
    """Fits the model. The same marks in any order give the same figures. Raises ValueError without any mark."""
    if not len(marks):
        raise ValueError("there are no marks")
    groups = linked(marks)
    troubles = _troubles(marks, groups)
    equations = Equations(centred(marks))
    solved = _restricted(equations, troubles)
    noise = max(0.0, solved.rest) / max(1, len(marks) - 1)
    if not {Trouble.NO_VARIANCE, Trouble.NO_REPEATS} & set(troubles) and noise <= NOUGHT**2 * float(
        np.var(marks.value)
    ):
        troubles = (*troubles, Trouble.NO_NOISE)
    return described(marks, equations, solved, noise, troubles, groups)


def described(
    marks: Marks,
    equations: Equations,
    solved: Solved,
    noise: float,
    troubles: tuple[Trouble, ...],
    groups: tuple[Group, ...],
    scale: tuple[Floats, Floats, Floats] | None = None,
) -> Fit:
    """The equations' solution in points. `scale`: the judges' scales, their errors, and their noises' variances in
    units of `noise`, where they have any."""
    middle = float(marks.value.mean())
    judges = len(marks.judges)
    average = middle + float(solved.theta[0])
    variance, _ = equations.entry_spread(solved)
    known = noise if not {Trouble.NO_REPEATS, Trouble.NO_VARIANCE} & set(troubles) else float("nan")
    return Fit(
        marks=marks,
        variances=Variances(noise * solved.sd_entry**2, noise * solved.sd_judge**2, noise),
        average=average,
        quality=average + solved.quality,
        quality_error=np.sqrt(known * variance),
        severity=-solved.theta[1:],
        severity_error=np.sqrt(known * np.diag(solved.spread)[1:]),
        scale=np.ones(judges) if scale is None else scale[0],
        scale_error=np.zeros(judges) if scale is None else scale[1],
        noise=np.sqrt(noise * (np.ones(judges) if scale is None else scale[2])),
        troubles=troubles,
        groups=groups,
        equations=equations,
        solved=solved,
    )


def linked(marks: Marks) -> tuple[Group, ...]:
    """The groups of judges and entries that marks link, the largest first. One group: everything can be compared."""
    n, j = len(marks.entries), len(marks.judges)
    ones = np.ones(len(marks))
    links = sparse.csr_array((ones, (marks.entry, n + marks.judge)), shape=(n + j, n + j))
    count, label = csgraph.connected_components(links, directed=False)
    found = [
        Group(
            tuple(int(x) for x in marks.judges[label[n:] == one]),
            tuple(int(x) for x in marks.entries[label[:n] == one]),
        )
        for one in range(count)
    ]
    return tuple(sorted(found, key=lambda group: (-len(group.entries), -len(group.judges), group.judges)))


def criterion(solved: Solved, marks: int) -> float:
    """Minus twice the restricted log likelihood, less what does not depend on the variances."""
    return (marks - 1) * float(np.log(max(solved.rest, np.finfo(float).tiny))) + solved.logdet


def centred(marks: Marks) -> Marks:
    """The marks less their mean: squares of large numbers lose digits."""
    return Marks(marks.entries, marks.judges, marks.entry, marks.judge, marks.value - marks.value.mean(), marks.order)


def _troubles(marks: Marks, groups: tuple[Group, ...]) -> tuple[Trouble, ...]:
    told = {
        Trouble.NO_VARIANCE: float(np.ptp(marks.value)) == 0.0,
        Trouble.ONE_JUDGE: len(marks.judges) == 1,
        Trouble.ONE_ENTRY: len(marks.entries) == 1,
        Trouble.NO_REPEATS: int(marks.reviews.max()) == 1,
        Trouble.PARTED: len(groups) > 1,
    }
    return tuple(trouble for trouble, there in told.items() if there)


def _restricted(equations: Equations, troubles: tuple[Trouble, ...]) -> Solved:
    """The solution at the greatest restricted likelihood."""
    if Trouble.NO_VARIANCE in troubles:
        return equations.at(0.0, 0.0)
    entries = [1.0] if Trouble.NO_REPEATS in troubles else [0.0] if Trouble.ONE_ENTRY in troubles else list(GRID)
    judges = [0.0] if Trouble.ONE_JUDGE in troubles else list(GRID)
    return greatest(equations, entries, judges)


def nearby(equations: Equations, sd_entry: float, sd_judge: float) -> Solved:
    """The solution at the greatest restricted likelihood near a pair of standard deviations, in units of the noise's.
    One that is nought stays so."""
    entries, judges = ([sd] if sd == 0.0 else [sd, sd * 1.05] for sd in (sd_entry, sd_judge))
    return greatest(equations, entries, judges)


def greatest(equations: Equations, entries: list[float], judges: list[float]) -> Solved:
    """Searches from the best of a grid; a direction with one value is held. The criterion is even in both."""
    count = len(equations.marks)
    tried = [(criterion(equations.at(a, b), count), a, b) for a in entries for b in judges]
    least, *best = min(tried)
    free = [place for place, values in enumerate((entries, judges)) if len(values) > 1]

    def value(point: Floats) -> float:
        there = list(best)
        for place, item in zip(free, point, strict=True):
            there[place] = min(abs(float(item)), FURTHEST)
        return criterion(equations.at(there[0], there[1]), count)

    if free:
        start = np.array([max(best[place], 0.1) for place in free])
        found = optimize.minimize(
            value, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": FLAT, "maxfev": 600}
        )
        if float(found.fun) <= least:
            least = float(found.fun)
            for place, item in zip(free, found.x, strict=True):
                best[place] = min(abs(float(item)), FURTHEST)
    for place in free:
        there = [0.0 if at == place else item for at, item in enumerate(best)]
        if best[place] < NOUGHT or criterion(equations.at(there[0], there[1]), count) <= least + FLAT:
            best = there
    return equations.at(best[0], best[1])
