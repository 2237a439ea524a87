"""Setting up the criteria of a points round."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from concours.base import typed
from concours.base.errors import FieldProblem
from concours.base.messages import Message, msg
from concours.jury import limits


@dataclass(frozen=True)
class CriterionDraft:
    """A criterion as it is set up: points from `lowest` to `highest` in steps of `step`.

    `anchors`: what some of the points mean, points → sentence.
    """

    title: str
    weight: float = 1.0
    lowest: int = 1
    highest: int = 9
    step: int = 1
    anchors: Mapping[int, str] = field(default_factory=dict)


def checked(drafts: Sequence[CriterionDraft], problems: list[FieldProblem]) -> tuple[CriterionDraft, ...]:
    """The criteria with their texts cleaned; what is wrong is added to `problems` as field `criterion-<place>`."""
    found: list[CriterionDraft] = []
    for place, draft in enumerate(drafts, 1):
        anchors = {points: typed.line(sentence) for points, sentence in sorted(draft.anchors.items())}
        clean = replace(draft, title=typed.line(draft.title), anchors=anchors)
        problems.extend(FieldProblem(f"criterion-{place}", said) for said in _wrong(clean))
        found.append(clean)
    if not found:
        problems.append(FieldProblem("criterion-1", msg("A points round needs at least one criterion.")))
    if len(found) > limits.CRITERIA:
        problems.append(FieldProblem("criterion-1", msg("At most %(limit)s criteria, please.", limit=limits.CRITERIA)))
    return tuple(found)


def _wrong(draft: CriterionDraft) -> list[Message]:
    wrong: list[Message] = []
    if not draft.title or len(draft.title) > limits.TITLE_CHARACTERS:
        wrong.append(msg("Please name this criterion in at most 80 characters."))
    if not (math.isfinite(draft.weight) and 0 < draft.weight <= limits.WEIGHT_AT_MOST):
        wrong.append(msg("The weight must be more than 0."))
    span = limits.POINTS_SPAN
    if not -span <= draft.lowest < draft.highest <= span:
        wrong.append(msg("The lowest points must be less than the highest; at most %(limit)s.", limit=span))
        return wrong
    if draft.step < 1 or (draft.highest - draft.lowest) % draft.step:
        wrong.append(
            msg(
                "Steps must be whole and lead from %(lowest)s to %(highest)s: 1 always does.",
                lowest=draft.lowest,
                highest=draft.highest,
            )
        )
        return wrong
    for points, sentence in draft.anchors.items():
        if not draft.lowest <= points <= draft.highest or (points - draft.lowest) % draft.step:
            wrong.append(
                msg(
                    "“%(sentence)s” does not describe points that can be given. Each line begins with such points:"
                    " %(highest)s masterly.",
                    sentence=sentence[:40],
                    highest=draft.highest,
                )
            )
        elif not sentence or len(sentence) > limits.ANCHOR_CHARACTERS:
            wrong.append(
                msg(
                    "Please describe what %(points)s points mean in at most %(limit)s characters.",
                    points=points,
                    limit=limits.ANCHOR_CHARACTERS,
                )
            )
    if len(draft.anchors) > limits.ANCHORS:
        wrong.append(msg("At most %(limit)s points of a criterion can be described.", limit=limits.ANCHORS))
    return wrong
