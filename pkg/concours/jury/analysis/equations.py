"""Henderson's mixed model equations of  mark = average + leaning of the judge + load · quality of the entry + noise.

With design W = [1, Z_b] (average and judges) and Z_a (entries, each mark's load as its item) they read

    [ W'W + diag(0, λb)   W'Z_a       ] [θ]   [W'y  ]
    [ Z_a'W               Z_a'Z_a + λa] [a] = [Z_a'y],     λa = σ²/σa², λb = σ²/σb²

(Henderson 1975). The entries' block is diagonal, so the entries are absorbed: what is left has one row per judge and
one more, whatever the number of entries. Unknowns are divided by their standard deviations first (as Bates et al.
2015 do), so that a variance of nought needs no special case.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg, sparse

from concours.jury.analysis.arrays import Floats, Ints, Marks, sums

KINDS = 100
"""Most numbers of reviews for which products are kept; with judges' scales every entry is a kind of its own."""
STACK = 4_000_000
"""Most numbers kept of products that do not depend on the variances (32 MB)."""


@dataclass(frozen=True)
class Solved:
    """The equations solved for one pair of standard deviations, both in units of the noise.

    `theta`: average and the judges' leanings, shape (J + 1,); `quality`: of the entries, shape (n,); `rest`: what the
    noise's variance times the degrees of freedom is; `logdet`: of the scaled equations. `shrunk`: 1 / (Z_a'Z_a + λa)
    of each entry; `root`: lower Cholesky factor of the absorbed equations; `scaling`: what θ was divided by.
    """

    sd_entry: float
    sd_judge: float
    theta: Floats
    quality: Floats
    rest: float
    logdet: float
    shrunk: Floats
    root: Floats
    scaling: Floats

    @cached_property
    def spread(self) -> Floats:
        """The covariance of θ's errors in units of the noise's variance, shape (J + 1, J + 1)."""
        inverse: Floats = linalg.cho_solve((self.root, True), np.eye(len(self.theta)))
        return inverse * self.scaling[:, None] * self.scaling


