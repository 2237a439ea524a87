"""Recorded votes as arrays, and what follows of each voter. Everything after this is arithmetic on them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SITTING_MS = 10 * 60_000  # somebody who votes within ten minutes and never again came once
UNKNOWN_NETWORK = -1


@dataclass(frozen=True)
class Votes:
    """A poll's votes in order of time; all arrays have one item per vote.

    `at`: ms since 1970; `voter`, `candidate`: numbers from 0; `network` likewise, -1 where it is not known; `day`: the
    poll's own calendar day, counted from any day.
    """

    at: Ints
    voter: Ints
    candidate: Ints
    network: Ints
    day: Ints

    def __len__(self) -> int:
        return len(self.at)

    @cached_property
    def voters(self) -> int:
        """How many voters there are."""
        return int(self.voter.max()) + 1 if len(self) else 0

    @cached_property
    def candidates(self) -> int:
        """One more than the greatest number of a candidate."""
        return int(self.candidate.max()) + 1 if len(self) else 0

    @cached_property
    def networks(self) -> int:
        """How many networks there are."""
        return int(self.network.max()) + 1 if len(self) else 0

    @cached_property
    def per_voter(self) -> Ints:
        """Votes of each voter."""
        return np.bincount(self.voter, minlength=self.voters)

    @cached_property
    def once(self) -> Bools:
        """Whether the vote is the only one that its voter ever cast."""
        found: Bools = self.per_voter[self.voter] == 1
        return found

    @cached_property
    def one_sitting(self) -> Bools:
        """Whether all votes of its voter lie within ten minutes."""
        first = np.full(self.voters, np.iinfo(np.int64).max)
        last = np.full(self.voters, np.iinfo(np.int64).min)
        np.minimum.at(first, self.voter, self.at)
        np.maximum.at(last, self.voter, self.at)
        found: Bools = (last - first <= SITTING_MS)[self.voter]
        return found

    @cached_property
    def voters_of_network(self) -> Ints:
        """How many voters each network has."""
        return self._voters_among(self.network >= 0)

    @cached_property
    def busier_of_network(self) -> Ints:
        """How many of each network's voters ever cast more than one vote, from wherever."""
        return self._voters_among((self.network >= 0) & ~self.once)

    @cached_property
    def _by_network(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.network, kind="stable")
        return order, np.searchsorted(self.network[order], np.arange(self.networks + 1))

    def of_network(self, network: int) -> Ints:
        """Where the votes of a network stand, in order of time."""
        order, begins = self._by_network
        return order[begins[network] : begins[network + 1]]

    def _voters_among(self, which: Bools) -> Ints:
        pairs = np.unique(self.network[which] * np.int64(self.voters) + self.voter[which])
        return np.bincount(pairs // max(1, self.voters), minlength=self.networks)

    @cached_property
    def votes_of_network(self) -> Ints:
        """How many votes each network has."""
        return np.bincount(self.network[self.network >= 0], minlength=self.networks)
