"""Whether what was found in a file may stay, and the sentence when it may not: what, why, and what to do. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from concours.base.messages import Message, msg
from concours.media.limits import MAX_PIXELS
from concours.media.purposes import Demands
from concours.media.signatures import KINDS, SUFFIXES
from concours.media.words import in_mb, label, labels

FAULTS: dict[str, Message] = {
    "damaged": msg(
        "This file is damaged and cannot be read. Open it on your device; if it opens there, export it anew and"
        " upload that."
    ),
    "truncated": msg(
        "The end of this file is missing. It was cut off when it was recorded, copied or sent: choose the original"
        " on your device."
    ),
    "too_many_pixels": msg(
        "This image has %(megapixels)s megapixels; at most %(limit)s can be shown. Export it smaller, for example"
        " 8,000 pixels on the longer side, and upload it again."
    ),
    "no_pictures": msg("There is no moving picture in this file. Choose the video itself, not its sound."),
    "no_sound": msg("There is no sound in this file. Choose the recording itself."),
    "too_costly": msg(
        "Looking into this file took more time or memory than a file may. Export it in a usual size (for example"
        " 1080p) and upload it again."
    ),
    "unexpected": msg("This file could not be read. Export it anew, in a usual format, and upload it again."),
}
"""What the decoders say of a file that cannot be used, in words."""


@dataclass(frozen=True)
class Content:
    """What was found: the format by content ("" for unknown), bytes, and the decoders' facts or their fault."""

    filename: str
    form: str
    size: int
    facts: dict[str, Any]
    fault: str = ""


def refuse(content: Content, demands: Demands) -> Message | None:
    """Why `content` does not satisfy `demands`, or None when it does."""
    return next((reason for rule in RULES if (reason := rule(content, demands)) is not None), None)


def refuse_format(content: Content, demands: Demands) -> Message | None:
    """Only the formats that were asked for, by content; a format no decoder is let near is refused here, too."""
    if content.form in demands.formats and content.form in KINDS:
        return None
    wanted = labels(demands.formats)
    if not content.form:
        return msg("We do not know what is in this file. Accepted here: %(formats)s.", formats=wanted)
    suffix = content.filename.rpartition(".")[2].lower()
    claimed = next((form for form in demands.formats if suffix in SUFFIXES.get(form, ())), None)
    if claimed is not None:
        return msg(
            "This file says .%(suffix)s but its content is %(content)s. Export it as %(wanted)s and upload it again.",
            suffix=suffix,
            content=label(content.form),
            wanted=label(claimed),
        )
    return msg(
        "This file is %(content)s; accepted here: %(formats)s. Export it as one of these and upload it again.",
        content=label(content.form),
        formats=wanted,
    )


def _fault(content: Content, _demands: Demands) -> Message | None:
    if not content.fault:
        return None
    reason = FAULTS.get(content.fault, FAULTS["unexpected"])
    if content.fault == "too_many_pixels":
        return msg(
            reason.text, megapixels=str(content.facts.get("megapixels", "?")), limit=str(MAX_PIXELS // 1_000_000)
        )
    return reason


def _bytes(content: Content, demands: Demands) -> Message | None:
    if content.size > demands.max_bytes:
        return msg(
            "This file is %(size)s; at most %(limit)s is allowed here.",
            size=in_mb(content.size),
            limit=in_mb(demands.max_bytes),
        )
    if content.size < demands.min_bytes:
        return msg(
            "This file is %(size)s; at least %(limit)s is asked for here.",
            size=in_mb(content.size),
            limit=in_mb(demands.min_bytes),
        )
    return None


def _stillness(content: Content, _demands: Demands) -> Message | None:
    if content.facts.get("kind") == "image" and content.facts.get("frames", 1) > 1:
        return msg(
            "This is an animation of %(count)s pictures. Upload a single image.", count=str(content.facts["frames"])
        )
    return None


def _sides(content: Content, demands: Demands) -> Message | None:
    width, height = content.facts.get("width"), content.facts.get("height")
    if not width or not height:
        return None
    if demands.min_long_side is not None and max(width, height) < demands.min_long_side:
        return msg(
            "The longer side has %(found)s pixels; at least %(limit)s are asked for. Choose the original from the"
            " camera, not a copy sent by a messenger.",
            found=str(max(width, height)),
            limit=str(demands.min_long_side),
        )
    if demands.orientation == "landscape" and width < height:
        return msg("This is upright (%(sides)s); landscape is asked for.", sides=f"{width} × {height}")
    if demands.orientation == "portrait" and width > height:
        return msg("This is landscape (%(sides)s); an upright picture is asked for.", sides=f"{width} × {height}")
    return None


def _exif(content: Content, demands: Demands) -> Message | None:
    if demands.needs_exif and content.facts.get("kind") == "image" and not content.facts.get("exif"):
        return msg(
            "The camera's data (EXIF: camera and time of shooting) is missing. Upload the file as the camera wrote it:"
            " messengers and some editors remove this data."
        )
    return None


def _length(content: Content, demands: Demands) -> Message | None:
    found = content.facts.get("duration")
    if found is None:
        return None
    if demands.min_seconds is not None and found < demands.min_seconds:
        return msg(
            "This is %(found)s seconds long; at least %(limit)s are asked for.",
            found=f"{found:.1f}".removesuffix(".0"),
            limit=f"{demands.min_seconds:g}",
        )
    if demands.max_seconds is not None and found > demands.max_seconds + TOLERANCE_S:
        return msg(
            "This is %(found)s seconds long; at most %(limit)s are allowed. Shorten it and upload it again.",
            found=f"{found:.1f}".removesuffix(".0"),
            limit=f"{demands.max_seconds:g}",
        )
    return None


TOLERANCE_S = 0.5
"""A film that a phone calls one minute long is a few frames longer."""

RULES: tuple[Callable[[Content, Demands], Message | None], ...] = (
    refuse_format,
    _fault,
    _bytes,
    _stillness,
    _sides,
    _exif,
    _length,
)
"""In the order in which a person wants to hear of them: one reason at a time, the most basic first."""
