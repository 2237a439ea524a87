"""Strengths out of comparisons in pairs: the Bradley-Terry model, fitted by minorisation-maximisation.

P(a beats b) = exp(a) / (exp(a) + exp(b)) (Bradley & Terry, Biometrika 39, 1952); Hunter, MM algorithms for generalized
Bradley-Terry models, Annals of Statistics 32, 2004, equation 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from concours.jury.analysis.arrays import Floats, Ints, sums

STEPS = 20_000
CLOSE = 1e-12
"""A step that changes no strength by more than this part of it is the last but the polish."""
POLISH = 8


@dataclass(frozen=True)
class Strengths:
    """`strength[i]`: of entry `entries[i]`, in logits: 0 is the average of all, or, with a prior, of the rival that it
    stands for. `covariance`: of the errors, shape (n, n). `linked`: whether every entry is led to every other by a
    chain of wins; without it only the prior holds the strengths."""

    entries: tuple[int, ...]
    strength: Floats
    covariance: Floats
    linked: bool

    @property
    def error(self) -> Floats:
        """The standard error of each strength, shape (n,)."""
        result: Floats = np.sqrt(np.diag(self.covariance))
        return result

    def difference(self, one: int, other: int) -> tuple[float, float]:
        """How much stronger the entry at place `one` is than that at place `other`, and the standard error."""
        c = self.covariance
        variance = c[one, one] + c[other, other] - 2 * c[one, other]
        return float(self.strength[one] - self.strength[other]), float(np.sqrt(max(0.0, variance)))


def bradley_terry(entries: Sequence[int], won: Sequence[tuple[int, int]], *, prior: float = 0.5) -> Strengths:
    """Fits strengths to `won`: pairs (winner, loser) of entries, one for each comparison.

    `prior`: wins, and as many losses, that every entry is given against a rival of strength 0, so that who never lost
    or never won has a finite strength. 0: none; raises ValueError where the strengths would not be finite (Hunter's
    assumption 1), and in any case for a pair that is none.
    """
    place = {entry: at for at, entry in enumerate(entries)}
    if len(place) != len(entries) or any(a == b or a not in place or b not in place for a, b in won):
        raise ValueError("a comparison is of two different entries that are there")
    n = len(entries)
    winner = np.array([place[a] for a, _ in won], dtype=np.int64)
    loser = np.array([place[b] for _, b in won], dtype=np.int64)
    graph = sparse.csr_array((np.ones(len(won)), (winner, loser)), shape=(n, n))
    linked = n > 0 and csgraph.connected_components(graph, connection="strong")[0] == 1
    if prior <= 0 and not linked:
        raise ValueError("without a prior, each entry needs a chain of wins to every other")
    strength = _maximised(winner, loser, n, prior)
    strength, information = _polished(strength, winner, loser, prior)
    if prior <= 0:
        strength = np.asarray(strength - strength.mean(), dtype=np.float64)
    inverse = np.linalg.pinv(information, hermitian=True) if prior <= 0 else np.linalg.inv(information)
    covariance = np.asarray(inverse, dtype=np.float64)
    return Strengths(tuple(entries), strength, covariance, bool(linked))


def _maximised(winner: Ints, loser: Ints, n: int, prior: float) -> Floats:
    """Hunter's iteration, γᵢ ← wins / Σ 1/(γᵢ + γⱼ), with the rival of the prior at γ = 1."""
    wins = np.bincount(winner, minlength=n) + prior
    rates = np.ones(n)
    for _ in range(STEPS):
        shared = 1.0 / (rates[winner] + rates[loser])
        below = sums(winner, shared, n) + sums(loser, shared, n) + 2.0 * prior / (rates + 1.0)
        new: Floats = wins / below
        if prior <= 0:
            new /= np.exp(np.log(new).mean())
        done = bool(np.abs(new / rates - 1.0).max() < CLOSE)
        rates = new
        if done:
            break
    return np.log(rates)


def _polished(strength: Floats, winner: Ints, loser: Ints, prior: float) -> tuple[Floats, Floats]:
    """The last digits by Newton's steps, and the information (minus the second derivatives) at the maximum."""
    n = len(strength)
    wins = np.bincount(winner, minlength=n) + prior
    for _ in range(POLISH):
        chance = 1.0 / (1.0 + np.exp(strength[loser] - strength[winner]))
        rival = 1.0 / (1.0 + np.exp(-strength))
        expected = sums(winner, chance, n) + sums(loser, 1.0 - chance, n) + 2.0 * prior * rival
        weight = chance * (1.0 - chance)
        information = np.zeros((n, n))
        np.add.at(information, (winner, loser), -weight)
        np.add.at(information, (loser, winner), -weight)
        on_diagonal = sums(winner, weight, n) + sums(loser, weight, n) + 2.0 * prior * rival * (1.0 - rival)
        information[np.diag_indices(n)] = on_diagonal
        step = np.linalg.lstsq(information, wins - expected, rcond=None)[0]
        if np.abs(step).max(initial=0.0) < CLOSE:
            break
        strength = strength + step
    return strength, information
