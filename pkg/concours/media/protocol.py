"""tus 1.0 on paper: its headers read and checked, and what it refuses. https://tus.io/protocols/resumable-upload

Nothing here touches a file, the database or Flask.
"""

import base64
import binascii
import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from werkzeug.datastructures import Headers

from concours.base import typed
from concours.base.errors import Conflict, DomainError
from concours.base.messages import msg
from concours.media.limits import FILENAME_CHARACTERS, METADATA_BYTES, METADATA_PAIRS

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
ALGORITHMS = ("sha256", "sha1")  # the protocol asks every server for sha1
BODY_TYPE = "application/offset+octet-stream"

OURS = frozenset({"filename", "filetype", "name", "type", "relativepath", "purpose", "purpose_id"})
"""Keys of Upload-Metadata that are not the room's `details`."""


class Malformed(DomainError):
    """A header of the protocol cannot be read (400)."""

    code = "malformed"


class WrongVersion(DomainError):
    """The client does not speak tus 1.0.0 (412)."""

    code = "tus_version"


class WrongBody(DomainError):
    """The body is not declared as application/offset+octet-stream (415)."""

    code = "wrong_content_type"


class ChecksumMismatch(DomainError):
    """The body is not what its checksum says (460, as the checksum extension has it); nothing of it was kept."""

    code = "checksum_mismatch"


class Busy(DomainError):
    """Another request writes to this upload at the moment (423)."""

    code = "upload_busy"


class OffsetConflict(Conflict):
    """The body does not begin where the upload stands (409); HEAD tells where that is."""

    code = "offset_conflict"

    def __init__(self, offset: int) -> None:
        super().__init__(
            msg("The upload stands at byte %(offset)d.", offset=offset),
            hint=msg("Ask with HEAD where it stands and go on from there."),
        )
        self.offset = offset


@dataclass(frozen=True)
class Asked:
    """What a creation asks for: `size` in bytes, `details` are the room's own words about the file."""

    size: int
    filename: str
    purpose: str
    purpose_id: int
    details: Mapping[str, str] = field(default_factory=dict)
    metadata: str = ""


def require_version(headers: Headers) -> None:
    """Raises WrongVersion unless the client says that it speaks this version."""
    if headers.get("Tus-Resumable") != VERSION:
        raise WrongVersion(msg("This address speaks the upload protocol tus %(version)s.", version=VERSION))


def read_creation(headers: Headers) -> Asked:
    """Length and metadata of a new upload. Raises Malformed or Invalid."""
    if "Upload-Defer-Length" in headers:
        raise Malformed(msg("The length of the file must be told at the beginning (Upload-Length)."))
    size = _number(headers, "Upload-Length")
    raw = headers.get("Upload-Metadata", "")
    pairs = read_metadata(raw)
    purpose_id = typed.number(pairs.get("purpose_id"))
    if not purpose_id:
        raise Malformed(msg("Upload-Metadata must say what the file is for (purpose, purpose_id)."))
    return Asked(
        size=size,
        filename=clean_filename(pairs.get("filename") or pairs.get("name") or ""),
        purpose=pairs.get("purpose", ""),
        purpose_id=purpose_id,
        details={key: clean_text(value) for key, value in pairs.items() if key.lower() not in OURS},
        metadata=raw,
    )


def read_metadata(raw: str) -> dict[str, str]:
    """The pairs of an Upload-Metadata header. Raises Malformed."""
    if len(raw) > METADATA_BYTES:
        raise Malformed(msg("Upload-Metadata is longer than %(limit)d bytes.", limit=METADATA_BYTES))
    pairs: dict[str, str] = {}
    for part in raw.split(","):
        key, _, value = part.strip().partition(" ")
        if not key and not raw.strip():
            continue
        try:
            text = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            key = ""
            text = ""
        if not key or key in pairs or not key.isascii() or not key.isprintable() or len(pairs) >= METADATA_PAIRS:
            raise Malformed(msg("Upload-Metadata cannot be read."))
        pairs[key] = text
    return pairs


def read_offset(headers: Headers) -> int:
    """Upload-Offset in bytes. Raises Malformed."""
    return _number(headers, "Upload-Offset")


def read_checksum(headers: Headers) -> "tuple[Any, bytes] | None":
    """A fresh hash object and the digest expected, or None where no checksum was sent. Raises Malformed."""
    raw = headers.get("Upload-Checksum")
    if raw is None:
        return None
    algorithm, _, value = raw.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise Malformed(msg("Upload-Checksum must be one of: %(algorithms)s.", algorithms=", ".join(ALGORITHMS)))
    try:
        expected = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        expected = b""
    found = hashlib.new(algorithm, usedforsecurity=False)
    if len(expected) != found.digest_size:
        raise Malformed(msg("Upload-Checksum cannot be read."))
    return found, expected


def expires(moment: datetime) -> str:
    """Upload-Expires, as HTTP writes dates."""
    return format_datetime(moment, usegmt=True)


def clean_filename(name: str) -> str:
    """A file's name for display alone: no folders, no invisible or control characters, at most 255 characters.

    The end is kept when it is too long, because people know a file by its suffix.
    """
    name = clean_text(name.replace("\\", "/").rsplit("/", 1)[-1])
    if len(name) <= FILENAME_CHARACTERS:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > 10:
        return name[:FILENAME_CHARACTERS]
    return stem[: FILENAME_CHARACTERS - len(suffix) - 2] + "…." + suffix


def clean_text(text: str) -> str:
    """Without control, direction-changing and other invisible characters, which deceive or cannot be stored."""
    kept = (
        c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    return "".join(kept).strip()


def _number(headers: Headers, name: str) -> int:
    found = typed.number(headers.get(name))
    if found is None:
        raise Malformed(msg("%(header)s must be a whole number of bytes.", header=name))
    return found
