"""Entries by judges while a plan is made: filling, evening out, linking.

Even loads come from cost-reducing paths: move one entry from a to b, one from b to c, … whenever the first judge has
at least two more than the last. When no such path is left, the loads are the best possible for every convex cost at
once (Harvey, Ladner, Lovász, Tamir: Semi-matchings for bipartite graphs and load balancing, J. Algorithms 59, 2006,
theorem 3.1); a capacity is such a cost. Where capacities are tight, an entry that finds no judge with room makes some
by the same paths, which end at a judge with room (augmenting paths of a b-matching: Schrijver, Combinatorial
Optimization, 2003, ch. 21); it stays short only where none exists. Everything random is drawn from the seed by PCG64's
raw stream, which numpy keeps stable.
"""

import hashlib
import itertools
from collections import deque
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

JOIN_TRIES = 2_000
"""How many swaps are tried to link a panel that fell into parts."""
MEET_TRIES = 3_000
"""How many swaps are tried so that any two judges of a panel share as many entries as stated."""
MEET_WIDTH = 24
"""How many entries of one judge are looked at for one such swap."""
NO_LIMIT = 1 << 40
"""The capacity of a judge who has none."""

_Bools = npt.NDArray[np.bool_]
_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


class Table:
    """The entries (rows) by judges (columns) while they are being planned."""

    def __init__(self, entries: int, judges: int, seed: str) -> None:
        self.given: _Bools = np.zeros((entries, judges), dtype=np.bool_)
        self.fixed: _Bools = np.zeros((entries, judges), dtype=np.bool_)
        self.open: _Bools = np.ones((entries, judges), dtype=np.bool_)
        self.need: _Ints = np.zeros(entries, dtype=np.int64)
        self.load: _Ints = np.zeros(judges, dtype=np.int64)
        self.most: _Ints = np.full(judges, NO_LIMIT, dtype=np.int64)
        self.shared: _Ints = np.zeros((judges, judges), dtype=np.int64)
        self.group: _Ints = np.arange(judges)
        self.tries = 0
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

    def anchor(self, row: int) -> None:
        """An entry for every judge who may and has room; it stays with them."""
        for column in np.flatnonzero(self.open[row] & ~self.given[row] & (self.load < self.most)):
            self._give(row, int(column))
            self.fixed[row, column] = True

    def offer(self, row: int, column: int) -> None:
        """A pair that was given out before, if it may still be and is still needed."""
        may = self.open[row, column] and not self.given[row, column]
        if self.need[row] > 0 and may and self.load[column] < self.most[column]:
            self._give(row, column)

    def fill(self) -> None:
        """Gives every entry what it still needs: to the least loaded judges, and of these to those not yet linked
        with its others, or who share least with them.

        The entries with the fewest free judges come first.
        """
        for row in np.argsort((self.open & ~self.given).sum(axis=1) - self.need, kind="stable"):
            while self.need[row] > 0:
                free = np.flatnonzero(self.open[row] & ~self.given[row] & (self.load < self.most))
                if not free.size:
                    break
                beside = np.flatnonzero(self.given[row])
                together = self.shared[np.ix_(free, beside)].sum(axis=1)
                joined = np.isin(self.group[free], self.group[beside])
                best = np.lexsort((self.noise[row, free], together, joined, self.load[free]))[0]
                self._give(row, free[best])

    def make_room(self) -> None:
        """Gives entries that are short for want of room to judges who can hand another entry on, along a path of
        judges to one with room."""
        for row in np.flatnonzero(self.need > 0):
            while self.need[row] > 0 and (path := self._path_to_room(int(row))) is not None:
                self._pass_on(path)
                self._give(int(row), path[0])

    def level(self) -> None:
        """Evens the loads by cost-reducing paths until none is left."""
        while (path := self._reducing_path()) is not None:
            self._pass_on(path)

    def join(self) -> None:
        """Links the parts the panel falls into: two judges of different parts swap an entry each, loads stay as they
        are. A swap of a pair that lies on a circle always links two parts, so trying pair by pair finds it."""
        if self.given.sum(axis=1).max(initial=0) < 2:
            return
        tries = 0
        whole = self.parts(self.given | self.open)
        least = int(whole.max(initial=0))
        while (parts := self.parts(self.given)).max(initial=0) > least:
            before = parts.max()
            pairs = np.argwhere(self.given & ~self.fixed)
            pairs = pairs[np.argsort(self.noise[pairs[:, 0], pairs[:, 1]], kind="stable")]
            for row, a in pairs.tolist():
                apart = (parts != parts[a]) & (whole == whole[a]) & self.open[row] & ~self.given[row]
                fit = apart[pairs[:, 1]] & self._free(a)[pairs[:, 0]]
                if self._joins(row, a, pairs[fit][: JOIN_TRIES - tries].tolist(), before):
                    break
                tries += int(fit.sum())
                if tries >= JOIN_TRIES:
                    return
            else:
                return

    def _joins(self, row: int, a: int, others: list[list[int]], before: int) -> bool:
        for other, b in others:
            self._move(row, a, b)
            self._move(other, b, a)
            if self.parts(self.given).max(initial=0) < before:
                return True
            self._move(row, b, a)
            self._move(other, a, b)
        return False

    def meet(self, overlap: int) -> None:
        """Lets every two judges of a panel share `overlap` entries, as far as swaps find it: one of two who share too
        few takes an entry of the other's over from a third judge and gives that judge one in return, whenever fewer
        shared entries are missing afterwards. Loads stay as they are."""
        wanted = self.wanted(overlap)
        self.tries = 0
        stuck: set[tuple[int, int]] = set()
        while self.tries < MEET_TRIES:
            lacking = np.argwhere(np.triu(wanted - self.shared, 1) > 0).tolist()
            pair = next((pair for a, b in lacking if (pair := (a, b)) not in stuck), None)
            if pair is None:
                return
            if self._meets(*pair, wanted) or self._meets(*pair[::-1], wanted):
                stuck.clear()
            else:
                stuck.add(pair)

    def wanted(self, overlap: int) -> _Ints:
        """How many entries any two judges are to share: none where no entry is open to both."""
        reach = (self.open | self.given).astype(np.float32)
        wanted: _Ints = np.where(reach.T @ reach > 0, overlap, 0).astype(np.int64)
        np.fill_diagonal(wanted, 0)
        return wanted

    def _meets(self, a: int, b: int, wanted: _Ints) -> bool:
        rows = np.flatnonzero(self.given[:, a] & self._free(b))
        for row in rows[np.argsort(self.noise[rows, b], kind="stable")][:MEET_WIDTH].tolist():
            for c in np.flatnonzero(self.given[row] & ~self.fixed[row]).tolist():
                back = np.flatnonzero(self._movable(b) & self._free(c))
                if c == a or not back.size:
                    continue
                before = self._lacking(b, c, wanted)
                self._move(row, c, b)
                for other in self._best_return(back, b, c, wanted):
                    self.tries += 1
                    self._move(other, b, c)
                    if self._lacking(b, c, wanted) < before:
                        return True
                    self._move(other, c, b)
                self._move(row, b, c)
        return False

    def _best_return(self, rows: _Ints, b: int, c: int, wanted: _Ints) -> list[int]:
        """Of the entries that b can give c, those whose other judges b misses least and c wants most."""
        spare = (self.shared[b] > wanted[b]).astype(np.int64) + (self.shared[c] < wanted[c]).astype(np.int64)
        worth = self.given[rows].astype(np.int64) @ spare
        return [int(row) for row in rows[np.argsort(-worth, kind="stable")][:2]]

    def _lacking(self, b: int, c: int, wanted: _Ints) -> int:
        both = [b, c]
        return int(np.maximum(wanted[both] - self.shared[both], 0).sum())

    def parts(self, pairs: _Bools) -> _Ints:
        """For each judge, which part of the panel `pairs` link them into, from 0; judges without work: -1."""
        if not self.load.any():
            return np.full(self.load.size, -1, dtype=np.int64)
        web = csr_matrix(pairs.astype(np.int64))
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

    def _pass_on(self, path: list[int]) -> None:
        """Each judge of the path hands an entry to the next."""
        for giver, taker in itertools.pairwise(path):
            rows = np.flatnonzero(self._movable(giver) & self._free(taker))
            self._move(rows[np.argmin(self.noise[rows, taker])], giver, taker)

    def _hands(self) -> _Bools:
        """Who can hand an entry to whom."""
        movable = (self.given & ~self.fixed).astype(np.float32)
        free = (self.open & ~self.given).astype(np.float32)
        return np.asarray((movable.T @ free) > 0)

    def _path_to_room(self, row: int) -> list[int] | None:
        """Judges from one who may review the entry to one with room, each able to hand an entry to the next."""
        starts = np.flatnonzero(self.open[row] & ~self.given[row])
        if not (self.load < self.most).any():
            return None
        hands = self._hands()
        came_from: dict[int, int] = {int(judge): int(judge) for judge in starts}
        queue = deque(came_from)
        while queue:
            judge = queue.popleft()
            if self.load[judge] < self.most[judge]:
                return _way(came_from, judge)
            for following in np.flatnonzero(hands[judge]).tolist():
                if following not in came_from:
                    came_from[following] = judge
                    queue.append(following)
        return None

    def _reducing_path(self) -> list[int] | None:
        """Judges from a loaded one to one with at least two fewer, each able to hand an entry to the next."""
        room = self.load < self.most
        if self.load.size < 2 or not room.any() or self.load.max() - self.load[room].min() < 2:
            return None
        hands = self._hands()
        for start in np.argsort(-self.load, kind="stable"):
            if self.load[start] - self.load[room].min() < 2:
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
            fits = self.load[judge] <= self.load[start] - 2 and self.load[judge] < self.most[judge]
            if fits and (best is None or self.load[judge] < self.load[best]):
                best = judge
            for following in np.flatnonzero(hands[judge]):
                if int(following) not in came_from:
                    came_from[int(following)] = judge
                    queue.append(int(following))
        return _way(came_from, best) if best is not None else None


def _way(came_from: Mapping[int, int], end: int) -> list[int]:
    path = [end]
    while came_from[path[-1]] != path[-1]:
        path.append(came_from[path[-1]])
    return path[::-1]
