"""How the jury's rules are said."""

from collections.abc import Sequence

from concours.base.messages import Message, msg
from concours.jury.models import RemarkKind, RoundKind
from concours.jury.scoring import Missing
from concours.jury.selection import Step

KIND_NAMES: dict[str, Message] = {
    RoundKind.YES_NO: msg("Yes or No"),
    RoundKind.POINTS: msg("Points by criteria"),
    RoundKind.RANKING: msg("Ranking"),
    RoundKind.PAIRWISE: msg("Pairs of works"),
    RoundKind.DISCUSSION: msg("Discussion and show of hands"),
}

STEP_NAMES: dict[str, Message] = {
    Step.SCORE: msg("score"),
    Step.MEDIAN: msg("median"),
    Step.REVIEWS: msg("number of reviews"),
    Step.LOTTERY: msg("lottery"),
    Step.QUOTA: msg("quota of the category"),
}

MISSING_NAMES: dict[str, Message] = {
    Missing.NONE: msg("All marks were given."),
    Missing.AVAILABLE: msg("The marks given count; an entry without any mark cannot be selected."),
    Missing.LOWEST: msg("Each missing mark counts as No, or as the lowest points."),
    Missing.EXCLUDE: msg("An entry with fewer marks than asked cannot be selected."),
}

REMARK_NAMES: dict[str, Message] = {
    RemarkKind.COPY: msg("Perhaps a copy"),
    RemarkKind.RULE: msg("Against the rules"),
    RemarkKind.DISCUSS: msg("To be discussed"),
    RemarkKind.NOTE: msg("Note to the organiser"),
    RemarkKind.OWN: msg("My own note"),
    RemarkKind.COMMENT: msg("Comment to the author"),
}

HANDLED_NAMES: dict[str, Message] = {
    "": msg("not looked at yet"),
    "seen": msg("seen"),
    "released": msg("released to the author"),
    "withheld": msg("withheld"),
}

_CHAIN_NAMES: dict[tuple[str, ...], Message] = {
    (Step.MEDIAN, Step.LOTTERY): msg("Higher median first, then the lottery"),
    (Step.MEDIAN, Step.REVIEWS, Step.LOTTERY): msg("Higher median first, then more reviews, then the lottery"),
    (Step.REVIEWS, Step.MEDIAN, Step.LOTTERY): msg("More reviews first, then the higher median, then the lottery"),
    (Step.LOTTERY,): msg("The lottery at once"),
}


def chain_name(chain: Sequence[str]) -> Message:
    """A rule for ties in words."""
    return _CHAIN_NAMES[tuple(Step(step) for step in chain)]
