"""Entries as others may show them: accepted ones alone, and nothing of their authors before it is time.

For the rooms that show works to the public (the gallery, the poll, the halls). Files come as renditions, which carry
no metadata; the number is the public one (统一编号). Who made a work is told as the event's setting `show_authors`
says: `always`, `never`, or (unsaid) `after_results`, from the opening of the phase of results on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from concours.base.db import session
from concours.entries.files import standing_files
from concours.entries.lists import with_files
from concours.entries.models import Entry, EntryFile, EntryStatus
from concours.events.fields import FieldType
from concours.events.models import Category, Event, PhaseKind
from concours.events.phases import phase_of
from concours.events.rules import read_fields, read_settings
from concours.media.models import Rendition

PAGE = 60


@dataclass(frozen=True)
class PublicFile:
    """One file of a work: `kind` is image, video or audio; `duration` in seconds; `renditions` by name."""

    kind: str
    width: int | None
    height: int | None
    duration: float | None
    renditions: dict[str, Rendition]


@dataclass(frozen=True)
class PublicEntry:
    """A work as anybody may see it. `authors` and `department` are empty as long as they are not told."""

    id: int
    number: int
    title: str
    category: Category
    media_kind: str
    files: tuple[PublicFile, ...]
    authors: str
    department: str
    answers: tuple["PublicAnswer", ...]


@dataclass(frozen=True)
class PublicAnswer:
    """An answer of the category's form: `label` and `text` by language (`zh`, `en`); `long`: of several lines."""

    key: str
    label: dict[str, str]
    text: dict[str, str]
    long: bool


def authors_are_told(event: Event, now: datetime) -> bool:
    """Whether the public may know at `now` who made the works."""
    said = read_settings(event).show_authors
    if said in {"always", "never"}:
        return bool(said == "always")
    results = phase_of(event, PhaseKind.RESULTS)
    return results is not None and results.opens_at <= now


def public_entries(
    event: Event,
    now: datetime,
    *,
    category_id: int | None = None,
    ids: Sequence[int] | None = None,
    after: int = 0,
    limit: int = PAGE,
) -> list[PublicEntry]:
    """The event's accepted entries by public number, from behind the number `after`; a fixed number of queries.

    `ids` narrows to these entries (their numbers in the database); what is not accepted is left out.
    """
    query = (
        sa.select(Entry)
        .options(*with_files())
        .where(Entry.event_id == event.id, Entry.status == EntryStatus.ACCEPTED, Entry.number > after)
        .order_by(Entry.number)
        .limit(limit)
    )
    if category_id is not None:
        query = query.where(Entry.category_id == category_id)
    if ids is not None:
        query = query.where(Entry.id.in_(ids))
    told = authors_are_told(event, now)
    return [as_public(entry, told=told) for entry in session().scalars(query)]


def public_entry(event: Event, number: int, now: datetime) -> PublicEntry | None:
    """The accepted entry with that public number, or None."""
    entry = session().scalar(
        sa.select(Entry)
        .options(*with_files())
        .where(Entry.event_id == event.id, Entry.status == EntryStatus.ACCEPTED, Entry.number == number)
    )
    return as_public(entry, told=authors_are_told(event, now)) if entry is not None else None


def as_public(entry: Entry, *, told: bool) -> PublicEntry:
    """`entry` without what is private; `told`: whether its makers may be named. Load it with `lists.with_files()`."""
    if entry.number is None:
        raise ValueError("an entry that was never submitted has no public face")
    return PublicEntry(
        id=entry.id,
        number=entry.number,
        title=entry.title,
        category=entry.category,
        media_kind=entry.category.media_kind,
        files=tuple(_file(f) for f in standing_files(entry)),
        authors=entry.authors if told else "",
        department=entry.department.name if told and entry.department is not None else "",
        answers=_answers(entry, told=told),
    )


def _file(file: EntryFile) -> PublicFile:
    asset = file.asset
    return PublicFile(
        kind=asset.kind,
        width=asset.width,
        height=asset.height,
        duration=asset.duration,
        renditions={rendition.name: rendition for rendition in asset.renditions},
    )


NAMING_KEYS = frozenset({"speaker"})
"""Fields that name a person: told when authors are."""


def _answers(entry: Entry, *, told: bool) -> tuple[PublicAnswer, ...]:
    found = []
    for spec in read_fields(entry.category):
        value = (entry.values or {}).get(spec.key)
        if value in (None, "") or spec.private or (spec.key in NAMING_KEYS and not told):
            continue
        found.append(
            PublicAnswer(
                key=spec.key,
                label={language: spec.label.text(language) for language in ("zh", "en")},
                text={language: spec.shown(value, language) for language in ("zh", "en")},
                long=spec.type is FieldType.TEXTAREA,
            )
        )
    return tuple(found)
