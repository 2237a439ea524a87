"""What a judge sees: works without names, departments, file names, numbers or any other metadata.

Whatever leaves this module goes to a judge. It is built from nothing but a random token, the category, the title (where
the round shows titles), answers that are neither private nor name a person, and renditions, which carry no metadata.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload
from sqlalchemy.sql.elements import ColumnElement

from concours.base.db import session
from concours.base.errors import Forbidden
from concours.base.messages import msg
from concours.entries.files import standing_files
from concours.entries.models import Entry, EntryFile, EntryStatus
from concours.entries.public import NAMING_KEYS
from concours.events.fields import FieldType
from concours.events.rules import read_fields
from concours.identity.models import Account
from concours.jury import limits
from concours.jury.lookup import find_round
from concours.jury.models import FLAGS, Assignment, Panelist, Remark, Round, RoundStatus
from concours.media.models import Asset, Rendition

Address = Callable[[Rendition], str]
"""Where a rendition can be fetched."""


@dataclass(frozen=True)
class Share:
    """A judge's part of a round: how many works they have and how many they have marked."""

    round: Round
    assigned: int
    marked: int


def seat(event_id: int, round_id: int, judge: Account) -> Round:
    """The round, if `judge` is on its panel and it has opened; raises NotFound or Forbidden."""
    found = find_round(event_id, round_id)
    there = session().scalar(
        sa.select(Panelist.id).where(
            Panelist.round_id == found.id, Panelist.account_id == judge.id, Panelist.dropped_at.is_(None)
        )
    )
    if there is None or found.status == RoundStatus.DRAFT:
        raise Forbidden(
            msg("You are not on the panel of this round."),
            hint=msg("Your rounds are listed on the judges' page. Ask the organiser if one is missing."),
            code="not_on_panel",
        )
    return found


def shares(event_id: int, judge: Account) -> list[Share]:
    """The judge's rounds in the event that have opened, those that wait for marks first; two queries."""
    rounds = (
        session()
        .scalars(
            sa.select(Round)
            .join(Panelist, Panelist.round_id == Round.id)
            .where(
                Round.event_id == event_id,
                Round.status != RoundStatus.DRAFT,
                Panelist.account_id == judge.id,
                Panelist.dropped_at.is_(None),
            )
            .order_by(Round.status != RoundStatus.OPEN, Round.position)
        )
        .all()
    )
    counts = {round_id: (assigned, marked) for round_id, assigned, marked in _counts(judge, [r.id for r in rounds])}
    return [Share(found, *counts.get(found.id, (0, 0))) for found in rounds]


def share(found: Round, judge: Account) -> Share:
    """The judge's part of one round."""
    _, assigned, marked = next(iter(_counts(judge, [found.id])), (found.id, 0, 0))
    return Share(found, assigned, marked)


