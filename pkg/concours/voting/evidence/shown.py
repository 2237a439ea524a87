"""What the pages show of the votes: counts for plots, made once with the groups and kept with them."""

from typing import Any

import numpy as np

from concours.voting.evidence.bursts import burst_of
from concours.voting.evidence.groups import Group
from concours.voting.evidence.intervals import local_variation
from concours.voting.evidence.streams import PLACE_VOTERS
from concours.voting.evidence.votes import Ints, Votes

BINS = 120  # columns of a plot over time, at most
SERIES = 8  # candidates in the poll's plot
PLACES = 12  # networks in a plot
STEPS_MS = (60_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000)
GAPS_S = (0.5, 1, 2, 3, 5, 8, 12, 20, 30, 60, 120, 300, 900, 3_600)
"""Upper ends of the intervals' histogram, in seconds; one more column holds what is longer."""


def pace(at: Ints, some: dict[str, Ints], begin: int, end: int) -> dict[str, Any]:
    """Votes of each series of `some` (and of all) in at most BINS equal steps from `begin` to `end` (ms)."""
    step = next((s for s in STEPS_MS if (end - begin) / s < BINS), STEPS_MS[-1])
    first = begin // step * step
    count = int((end - first) // step) + 1

    def counted(moments: Ints) -> list[int]:
        here = moments[(moments >= first) & (moments <= end)]
        return [int(n) for n in np.bincount((here - first) // step, minlength=count)]

    return {"step_ms": step, "from_ms": int(first), "all": counted(at)} | {n: counted(v) for n, v in some.items()}


def histogram(at: Ints) -> list[int]:
    """How many gaps between neighbours fall below each of GAPS_S, and beyond."""
    found = np.searchsorted(np.array(GAPS_S) * 1_000, np.diff(at), side="right")
    return [int(n) for n in np.bincount(found, minlength=len(GAPS_S) + 1)]


def figures_of(votes: Votes, candidate_ids: Ints, groups: list[Group]) -> dict[str, Any]:
    """Of the poll as a whole: the pace by candidate, the busiest networks, the intervals."""
    if not len(votes):
        return {}
    wanted = [int(np.bincount(votes.candidate[group.index]).argmax()) for group in groups if group.strong]
    wanted += np.argsort(-np.bincount(votes.candidate), kind="stable").tolist()
    chosen = list(dict.fromkeys(wanted))[:SERIES]
    series = {str(int(candidate_ids[c])): votes.at[votes.candidate == c] for c in chosen}
    places = []
    for network in np.argsort(-votes.votes_of_network, kind="stable")[:PLACES]:
        here = votes.network == network
        counts = np.bincount(votes.candidate[here])
        places.append(
            {
                "votes": int(here.sum()),
                "voters": int(votes.voters_of_network[network]),
                "candidate": int(candidate_ids[counts.argmax()]),
                "share": float(counts.max() / here.sum()),
            }
        )
    return {
        "pace": pace(votes.at, series, int(votes.at[0]), int(votes.at[-1])),
        "order": list(series),
        "places": places,
        "intervals": histogram(votes.at),
        "voters": votes.voters,
        "networks": votes.networks,
        "once": float(votes.once.mean()),
    }


def facts_of(votes: Votes, group: Group) -> dict[str, Any]:
    """Of one group: its findings, and its plots against the same candidate's other votes."""
    index = group.index
    candidate = int(np.bincount(votes.candidate[index]).argmax())
    mine = index[votes.candidate[index] == candidate]
    at, stream = votes.at[mine], np.flatnonzero(votes.candidate == candidate)
    begin, end = int(votes.at[index[0]]), int(votes.at[index[-1]])
    margin = max(1_800_000, (end - begin) // 4)
    known = votes.network[index] >= 0
    counts = np.bincount(votes.network[index][known]) if known.any() else np.zeros(0, dtype=np.int64)
    largest = np.argsort(-counts, kind="stable")[:PLACES]
    lists = np.bincount(votes.candidate[index])
    facts: dict[str, Any] = {
        "findings": [
            {
                "kind": f.kind,
                "p": float(f.p),
                "honest": float(f.honest),
                "facts": {k: float(v) for k, v in f.facts.items()},
            }
            for f in group.findings
        ],
        "on_candidate": len(mine),
        "candidates": int((lists > 0).sum()),
        "once": float(votes.once[index].mean()),
        "pace": pace(votes.at[stream], {"group": at}, max(int(votes.at[0]), begin - margin), end + margin),
        "places": [[int(counts[n]), int(votes.votes_of_network[n])] for n in largest if counts[n]],
        "intervals": histogram(at),
        "median_gap_ms": float(np.median(np.diff(at))) if len(at) > 1 else 0.0,
        "gap_spread_ms": _spread(np.diff(at)) if len(at) > 1 else 0.0,
        "lv": local_variation(at),
        "days": len(np.unique(votes.day[index])),
    }
    burst = burst_of(votes, _same_places(votes, stream, mine), int(at[0]), int(at[-1])) if len(at) else None
    if burst is not None:
        facts["burst"] = {"observed": burst.observed, "expected": burst.expected, "p": burst.p}
    return facts


def _same_places(votes: Votes, stream: Ints, mine: Ints) -> Ints:
    """Of a candidate's votes those from the group's places; all, where it is scattered over homes."""
    places = np.unique(votes.network[mine])
    places = places[places >= 0]
    if not len(places) or (votes.voters_of_network[places] < PLACE_VOTERS).mean() > 0.5:
        return stream
    return stream[np.isin(votes.network[stream], places)]


def _spread(gaps: Ints) -> float:
    return float(1.4826 * np.median(np.abs(gaps - np.median(gaps))))
