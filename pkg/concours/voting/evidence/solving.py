"""The puzzle solved too fast: newcomers of one stream whose devices were far faster than everybody else's.

How long a device took is known for voters who solved one (`ladder.challenge.note`), as long as Redis has not lost it.
Fast machines are nobody's fault, and an office has many of one kind: this never makes a group strong by itself
(`COUNTED_HONEST`), it stands beside other findings about the same voters. docs/evidence.md has the formula.
"""

from collections.abc import Sequence

import numpy as np

from concours.voting.evidence.finding import SOLVED, Finding
from concours.voting.evidence.newcomers import tail
from concours.voting.evidence.streams import Stream, is_home_of
from concours.voting.evidence.votes import Bools, Ints, Votes

UNKNOWN = -1
LEAST_KNOWN = 100
"""Voters whose time is known, below which nobody's device is called fast."""

FAST = 0.2
"""Of the median of all: what is faster is called fast."""

LEAST_SHARE = 0.02
"""Of fast ones among honest people, however few there seem to be."""

STRENGTH = 8.0
"""a + b of the beta distribution: how far honest streams may differ in their machines."""

COUNTED_HONEST = 0.5
"""Of such votes, before other evidence: above `groups.HONEST_SHARE`, so that it is never strong alone."""


def find(votes: Votes, streams: Sequence[Stream], took: Ints) -> list[Finding]:
    """Streams with far too many fast voters.

    `took`: ms from making the puzzle to handing in its solution, by voter; UNKNOWN where it is not known.
    """
    known: Bools = took != UNKNOWN
    if int(known.sum()) < LEAST_KNOWN:
        return []
    usual = float(np.median(took[known]))
    fast: Bools = known & (took < FAST * usual)
    found = []
    for stream in streams:
        if is_home_of(votes, stream):
            continue
        here = np.unique(votes.voter[stream.index])
        here = here[known[here]]
        count, of = int(fast[here].sum()), len(here)
        others = np.setdiff1d(np.flatnonzero(known), here)
        if not count or not len(others):
            continue
        share = max(LEAST_SHARE, float(fast[others].mean()), _of_the_place(votes, stream, known, fast))
        if share >= 1.0:
            continue
        p = tail(count, of, share, STRENGTH)
        quick = here[fast[here]]
        index = stream.index[np.isin(votes.voter[stream.index], quick)]
        facts = {
            "votes": float(len(index)),
            "voters": float(count),
            "of": float(of),
            "median_ms": float(np.median(took[quick])),
            "usual_ms": usual,
            "usual": share,
        }
        found.append(Finding(SOLVED, index, p, COUNTED_HONEST * len(index), facts))
    return [one for one in found if one.p < 0.05]


def _of_the_place(votes: Votes, stream: Stream, known: Bools, fast: Bools) -> float:
    """The share of fast ones among the place's other voters: an office of new machines has it for all candidates."""
    if stream.network is None:
        return 0.0
    there = np.unique(votes.voter[votes.of_network(stream.network)])
    there = there[known[there] & ~np.isin(there, votes.voter[stream.index])]
    return float(fast[there].mean()) if len(there) else 0.0
