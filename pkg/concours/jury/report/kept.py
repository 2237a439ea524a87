"""A report as it is kept: plain JSON, with what the page shows and no more. Numbers that are none become null."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from concours.jury.analysis.fairness import Report, Standing, doubtful
from concours.jury.analysis.judges import Effect, JudgeFigures

DOUBTFUL = 400
"""Entries in doubt that are kept one by one, those nearest to even odds."""

CURVE = 240
"""Points of the curve of chances, in the selection's order."""

CHANGES = 200
"""Entries kept of a judge's counterfactual, each way; the counts are always whole."""


def kept(report: Report) -> dict[str, Any]:
    """The report as JSON."""
    by_entry = {one.entry: one for one in report.standings}
    open_ones = doubtful(report.standings, DOUBTFUL)
    return {
        "average": _number(report.average),
        "deviations": {name: _number(math.sqrt(max(0.0, value))) for name, value in asdict(report.variances).items()},
        "reliability": _number(report.reliability),
        "troubles": [str(trouble) for trouble in report.troubles],
        "groups": [list(group.judges) for group in report.groups],
        "alpha": _number(report.alpha),
        "icc": None if report.correlations is None else _number(report.correlations.agreement_of_means),
        "judges": [_judge(judge) for judge in report.judges],
        "drift": _effect(report.drift),
        "own": _effect(report.own),
        "entries": len(report.standings),
        "places": sum(one.place is not None for one in report.standings),
        "doubtful": sum(one.in_doubt for one in report.standings),
        "doubtful_places": report.doubtful_places,
        "expected_other": _number(report.expected_other),
        "curve": _curve(report.standings),
        "in_doubt": [_standing(by_entry[entry]) for entry in open_ones],
        "without": [
            {
                "judge": one.judge,
                "possible": one.possible,
                "count": len(one.enters),
                "enters": list(one.enters[:CHANGES]),
                "leaves": list(one.leaves[:CHANGES]),
            }
            for one in report.without
        ],
    }


def _curve(standings: Sequence[Standing]) -> list[list[float]]:
    """[rank from 1 in the selection's order, chance] of at most CURVE entries, evenly taken, the ends included."""
    count = len(standings)
    shown = min(CURVE, count)
    ranks = sorted({round(i * (count - 1) / max(1, shown - 1)) for i in range(shown)})
    chances = ((rank, standings[rank].chance) for rank in ranks)
    return [[rank + 1, round(chance, 4)] for rank, chance in chances if chance is not None]


def _judge(judge: JudgeFigures) -> dict[str, Any]:
    return {
        "judge": judge.judge,
        "marks": judge.marks,
        "mean": _number(judge.mean),
        "severity": _effect(judge.severity),
        "noise": _effect(judge.noise),
        "follows": _number(judge.follows),
        "drift": _effect(judge.drift),
        "own": _effect(judge.own),
        "own_marks": judge.own_marks,
        "bars": list(judge.bars),
    }


def _standing(one: Standing) -> dict[str, Any]:
    return {
        "entry": one.entry,
        "place": one.place,
        "mean": _number(one.mean),
        "quality": _number(one.quality),
        "error": _number(one.error),
        "chance": _number(one.chance),
        "reviews": one.reviews,
    }


def _effect(effect: Effect | None) -> dict[str, Any] | None:
    if effect is None:
        return None
    return {"value": _number(effect.value), "error": _number(effect.error), "notable": effect.notable}


def _number(value: float | None) -> float | None:
    return round(value, 6) if value is not None and math.isfinite(value) else None
