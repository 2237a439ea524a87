"""Who reviews what: a pure function from entries, judges and conflicts to a plan.

Three things are asked of a plan, in this order: each entry gets its reviews; the loads of the judges are as even as
conflicts allow (within one of each other, where possible); the panel is one connected web in which any two judges
share entries, so that harsh and mild judges can be told apart.

Even loads come from cost-reducing paths: move one entry from a to b, one from b to c, … whenever the first judge has
at least two more than the last. When no such path is left, the loads are the best possible for every convex cost at
once (Harvey, Ladner, Lovász, Tamir: Semi-matchings for bipartite graphs and load balancing, J. Algorithms 59, 2006,
theorem 3.1). Everything random is drawn from the seed by PCG64's raw stream, which numpy keeps stable.
"""

import hashlib
import itertools
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

Pair = tuple[int, int]
"""(entry, judge), by their numbers in the database."""

JOIN_TRIES = 2_000
"""How many swaps are tried to link a panel that fell into parts."""

_Bools = npt.NDArray[np.bool_]
_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """What was planned, and how well it meets what was asked.

    `pairs`: all (entry, judge), the kept ones included. `loads`: entries per judge. `short`: entries that got fewer
    reviews than asked, with how many are missing. `reach`: per judge, how many entries are free of conflict.
    `groups`: how many parts the web of judges and entries falls into (1 is connected; judges without work and entries
    without a judge are not counted). `least_shared`: the fewest entries that any two judges have in common.
    """

    pairs: frozenset[Pair]
    loads: dict[int, int]
    short: dict[int, int] = field(default_factory=dict)
    reach: dict[int, int] = field(default_factory=dict)
    groups: int = 1
    least_shared: int = 0

    @property
    def spread(self) -> int:
        """The greatest load less the smallest."""
        return max(self.loads.values()) - min(self.loads.values()) if self.loads else 0

    @property
    def missing(self) -> int:
        """Reviews that nobody free of conflict is left for."""
        return sum(self.short.values())


def plan(
    entries: Sequence[int],
    judges: Sequence[int],
    reviews: int,
    *,
    barred: Collection[Pair] = (),
    kept: Collection[Pair] = (),
    preferred: Collection[Pair] = (),
    seed: str,
) -> Plan:
    """Plans `reviews` reviews for each of `entries` by `judges`.

    Arguments: `barred` pairs are never planned. `kept` pairs (marked work) stay whatever happens and count, also those
    of judges who are no longer among `judges`. `preferred` pairs (given out, not marked yet) stay unless even loads
    ask for a move. `seed` is any text; the same arguments in any order give the same plan.
    Returns the best plan there is; what it falls short of is said in the plan.
    """
    rows = {entry: row for row, entry in enumerate(sorted(entries, key=lambda e: _rank(seed, "entry", e)))}
    columns = {judge: column for column, judge in enumerate(sorted(judges, key=lambda j: _rank(seed, "judge", j)))}
    table = _Table(len(rows), len(columns), seed)
    kept_elsewhere = []
    for entry, judge in kept:
        if entry in rows and judge in columns:
            table.keep(rows[entry], columns[judge])
        elif entry in rows:
            table.need[rows[entry]] -= 1
            kept_elsewhere.append((entry, judge))
    table.need += reviews
    for entry, judge in barred:
        if entry in rows and judge in columns:
            table.bar(rows[entry], columns[judge])
    for entry, judge in sorted(preferred, key=lambda pair: _rank(seed, "preferred", *pair)):
        if entry in rows and judge in columns:
            table.offer(rows[entry], columns[judge])
    table.fill()
    table.level()
    table.join()
    return _report(table, rows, columns, kept_elsewhere)


