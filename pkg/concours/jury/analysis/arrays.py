"""The arrays of this package, and marks as three of them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Marks:
    """The marks of a round, one item per mark in each array, in an order that depends on nothing but the marks.

    `entries`, `judges`: the ids that occur, ascending, shapes (n,) and (J,). `entry`, `judge`: each mark's place in
    these. `value`: points, on any scale (this project's is 0 to 100). `order`: where each mark stood in what was given.
    """

    entries: Ints
    judges: Ints
    entry: Ints
    judge: Ints
    value: Floats
    order: Ints

    def __len__(self) -> int:
        return len(self.value)

    @cached_property
    def reviews(self) -> Ints:
        """Marks of each entry, shape (n,)."""
        return np.bincount(self.entry, minlength=len(self.entries))

    @cached_property
    def given(self) -> Ints:
        """Marks of each judge, shape (J,)."""
        return np.bincount(self.judge, minlength=len(self.judges))


def marks_of(entry: ArrayLike, judge: ArrayLike, value: ArrayLike) -> Marks:
    """Marks out of three columns of equal length: ids of entries, ids of judges, points.

    Raises ValueError where the lengths differ or a value is not a finite number.
    """
    entry_ids, judge_ids = np.asarray(entry, dtype=np.int64), np.asarray(judge, dtype=np.int64)
    points = np.asarray(value, dtype=np.float64)
    if not entry_ids.shape == judge_ids.shape == points.shape or points.ndim != 1:
        raise ValueError("entry, judge and value are columns of one length")
    if not np.isfinite(points).all():
        raise ValueError("a mark is a finite number")
    order = np.lexsort((points, judge_ids, entry_ids))  # sums of floats depend on their order
    entries, entry_at = np.unique(entry_ids[order], return_inverse=True)
    judges, judge_at = np.unique(judge_ids[order], return_inverse=True)
    places = entry_at.astype(np.int64), judge_at.astype(np.int64)
    return Marks(entries, judges, *places, points[order], order.astype(np.int64))


def sums(place: Ints, value: Floats, size: int) -> Floats:
    """The sum of `value` for each place from 0 to `size` - 1."""
    return np.asarray(np.bincount(place, value, size), dtype=np.float64)
