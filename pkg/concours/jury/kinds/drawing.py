"""Which pairs of their works a judge compares: pure, drawn by a seed."""

import hashlib
import itertools
from collections.abc import Collection, Sequence

Pair = tuple[int, int]
"""Two different works, the smaller number first."""


def draw(works: Sequence[int], times: int, seed: str, done: Collection[Pair] = ()) -> list[Pair]:
    """Pairs in which each work stands about `times` times and which link all works, in the order of asking.

    The works are laid on a circle in a random order; each is paired with its neighbours, then with the next but one,
    and so on, until it stands in `times` pairs: with nothing done, in exactly so many where `times` is even and there
    are enough other works. `done`: pairs that were compared
    already; they stay and count, and asking for fewer or other works only adds what is lacking. Of works that are not
    there nothing is drawn. The same works, times, seed and done give the same pairs.
    """
    order = sorted(set(works), key=lambda work: _chance(seed, (work, work)))
    there = set(order)
    drawn = {pair for pair in done if pair[0] in there and pair[1] in there}
    degree = dict.fromkeys(order, 0)
    for one, other in drawn:
        degree[one] += 1
        degree[other] += 1
    n = len(order)
    for stride in range(1, n // 2 + 1):
        for at in range(n if 2 * stride < n else n // 2):
            pair = _pair(order[at], order[(at + stride) % n])
            if pair not in drawn and all(degree[work] < times for work in pair):
                drawn.add(pair)
                for work in pair:
                    degree[work] += 1
        if min(degree.values()) >= times:
            break
    drawn |= _links(order, drawn)
    return sorted(drawn, key=lambda pair: _chance(seed, pair))


def left_first(seed: str, pair: Pair) -> bool:
    """Whether the pair's first work is shown on the left."""
    return _chance(seed, pair)[-1] % 2 == 0


def _links(order: Sequence[int], pairs: Collection[Pair]) -> set[Pair]:
    """Pairs that link what is not linked yet, one after the other along the circle."""
    root = {work: work for work in order}

    def top(work: int) -> int:
        while root[work] != work:
            root[work] = root[root[work]]
            work = root[work]
        return work

    for one, other in pairs:
        root[top(one)] = top(other)
    links = set()
    for one, other in itertools.pairwise(order):
        if top(one) != top(other):
            root[top(one)] = top(other)
            links.add(_pair(one, other))
    return links


def _pair(one: int, other: int) -> Pair:
    return (one, other) if one < other else (other, one)


def _chance(seed: str, pair: Pair) -> bytes:
    return hashlib.sha256(f"{seed}|{pair[0]}|{pair[1]}".encode()).digest()
