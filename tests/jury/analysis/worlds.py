"""Marks whose truth is known, and marks that were published."""

import numpy as np

from concours.jury.analysis.arrays import Marks, marks_of

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)
"""Six targets by four judges: Shrout & Fleiss, Intraclass correlations, Psychological Bulletin 86 (1979), table 2."""


def table(values: np.ndarray) -> Marks:
    """A table of entries by judges as marks; NaN: no mark. Ids are 1, 2, … and 101, 102, …"""
    entry, judge = np.nonzero(~np.isnan(values))
    return marks_of(entry + 1, judge + 101, values[entry, judge])


def uneven(entries: int, judges: int, seed: int, *, severity: float = 6.0, noise: float = 8.0) -> Marks:
    """One to four marks for each entry; entries differ by 10 points (standard deviation)."""
    draw = np.random.RandomState(seed)
    reviews = draw.randint(1, 5, entries)
    entry = np.repeat(np.arange(entries), reviews)
    judge = np.concatenate([draw.permutation(judges)[:count] for count in reviews])
    quality, mild = draw.normal(60, 10, entries), draw.normal(0, severity, judges)
    return marks_of(entry, judge, np.round(quality[entry] + mild[judge] + draw.normal(0, noise, len(entry))))