class Equations:
    """The equations of one set of marks; `at` solves them for a pair of variances.

    `load`: how much a point of quality changes each mark, shape (m,); 1 unless judges have scales. `weight`: of each
    mark, shape (m,), the inverse of its noise's variance in units of σ²; 1 unless judges differ in noise. Every
    product of two columns above is then weighted.
    """

    def __init__(self, marks: Marks, load: Floats | None = None, weight: Floats | None = None) -> None:
        n, j, m = len(marks.entries), len(marks.judges), len(marks)
        self.marks = marks
        self.load = np.ones(m) if load is None else load
        self.weight = np.ones(m) if weight is None else weight
        entry, judge = marks.entry, marks.judge
        weighted = self.load * self.weight
        self.per_entry = sums(entry, self.load * weighted, n)
        cross = sparse.csr_array((weighted, (entry, judge)), shape=(n, j))
        average = sparse.csr_array(sums(entry, weighted, n)[:, None])
        self.border = sparse.csr_array(sparse.hstack([average, cross]))
        given = sums(judge, self.weight, j)
        self.inner = np.diag(np.r_[given.sum(), given])
        self.inner[0, 1:] = self.inner[1:, 0] = given
        self.y_entry, self.y_theta, self.yy = self.products(marks.value)
        self._kind, self._stack = self._products_by_kind()

    def products(self, y: Floats) -> tuple[Floats, Floats, float]:
        """Z_a'y, W'y and y'y, weighted, of any column with one item per mark."""
        whole = float((self.weight * y) @ y)
        y = self.weight * y
        by_entry = sums(self.marks.entry, self.load * y, len(self.marks.entries))
        by_judge = sums(self.marks.judge, y, len(self.marks.judges))
        return by_entry, np.r_[float(y.sum()), by_judge], whole

    def _products_by_kind(self) -> tuple[Ints | None, Floats]:
        """Entries with as many reviews are shrunk alike, so W'Z_a·Z_a'W is summed once for each number of reviews."""
        sizes, kind = np.unique(self.per_entry, return_inverse=True)
        width = self.border.shape[1]
        if len(sizes) > KINDS or len(sizes) * width * width > STACK:
            return None, np.empty(0)
        stack = np.empty((len(sizes), width, width))
        for place in range(len(sizes)):
            rows = self.border[np.flatnonzero(kind == place)]
            stack[place] = _gram(rows, np.ones(rows.shape[0]))
        return kind.astype(np.int64), stack

    def _absorbed(self, shrunk: Floats) -> Floats:
        if self._kind is None:
            return _gram(self.border, shrunk)
        of_kind = np.empty(len(self._stack))
        of_kind[self._kind] = shrunk
        product: Floats = np.tensordot(of_kind, self._stack, axes=1)
        return product

    def at(self, sd_entry: float, sd_judge: float) -> Solved:
        """Solves for standard deviations of entries and judges, both in units of the noise's, nought allowed."""
        squared = sd_entry * sd_entry
        shrunk: Floats = squared / (squared * self.per_entry + 1.0)
        scaling = np.full(len(self.y_theta), sd_judge)
        scaling[0] = 1.0
        absorbed = (self.inner - self._absorbed(shrunk)) * scaling[:, None] * scaling
        diagonal = np.einsum("ii->i", absorbed)
        diagonal[1:] += 1.0
        root = linalg.cholesky(absorbed, lower=True, check_finite=False)
        right = (self.y_theta - self.border.T @ (shrunk * self.y_entry)) * scaling
        half = linalg.solve_triangular(root, right, lower=True, check_finite=False)
        theta = linalg.solve_triangular(root, half, lower=True, trans="T", check_finite=False) * scaling
        quality = shrunk * (self.y_entry - self.border @ theta)
        rest = self.yy - float(shrunk @ (self.y_entry * self.y_entry)) - float(half @ half)
        logdet = float(np.log1p(squared * self.per_entry).sum() + 2.0 * np.log(np.diag(root)).sum())
        return Solved(sd_entry, sd_judge, theta, quality, rest, logdet, shrunk, root, scaling)

    def residual(self, y: Floats, solved: Solved) -> Floats:
        """y less what the model explains of it, shape (m,); times the weights it is σ²·P·y, with P of the restricted
        likelihood."""
        by_entry, by_theta, _ = self.products(y)
        right = (by_theta - self.border.T @ (solved.shrunk * by_entry)) * solved.scaling
        theta = linalg.cho_solve((solved.root, True), right) * solved.scaling
        quality = solved.shrunk * (by_entry - self.border @ theta)
        fitted = theta[0] + theta[1 + self.marks.judge] + self.load * quality[self.marks.entry]
        result: Floats = y - fitted
        return result

    def entry_spread(self, solved: Solved) -> tuple[Floats, Floats]:
        """The variance of each quality's error, and its covariance with θ's (n, J + 1), in the noise's variance."""
        through: Floats = np.asarray(self.border @ solved.spread)
        variance = solved.shrunk + solved.shrunk**2 * _row_dots(self.border, through)
        return variance, -solved.shrunk[:, None] * through

    def leverage(self, solved: Solved) -> Floats:
        """How much of each mark the model takes from itself, shape (m,): weight times the diagonal of
        [W Z_a] C⁻¹ [W Z_a]'."""
        entry, judge = self.marks.entry, 1 + self.marks.judge
        spread = solved.spread
        own = spread[0, 0] + 2.0 * spread[0, judge] + spread[judge, judge]
        variance, together = self.entry_spread(solved)
        covariance = together[entry, 0] + together[entry, judge]
        result: Floats = self.weight * (own + 2.0 * self.load * covariance + self.load**2 * variance[entry])
        return result


def _gram(rows: Any, weight: Floats) -> Floats:
    """rows' · diag(weight) · rows, dense; by BLAS where the rows are more than a tenth full, which measures faster."""
    height, width = rows.shape
    if rows.nnz * 10 > height * width and height * width <= STACK:
        full = rows.toarray()
        product: Floats = full.T @ (full * weight[:, None])
        return product
    weighted = sparse.csr_array(rows * weight[:, None])
    found: Floats = (rows.T @ weighted).toarray()
    return found


def _row_dots(rows: Any, full: Floats) -> Floats:
    """The dot product of each sparse row with the same row of `full`."""
    height = rows.shape[0]
    row = np.repeat(np.arange(height), np.diff(rows.indptr))
    return sums(row, rows.data * full[row, rows.indices], height)
