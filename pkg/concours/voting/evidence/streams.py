"""Streams: the votes for one candidate from one place, or from no place in particular.

A *place* is a network with several voters. Votes of a candidate that come from homes, or from networks where that
candidate is but one of many (a carrier's shared address), are *scattered*. Colleagues who vote for their own team are a
stream of their own, and are judged against streams of places, never against single people at home.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from concours.voting.evidence.votes import Ints, Votes

PLACE, SCATTERED = "place", "scattered"
PLACE_VOTERS = 6  # fewer voters are a home
HEAVY_SHARE = 0.10  # of a network's votes: above it the candidate is at home there
LIVING, LIVING_SHARE = 2, 0.02  # voters of a place, and their share, with more than one vote: it is no farm alone
LEAST = 12  # votes: smaller streams prove nothing


@dataclass(frozen=True)
class Stream:
    """`index`: where its votes stand, in order of time; `network` is None of a scattered one."""

    kind: str
    candidate: int
    network: int | None
    index: Ints


def is_home_of(votes: Votes, stream: Stream) -> bool:
    """Whether the stream's place is one where people live or work who are for that candidate: the candidate has a good
    share of its votes, and not all of its voters have but one vote. What such a place does at ten
    o'clock is nobody's fraud: all of a department may come once, for one team, because it was told to."""
    if stream.network is None:
        return False
    if len(stream.index) < HEAVY_SHARE * votes.votes_of_network[stream.network]:
        return False
    everybody = int(votes.voters_of_network[stream.network])
    return int(votes.busier_of_network[stream.network]) >= max(LIVING, LIVING_SHARE * everybody)


def streams_of(votes: Votes) -> Iterator[Stream]:
    """All streams with at least LEAST votes. A carrier's votes are in two: its own, and the scattered one."""
    if not len(votes):
        return
    width = np.int64(votes.networks + 1)
    pair = votes.candidate * width + votes.network + 1
    order = np.argsort(pair, kind="stable")  # keeps the order of time within each
    begins = np.flatnonzero(np.r_[True, pair[order][1:] != pair[order][:-1]])
    scattered: dict[int, list[Ints]] = {}
    for begin, end in zip(begins, np.r_[begins[1:], len(order)], strict=True):
        index = order[begin:end]
        candidate, network = divmod(int(pair[index[0]]), int(width))
        network -= 1
        place = network >= 0 and votes.voters_of_network[network] >= PLACE_VOTERS
        if place and len(index) >= LEAST:
            yield Stream(PLACE, candidate, network, index)
        if not place or len(index) < HEAVY_SHARE * votes.votes_of_network[network]:
            scattered.setdefault(candidate, []).append(index)
    for candidate, parts in scattered.items():
        index = np.sort(np.concatenate(parts))
        if len(index) >= LEAST:
            yield Stream(SCATTERED, candidate, None, index)
