"""What a round's rule says of its kind, checked before it is kept."""

from typing import Any

from concours.base.errors import FieldProblem
from concours.base.messages import msg
from concours.jury import limits
from concours.jury.models import RoundKind


def checked(
    kind: str,
    *,
    maybe: bool,
    top: int | None,
    group: int | None,
    comparisons: int | None,
    problems: list[FieldProblem],
) -> dict[str, Any]:
    """What the kind keeps in `Round.rule`; what is wrong is added to `problems` under the name of its field."""
    if kind == RoundKind.YES_NO:
        return {"maybe": maybe}
    if kind == RoundKind.RANKING:
        least, most = limits.GROUP
        if group is not None and not least <= group <= most:
            problems.append(
                FieldProblem("group", msg("A group has from %(least)s to %(most)s works.", least=least, most=most))
            )
        if top is not None and not 1 <= top < (group or limits.RANKED_TOGETHER):
            problems.append(
                FieldProblem(
                    "top", msg("Judges rank at least one work, and fewer than there are: leave it empty for all.")
                )
            )
        return {"top": top, "group": group}
    if kind == RoundKind.PAIRWISE:
        least, most = limits.COMPARISONS
        if comparisons is None or not least <= comparisons <= most:
            problems.append(
                FieldProblem(
                    "comparisons",
                    msg("Each work is compared from %(least)s to %(most)s times by a judge.", least=least, most=most),
                )
            )
        return {"comparisons": comparisons}
    return {}
