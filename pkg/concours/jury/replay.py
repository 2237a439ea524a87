"""Working a round out again from its file alone: the plan, the scores, the selection. No database, no settings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from concours.jury.archive import FORMAT, written
from concours.jury.assignment import pairs_digest, plan
from concours.jury.scoring import Missing, Scale, Score, score, weight_of, weighted_points, yes_points
from concours.jury.selection import Candidate, CannotSelect, Quota, Step, lottery_seed, select


@dataclass(frozen=True)
class Verdict:
    """What was worked out again. `equal`: True or False; None where the file does not hold what it takes (`why`)."""

    what: str
    equal: bool | None
    why: str = ""


def replay(content: bytes) -> list[Verdict]:
    """Works the round out again and compares. Raises ValueError for bytes that are no such file."""
    try:
        kept = json.loads(content)
        if kept["format"] != FORMAT:
            raise ValueError(f"its format is {kept['format']}, not {FORMAT}")
        canonical = written(kept) == content
        return [
            Verdict("file", canonical, "" if canonical else "these are not the bytes that were exported"),
            Verdict("lottery", lottery_seed(kept["seed"]) == kept["lottery_seed"]),
            _plan(kept),
            *_outcome(kept),
        ]
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as fault:
        raise ValueError(f"this is not a round that this program exported: {fault!r}") from fault


def _plan(kept: Mapping[str, Any]) -> Verdict:
    given = kept["plan"]
    if given is None:
        return Verdict("assignment", None, "the round was opened before plans were kept")
    made = plan(
        given["entries"],
        given["judges"],
        given["reviews"],
        barred=[(entry, int(judge)) for judge, entries in given["barred"].items() for entry in entries],
        extra={int(entry): more for entry, more in given["extra"].items()},
        anchors=given["anchors"],
        capacity={int(judge): most for judge, most in given["capacity"].items()},
        overlap=given["overlap"],
        seed=kept["seed"],
    )
    return Verdict("assignment", pairs_digest(made.pairs) == given["sha256"])


def _outcome(kept: Mapping[str, Any]) -> list[Verdict]:
    kind, rule = kept["round"]["kind"], kept["rule"]
    if kind not in {"yes_no", "points"} or rule["order"] != "mean":
        why = "orders by all marks together are not worked out from the file"
        return [Verdict("scores", None, why), Verdict("selection", None, why)]
    scores = _scores(kept)
    told = {str(entry): [str(one.mean), str(one.median), one.reviews] for entry, one in scores.items()}
    verdicts = [Verdict("scores", told == kept["scores"])]
    if not kept["selection"]:
        return [*verdicts, Verdict("selection", None, "nothing was selected yet")]
    candidates = [
        Candidate(one["id"], one["label"], one["category"], found.mean, found.median, found.reviews)
        for one in kept["entries"]
        if (found := scores.get(one["id"])) is not None
    ]
    quotas = {int(key): Quota(least, most) for key, (least, most) in rule["quotas"].items()}
    ties = [Step(step) for step in rule["ties"]]
    try:
        chosen = select(candidates, rule["count"], ties=ties, seed=lottery_seed(kept["seed"]), quotas=quotas)
    except CannotSelect as reason:
        return [*verdicts, Verdict("selection", False, str(reason))]
    again = [[fate.place, fate.candidate.entry, str(fate.decided_by)] for fate in chosen.selected]
    return [*verdicts, Verdict("selection", again == kept["selection"])]


def _scores(kept: Mapping[str, Any]) -> dict[int, Score]:
    scales = [
        Scale(one["key"], weight_of(float(one["weight"])), one["lowest"], one["highest"]) for one in kept["criteria"]
    ]
    marks: dict[int, list[Fraction]] = {one["id"]: [] for one in kept["entries"]}
    for entry, _, value in kept["marks"]:
        if entry in marks:
            points = yes_points(value) if kept["round"]["kind"] == "yes_no" else weighted_points(value, scales)
            marks[entry].append(points)
    missing = Missing(kept["rule"]["missing"])
    found = {entry: score(entry, said, asked=kept["rule"]["reviews"], missing=missing) for entry, said in marks.items()}
    return {entry: one for entry, one in found.items() if one is not None}
