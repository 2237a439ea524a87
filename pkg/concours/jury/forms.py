"""Reading the forms of the jury's organiser."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.datastructures import MultiDict

from concours.events.models import Event
from concours.jury import limits
from concours.jury.kinds.criteria import CriterionDraft
from concours.jury.models import Round, RoundKind
from concours.jury.picked import picks_of
from concours.jury.rounds import SCORES, RoundDraft, quotas_of, ties_of
from concours.jury.selection import CHAINS, Quota

GREATEST = 2**31 - 1
NO_NUMBER = -GREATEST
COMPARISONS = 6
"""Pairs in which each work of a judge stands, unless the organiser says otherwise."""
PICKED = "picked"
"""The choice of a list picked by hand, among the rounds that entries can come from."""
SWITCHES = ("titles", "maybe")
_NUMBERED = re.compile(r"\s*[#№]?(-?[0-9]+)(?![0-9])[\s:：,，.、-]*(.*)", re.DOTALL)


def whole(text: str | None, default: int = 0) -> int:
    """A whole number as typed (digits, perhaps a minus); `default` for what is none or is too long."""
    found = (text or "").strip()
    digits = found.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 10:
        return default
    return max(-GREATEST, min(GREATEST, int(found)))


def _whole_or_none(text: str | None) -> int | None:
    return whole(text, -1) if text and text.strip() else None


def decimal(text: str | None) -> float:
    """A number as typed, with point or comma; not-a-number for what is none."""
    found = (text or "").strip().replace(",", ".")
    try:
        return float(found) if len(found) <= 20 else math.nan
    except ValueError:
        return math.nan


def read_round(form: "MultiDict[str, str]", event: Event) -> RoundDraft:
    """The round as the form has it. Fields: `title`, `kind`, `reviews`, `select_count`, `source` (a round's number,
    "picked" or empty), `picked` (a line for each entry: number and reason), `categories` (repeated), `ties` (steps
    parted by commas), `score`, `titles` and `maybe` ("1"), `top`, `group`, `comparisons`, `criterion-<n>-title`,
    `-weight`, `-lowest`, `-highest`, `-step`, `-anchors` (a line for each: points and sentence),
    `quota-<category>-least`, `-most`."""
    source = form.get("source", "").strip()
    return RoundDraft(
        title=form.get("title", ""),
        kind=form.get("kind", ""),
        reviews=whole(form.get("reviews")),
        select_count=whole(form.get("select_count")),
        source=whole(source, -1) if source and source != PICKED else None,
        picked=_numbered(form.get("picked", "")) if source == PICKED else None,
        categories=[whole(value, -1) for value in form.getlist("categories")],
        criteria=_criteria(form),
        ties=tuple(step.strip() for step in form.get("ties", "").split(",")),
        quotas=_quotas(form, event),
        titles=form.get("titles") == "1",
        maybe=form.get("maybe") == "1",
        top=_whole_or_none(form.get("top")),
        group=_whole_or_none(form.get("group")),
        comparisons=_whole_or_none(form.get("comparisons")),
        score=form.get("score") or SCORES[0],
    )


def typed_round(form: "MultiDict[str, str]") -> dict[str, Any]:
    """What was typed, to be shown again."""
    typed: dict[str, Any] = {name: value for name, value in form.items() if name != "csrf_token"}
    typed["categories"] = form.getlist("categories")
    for name in SWITCHES:
        typed[name] = form.get(name) == "1"
    return typed


def blank_round() -> dict[str, Any]:
    """The form of a new round."""
    return {
        "kind": RoundKind.YES_NO,
        "reviews": 3,
        "categories": [],
        "ties": joined(CHAINS[0]),
        "score": SCORES[0],
        "titles": True,
        "comparisons": COMPARISONS,
        **{f"criterion-{n}-{name}": value for n in rows() for name, value in _BLANK.items()},
    }


def stored_round(found: Round) -> dict[str, Any]:
    """The form of a round as it is."""
    shown = blank_round() | {
        "title": found.title,
        "kind": found.kind,
        "reviews": found.reviews,
        "select_count": found.select_count,
        "source": PICKED if "picked" in found.input else found.input.get("round") or "",
        "picked": "\n".join(f"{number} {reason}" for number, reason in picks_of(found)),
        "maybe": bool(found.rule.get("maybe")),
        "top": found.rule.get("top") or "",
        "group": found.rule.get("group") or "",
        "comparisons": found.rule.get("comparisons") or COMPARISONS,
        "categories": [str(number) for number in found.input.get("categories") or []],
        "ties": joined(ties_of(found)),
        "score": found.rule.get("score") or SCORES[0],
        "titles": bool(found.rule.get("titles", True)),
    }
    for n, criterion in enumerate(found.criteria, 1):
        shown[f"criterion-{n}-title"] = criterion.title
        shown[f"criterion-{n}-weight"] = f"{criterion.weight:g}"
        shown[f"criterion-{n}-lowest"] = criterion.lowest
        shown[f"criterion-{n}-highest"] = criterion.highest
        shown[f"criterion-{n}-step"] = criterion.step
        anchors = sorted((int(points), sentence) for points, sentence in criterion.anchors.items())
        shown[f"criterion-{n}-anchors"] = "\n".join(f"{points} {sentence}" for points, sentence in anchors)
    for number, quota in quotas_of(found).items():
        shown[f"quota-{number}-least"] = quota.least or ""
        shown[f"quota-{number}-most"] = "" if quota.most is None else quota.most
    return shown


def joined(chain: Sequence[str]) -> str:
    """A chain for ties as the form's value."""
    return ",".join(str(step) for step in chain)


def rows() -> range:
    """The numbers of the form's rows for criteria."""
    return range(1, limits.CRITERIA + 1)


_BLANK = {"title": "", "weight": "1", "lowest": "1", "highest": "9", "step": "1", "anchors": ""}


def _criteria(form: Mapping[str, str]) -> list[CriterionDraft]:
    return [
        CriterionDraft(
            title=form.get(f"criterion-{n}-title", ""),
            weight=decimal(form.get(f"criterion-{n}-weight", "1")),
            lowest=whole(form.get(f"criterion-{n}-lowest", "1"), GREATEST),
            highest=whole(form.get(f"criterion-{n}-highest", "9"), GREATEST),
            step=whole(form.get(f"criterion-{n}-step", "1")),
            anchors=dict(_numbered(form.get(f"criterion-{n}-anchors", ""))),
        )
        for n in rows()
        if form.get(f"criterion-{n}-title", "").strip()
    ]


def _numbered(text: str) -> list[tuple[int, str]]:
    """Lines that begin with a number, as (number, the rest); NO_NUMBER for those that do not. Empty: left out."""
    found: list[tuple[int, str]] = []
    for line in text.splitlines():
        if line.strip():
            match = _NUMBERED.match(line)
            number = whole(match[1], NO_NUMBER) if match else NO_NUMBER
            found.append((number, match[2] if match and number != NO_NUMBER else line.strip()))
    return found


def _quotas(form: Mapping[str, str], event: Event) -> dict[int, Quota]:
    quotas = {}
    for category in event.categories:
        least = form.get(f"quota-{category.id}-least", "").strip()
        most = form.get(f"quota-{category.id}-most", "").strip()
        if least or most:
            quotas[category.id] = Quota(whole(least, -1) if least else 0, whole(most, -1) if most else None)
    return quotas
