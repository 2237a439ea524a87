"""Exactly N out of many, by a chain fixed beforehand: pure, and the same for any order of its input.

Entries are ordered by score, then by the round's steps for ties, and last by lottery; the first N are in. With quotas
the best of each category fill its minimum, and the rest of the places go down the order past what a maximum shuts
out; the set is the best possible, because the sets that keep the quotas are the bases of a matroid (greedy is optimal
there: Edmonds, Matroids and the greedy algorithm, Math. Programming 1, 1971).
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Step(StrEnum):
    """What can decide between two entries."""

    SCORE = "score"
    MEDIAN = "median"
    REVIEWS = "reviews"
    LOTTERY = "lottery"
    QUOTA = "quota"


CHAINS: tuple[tuple[Step, ...], ...] = (
    (Step.MEDIAN, Step.LOTTERY),
    (Step.MEDIAN, Step.REVIEWS, Step.LOTTERY),
    (Step.REVIEWS, Step.MEDIAN, Step.LOTTERY),
    (Step.LOTTERY,),
)
"""The rules for ties an organiser chooses from; each ends in the lottery, so that never a silent order decides."""


@dataclass(frozen=True)
class Candidate:
    """An entry that could be selected. `label` is what the lottery draws on: the public number."""

    entry: int
    label: str
    category: int
    score: Fraction
    median: Fraction
    reviews: int


@dataclass(frozen=True)
class Quota:
    """How many of a category are selected at least and at most; None: no limit."""

    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Chosen:
    """A candidate's fate: its place (1 is first) or None, and what decided it against its closest rival."""

    candidate: Candidate
    place: int | None
    decided_by: Step
    ticket: str


@dataclass(frozen=True)
class Tie:
    """Entries of equal score at the cut, some in and some out; in the order in which the chain puts them."""

    score: Fraction
    members: tuple[Chosen, ...]


@dataclass(frozen=True)
class Selection:
    """Who is in (by place), who is not (in order), and the ties that had to be decided at the cut.

    `untied`: the nearest numbers of places, below and above, that would need no tie decided (quotas left aside).
    """

    selected: tuple[Chosen, ...]
    others: tuple[Chosen, ...]
    ties: tuple[Tie, ...]
    untied: tuple[int, ...]


class CannotSelect(Exception):
    """No selection keeps all constraints. `what` is `entries`, `least` or `most`; `category` where one is meant."""

    def __init__(self, what: str, needed: int, found: int, category: int | None = None) -> None:
        super().__init__(f"{what}: {needed} needed, {found} found")
        self.what = what
        self.needed = needed
        self.found = found
        self.category = category


def lottery_seed(seed: str) -> str:
    """The seed of a round's lottery, published when the round opens: a hash of the round's own seed, so that it tells
    nothing of who judges what."""
    return hashlib.sha256(f"{seed}|lottery".encode()).hexdigest()


def ticket(seed: str, label: str) -> str:
    """An entry's number in the lottery: SHA-256 of `seed|label` in hex. The smallest is first."""
    return hashlib.sha256(f"{seed}|{label}".encode()).hexdigest()


def select(
    candidates: Sequence[Candidate],
    count: int,
    *,
    ties: Sequence[Step],
    seed: str,
    quotas: Mapping[int, Quota] | None = None,
) -> Selection:
    """Selects exactly `count` of `candidates`.

    Arguments: `ties` is the chain after the score (the lottery is added where it does not end it); `seed` the
    lottery's; `quotas` by category. Labels must differ from one another.
    Raises CannotSelect where no selection keeps the constraints.
    """
    order = _Order(ties, seed)
    ranked = sorted(candidates, key=order.key)
    limits = quotas or {}
    _check(ranked, count, limits)
    inside = _greedy(ranked, count, limits)
    plain = {candidate.entry for candidate in ranked[:count]}
    judge = _Judge(ranked, inside, limits, order)
    chosen: list[Chosen] = []
    others: list[Chosen] = []
    for candidate in ranked:
        is_in = candidate.entry in inside
        step = judge.step(candidate) if is_in == (candidate.entry in plain) else Step.QUOTA
        place = len(chosen) + 1 if is_in else None
        (chosen if is_in else others).append(Chosen(candidate, place, step, order.ticket(candidate)))
    return Selection(tuple(chosen), tuple(others), _ties(chosen, others), _untied(ranked, count))


