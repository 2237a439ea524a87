"""How stored files are called. All names are ours; what a person called a file is for display alone."""

import hashlib
import hmac
import re
from collections.abc import Iterable

RECIPE = "1"
"""Changes when renditions are made in another way: they get other names then, and caches do not keep the old ones."""

SUFFIX = {
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
}
CONTENT_TYPE = {suffix: content_type for content_type, suffix in SUFFIX.items()}

_RENDITION = re.compile(r"[0-9a-f]{40}\.(" + "|".join(CONTENT_TYPE) + ")")


def original(upload_id: str, sha256: str) -> str:
    """Where the original is stored: found by its content, and one asset's alone, so that deleting it is simple."""
    return f"originals/{sha256[:2]}/{sha256[2:4]}/{sha256}-{upload_id}"


def rendition(secret: str, sha256: str, name: str, content_type: str) -> str:
    """The public name of a rendition: the same for the same content, and not to be guessed from the content.

    HMAC-SHA256 with the platform's secret, cut to 160 bits: who knows the name may see the picture.
    """
    text = "\0".join(("rendition", RECIPE, sha256, name))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:40] + "." + SUFFIX[content_type]


def is_rendition(name: str) -> bool:
    """Whether `name` is formed like the public name of a rendition."""
    return _RENDITION.fullmatch(name) is not None


def path_of(rendition_name: str) -> str:
    """Where the rendition with that public name is stored."""
    return f"renditions/{rendition_name[:2]}/{rendition_name[2:4]}/{rendition_name}"


def paths(names: Iterable[str]) -> list[str]:
    """Where files are stored whose names are those of originals or the public ones of renditions."""
    return [path_of(name) if is_rendition(name) else name for name in names]
