"""The form of an entry as a page: what is kept, what was typed, what is wrong, what is still missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from concours.base.errors import DomainError, Invalid
from concours.base.messages import Message, msg
from concours.entries.files import standing_files
from concours.entries.history import last_decisions
from concours.entries.models import Entry, EntryStatus
from concours.entries.submission import problems_of
from concours.entries.times import DRAFTING, STANDING, deadline, late_until, submission_open, submittable
from concours.entries.words import FIELD_PREFIX, Typed, as_typed, current_statement
from concours.events.fields import FieldSpec
from concours.events.models import Event
from concours.events.rules import read_fields, read_rules
from concours.media.models import AssetStatus

TITLE_LABEL = msg("Title of the work")
AUTHORS_LABEL = msg("Author(s)")
FILES_LABEL = msg("Files")
AGREE_LABEL = msg("Statement")


ACCEPT = {
    "jpeg": "image/jpeg,.jpg,.jpeg",
    "png": "image/png",
    "heic": "image/heic,image/heif,.heic,.heif",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "mov": "video/quicktime,.mov",
    "webm": "video/webm",
    "mp3": "audio/mpeg,.mp3",
    "m4a": "audio/mp4,.m4a",
    "wav": "audio/wav,.wav",
}
"""What a device's picker offers for each format (the `accept` of an input); the content decides in the end."""


@dataclass(frozen=True)
class Elsewhere:
    """A field that says something else in the version kept now than in the form that was sent."""

    field: str
    label: Message | str
    kept: str


def form_page(
    entry: Entry,
    event: Event,
    now: datetime,
    language: str,
    *,
    sent: Typed | None = None,
    refused: DomainError | None = None,
) -> dict[str, Any]:
    """What the template `entries/edit.html` shows. `sent`: what was typed, where it could not be kept."""
    specs = read_fields(entry.category)
    open_now = submission_open(event, now, entry)
    may_submit = submittable(event, now, entry)
    drafting = entry.status in DRAFTING
    kept = as_typed(entry)
    decision = last_decisions([entry.id]).get(entry.id)
    return {
        "entry": entry,
        "specs": specs,
        "typed": sent or kept,
        "saves_itself": drafting and sent is None,
        "rules": read_rules(entry.category),
        "statement": current_statement(event.id),
        "errors": refused.by_field() if isinstance(refused, Invalid) else {},
        "refused": refused,
        "labels": labels(specs, language),
        "elsewhere": _elsewhere(kept, sent, specs, language) if refused and refused.code == "changed_elsewhere" else {},
        "missing": problems_of(entry, event) if drafting and may_submit else [],
        "open_now": open_now,
        "may_submit": may_submit,
        "late_until": late_until(event, entry) if may_submit and not open_now else None,
        "drafting": drafting,
        "standing": entry.status in STANDING,
        "changes": drafting or (entry.status in STANDING and open_now),
        "deadline": deadline(event, entry),
        "decision": decision if entry.status in {EntryStatus.RETURNED, EntryStatus.REJECTED} else None,
        **files_page(entry, event, now),
    }


def files_page(entry: Entry, event: Event, now: datetime) -> dict[str, Any]:
    """What the part with the files shows (`entries/_files.html`)."""
    rules = read_rules(entry.category).files
    files = [f for f in entry.files if f.replaces_id is None]
    taking = sum(1 for f in files if f.asset.status != AssetStatus.REFUSED)
    changes = submission_open(event, now, entry) and entry.status in {*DRAFTING, *STANDING}
    return {
        "entry": entry,
        "file_rules": rules,
        "files": files,
        "waiting": {f.replaces_id: f for f in entry.files if f.replaces_id is not None},
        "checking": sum(1 for f in entry.files if f.asset.status == AssetStatus.CHECKING),
        "good": len(standing_files(entry)),
        "taking": taking,
        "room": max(0, rules.max_count - taking) if changes else 0,
        "files_change": changes,
        "accept": ",".join(ACCEPT.get(form, "." + form) for form in rules.formats),
    }


def labels(specs: list[FieldSpec], language: str) -> dict[str, Message | str]:
    """The labels of an entry's form by the fields' names."""
    named: dict[str, Message | str] = {"title": TITLE_LABEL, "authors": AUTHORS_LABEL}
    named.update({FIELD_PREFIX + spec.key: spec.label.text(language) for spec in specs})
    return {**named, "files": FILES_LABEL, "agree": AGREE_LABEL}


def _elsewhere(kept: Typed, sent: Typed | None, specs: list[FieldSpec], language: str) -> Mapping[str, Elsewhere]:
    if sent is None:
        return {}
    named = labels(specs, language)
    pairs = [("title", kept.title, sent.title), ("authors", kept.authors, sent.authors)]
    pairs += [(FIELD_PREFIX + s.key, kept.values.get(s.key, ""), sent.values.get(s.key, "")) for s in specs]
    return {
        name: Elsewhere(name, named[name], before) for name, before, after in pairs if before.strip() != after.strip()
    }
