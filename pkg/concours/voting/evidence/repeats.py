"""Replays: many voters whose votes for a candidate are the same time apart on two days, to the second.

A script that goes through its list again shifts all of it by one amount. People who come back do so within minutes or
hours. For each candidate and two days, the shifts of the voters who came on both are searched for a window that holds
far more of them than the minute and a half, and the ten minutes, around it let expect (a scan statistic, Naus 1965,
with the local rate).
"""

from collections.abc import Iterator

import numpy as np
from scipy import stats

from concours.voting.evidence.finding import REPEATED, Finding
from concours.voting.evidence.votes import Ints, Votes

WINDOWS_MS = (2_000, 8_000)
AROUND_MS = (90_000, 600_000)
FLOOR = 0.25  # voters are expected at least
LEAST = 10  # voters
WORTH = 1e-6
TIMES = 8  # so many times what is expected


def find(votes: Votes) -> list[Finding]:
    """Groups of votes that are another day's votes, moved."""
    found: list[Finding] = []
    for first, second in _returns(votes):
        found += _in_pair(votes, first, second)
    return found


def _returns(votes: Votes) -> Iterator[tuple[Ints, Ints]]:
    """For each candidate and two of its days in a row: where the votes of voters stand who came on both."""
    order = np.lexsort((votes.day, votes.voter, votes.candidate))
    same = (votes.voter[order][1:] == votes.voter[order][:-1]) & (
        votes.candidate[order][1:] == votes.candidate[order][:-1]
    )
    same &= votes.day[order][1:] > votes.day[order][:-1]
    first, second = order[:-1][same], order[1:][same]
    if not len(first):
        return
    key = (votes.candidate[first] * 4_096 + votes.day[first] % 4_096) * 64 + np.minimum(
        votes.day[second] - votes.day[first], 63
    )
    by_key = np.argsort(key, kind="stable")
    begins = np.flatnonzero(np.r_[True, key[by_key][1:] != key[by_key][:-1]])
    for begin, end in zip(begins, np.r_[begins[1:], len(by_key)], strict=True):
        if end - begin >= LEAST:
            yield first[by_key[begin:end]], second[by_key[begin:end]]


def _in_pair(votes: Votes, first: Ints, second: Ints) -> list[Finding]:
    shift = votes.at[second] - votes.at[first]
    order = np.argsort(shift)
    first, second, shift = first[order], second[order], shift[order]
    begin = np.arange(len(shift))
    best: tuple[float, int, int, float] | None = None
    for width in WINDOWS_MS:
        after = np.searchsorted(shift, shift + width, side="right")
        count = after - begin
        expected = np.full(len(shift), FLOOR)
        for reach in AROUND_MS:
            around = np.searchsorted(shift, shift + width + reach) - np.searchsorted(shift, shift - reach) - count
            expected = np.maximum(expected, (around + 1) * width / (2 * reach))
        p = np.asarray(stats.poisson.sf(count - 1, expected))
        for i in np.flatnonzero((count >= LEAST) & (count >= TIMES * expected) & (p < WORTH)):
            if best is None or count[i] - expected[i] > best[2] - best[1] - best[3]:
                best = (float(p[i]), int(i), int(after[i]), float(expected[i]))
    if best is None:
        return []
    p_best, start, end, usual = best
    index = np.concatenate((first[start:end], second[start:end]))
    facts: dict[str, float] = {
        "voters": end - start,
        "expected": usual,
        "shift_ms": float(np.median(shift[start:end])),
        "within_ms": float(shift[end - 1] - shift[start]),
        "votes": len(index),
    }
    return [Finding(REPEATED, np.sort(index), min(1.0, p_best * len(shift) * len(WINDOWS_MS)), 2 * usual, facts)]
