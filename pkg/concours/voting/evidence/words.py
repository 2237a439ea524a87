"""The evidence in plain words: what was found, beside what is usual."""

from collections.abc import Mapping
from typing import Any

from concours.base.messages import Message, msg, nmsg
from concours.voting.evidence.finding import COVOTING, INTERVALS, ONCE, REPEATED, SITTING, SOLVED

KINDS: dict[str, Message] = {
    ONCE: msg("Voters with one vote"),
    SITTING: msg("Voters of one sitting"),
    INTERVALS: msg("Even intervals"),
    REPEATED: msg("Repeated to the second"),
    COVOTING: msg("One list together"),
    SOLVED: msg("Puzzles solved fast"),
}
"""Each kind of finding in a word."""


def duration(ms: float) -> Message:
    """A span of time, in the unit that reads best."""
    seconds = ms / 1_000
    if seconds < 10:
        return msg("%(number)s seconds", number=f"{seconds:.1f}")
    for size, below, one, many in (
        (1, 120, "%(count)s second", "%(count)s seconds"),
        (60, 120 * 60, "%(count)s minute", "%(count)s minutes"),
        (3_600, 48 * 3_600, "%(count)s hour", "%(count)s hours"),
    ):
        if seconds < below:
            return nmsg(one, many, round(seconds / size))
    return nmsg("%(count)s day", "%(count)s days", round(seconds / 86_400))


SPANS = (
    nmsg("%(count)s second", "%(count)s seconds", 2),
    nmsg("%(count)s minute", "%(count)s minutes", 2),
    nmsg("%(count)s hour", "%(count)s hours", 2),
    nmsg("%(count)s day", "%(count)s days", 2),
)
"""The spans' sentences, where the catalogues' extractor finds them."""


def percent(share: float) -> str:
    """A share in per cent: a decimal where it is small."""
    return f"{100 * share:.1f}" if 0 < share < 0.02 else f"{100 * share:.0f}"


def sentences(group: Any) -> list[Message]:
    """A group's evidence, the gravest first."""
    said: list[Message] = []
    for kind in dict.fromkeys(found["kind"] for found in group.facts["findings"]):
        found = next(f for f in group.facts["findings"] if f["kind"] == kind)
        said.append(_sentence(kind, found["facts"]))
    burst = group.facts.get("burst")
    if burst and burst["observed"] > 2 * burst["expected"] and burst["p"] < 0.001:
        said.append(
            msg(
                "The candidate got %(observed)s votes from there in this time; on other days these hours bring "
                "about %(expected)s.",
                observed=burst["observed"],
                expected=f"{burst['expected']:.0f}",
            )
        )
    return said


def place_of(group: Any) -> Message:
    """Where the votes came from, in a few words."""
    if not group.networks:
        return msg("the networks are not known")
    return nmsg("from %(count)s network", "from %(count)s networks", group.networks)


def _sentence(kind: str, facts: Mapping[str, float]) -> Message:
    votes = round(facts.get("votes", 0))
    if kind in {ONCE, SITTING}:
        share = facts["votes"] / max(1.0, facts["votes"] + facts["others"])
        values = {"votes": votes, "share": percent(share), "usual": percent(facts["usual"])}
        if kind == ONCE:
            return msg(
                "%(votes)s voters came for this one vote and were not seen before or after: %(share)s %% of the "
                "voters there and then, where %(usual)s %% are usual.",
                **values,
            )
        return msg(
            "%(votes)s voters cast all their votes within ten minutes and never came again: %(share)s %% of "
            "the voters there and then, where %(usual)s %% are usual.",
            **values,
        )
    if kind == INTERVALS:
        return msg(
            "The votes came %(gap)s s apart with a spread of %(spread)s s; %(agree)s %% of neighbouring "
            "intervals are nearly equal, of people in a line about 19 %%.",
            gap=f"{facts['median_gap_ms'] / 1_000:.1f}",
            spread=f"{facts['gap_spread_ms'] / 1_000:.1f}",
            agree=percent(facts["agree"]),
        )
    if kind == SOLVED:
        return msg(
            "%(voters)s of %(of)s newcomers solved the puzzle in about %(fast)s s, where the voters of this poll take"
            " about %(usual_s)s s and %(usual)s %% of the others are as fast. Fast machines alone are no fraud.",
            voters=round(facts["voters"]),
            of=round(facts["of"]),
            fast=f"{facts['median_ms'] / 1_000:.1f}",
            usual_s=f"{facts['usual_ms'] / 1_000:.1f}",
            usual=percent(facts["usual"]),
        )
    if kind == REPEATED:
        return msg(
            "%(voters)s voters voted again after the same time to within %(within)s s, where chance brings "
            "about %(expected)s.",
            voters=round(facts["voters"]),
            within=f"{max(0.1, facts['within_ms'] / 1_000):.1f}",
            expected=f"{facts['expected']:.1f}",
        )
    return msg(
        "%(voters)s voters chose the same %(candidates)s candidates together, on more than one day; by "
        "the candidates’ popularity at most %(expected)s such days are expected.",
        voters=round(facts["voters"]),
        candidates=round(facts["candidates"]),
        expected=f"{facts['expected']:.1f}",
    )
