"""Reading the forms of the jury's organiser."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.datastructures import MultiDict

from concours.events.models import Event
from concours.jury import limits
from concours.jury.models import Round, RoundKind
from concours.jury.rounds import CriterionDraft, RoundDraft, quotas_of, ties_of
from concours.jury.selection import CHAINS, Quota

GREATEST = 2**31 - 1


def whole(text: str | None, default: int = 0) -> int:
    """A whole number as typed (digits, perhaps a minus); `default` for what is none or is too long."""
    found = (text or "").strip()
    digits = found.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 10:
        return default
    return max(-GREATEST, min(GREATEST, int(found)))


def decimal(text: str | None) -> float:
    """A number as typed, with point or comma; not-a-number for what is none."""
    found = (text or "").strip().replace(",", ".")
    try:
        return float(found) if len(found) <= 20 else math.nan
    except ValueError:
        return math.nan


def read_round(form: "MultiDict[str, str]", event: Event) -> RoundDraft:
    """The round as the form has it. Fields: `title`, `kind`, `reviews`, `select_count`, `source` (a round's number or
    empty), `categories` (repeated), `ties` (steps parted by commas), `titles` ("1"), `criterion-<n>-title`, `-weight`,
    `-lowest`, `-highest`, and `quota-<category>-least`, `-most`."""
    source = form.get("source", "").strip()
    return RoundDraft(
        title=form.get("title", ""),
        kind=form.get("kind", ""),
        reviews=whole(form.get("reviews")),
        select_count=whole(form.get("select_count")),
        source=whole(source, -1) if source else None,
        categories=[whole(value, -1) for value in form.getlist("categories")],
        criteria=_criteria(form),
        ties=tuple(step.strip() for step in form.get("ties", "").split(",")),
        quotas=_quotas(form, event),
        titles=form.get("titles") == "1",
    )


def typed_round(form: "MultiDict[str, str]") -> dict[str, Any]:
    """What was typed, to be shown again."""
    typed: dict[str, Any] = {name: value for name, value in form.items() if name != "csrf_token"}
    typed["categories"] = form.getlist("categories")
    typed["titles"] = form.get("titles") == "1"
    return typed


def blank_round() -> dict[str, Any]:
    """The form of a new round."""
    return {
        "kind": RoundKind.YES_NO,
        "reviews": 3,
        "categories": [],
        "ties": joined(CHAINS[0]),
        "titles": True,
        **{f"criterion-{n}-{name}": value for n in rows() for name, value in _BLANK.items()},
    }


def stored_round(found: Round) -> dict[str, Any]:
    """The form of a round as it is."""
    shown = blank_round() | {
        "title": found.title,
        "kind": found.kind,
        "reviews": found.reviews,
        "select_count": found.select_count,
        "source": found.input.get("round") or "",
        "categories": [str(number) for number in found.input.get("categories") or []],
        "ties": joined(ties_of(found)),
        "titles": bool(found.rule.get("titles", True)),
    }
    for n, criterion in enumerate(found.criteria, 1):
        shown[f"criterion-{n}-title"] = criterion.title
        shown[f"criterion-{n}-weight"] = f"{criterion.weight:g}"
        shown[f"criterion-{n}-lowest"] = criterion.lowest
        shown[f"criterion-{n}-highest"] = criterion.highest
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


_BLANK = {"title": "", "weight": "1", "lowest": "1", "highest": "9"}


def _criteria(form: Mapping[str, str]) -> list[CriterionDraft]:
    return [
        CriterionDraft(
            title=form.get(f"criterion-{n}-title", ""),
            weight=decimal(form.get(f"criterion-{n}-weight", "1")),
            lowest=whole(form.get(f"criterion-{n}-lowest", "1"), GREATEST),
            highest=whole(form.get(f"criterion-{n}-highest", "9"), GREATEST),
        )
        for n in rows()
        if form.get(f"criterion-{n}-title", "").strip()
    ]


def _quotas(form: Mapping[str, str], event: Event) -> dict[int, Quota]:
    quotas = {}
    for category in event.categories:
        least = form.get(f"quota-{category.id}-least", "").strip()
        most = form.get(f"quota-{category.id}-most", "").strip()
        if least or most:
            quotas[category.id] = Quota(whole(least, -1) if least else 0, whole(most, -1) if most else None)
    return quotas
