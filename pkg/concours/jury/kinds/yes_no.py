"""Yes or No, or Maybe where the round's rule has it: {"yes": true, false or "maybe"}."""

from collections.abc import Collection, Mapping
from typing import Any

from concours.base.messages import Message, msg
from concours.jury.kinds.standing import Worth, each
from concours.jury.models import Round
from concours.jury.scoring import yes_points

MAYBE = "maybe"


def has_maybe(found: Round) -> bool:
    """Whether the round's judges may say Maybe."""
    return bool(found.rule.get("maybe"))


def problem(found: Round, value: Mapping[str, Any]) -> Message | None:
    """What is wrong with a mark; None where it will do."""
    if set(value) == {"yes"}:
        said = value["yes"]
        if isinstance(said, bool) or (said == MAYBE and has_maybe(found)):
            return None
    if has_maybe(found):
        return msg("A mark of this round is Yes, Maybe or No.")
    return msg("A mark of this round is Yes or No.")


def worth(found: Round, entries: Collection[int] | None = None) -> Worth:
    """100 for Yes, 50 for Maybe, 0 for No."""
    return each(found, entries, yes_points)
