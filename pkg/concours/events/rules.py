"""What a category asks: how many entries and files, what the files must be, which fields; what an event asks of all.

`Category.rules` and `Category.fields` are read here and nowhere else. Files' rules are plain numbers; the room that
takes the files turns them into what its checks understand.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from concours.base.errors import FieldProblem
from concours.base.messages import Message, msg
from concours.events.fields import (
    FIELDS_LIMIT,
    Choice,
    FieldSpec,
    FieldType,
    Label,
    RequiredWhen,
    Value,
    check_answer,
)
from concours.events.models import Category, Event, EventKind, MediaKind

MIB = 1024 * 1024
FILES_LIMIT = 30  # files of one entry
BYTES_LIMIT = 10_240 * MIB  # of one file; the site's MAX_UPLOAD_MIB may be lower
SIDE_LIMIT = 20_000  # pixels
SECONDS_LIMIT = 4 * 3600
PER_AUTHOR_LIMIT = 100

FORMATS: dict[str, tuple[str, ...]] = {
    MediaKind.IMAGE: ("jpeg", "png", "heic", "webp"),
    MediaKind.SERIES: ("jpeg", "png", "heic", "webp"),
    MediaKind.VIDEO: ("mp4", "mov", "webm"),
    MediaKind.AUDIO: ("mp3", "m4a", "wav"),
    MediaKind.TEXT: (),
}
"""The file formats a category of each kind may ask for; the names are those of the media room's purposes."""

_DEFAULTS: dict[str, dict[str, Any]] = {
    MediaKind.IMAGE: {"min_count": 1, "max_count": 1, "max_bytes": 20 * MIB},
    MediaKind.SERIES: {"min_count": 4, "max_count": 8, "max_bytes": 20 * MIB},
    MediaKind.VIDEO: {"min_count": 1, "max_count": 1, "max_bytes": 1024 * MIB},
    MediaKind.AUDIO: {"min_count": 1, "max_count": 1, "max_bytes": 200 * MIB},
    MediaKind.TEXT: {"min_count": 0, "max_count": 0},
}


class FileRules(BaseModel):
    """What an entry's files must be: how many, of which formats; bytes, pixels and seconds of each; None: no limit."""

    model_config = ConfigDict(frozen=True)

    min_count: Annotated[int, Field(ge=0, le=FILES_LIMIT)] = 1
    max_count: Annotated[int, Field(ge=0, le=FILES_LIMIT)] = 1
    formats: tuple[str, ...] = ()
    min_bytes: Annotated[int, Field(ge=1, le=BYTES_LIMIT)] = 1
    max_bytes: Annotated[int, Field(ge=1, le=BYTES_LIMIT)] = 20 * MIB
    min_long_side: Annotated[int, Field(ge=1, le=SIDE_LIMIT)] | None = None
    orientation: Literal["", "landscape", "portrait"] = ""
    needs_exif: bool = False
    min_seconds: Annotated[float, Field(ge=0, le=SECONDS_LIMIT)] | None = None
    max_seconds: Annotated[float, Field(gt=0, le=SECONDS_LIMIT)] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "FileRules":
        if self.min_count > self.max_count or self.min_bytes > self.max_bytes:
            raise ValueError("the least is more than the most")
        if self.min_seconds is not None and self.max_seconds is not None and self.min_seconds > self.max_seconds:
            raise ValueError("the least is more than the most")
        return self


class CategoryRules(BaseModel):
    """The rules of one category. `per_author` is the greatest number of entries of one author in it; None: no limit.

    `by_team`: teams enter it, through their captain or coordinator; None: see `is_for_teams`.
    `description` is what the organiser tells authors in their own words.
    """

    model_config = ConfigDict(frozen=True)

    files: FileRules = FileRules()
    per_author: Annotated[int, Field(ge=1, le=PER_AUTHOR_LIMIT)] | None = None
    by_team: bool | None = None
    description: Label = Label()


