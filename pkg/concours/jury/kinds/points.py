"""Points by criteria: {criterion key: points}, whole multiples of the criterion's step from its lowest."""

from collections.abc import Collection, Mapping
from typing import Any

from concours.base.messages import Message, msg
from concours.jury.kinds.standing import Worth, each
from concours.jury.models import Criterion, Round
from concours.jury.scoring import Scale, weight_of, weighted_points


def problem(found: Round, value: Mapping[str, Any]) -> Message | None:
    """What is wrong with a mark; None where it will do."""
    for criterion in found.criteria:
        points = value.get(criterion.key)
        if type(points) is not int or not criterion.lowest <= points <= criterion.highest:
            return msg(
                "“%(criterion)s” takes whole points from %(lowest)s to %(highest)s.",
                criterion=criterion.title,
                lowest=criterion.lowest,
                highest=criterion.highest,
            )
        if (points - criterion.lowest) % criterion.step:
            return msg(
                "“%(criterion)s” takes points in steps of %(step)s from %(lowest)s: %(lowest)s, %(next)s and so on.",
                criterion=criterion.title,
                step=criterion.step,
                lowest=criterion.lowest,
                next=criterion.lowest + criterion.step,
            )
    if len(value) != len(found.criteria):
        return msg("This mark names a criterion that the round does not have.")
    return None


def meant(criterion: Criterion) -> list[tuple[int, str]]:
    """What some of a criterion's points mean, the lowest first."""
    return sorted((int(given), str(sentence)) for given, sentence in criterion.anchors.items())


def scales_of(found: Round) -> list[Scale]:
    """The round's criteria as scoring takes them."""
    return [Scale(c.key, weight_of(c.weight), c.lowest, c.highest) for c in found.criteria]


def worth(found: Round, entries: Collection[int] | None = None) -> Worth:
    """The weighted mean of the criteria, each from 0 to 100."""
    scales = scales_of(found)
    return each(found, entries, lambda value: weighted_points(value, scales))
