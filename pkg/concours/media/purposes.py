"""What files are for. Media knows no entry and no clip: the rooms above register a purpose each.

A purpose answers, for one `purpose_id`: may this account upload here, what must the content satisfy, what happens
when the bytes are in, what when the worker has looked inside, and who may fetch the original.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from concours.identity.models import Account
from concours.media.models import Asset

IMAGE_FORMATS = ("jpeg", "png", "heic", "webp")
VIDEO_FORMATS = ("mp4", "mov", "webm")
AUDIO_FORMATS = ("mp3", "m4a", "wav")


@dataclass(frozen=True)
class Demands:
    """What a file must satisfy; sizes in bytes, sides in pixels, times in seconds; None means no limit.

    `orientation`: `landscape`, `portrait` or "". `renditions`: widths in pixels for images; a video gets posters of
    those widths up to 800. `playback`: make the metadata-free `video` rendition that the public may watch; turn it
    off for what only its people see (they watch the original through `/assets/<id>/stream`).
    """

    formats: tuple[str, ...] = IMAGE_FORMATS
    min_bytes: int = 1
    max_bytes: int = 20 * 1024 * 1024
    min_long_side: int | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None
    orientation: str = ""
    needs_exif: bool = False
    renditions: tuple[int, ...] = (400, 800, 1600)
    playback: bool = True


@dataclass(frozen=True)
class Purpose:
    """The registered answers of one room.

    `authorise(account, purpose_id, details, size, now)` raises a DomainError or returns the Demands that are known
    before the content is (size and formats are refused at creation); it is asked again when the last byte arrives.
    Where it raises Closed then, it is asked once more with the moment that counts for an upload begun in time, which
    `attach` is given too.
    `attach(asset, details, now)` runs in the transaction that creates the asset (status `checking`).
    `demands(asset)` is what the worker holds the content against.
    `checked(asset, now)` runs in the transaction that makes the asset `ready` or `refused`.
    `may_fetch(account, asset)` says who may download the original.
    """

    name: str
    authorise: Callable[[Account, int, Mapping[str, str], int, datetime], Demands]
    attach: Callable[[Asset, Mapping[str, str], datetime], None]
    demands: Callable[[Asset], Demands]
    checked: Callable[[Asset, datetime], None]
    may_fetch: Callable[[Account, Asset], bool]
    queue: str = field(default="default")


_purposes: dict[str, Purpose] = {}


def register(purpose: Purpose) -> None:
    """Makes a purpose known (again: replaces it)."""
    _purposes[purpose.name] = purpose


def find(name: str) -> Purpose | None:
    """The purpose of that name, or None."""
    return _purposes.get(name)
