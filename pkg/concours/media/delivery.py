"""How files leave: where an asset's renditions are, and answers with ranges and caching.

urls(asset).pictures, .video, .sound, .poster; urls(asset).best(800)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from flask import Response, request, url_for
from werkzeug.http import quote_etag

from concours.base.errors import NotFound
from concours.base.messages import msg
from concours.base.storage import Storage, storage
from concours.media import names
from concours.media.models import Asset, AssetStatus, Rendition

FOR_EVER = "public, max-age=31536000, immutable"
"""For what is named by its content (RFC 8246)."""

PRIVATE = "private, no-cache"
INERT = "default-src 'none'; sandbox"
"""A file that a browser should open as a page all the same may do nothing."""

INLINE = {
    "mp4": "video/mp4",
    "mov": "video/mp4",  # the same boxes; browsers know them by this name
    "webm": "video/webm",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "wav": "audio/wav",
}
"""Formats that are played in the page, by the name browsers know them by."""


@dataclass(frozen=True)
class Shown:
    """A rendition and where it is; sides in pixels."""

    name: str
    url: str
    content_type: str
    width: int
    height: int


@dataclass(frozen=True)
class Urls:
    """Where the renditions of an asset are: `pictures` from narrow to wide; `video` and `sound` for playing."""

    pictures: tuple[Shown, ...] = ()
    video: Shown | None = None
    sound: Shown | None = None

    @property
    def srcset(self) -> str:
        """All pictures, as the attribute of an `img`."""
        return ", ".join(f"{p.url} {p.width}w" for p in self.pictures)

    @property
    def poster(self) -> str:
        """The widest picture's address, or ""."""
        return self.pictures[-1].url if self.pictures else ""

    def best(self, width: int) -> Shown | None:
        """The narrowest picture of at least `width` pixels, else the widest; None without pictures."""
        return next((p for p in self.pictures if p.width >= width), self.pictures[-1] if self.pictures else None)


def urls(asset: Asset) -> Urls:
    """Where the asset's renditions are; nothing of it before it is ready."""
    if asset.status != AssetStatus.READY:
        return Urls()
    shown = [_shown(row) for row in asset.renditions]
    return Urls(
        pictures=tuple(sorted((s for s in shown if s.content_type.startswith("image/")), key=lambda s: s.width)),
        video=next((s for s in shown if s.content_type.startswith("video/")), None),
        sound=next((s for s in shown if s.content_type.startswith("audio/")), None),
    )


def _shown(row: Rendition) -> Shown:
    url = url_for("media.rendition", name=row.storage_name)
    return Shown(row.name, url, row.content_type, row.width, row.height)


def send_rendition(name: str) -> Response:
    """The rendition with that public name, for anyone, to be kept for ever. Raises NotFound."""
    if not names.is_rendition(name):
        raise _no_such_file()
    content_type = names.CONTENT_TYPE[name.rpartition(".")[2]]
    return _send(names.path_of(name), content_type, etag=name.partition(".")[0], cache=FOR_EVER)


def send_inline(asset: Asset) -> Response:
    """The original of a film or recording, for playing it in a page. Raises NotFound for other kinds."""
    if asset.status != AssetStatus.READY or asset.format not in INLINE:
        raise _no_such_file()
    return _send(asset.storage_name, INLINE[asset.format], etag=asset.sha256, cache=PRIVATE)


def send_attachment(asset: Asset) -> Response:
    """The original as it was sent, to be saved, never to be opened in the page."""
    answer = _send(asset.storage_name, "application/octet-stream", etag=asset.sha256, cache=PRIVATE)
    answer.headers["Content-Disposition"] = _attachment(asset.filename or f"{asset.id}.{asset.format or 'bin'}")
    return answer


def _attachment(filename: str) -> str:
    """Content-Disposition with a name of any script (RFC 6266), and one in ASCII for old clients."""
    plain = re.sub(r'[^ -~]|["\\\\]', "_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _send(path: str, content_type: str, *, etag: str, cache: str) -> Response:
    """The stored file, whole or the one range that was asked for (RFC 9110, section 14). Raises NotFound."""
    keep = storage()
    try:
        size = keep.size(path)
    except FileNotFoundError:
        raise _no_such_file() from None
    headers = {"ETag": quote_etag(etag), "Accept-Ranges": "bytes", "Cache-Control": cache}
    if request.if_none_match.contains(etag):
        return Response(status=304, headers=headers)
    headers["Content-Security-Policy"] = INERT
    start, stop, status = 0, size, 200
    asked = request.range
    if asked is not None and asked.units == "bytes" and len(asked.ranges) == 1 and _is_still(etag):
        found = asked.range_for_length(size)
        if found is None:
            return Response(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
        (start, stop), status = found, 206
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    headers["Content-Length"] = str(stop - start)
    body = _pieces(keep, path, start, stop - start) if request.method != "HEAD" else ()
    return Response(body, status, headers, mimetype=content_type)


def _is_still(etag: str) -> bool:
    """Whether a range is wanted of this very content (If-Range)."""
    condition = request.if_range
    return condition.date is None and condition.etag in {None, etag}


def _pieces(keep: Storage, path: str, start: int, length: int) -> Iterator[bytes]:
    return keep.stream(path, start, length)


def _no_such_file() -> NotFound:
    return NotFound(msg("This file is not here, or not for you."))