class _Table:
    """The entries (rows) by judges (columns) while they are being planned."""

    def __init__(self, entries: int, judges: int, seed: str) -> None:
        self.given: _Bools = np.zeros((entries, judges), dtype=np.bool_)
        self.fixed: _Bools = np.zeros((entries, judges), dtype=np.bool_)
        self.open: _Bools = np.ones((entries, judges), dtype=np.bool_)
        self.need: _Ints = np.zeros(entries, dtype=np.int64)
        self.load: _Ints = np.zeros(judges, dtype=np.int64)
        self.shared: _Ints = np.zeros((judges, judges), dtype=np.int64)
        self.group: _Ints = np.arange(judges)
        start = int.from_bytes(hashlib.sha256(f"{seed}|noise".encode()).digest()[:16], "big")
        self._stream = np.random.PCG64(start)
        self.noise: _Floats = self._random(entries * judges).reshape(entries, judges)

    def _random(self, count: int) -> _Floats:
        raw = np.asarray(self._stream.random_raw(count), dtype=np.uint64)
        return (raw >> np.uint64(11)).astype(np.float64) / float(1 << 53)

    def keep(self, row: int, column: int) -> None:
        """A pair that stays, conflict or not: it is marked already."""
        if not self.given[row, column]:
            self._give(row, column)
            self.fixed[row, column] = True

    def bar(self, row: int, column: int) -> None:
        """A pair that must not be planned."""
        self.open[row, column] = False

    def offer(self, row: int, column: int) -> None:
        """A pair that was given out before, if it may still be and is still needed."""
        if self.need[row] > 0 and self.open[row, column] and not self.given[row, column]:
            self._give(row, column)

    def fill(self) -> None:
        """Gives every entry what it still needs: to the least loaded judges, and of these to those not yet linked
        with its others, or who share least with them.

        The entries with the fewest free judges come first.
        """
        for row in np.argsort((self.open & ~self.given).sum(axis=1) - self.need, kind="stable"):
            while self.need[row] > 0:
                free = np.flatnonzero(self.open[row] & ~self.given[row])
                if not free.size:
                    break
                beside = np.flatnonzero(self.given[row])
                together = self.shared[np.ix_(free, beside)].sum(axis=1)
                joined = np.isin(self.group[free], self.group[beside])
                best = np.lexsort((self.noise[row, free], together, joined, self.load[free]))[0]
                self._give(row, free[best])

    def level(self) -> None:
        """Evens the loads by cost-reducing paths until none is left."""
        while (path := self._reducing_path()) is not None:
            for giver, taker in itertools.pairwise(path):
                rows = np.flatnonzero(self._movable(giver) & self._free(taker))
                self._move(rows[np.argmin(self.noise[rows, taker])], giver, taker)

    def join(self) -> None:
        """Links the parts the panel falls into: two judges of different parts swap an entry each, loads stay as they
        are. A swap of a pair that lies on a circle always links two parts, so trying pair by pair finds it."""
        if self.given.sum(axis=1).max(initial=0) < 2:
            return
        tries = 0
        while (parts := self.parts()).max(initial=0) > 0:
            before = parts.max()
            pairs = np.argwhere(self.given & ~self.fixed)
            pairs = pairs[np.argsort(self.noise[pairs[:, 0], pairs[:, 1]], kind="stable")]
            for (row, a), (other, b) in itertools.product(pairs.tolist(), pairs.tolist()):
                if parts[a] == parts[b] or not (self._free(b)[row] and self._free(a)[other]):
                    continue
                tries += 1
                if tries > JOIN_TRIES:
                    return
                self._move(row, a, b)
                self._move(other, b, a)
                if self.parts().max(initial=0) < before:
                    break
                self._move(row, b, a)
                self._move(other, a, b)
            else:
                return

    def parts(self) -> _Ints:
        """For each judge, which part of the panel they are linked into, from 0; judges without work: -1."""
        if not self.load.any():
            return np.full(self.load.size, -1, dtype=np.int64)
        web = csr_matrix(self.given.astype(np.int64))
        _, label = connected_components(csr_matrix(web.T @ web), directed=False)
        working = np.flatnonzero(self.load)
        result = np.full(self.load.size, -1, dtype=np.int64)
        result[working] = np.unique(label[working], return_inverse=True)[1]
        return result

    def _movable(self, judge: int) -> _Bools:
        return np.asarray(self.given[:, judge] & ~self.fixed[:, judge])

    def _free(self, judge: int) -> _Bools:
        return np.asarray(self.open[:, judge] & ~self.given[:, judge])

    def _give(self, row: int, column: int) -> None:
        beside = np.flatnonzero(self.given[row])
        self.shared[beside, column] += 1
        self.shared[column, beside] += 1
        for other in beside:
            self.group[self.group == self.group[other]] = self.group[column]
        self.given[row, column] = True
        self.load[column] += 1
        self.need[row] -= 1

    def _move(self, row: int, giver: int, taker: int) -> None:
        self.given[row, giver] = False
        self.load[giver] -= 1
        self.need[row] += 1
        beside = np.flatnonzero(self.given[row])
        self.shared[beside, giver] -= 1
        self.shared[giver, beside] -= 1
        self._give(row, taker)

    def _reducing_path(self) -> list[int] | None:
        """Judges from a loaded one to one with at least two fewer, each able to hand an entry to the next."""
        if self.load.size < 2 or self.load.max() - self.load.min() < 2:
            return None
        movable = (self.given & ~self.fixed).astype(np.float32)
        free = (self.open & ~self.given).astype(np.float32)
        hands = (movable.T @ free) > 0
        for start in np.argsort(-self.load, kind="stable"):
            if self.load[start] - self.load.min() < 2:
                return None
            path = self._walk(int(start), hands)
            if path is not None:
                return path
        return None

    def _walk(self, start: int, hands: _Bools) -> list[int] | None:
        came_from: dict[int, int] = {start: start}
        queue = deque([start])
        best: int | None = None
        while queue:
            judge = queue.popleft()
            if self.load[judge] <= self.load[start] - 2 and (best is None or self.load[judge] < self.load[best]):
                best = judge
            for following in np.flatnonzero(hands[judge]):
                if int(following) not in came_from:
                    came_from[int(following)] = judge
                    queue.append(int(following))
        if best is None:
            return None
        path = [best]
        while path[-1] != start:
            path.append(came_from[path[-1]])
        return path[::-1]


def _rank(seed: str, *what: object) -> bytes:
    return hashlib.sha256("|".join([seed, *map(str, what)]).encode()).digest()


def _report(table: _Table, rows: dict[int, int], columns: dict[int, int], elsewhere: Collection[Pair]) -> Plan:
    entry_of = list(rows)
    judge_of = list(columns)
    pairs = {(entry_of[row], judge_of[column]) for row, column in np.argwhere(table.given)}
    judges = len(judge_of)
    return Plan(
        pairs=frozenset(pairs | set(elsewhere)),
        loads={judge: int(table.load[column]) for judge, column in columns.items()},
        short={entry: int(table.need[row]) for entry, row in rows.items() if table.need[row] > 0},
        reach={judge: int((table.open | table.fixed)[:, column].sum()) for judge, column in columns.items()},
        groups=int(table.parts().max(initial=-1)) + 1,
        least_shared=int(table.shared[np.triu_indices(judges, 1)].min()) if judges > 1 else 0,
    )
