"""Ranking: each judge puts their works in order, all of them or the best k, large sets in groups.

A mark is {"at": number}: the work's place on the judge's own line, the smallest is the best. Moving one work is one
mark, whatever stands beside it. Where only the best k are ranked (rule["top"]), {"at": null} says that a work was seen
and is not among them. With rule["group"] = n the judge's works are ranked n by n, in the judge's random order.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any

from concours.base.messages import Message, msg
from concours.jury.analysis.rankings import Ballot, schulze
from concours.jury.kinds.standing import Standing, Worth, standing
from concours.jury.models import Round
from concours.jury.scoring import TOP

FARTHEST = 1e9
"""Greatest place on a line, and with a minus the smallest."""
NARROW = 1e-6
"""Places that are closer than this are laid out anew before a work is put between them."""
Place = tuple[str, float]
"""A work's token and its place on the line."""


def best_of(found: Round) -> int | None:
    """How many of their works judges rank; None for all."""
    return found.rule.get("top") or None


def group_of(found: Round, position: int) -> int:
    """The group, from 1, of the work at this position (from 1) of a judge's random order."""
    size = found.rule.get("group")
    return (position - 1) // int(size) + 1 if size else 1


def problem(found: Round, value: Mapping[str, Any]) -> Message | None:
    """What is wrong with a mark; None where it will do."""
    at = value.get("at", "")
    if set(value) == {"at"}:
        if at is None and best_of(found) is not None:
            return None
        if type(at) in (int, float) and math.isfinite(at) and abs(at) <= FARTHEST:
            return None
    return msg("A mark of this round is the work's place on your line.")


def ballot(found: Round, said: Sequence[Standing]) -> Ballot:
    """What one judge said of the works of one group. Works at the same place are equal; behind the best k are the rest,
    all equal."""
    placed: dict[float, list[int]] = defaultdict(list)
    for mark in said:
        if mark.value.get("at") is not None:
            placed[float(mark.value["at"])].append(mark.entry)
    tiers: list[tuple[int, ...]] = []
    top, ranked = best_of(found), 0
    for at in sorted(placed):
        if top is not None and ranked >= top:
            break
        tiers.append(tuple(sorted(placed[at])))
        ranked += len(placed[at])
    return Ballot(tuple(tiers), frozenset(mark.entry for mark in said))


def ballots(found: Round, entries: Collection[int] | None = None) -> list[Ballot]:
    """The ballots that stand over `entries` (all for None): one for each judge and group."""
    said: dict[tuple[int, int], list[Standing]] = defaultdict(list)
    for mark in standing(found, entries):
        said[mark.judge, group_of(found, mark.position)].append(mark)
    return [ballot(found, marks) for _, marks in sorted(said.items())]


def worth(found: Round, entries: Collection[int] | None = None) -> Worth:
    """Schulze's order as the whole; each judge's mark is Borda's share of the entry on their ballot."""
    cast = ballots(found, entries)
    marks: dict[int, list[Fraction]] = defaultdict(list)
    for one in cast:
        for entry, share in shares(one).items():
            marks[entry].append(TOP * share)
    order = schulze(cast, sorted(marks))
    return Worth(dict(marks), {entry: TOP * share for entry, share in _standing_in(order.tiers).items()})


def shares(one: Ballot) -> dict[int, Fraction]:
    """Of the other entries on the ballot, the share that stands below each, those equal to it counted half (Borda)."""
    ranked = {entry for tier in one.tiers for entry in tier}
    rest = tuple(sorted((one.seen or frozenset()) - ranked))
    return _standing_in((*one.tiers, rest) if rest else one.tiers)


def _standing_in(tiers: Sequence[Sequence[int]]) -> dict[int, Fraction]:
    total = sum(len(tier) for tier in tiers)
    below = total
    found: dict[int, Fraction] = {}
    for tier in tiers:
        below -= len(tier)
        # an entry alone on its ballot is neither above nor below anything
        share = Fraction(2 * below + len(tier) - 1, 2 * (total - 1)) if total > 1 else Fraction(1, 2)
        found.update(dict.fromkeys(tier, share))
    return found


def line_of(works: Sequence[Mapping[str, Any]]) -> list[Place]:
    """The judge's line, best first, of works as `light_table.outline` tells them; those without a place are not on it.
    Works at one place are told in the judge's random order."""
    placed = [
        (float(work["mark"]["at"]), int(work["position"]), str(work["token"])) for work in works if _is_placed(work)
    ]
    return [(token, at) for at, _, token in sorted(placed)]


def _is_placed(work: Mapping[str, Any]) -> bool:
    return work["mark"] is not None and work["mark"].get("at") is not None


def put(line: Sequence[Place], token: str, place: int) -> list[Place]:
    """The marks that put a work at `place` (from 1) of the line, best first: its own, or the whole line's anew where
    there is no room between its neighbours."""
    others = [(other, at) for other, at in line if other != token]
    to = max(0, min(place - 1, len(others)))
    before = others[to - 1][1] if to else None
    behind = others[to][1] if to < len(others) else None
    at = _between(before, behind)
    if at is not None:
        return [(token, at)]
    order = [other for other, _ in others[:to]] + [token] + [other for other, _ in others[to:]]
    return [(other, float(n)) for n, other in enumerate(order, 1)]


def _between(before: float | None, behind: float | None) -> float | None:
    if before is None:
        at = 1.0 if behind is None else behind - 1.0
    elif behind is None:
        at = before + 1.0
    else:
        at = (before + behind) / 2 if behind - before > 2 * NARROW else math.nan
    return at if abs(at) <= FARTHEST else None
