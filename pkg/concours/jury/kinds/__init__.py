"""The kinds of rounds: what a judge may say in each, and what all that was said comes to.

One module per kind. What the rest of the room asks of a kind is here: `value_problem` (may a judge say this?) and
`worth` (what is it worth?).
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from concours.base.messages import Message
from concours.jury import limits
from concours.jury.kinds import discussion, pairwise, points, ranking, yes_no
from concours.jury.kinds.standing import Worth
from concours.jury.models import Round, RoundKind

_PROBLEMS: dict[str, Callable[[Round, Mapping[str, Any]], Message | None]] = {
    RoundKind.YES_NO: yes_no.problem,
    RoundKind.POINTS: points.problem,
    RoundKind.RANKING: ranking.problem,
    RoundKind.PAIRWISE: pairwise.problem,
    RoundKind.DISCUSSION: discussion.problem,
}
_WORTHS: dict[str, Callable[[Round, Collection[int] | None], Worth]] = {
    RoundKind.YES_NO: yes_no.worth,
    RoundKind.POINTS: points.worth,
    RoundKind.RANKING: ranking.worth,
    RoundKind.PAIRWISE: pairwise.worth,
    RoundKind.DISCUSSION: discussion.worth,
}
_AT_MOST: dict[str, int] = {
    RoundKind.RANKING: limits.RANKED_TOGETHER,
    RoundKind.PAIRWISE: limits.COMPARED_TOGETHER,
}


def value_problem(found: Round, value: Mapping[str, Any] | None) -> Message | None:
    """What is wrong with a mark in this round; None where it will do, as taking back (None) always does."""
    return None if value is None else _PROBLEMS[found.kind](found, value)


def worth(found: Round, entries: Collection[int] | None = None) -> Worth:
    """What the marks that stand in the round say of `entries` (of all for None), from 0 to 100."""
    return _WORTHS[found.kind](found, entries)


def entries_at_most(kind: str) -> int:
    """How many entries a round of this kind takes."""
    return _AT_MOST.get(kind, limits.ENTRIES_PER_ROUND)
