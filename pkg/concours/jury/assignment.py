"""Who reviews what: a pure function from entries, judges and conflicts to a plan.

Asked of a plan are, in this order: each entry gets its reviews, and no judge more than their capacity; the loads of
the judges are as even as conflicts allow (within one of each other, where possible); the panel is one connected web in
which any two judges share entries, so that harsh and mild judges can be told apart. Judges are of one panel where some
entry is open to both; who is in several panels links them. Anchor entries go to every judge of their panel.
`matching` is how it is found.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from concours.jury.matching import Table

Pair = tuple[int, int]
"""(entry, judge), by their numbers in the database."""


@dataclass(frozen=True)
class Plan:
    """What was planned, and how well it meets what was asked.

    `pairs`: all (entry, judge), the kept ones included. `loads`: entries per judge. `short`: entries that got fewer
    reviews than asked, with how many are missing. `reach`: per judge, how many entries are free of conflict.
    `groups`: how many parts the web of judges and entries falls into (1 is connected; judges without work and entries
    without a judge are not counted), `least_groups`: how many it would fall into if everybody reviewed everything that
    is open to them. `least_shared`: the fewest entries that any two judges of a panel have in common; `unmet`: pairs
    of judges who share fewer than stated, with how many are missing. `full`: judges whose capacity is used up.
    """

    pairs: frozenset[Pair]
    loads: dict[int, int]
    short: dict[int, int] = field(default_factory=dict)
    reach: dict[int, int] = field(default_factory=dict)
    groups: int = 1
    least_groups: int = 1
    least_shared: int = 0
    unmet: dict[Pair, int] = field(default_factory=dict)
    full: frozenset[int] = frozenset()

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
    extra: Mapping[int, int] | None = None,
    anchors: Collection[int] = (),
    capacity: Mapping[int, int] | None = None,
    overlap: int = 0,
    seed: str,
) -> Plan:
    """Plans `reviews` reviews for each of `entries` by `judges`.

    Arguments: `barred` pairs are never planned. `kept` pairs (marked work) stay whatever happens and count, also those
    of judges who are no longer among `judges`. `preferred` pairs (given out, not marked yet) stay unless even loads
    ask for a move. `extra`: reviews of an entry beyond `reviews`. `anchors`: entries that every judge reviews who may.
    `capacity`: at most so many entries for a judge (kept ones count and may exceed it). `overlap`: the entries that
    any two judges of a panel are to share. `seed` is any text; the same arguments in any order give the same plan.
    Returns the best plan there is; what it falls short of is said in the plan.
    """
    rows = {entry: row for row, entry in enumerate(sorted(entries, key=lambda e: _rank(seed, "entry", e)))}
    columns = {judge: column for column, judge in enumerate(sorted(judges, key=lambda j: _rank(seed, "judge", j)))}
    table = Table(len(rows), len(columns), seed)
    for judge, most in (capacity or {}).items():
        if judge in columns:
            table.most[columns[judge]] = most
    kept_elsewhere = []
    for entry, judge in kept:
        if entry in rows and judge in columns:
            table.keep(rows[entry], columns[judge])
        elif entry in rows:
            table.need[rows[entry]] -= 1
            kept_elsewhere.append((entry, judge))
    table.need += reviews
    for entry, more in (extra or {}).items():
        if entry in rows:
            table.need[rows[entry]] += more
    for entry, judge in barred:
        if entry in rows and judge in columns:
            table.bar(rows[entry], columns[judge])
    for row in sorted(rows[entry] for entry in anchors if entry in rows):
        table.anchor(row)
    for entry, judge in sorted(preferred, key=lambda pair: _rank(seed, "preferred", *pair)):
        if entry in rows and judge in columns:
            table.offer(rows[entry], columns[judge])
    table.fill()
    table.make_room()
    table.level()
    table.join()
    table.meet(overlap)
    return _report(table, rows, columns, kept_elsewhere, overlap)


def pairs_digest(pairs: Collection[Pair]) -> str:
    """SHA-256 (hex) of a plan's pairs, put in order: one plan, one digest."""
    return hashlib.sha256(json.dumps(sorted(pairs), separators=(",", ":")).encode()).hexdigest()


def _rank(seed: str, *what: object) -> bytes:
    return hashlib.sha256("|".join([seed, *map(str, what)]).encode()).digest()


def _report(
    table: Table, rows: dict[int, int], columns: dict[int, int], elsewhere: Collection[Pair], overlap: int
) -> Plan:
    entry_of = list(rows)
    judge_of = list(columns)
    pairs = {(entry_of[row], judge_of[column]) for row, column in np.argwhere(table.given)}
    near = np.triu(table.wanted(1), 1) > 0
    lacking = np.triu(table.wanted(overlap) - table.shared, 1)
    return Plan(
        pairs=frozenset(pairs | set(elsewhere)),
        loads={judge: int(table.load[column]) for judge, column in columns.items()},
        short={entry: int(table.need[row]) for entry, row in rows.items() if table.need[row] > 0},
        reach={judge: int((table.open | table.fixed)[:, column].sum()) for judge, column in columns.items()},
        groups=int(table.parts(table.given).max(initial=-1)) + 1,
        least_groups=int(table.parts(table.given | table.open).max(initial=-1)) + 1,
        least_shared=int(table.shared[near].min()) if near.any() else 0,
        unmet={
            (min(judge_of[a], judge_of[b]), max(judge_of[a], judge_of[b])): int(lacking[a, b])
            for a, b in np.argwhere(lacking > 0).tolist()
        },
        full=frozenset(judge for judge, column in columns.items() if table.load[column] >= table.most[column]),
    )
