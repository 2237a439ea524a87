"""Over-regular intervals: a script keeps its pace, people do not.

Two neighbouring gaps g, h of a stream agree where |g - h| / (g + h) < 0.1. Of a Poisson process (people who come
without knowing of each other, at a rate that changes slowly) 10 % of neighbours agree, whatever the rate: g / (g + h)
is uniform. Held against more: people who stand in line at one code, whose gaps are gamma distributed with shape 3,
agree in 18.75 % (g / (g + h) is beta(3, 3) distributed). A window's agreeing neighbours are held against that, by the
binomial tail. Beside it the local variation Lv (Shinomoto, Shima & Tanji 2003): 1 of a Poisson process, 0.43 of that
line, 0 of a clock.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from concours.voting.evidence.finding import INTERVALS, Finding
from concours.voting.evidence.streams import Stream
from concours.voting.evidence.votes import Ints, Votes

AGREE = 0.1
IN_LINE = 0.1875  # of neighbouring gaps agree where people stand in line
WINDOWS = (24, 60, 150)  # votes
LEAST_MS = 20  # neighbouring gaps that are shorter together say nothing: the clock has whole ms
WORTH = 1e-7


def local_variation(at: Ints) -> float:
    """Lv of the moments `at` (ms, in order); 1 where there are too few."""
    gaps = np.diff(at).astype(float)
    first, second = gaps[:-1], gaps[1:]
    usable = first + second > 0
    if not usable.any():
        return 1.0
    return float(3 * np.mean(((first - second)[usable] / (first + second)[usable]) ** 2))


def agreeing(at: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """For each vote but the first and the last: whether the gaps before and after it agree."""
    gaps = np.diff(at).astype(float)
    together = gaps[:-1] + gaps[1:]
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = (together >= LEAST_MS) & (
        np.abs(gaps[:-1] - gaps[1:]) < AGREE * together
    )
    return found


def find(votes: Votes, streams: Sequence[Stream]) -> list[Finding]:
    """Windows of streams whose gaps are more regular than people in a line make them."""
    found: list[Finding] = []
    for stream in streams:
        if len(stream.index) >= WINDOWS[0]:
            found += _in_stream(votes, stream)
    return found


def _in_stream(votes: Votes, stream: Stream) -> list[Finding]:
    at = votes.at[stream.index]
    agree = agreeing(at)
    summed = np.r_[0, np.cumsum(agree)]
    best: list[tuple[float, int, int, int]] = []
    looked_at = 0.0
    for width in WINDOWS:
        pairs = width - 2
        if len(agree) < pairs:
            continue
        looked_at += len(agree) / pairs
        hits = summed[pairs:] - summed[:-pairs]
        p = stats.binom.sf(hits - 1, pairs, IN_LINE)
        best += [(float(p[i]), int(i), int(i) + width, int(hits[i])) for i in np.flatnonzero(p < WORTH)]
    taken = np.zeros(len(at), dtype=bool)
    parts: list[tuple[int, int]] = []
    least = 1.0
    for p, begin, after, _ in sorted(best):
        if not taken[begin:after].all():
            taken[begin:after] = True
            least = min(least, p)
    edges = np.flatnonzero(np.diff(np.r_[0, taken.astype(int), 0]))
    parts = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    found = []
    for begin, after in parts:
        inside = agree[begin : after - 2]
        # with a share s of agreeing neighbours, at least (s - 0.1875) / (1 - 0.1875) of them are not people's
        regular = max(0.0, (float(inside.mean()) - IN_LINE) / (1 - IN_LINE))
        gaps = np.diff(at[begin:after])
        facts = {
            "votes": after - begin,
            "median_gap_ms": float(np.median(gaps)),
            "gap_spread_ms": float(1.4826 * np.median(np.abs(gaps - np.median(gaps)))),
            "lv": local_variation(at[begin:after]),
            "agree": float(inside.mean()),
            "span_ms": float(at[after - 1] - at[begin]),
            "from_ms": float(at[begin]),
        }
        p = float(stats.binom.sf(int(inside.sum()) - 1, len(inside), IN_LINE))
        honest = 0.0 if regular > 0.15 else float(after - begin)
        found.append(Finding(INTERVALS, stream.index[begin:after], min(1.0, p * looked_at), honest, facts))
    return found