class _Order:
    """The chain as a sort key."""

    def __init__(self, ties: Sequence[Step], seed: str) -> None:
        steps = [Step.SCORE, *(step for step in ties if step not in {Step.SCORE, Step.LOTTERY, Step.QUOTA})]
        self.steps = (*steps, Step.LOTTERY)
        self._seed = seed
        self._tickets: dict[str, str] = {}

    def ticket(self, candidate: Candidate) -> str:
        if candidate.label not in self._tickets:
            self._tickets[candidate.label] = ticket(self._seed, candidate.label)
        return self._tickets[candidate.label]

    def key(self, candidate: Candidate) -> tuple[Fraction | int | str, ...]:
        values: dict[Step, Fraction | int | str] = {
            Step.SCORE: -candidate.score,
            Step.MEDIAN: -candidate.median,
            Step.REVIEWS: -candidate.reviews,
            Step.LOTTERY: self.ticket(candidate),
        }
        return tuple(values[step] for step in self.steps)

    def between(self, one: Candidate, other: Candidate) -> Step:
        """The first step at which they differ."""
        pairs = zip(self.steps, self.key(one), self.key(other), strict=True)
        return next((step for step, mine, theirs in pairs if mine != theirs), Step.LOTTERY)


def _check(ranked: Sequence[Candidate], count: int, quotas: Mapping[int, Quota]) -> None:
    there = Counter(candidate.category for candidate in ranked)
    if count > len(ranked):
        raise CannotSelect("entries", count, len(ranked))
    for category, quota in quotas.items():
        if quota.least > there[category]:
            raise CannotSelect("least", quota.least, there[category], category)
    least = sum(quota.least for quota in quotas.values())
    if least > count:
        raise CannotSelect("least", least, count)
    most = sum(_most(quotas, category, found) for category, found in there.items())
    if most < count:
        raise CannotSelect("most", count, most)


def _most(quotas: Mapping[int, Quota], category: int, found: int) -> int:
    quota = quotas.get(category)
    return found if quota is None or quota.most is None else min(found, quota.most)


def _greedy(ranked: Sequence[Candidate], count: int, quotas: Mapping[int, Quota]) -> set[int]:
    taken: Counter[int] = Counter()
    owed = sum(quota.least for quota in quotas.values())
    inside: set[int] = set()
    for candidate in ranked:
        left = count - len(inside)
        if not left:
            break
        quota = quotas.get(candidate.category, Quota())
        needed = taken[candidate.category] < quota.least
        if quota.most is not None and taken[candidate.category] >= quota.most:
            continue
        if needed or left > owed:
            inside.add(candidate.entry)
            taken[candidate.category] += 1
            owed -= needed
    return inside


class _Judge:
    """Says what decided a candidate's fate: the step that parts it from the closest rival that could take its place."""

    def __init__(
        self, ranked: Sequence[Candidate], inside: Collection[int], quotas: Mapping[int, Quota], order: _Order
    ) -> None:
        self._order = order
        self._inside = inside
        self._quotas = quotas
        self._taken = Counter(c.category for c in ranked if c.entry in inside)
        self._first_out: dict[int, Candidate] = {}
        self._last_in: dict[int, Candidate] = {}
        for candidate in ranked:
            if candidate.entry in inside:
                self._last_in[candidate.category] = candidate
            else:
                self._first_out.setdefault(candidate.category, candidate)

    def step(self, candidate: Candidate) -> Step:
        if candidate.entry in self._inside:
            rivals = [r for r in self._first_out.values() if self._may_swap(candidate.category, r.category)]
            closest = min(rivals, key=self._order.key, default=None)
        else:
            rivals = [r for r in self._last_in.values() if self._may_swap(r.category, candidate.category)]
            closest = max(rivals, key=self._order.key, default=None)
            if closest is None:
                return Step.QUOTA
        return self._order.between(candidate, closest) if closest is not None else Step.SCORE

    def _may_swap(self, leaves: int, comes: int) -> bool:
        if leaves == comes:
            return True
        gives = self._quotas.get(leaves, Quota())
        gets = self._quotas.get(comes, Quota())
        return self._taken[leaves] > gives.least and (gets.most is None or self._taken[comes] < gets.most)


def _ties(chosen: Sequence[Chosen], others: Sequence[Chosen]) -> tuple[Tie, ...]:
    close = {Step.MEDIAN, Step.REVIEWS, Step.LOTTERY}
    by_score: dict[Fraction, list[Chosen]] = {}
    for fate in (*chosen, *others):
        if fate.decided_by in close:
            by_score.setdefault(fate.candidate.score, []).append(fate)
    return tuple(Tie(score, tuple(by_score[score])) for score in sorted(by_score, reverse=True))


def _untied(ranked: Sequence[Candidate], count: int) -> tuple[int, ...]:
    cuts = [n for n in range(1, len(ranked)) if ranked[n - 1].score != ranked[n].score] + [len(ranked)]
    if count in cuts:
        return ()
    below = max((n for n in cuts if n < count), default=None)
    above = min((n for n in cuts if n > count), default=None)
    return tuple(n for n in (below, above) if n is not None)
