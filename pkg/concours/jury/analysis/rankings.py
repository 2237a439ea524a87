"""From ranked ballots to one ranking: Schulze's method and Borda's count, with ties and what was left unranked.

Schulze, A new monotonic, clone-independent, reversal symmetric, and Condorcet-consistent single-winner election
method, Social Choice and Welfare 36, 2011; Borda, Mémoire sur les élections au scrutin, 1781.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from concours.jury.analysis.arrays import Bools, Floats


@dataclass(frozen=True)
class Ballot:
    """One judge's ranking: entries in tiers, best first; those of one tier are equal.

    `seen`: what the judge was given to rank, None for everything. What was seen and not ranked stands below what was
    ranked, all equal; what was not seen is not compared. `weight`: how often the ballot counts.
    """

    tiers: tuple[tuple[int, ...], ...]
    seen: frozenset[int] | None = None
    weight: int = 1


@dataclass(frozen=True)
class Places:
    """A ranking: `tiers` of entries, best first; entries of one tier are tied. `entries`: in the order of the arrays.
    `undecided`: all pairs (a, b) of entries of which the method puts neither before the other."""

    entries: tuple[int, ...]
    tiers: tuple[tuple[int, ...], ...]
    undecided: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Schulze(Places):
    """`preferred[a, b]`: judges who put a above b; `strength[a, b]`: of the strongest path from a to b.

    Entry a is before b where strength[a, b] > strength[b, a]. That is a strict partial order; the tiers are those
    before whom nobody is left, taken away again and again. Entries of different tiers can be undecided all the same.
    """

    preferred: Floats
    strength: Floats


@dataclass(frozen=True)
class Borda(Places):
    """`points[a]`: for each ballot, the entries placed below a, and half of those placed equal to it.

    `share[a]`: the points over the entries it was compared with, 0 to 1, which is what ranks: on complete ballots it
    is the same order, and on ballots over different entries nobody gains by having been seen more often. NaN where an
    entry was never compared: it stands in the last tier.
    """

    points: Floats
    share: Floats


def schulze(ballots: Sequence[Ballot], entries: Sequence[int]) -> Schulze:
    """Schulze's ranking by winning votes. Its work grows with the cube of the number of entries.

    Raises ValueError for a ballot that is none (`_checked`).
    """
    _, preferred, _ = _counted(ballots, entries)
    strength = np.where(preferred > preferred.T, preferred, 0.0)
    for middle in range(len(entries)):
        np.maximum(strength, np.minimum(strength[:, middle, None], strength[None, middle, :]), out=strength)
    np.fill_diagonal(strength, 0.0)
    before = strength > strength.T
    return Schulze(tuple(entries), _tiers(entries, before), _undecided(entries, before), preferred, strength)


def borda(ballots: Sequence[Ballot], entries: Sequence[int]) -> Borda:
    """Borda's ranking. Raises ValueError for a ballot that is none (`_checked`)."""
    compared, preferred, equal = _counted(ballots, entries)
    points = (preferred + equal / 2.0).sum(axis=1)
    rivals = compared.sum(axis=1)
    share = np.divide(points, rivals, out=np.full(len(entries), np.nan), where=rivals > 0)
    known = np.nan_to_num(share, nan=-1.0)
    # cross-multiplied, so that equal fractions are equal
    before = np.where(
        (rivals > 0)[:, None] & (rivals > 0),
        np.outer(points, rivals) > np.outer(rivals, points),
        known[:, None] > known,
    )
    return Borda(tuple(entries), _tiers(entries, before), _undecided(entries, before), points, share)


def _checked(ballot: Ballot, place: dict[int, int]) -> list[list[int]]:
    """The ballot's tiers as places, what was seen and not ranked last.

    Raises ValueError where it ranks an entry twice, one that it was not given, or one that is not there.
    """
    seen = set(place) if ballot.seen is None else set(ballot.seen)
    ranked = [entry for tier in ballot.tiers for entry in tier]
    if len(set(ranked)) != len(ranked):
        raise ValueError("an entry stands on a ballot twice")
    if not set(ranked) <= seen or not seen <= set(place):
        raise ValueError("a ballot ranks an entry that was not to be ranked")
    rest = sorted(seen - set(ranked))
    return [[place[entry] for entry in tier] for tier in (*ballot.tiers, tuple(rest)) if tier]


def _counted(ballots: Sequence[Ballot], entries: Sequence[int]) -> tuple[Floats, Floats, Floats]:
    """How often each pair was compared, preferred and put equal, shapes (n, n)."""
    place = {entry: at for at, entry in enumerate(entries)}
    if len(place) != len(entries):
        raise ValueError("an entry is named twice")
    n = len(entries)
    preferred, equal = np.zeros((n, n)), np.zeros((n, n))
    for ballot in ballots:
        tier_of = np.full(n, -1)
        for number, tier in enumerate(_checked(ballot, place)):
            tier_of[tier] = number
        there = np.flatnonzero(tier_of >= 0)
        tiers = tier_of[there]
        cells = np.ix_(there, there)
        preferred[cells] += ballot.weight * (tiers[:, None] < tiers)
        equal[cells] += ballot.weight * (tiers[:, None] == tiers)
    np.fill_diagonal(equal, 0.0)
    return preferred + preferred.T + equal, preferred, equal


def _tiers(entries: Sequence[int], before: Bools) -> tuple[tuple[int, ...], ...]:
    left = np.ones(len(entries), dtype=bool)
    tiers: list[tuple[int, ...]] = []
    while left.any():
        top = left & ~before[left].any(axis=0)
        tiers.append(tuple(sorted(entries[int(at)] for at in np.flatnonzero(top))))
        left &= ~top
    return tuple(tiers)


def _undecided(entries: Sequence[int], before: Bools) -> tuple[tuple[int, int], ...]:
    open_pairs = np.triu(~(before | before.T), 1)
    return tuple((entries[int(a)], entries[int(b)]) for a, b in np.argwhere(open_pairs))