def works(
    found: Round, judge: Account, *, address: Address, language: str, after: int = 0, limit: int = limits.TABLE_PAGE
) -> tuple[list[dict[str, Any]], int | None]:
    """The judge's works in their own random order, from behind the position `after`, and where the next page begins.

    A fixed number of queries. Each work is plain JSON: token, position, category, kind, title, fields, media, mark.
    """
    rows = _assignments(found, judge, Assignment.position > after, limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    titles = bool(found.rule.get("titles", True))
    said = _remarks(found, judge, [row.id for row in rows])
    listed = [
        {**blind(row, address=address, language=language, titles=titles), "remarks": said.get(row.id, {})}
        for row in rows
    ]
    return listed, (rows[-1].position if more else None)


def outline(found: Round, judge: Account) -> list[dict[str, Any]]:
    """All the judge's works in their own order: token, position, standing mark, and which flags they raised.

    Two queries; some 80 bytes a work, so that a table of 1,700 knows at once what is undecided, maybe or flagged, while
    what is shown of a work comes in pages.
    """
    rows = session().execute(
        sa.select(Assignment.id, Assignment.token, Assignment.position, Assignment.value, Assignment.marked_at)
        .join(Entry, Entry.id == Assignment.entry_id)
        .where(*_own(found, judge))
        .order_by(Assignment.position)
    )
    said = _remarks(found, judge, None)
    return [
        {
            "token": token,
            "position": position,
            "mark": value if marked_at is not None else None,
            "flags": [kind for kind in said.get(number, {}) if kind in FLAGS],
        }
        for number, token, position, value, marked_at in rows.tuples()
    ]


def work_at(
    found: Round, judge: Account, position: int | None, *, address: Address, language: str
) -> tuple[dict[str, Any] | None, int | None, int | None]:
    """One work: at `position` or the next after it, or the first undecided one; with the positions before and behind.

    For the page that works without script. None where the judge has no work.
    """
    if position is not None:
        rows = _assignments(found, judge, Assignment.position >= position, 1)
    else:
        rows = _assignments(found, judge, Assignment.marked_at.is_(None), 1)
        rows = rows or _assignments(found, judge, Assignment.position > 0, 1)
    if not rows:
        return None, None, None
    own = (
        sa.select(Assignment.position).join(Entry, Entry.id == Assignment.entry_id).where(*_own(found, judge)).limit(1)
    )
    at = rows[0].position
    before = session().scalar(own.where(Assignment.position < at).order_by(Assignment.position.desc()))
    behind = session().scalar(own.where(Assignment.position > at).order_by(Assignment.position))
    titles = bool(found.rule.get("titles", True))
    return blind(rows[0], address=address, language=language, titles=titles), before, behind


def blind(assignment: Assignment, *, address: Address, language: str, titles: bool = True) -> dict[str, Any]:
    """One work as a judge may see it."""
    entry = assignment.entry
    return {
        "token": assignment.token,
        "position": assignment.position,
        "category": entry.category.title,
        "kind": entry.category.media_kind,
        "title": entry.title if titles else "",
        "fields": _fields(entry, language),
        "media": [_media(file.asset, address) for file in standing_files(entry)],
        "mark": assignment.value if assignment.marked_at is not None else None,
    }


def _fields(entry: Entry, language: str) -> list[dict[str, Any]]:
    shown = []
    for spec in read_fields(entry.category):
        value = (entry.values or {}).get(spec.key)
        if value in (None, "") or spec.private or spec.key in NAMING_KEYS:
            continue
        shown.append(
            {
                "label": spec.label.text(language),
                "text": spec.shown(value, language),
                "long": spec.type is FieldType.TEXTAREA,
            }
        )
    return shown


def _media(asset: Asset, address: Address) -> dict[str, Any]:
    stills = [r for r in asset.renditions if r.content_type.startswith("image/")]
    playable = [r for r in asset.renditions if r.content_type.startswith(("video/", "audio/"))]
    stills.sort(key=lambda r: r.width)
    return {
        "kind": asset.kind,
        "width": asset.width,
        "height": asset.height,
        "seconds": asset.duration,
        "stills": [{"url": address(r), "width": r.width, "height": r.height} for r in stills],
        "plays": [{"url": address(r), "type": r.content_type} for r in playable],
    }


def _own(found: Round, judge: Account) -> tuple[ColumnElement[bool], ...]:
    return (
        Assignment.round_id == found.id,
        Assignment.account_id == judge.id,
        Assignment.recused_at.is_(None),
        Assignment.withdrawn_at.is_(None),
        Entry.status == EntryStatus.ACCEPTED,
    )


def _assignments(found: Round, judge: Account, which: ColumnElement[bool], limit: int) -> Sequence[Assignment]:
    entry = joinedload(Assignment.entry)
    return (
        session()
        .scalars(
            sa.select(Assignment)
            .join(Entry, Entry.id == Assignment.entry_id)
            .options(
                entry.joinedload(Entry.category),
                entry.selectinload(Entry.files).joinedload(EntryFile.asset).selectinload(Asset.renditions),
            )
            .where(*_own(found, judge), which)
            .order_by(Assignment.position)
            .limit(limit)
        )
        .all()
    )


def _remarks(found: Round, judge: Account, assignments: Sequence[int] | None) -> dict[int, dict[str, str]]:
    """What the judge remarked and did not take back: assignment → kind → text; of all their works for None."""
    query = (
        sa.select(Remark.assignment_id, Remark.kind, Remark.text)
        .join(Assignment, Assignment.id == Remark.assignment_id)
        .where(Remark.round_id == found.id, Assignment.account_id == judge.id, Remark.withdrawn_at.is_(None))
        .order_by(Remark.assignment_id, Remark.kind)
    )
    if assignments is not None:
        query = query.where(Remark.assignment_id.in_(assignments))
    said: dict[int, dict[str, str]] = {}
    for assignment, kind, text in session().execute(query).tuples():
        said.setdefault(assignment, {})[kind] = text
    return said


def _counts(judge: Account, rounds: Sequence[int]) -> list[tuple[int, int, int]]:
    rows = session().execute(
        sa.select(Assignment.round_id, sa.func.count(), sa.func.count(Assignment.marked_at))
        .join(Entry, Entry.id == Assignment.entry_id)
        .where(
            Assignment.round_id.in_(rounds),
            Assignment.account_id == judge.id,
            Assignment.recused_at.is_(None),
            Assignment.withdrawn_at.is_(None),
            Entry.status == EntryStatus.ACCEPTED,
        )
        .group_by(Assignment.round_id)
    )
    return [(round_id, assigned, marked) for round_id, assigned, marked in rows.tuples()]
