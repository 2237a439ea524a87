"""A category's rules in plain words, for authors; and labels of data in the reader's language."""

from flask import Flask
from flask_babel import get_locale

from concours.base.messages import Message, msg, nmsg
from concours.events.fields import FieldSpec, Label
from concours.events.models import Event, MediaKind
from concours.events.rules import MIB, CategoryRules, EventSettings, FileRules, read_rules, read_settings
from concours.identity.grants import ROLE_NAMES

FORMAT_NAMES = {"jpeg": "JPEG", "png": "PNG", "heic": "HEIC", "webp": "WebP", "webm": "WebM"}
ORIENTATIONS = {"landscape": msg("in landscape format"), "portrait": msg("in portrait format")}


def bytes_in_words(size: int) -> str:
    """Bytes as GB or MB (powers of 1,024) with at most one decimal; less than a tenth of an MB as KB."""
    if size >= 1024 * MIB:
        return f"{size / MIB / 1024:.1f}".removesuffix(".0") + " GB"
    return f"{size / MIB:.1f}".removesuffix(".0") + " MB" if size >= MIB / 10 else f"{max(1, size // 1024)} KB"


def seconds_in_words(seconds: float) -> Message:
    """A length of time: whole minutes as minutes, anything else in seconds."""
    if seconds >= 60 and seconds % 60 == 0:
        return nmsg("%(count)s minute", "%(count)s minutes", int(seconds // 60))
    return nmsg("%(count)s second", "%(count)s seconds", int(seconds))


def format_name(name: str) -> str:
    """A file format as people write it."""
    return FORMAT_NAMES.get(name, name.upper())


def role_name(role: str) -> Message:
    """The word for a role."""
    return ROLE_NAMES.get(role) or Message(role)


def rules_in_words(rules: CategoryRules, media_kind: str) -> list[Message]:
    """What an entry must be, one sentence each, without the organiser's own description."""
    files = rules.files
    said = [_count(files, media_kind)]
    if files.max_count and files.formats:
        names = ", ".join(format_name(name) for name in files.formats)
        said.append(msg("Format: %(formats)s", formats=names))
        said.append(_sizes(files))
    if files.min_seconds is not None or files.max_seconds is not None:
        said.append(_length(files))
    if files.min_long_side is not None:
        said.append(msg("The longer side has at least %(pixels)s pixels", pixels=files.min_long_side))
    if files.orientation:
        said.append(msg("Taken %(orientation)s", orientation=ORIENTATIONS[files.orientation]))
    if files.needs_exif:
        said.append(msg("With the camera's EXIF data whole"))
    if rules.per_author is not None:
        said.append(
            nmsg("At most %(count)s entry of each author", "At most %(count)s entries of each author", rules.per_author)
        )
    return said


def _count(files: FileRules, media_kind: str) -> Message:
    least, most = files.min_count, files.max_count
    if media_kind == MediaKind.TEXT or most == 0:
        return msg("A text, written into the form")
    if media_kind == MediaKind.SERIES:
        return msg("A series of %(least)s to %(most)s pictures in order counts as one work", least=least, most=most)
    if media_kind == MediaKind.VIDEO:
        return nmsg("%(count)s video", "up to %(count)s videos", most)
    if media_kind == MediaKind.AUDIO:
        return nmsg("%(count)s recording", "up to %(count)s recordings", most)
    if least == most:
        return nmsg("%(count)s picture", "%(count)s pictures", most)
    return msg("%(least)s to %(most)s pictures", least=least, most=most)


def _sizes(files: FileRules) -> Message:
    most = bytes_in_words(files.max_bytes)
    if files.min_bytes > 1:
        return msg("Each file from %(least)s to %(most)s", least=bytes_in_words(files.min_bytes), most=most)
    return msg("Each file up to %(most)s", most=most)


def _length(files: FileRules) -> Message:
    if files.min_seconds is None and files.max_seconds is not None:
        return msg("Up to %(most)s long", most=seconds_in_words(files.max_seconds))
    if files.max_seconds is None:
        return msg("At least %(least)s long", least=seconds_in_words(files.min_seconds or 0))
    return msg(
        "From %(least)s to %(most)s long",
        least=seconds_in_words(files.min_seconds or 0),
        most=seconds_in_words(files.max_seconds),
    )


def settings_in_words(settings: EventSettings) -> list[Message]:
    """What the event asks of everybody, one sentence each."""
    said: list[Message] = []
    if settings.per_author_total is not None:
        said.append(
            nmsg(
                "Each author may submit %(count)s entry in all.",
                "Each author may submit up to %(count)s entries in all.",
                settings.per_author_total,
            )
        )
    if settings.one_category_per_author:
        said.append(msg("Each author takes part in one category only."))
    if settings.max_entries_per_department is not None:
        said.append(
            msg("Each department may submit up to %(count)s entries.", count=settings.max_entries_per_department)
        )
    if settings.max_teams_per_department is not None:
        said.append(msg("Each department may enter up to %(count)s teams.", count=settings.max_teams_per_department))
    return said


def label_text(label: Label | str) -> str:
    """A label of data in the reader's language."""
    locale = get_locale()
    language = "en" if locale is not None and locale.language == "en" else "zh"
    return label if isinstance(label, str) else label.text(language)


def answer_text(spec: FieldSpec, value: object) -> str:
    """An answer to a field in the reader's language."""
    locale = get_locale()
    return spec.shown(value, "en" if locale is not None and locale.language == "en" else "zh")


def general_rules(event: Event) -> list[Message]:
    """`settings_in_words` of the event."""
    return settings_in_words(read_settings(event))


def init_words(app: Flask) -> None:
    """Filters for templates: `label|worded`, `spec|answer(value)`, `category|rules_of` and `rules|in_words(kind)`."""
    app.jinja_env.filters.update(
        worded=label_text,
        answer=answer_text,
        rules_of=read_rules,
        in_words=rules_in_words,
        bytes_in_words=bytes_in_words,
        role_name=role_name,
        role_pair=lambda role: (str(role), ROLE_NAMES[role]),
        spec_pair=lambda spec: (spec.key, label_text(spec.label)),
        format_pair=lambda name: (name, format_name(name)),
        itself_pair=lambda name: (name, name),
    )
