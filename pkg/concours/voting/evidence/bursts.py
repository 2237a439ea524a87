"""Bursts: how many votes a candidate usually gets at these hours from there.

Expected is the mean of the same span of the clock on the poll's other days in the same stream, each day weighted by
how busy the whole poll was then. The tail is that of a negative binomial distribution with that mean, whose
dispersion is taken from the stream's own hours (a robust variance over mean), so that a place that always votes in
surges may surge. A burst alone is no evidence: a department that is called to vote at ten is one. It stands beside
what was found otherwise.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from concours.voting.evidence.votes import Ints, Votes

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
LEAST_EXPECTED = 0.5


@dataclass(frozen=True)
class Burst:
    """`expected`: votes at these hours, by the stream's other days; `p`: the probability of as many as there were."""

    observed: int
    expected: float
    p: float


def burst_of(votes: Votes, stream: Ints, begin: int, end: int) -> Burst | None:
    """The votes at `stream` (indices in order of time) from `begin` to `end` (ms) against the same hours of other
    days; None where the poll has no other day there, or the span is longer than a day."""
    if end - begin >= DAY_MS:
        return None
    at = votes.at[stream]
    observed = _between(at, begin, end)
    shifts = [k * DAY_MS for k in range(-30, 31) if k]
    first, last = int(votes.at[0]), int(votes.at[-1])
    inside = [s for s in shifts if begin + s >= first and end + s <= last]
    if not inside:
        return None
    mine = sum(_between(at, begin + s, end + s) for s in inside)
    all_there = sum(_between(votes.at, begin + s, end + s) for s in inside)
    rest_here = _between(votes.at, begin, end) - observed  # how busy the poll was then, without this stream's surge
    rest_there = max(1, all_there - mine)
    expected = max(LEAST_EXPECTED, mine * rest_here / rest_there)
    spread = dispersion(at)
    if spread <= 1.01:
        p = float(stats.poisson.sf(observed - 1, expected))
    else:
        size = expected / (spread - 1)  # variance = mean * spread
        p = float(stats.nbinom.sf(observed - 1, size, size / (size + expected)))
    return Burst(observed, expected, p)


def dispersion(at: Ints) -> float:
    """Variance over mean of the votes per hour, by the median and the median deviation, at least 1."""
    hours = np.bincount((at - at[0]) // HOUR_MS) if len(at) else np.zeros(1, dtype=np.int64)
    busy = hours[hours > 0].astype(float)
    if len(busy) < 6:
        return 3.0
    middle = float(np.median(busy))
    return max(1.0, (1.4826 * float(np.median(np.abs(busy - middle)))) ** 2 / max(middle, 1.0))


def _between(at: Ints, begin: int, end: int) -> int:
    return int(np.searchsorted(at, end, side="right") - np.searchsorted(at, begin))