class EventSettings(BaseModel):
    """What an event asks of everybody; None: no limit.

    `per_author_total`: entries of one author over all categories; `one_category_per_author`: an author's entries all in
    one category; `max_entries_per_department` and `max_teams_per_department`: unless the department has a quota of its
    own; `team_min`, `team_max`: members of a team; `check_in`: whether members send clips; `clips_per_member_day`:
    clips that count, per member and day of the event's zone; `clip_min_seconds`, `clip_max_seconds`: how long one is.
    `open_to_all`: accounts without a department enter works too; `show_authors`: from when on the public is told
    who made a work: once the results are out, always, or never.
    """

    model_config = ConfigDict(frozen=True)

    check_in: bool = False
    per_author_total: Annotated[int, Field(ge=1, le=PER_AUTHOR_LIMIT)] | None = None
    one_category_per_author: bool = False
    max_entries_per_department: Annotated[int, Field(ge=0, le=100_000)] | None = None
    max_teams_per_department: Annotated[int, Field(ge=0, le=1_000)] | None = None
    team_min: Annotated[int, Field(ge=1, le=1_000)] = 1
    team_max: Annotated[int, Field(ge=1, le=1_000)] = 100
    clips_per_member_day: Annotated[int, Field(ge=1, le=200)] = 3
    clip_min_seconds: Annotated[float, Field(ge=0, le=600)] = 3
    clip_max_seconds: Annotated[float, Field(gt=0, le=3_600)] = 180
    open_to_all: bool = False
    show_authors: Literal["results", "always", "never"] = "results"


def read_settings(event: Event) -> EventSettings:
    """The event's settings with their defaults; what this version does not know is left alone."""
    return EventSettings.model_validate(event.settings or {})


def read_rules(category: Category) -> CategoryRules:
    """The category's rules; what is not said follows from what its entries consist of."""
    return rules_from(category.media_kind, category.rules or {})


def is_for_teams(event: Event, category: Category) -> bool:
    """Whether teams enter the category: the rule `by_team` says so; unsaid, videos of a team contest are teams'."""
    said = read_rules(category).by_team
    return (event.kind == EventKind.TEAM_CONTEST and category.media_kind == MediaKind.VIDEO) if said is None else said


def rules_from(media_kind: str, stored: Mapping[str, Any]) -> CategoryRules:
    """The rules `stored` (as in `Category.rules`) for entries of `media_kind`; raises pydantic's ValidationError."""
    default = {**_DEFAULTS.get(media_kind, {}), "formats": FORMATS.get(media_kind, ())}
    said = {key: value for key, value in (stored.get("files") or {}).items() if value is not None}
    if not said.get("formats"):
        said.pop("formats", None)
    return CategoryRules.model_validate({**stored, "files": {**default, **said}})


def read_fields(category: Category) -> list[FieldSpec]:
    """The fields of the category's form, in order (beside the title and the authors, which every entry has)."""
    return [FieldSpec.model_validate(field) for field in category.fields or []]


def check_values(
    category: Category, raw: Mapping[str, str], *, complete: bool
) -> tuple[dict[str, Value], list[FieldProblem]]:
    """What was typed, as `Entry.values` keeps it, and the problems by field key.

    `raw` holds the answers by the fields' keys; other keys are ignored. Where `complete` is False (a draft) an empty
    answer is no problem; a wrong one always is. Values with a problem are left out of the first result.
    """
    specs = read_fields(category)
    values: dict[str, Value] = {}
    problems: list[FieldProblem] = []
    wrong: set[str] = set()
    for spec in specs:
        given = raw.get(spec.key, "")
        value, problem = check_answer(spec, given if isinstance(given, str) else str(given))
        if problem is not None:
            problems.append(FieldProblem(spec.key, problem))
            wrong.add(spec.key)
        elif value is not None:
            values[spec.key] = value
    if complete:
        for spec in specs:
            missing = _incomplete(spec, values) if spec.key not in wrong else None
            if missing is not None:
                problems.append(FieldProblem(spec.key, missing))
    return values, problems


def _incomplete(spec: FieldSpec, values: Mapping[str, Value]) -> Message | None:
    answer = values.get(spec.key)
    if answer is None:
        return msg("Please fill this in.") if spec.is_required(values) else None
    if isinstance(answer, str) and len(answer) < spec.min_length:
        return msg(
            "This has %(length)s characters; at least %(limit)s are asked for.",
            length=len(answer),
            limit=spec.min_length,
        )
    return None


__all__ = [
    "FIELDS_LIMIT",
    "FORMATS",
    "CategoryRules",
    "Choice",
    "EventSettings",
    "FieldSpec",
    "FieldType",
    "FileRules",
    "Label",
    "RequiredWhen",
    "Value",
    "check_values",
    "is_for_teams",
    "read_fields",
    "read_rules",
    "read_settings",
    "rules_from",
]
