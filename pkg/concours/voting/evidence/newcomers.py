"""Fresh devices: voters who come once, in a stream's windows, held against the other voters of the same windows.

A farm brings voters with one vote each that are never seen again; honest people of the same place and hour are a
mixture. The others in the window (who voted for somebody else too, or on another day) are the control: they rise with
any honest surge, whatever called it. Docs/evidence.md has the formulas.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from concours.voting.evidence.finding import ONCE, SITTING, Finding
from concours.voting.evidence.streams import LEAST, PLACE, PLACE_VOTERS, SCATTERED, Stream, is_home_of
from concours.voting.evidence.votes import Bools, Ints, Votes

MINUTE = 60_000
WINDOWS_MS = (10 * MINUTE, 60 * MINUTE, 240 * MINUTE, 960 * MINUTE, 10_000 * MINUTE)
FIT_FROM = 30  # votes of a stream on a day, from which its share is used for the base rate
STRENGTH = {(ONCE, PLACE): (4.0, 40.0), (ONCE, SCATTERED): (4.0, 20.0), (SITTING, PLACE): (4.0, 40.0)}
"""Least and greatest a + b of the beta distribution: how far honest streams may differ. Of ONCE at most 9, whatever the
streams say, because a team shown to many strangers differs within an hour from all its own days."""
PURE = 0.80  # windows where less than this share is in excess are not worth a person's time
COST = 6.0  # of a window's votes that may be honest, against those that are not
WORTH = 1e-4  # a window's own probability, above which it is not looked at closer


@dataclass(frozen=True)
class Base:
    """The share of newcomers in honest streams: `mean` of each day, and `strength` = a + b of the beta distribution."""

    mean: dict[int, float]
    strength: float


def base_of(votes: Votes, streams: Sequence[Stream], fresh: Bools, limits: tuple[float, float]) -> Base:
    """Fits the share over streams and days, by median and median deviation, so that a minority of bad streams moves it
    little. Where too few streams are large enough, the share of all of them together counts."""
    shares: dict[int, list[tuple[float, int]]] = {}
    for stream in streams:
        days = votes.day[stream.index]
        for day in np.unique(days):
            here = fresh[stream.index[days == day]]
            if len(here) >= FIT_FROM:
                shares.setdefault(int(day), []).append((float(here.mean()), len(here)))
    mean: dict[int, float] = {}
    off: list[float] = []
    noise: list[float] = []
    for day in np.unique(votes.day):
        found = shares.get(int(day), [])
        middle = float(np.median([s for s, _ in found])) if len(found) >= 5 else float(fresh[votes.day == day].mean())
        mean[int(day)] = float(np.clip(middle, 0.02, 0.98))
        off += [share - middle for share, _ in found]
        noise += [middle * (1 - middle) / n for _, n in found]
    if len(off) < 8:
        return Base(mean, 2 * limits[0])
    spread = (1.4826 * float(np.median(np.abs(off)))) ** 2 - float(np.median(noise))
    middle = float(np.mean(list(mean.values())))
    strength = middle * (1 - middle) / max(spread, 1e-6) - 1
    return Base(mean, float(np.clip(strength, *limits)))


def find(votes: Votes, streams: Sequence[Stream]) -> list[Finding]:
    """Windows of streams in which voters who come once are far more than the control allows for."""
    found: list[Finding] = []
    at_home = _from_homes(votes) if len(votes) else []
    for kind, fresh, place in (
        (ONCE, votes.once, PLACE),
        (ONCE, votes.once, SCATTERED),
        (SITTING, votes.one_sitting, PLACE),  # a team shown to many strangers has as many as come once
    ):
        some = [stream for stream in streams if stream.kind == place]
        base = base_of(votes, some, fresh, STRENGTH[kind, place])
        for stream in some:
            if is_home_of(votes, stream):
                continue
            homes = at_home[stream.candidate] if place == PLACE else None
            found += _in_stream(votes, stream, fresh, _here(votes, stream, fresh, base, kind), kind, homes)
    return found


def _here(votes: Votes, stream: Stream, fresh: Bools, base: Base, kind: str) -> Base:
    """The base of a stream. Of SITTING it is at least what its place does for other candidates: a department that was
    called once comes once, for all of them."""
    if kind != SITTING or stream.network is None:
        return base
    here = votes.of_network(stream.network)
    others = here[~np.isin(votes.voter[here], votes.voter[stream.index])]
    share = {
        day: max(mean, (mean * base.strength + float(fresh[others].sum())) / (base.strength + len(others)))
        for day, mean in base.mean.items()
    }
    return Base({day: min(mean, 0.98) for day, mean in share.items()}, base.strength)


def _from_homes(votes: Votes) -> list[Ints]:
    """Of each candidate, the votes from homes, in order of time."""
    small = (
        votes.voters_of_network[votes.network] < PLACE_VOTERS if votes.networks else np.zeros(len(votes), dtype=bool)
    )
    index = np.flatnonzero(small & (votes.network >= 0))
    index = index[np.argsort(votes.candidate[index], kind="stable")]
    return np.split(index, np.searchsorted(votes.candidate[index], np.arange(1, votes.candidates)))


def _in_stream(votes: Votes, stream: Stream, fresh: Bools, base: Base, kind: str, homes: Ints | None) -> list[Finding]:
    is_fresh = fresh[stream.index]
    mine, others = stream.index[is_fresh], stream.index[~is_fresh]
    if len(mine) < LEAST:
        return []
    at, control_at = votes.at[mine], votes.at[others]
    expected = np.array([base.mean[int(day)] for day in votes.day[mine]])
    summed = np.r_[0.0, np.cumsum(expected)]
    windows: list[tuple[float, int, int, int, float]] = []  # worth, first, after, control, share of newcomers
    looked_at = 0.0
    for width in WINDOWS_MS:
        looked_at += min((at[-1] - at[0]) / width + 1, len(mine) / LEAST)
        first = np.arange(len(mine))
        after = np.searchsorted(at, at + width)
        count = after - first
        control = np.searchsorted(control_at, at + width) - np.searchsorted(control_at, at)
        usual = (summed[after] - summed[first]) / count
        # what the stream is like outside the window; a candidate may have friends who come for it alone
        outside, elsewhere = len(mine) - count, len(others) - control
        mean = np.maximum(usual, (usual * base.strength + outside) / (base.strength + outside + elsewhere))
        if homes is not None:  # what comes to this candidate's voters at home in the same window comes to all
            at_homes, fresh_homes = votes.at[homes], np.r_[0, np.cumsum(fresh[homes])]
            begin, end = np.searchsorted(at_homes, at), np.searchsorted(at_homes, at + width)
            there = (usual * base.strength + fresh_homes[end] - fresh_homes[begin]) / (base.strength + end - begin)
            mean = np.maximum(mean, there)
        mean = np.minimum(mean, 0.98)
        honest = control * mean / (1 - mean)
        windows += [
            (float(count[i] - COST * honest[i]), int(i), int(after[i]), int(control[i]), float(mean[i]))
            for i in np.flatnonzero((count >= LEAST) & (honest <= (1 - PURE) * count))
        ]
    taken = np.zeros(len(mine), dtype=bool)
    found = []
    for _, start, stop, others_there, share in sorted(windows, reverse=True):
        if taken[start:stop].any():
            continue
        size = stop - start
        p = tail(size, size + others_there, share, base.strength)
        if p > WORTH:
            continue
        taken[start:stop] = True
        expected_honest = min(float(size), others_there * share / (1 - share))
        index = mine[start:stop]
        facts: dict[str, float] = {
            "votes": size,
            "others": others_there,
            "usual": share,
            "span_ms": float(at[stop - 1] - at[start]),
            "from_ms": float(at[start]),
        }
        if kind == SITTING:  # what these voters gave to others is as doubtful
            index = np.flatnonzero(np.isin(votes.voter, votes.voter[index]))
            expected_honest *= len(index) / size
        found.append(Finding(kind, index, min(1.0, p * looked_at), expected_honest, facts))
    return found


def tail(newcomers: int, voters: int, mean: float, strength: float) -> float:
    """P(at least `newcomers` of `voters`) where the share is beta(mean * strength, (1 - mean) * strength) distributed:
    the upper tail of the beta-binomial distribution (Skellam 1948)."""
    a, b = mean * strength, (1 - mean) * strength
    counts: NDArray[np.int64] = np.arange(newcomers, voters + 1)
    return float(min(1.0, np.exp(stats.betabinom.logpmf(counts, voters, a, b)).sum()))
