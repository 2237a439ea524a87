"""Images: what the header says, whether all of it can be decoded, and its renditions.

The header is read with Pillow, which knows phones' metadata; decoding and scaling is libvips' work, about twice as fast
and by stripes. JPEG is decoded at the smallest power of two that is still large enough: all of its data is
read for it all the same, so a truncated file is found out by the very pass that makes the renditions.
"""

import io
import math
import os
import warnings
from typing import Any

os.environ.setdefault("VIPS_CONCURRENCY", "1")  # one core per file: there are as many workers as cores
os.environ.setdefault("VIPS_DISC_THRESHOLD", "2g")  # no temporary files: none can be opened here

import pillow_heif
import pyvips
from PIL import ExifTags, Image, ImageFile

from concours.media.sandboxed import colour
from concours.media.sandboxed.wire import Findings, Picture, Task, Unusable

PILLOW_FORMATS = {"jpeg": ["JPEG", "MPO"], "png": ["PNG"], "webp": ["WEBP"], "heic": ["HEIF"]}
LOADERS = {"jpeg": "jpegload_buffer", "png": "pngload_buffer", "webp": "webpload_buffer"}
TALLEST = 4
"""A rendition is at most so many times as tall as its nominal width."""

QUALITY = 78
EFFORT = 0
"""WebP's cheapest effort: at the same quality a quarter of the time of the usual effort for a tenth more bytes, and
still half the bytes of JPEG."""

ORIENTATION = 0x0112
GPS = 0x8825
SIDEWAYS = {5, 6, 7, 8}
USABLE_TEXT = 80


def prepare() -> None:
    """Loads all that decoding needs, before files cannot be opened any more."""
    pillow_heif.register_heif_opener(thumbnails=False)
    Image.MAX_IMAGE_PIXELS = None  # the cap is the task's, held before anything is decoded
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    pyvips.cache_set_max(0)
    Image.init()
    warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which is no reason to refuse a picture


def look(task: Task, original: int, _copy: int) -> Findings:
    """The facts of an image and its renditions. Raises Unusable."""
    with os.fdopen(original, "rb") as file:
        data = file.read()
    facts, opened = _header(task, data)
    facts["decoder"] = "heif" if task.form == "heic" else "vips"
    try:
        picture = _decode(task, data, facts, opened)
    except pyvips.Error as broken:
        raise Unusable("damaged") from broken
    pictures = [encode(f"w{width}", scaled) for width, scaled in _scaled(picture, task.widths)]
    return Findings(facts=facts, pictures=pictures)


def _header(task: Task, data: bytes) -> tuple[dict[str, Any], Image.Image]:
    try:
        opened = Image.open(io.BytesIO(data), formats=PILLOW_FORMATS[task.form])
        width, height = opened.size
        frames = 1 if opened.format in {"MPO", "HEIF"} else getattr(opened, "n_frames", 1)
    except Exception as broken:
        raise Unusable("damaged") from broken
    if width * height > task.max_pixels:
        raise Unusable("too_many_pixels", megapixels=round(width * height / 1_000_000))
    facts: dict[str, Any] = {"kind": "image", "frames": frames} | _metadata(opened)
    if facts.pop("orientation") in SIDEWAYS:
        width, height = height, width
    facts |= {"width": width, "height": height}
    return facts, opened


def _metadata(opened: Image.Image) -> dict[str, Any]:
    """What the camera wrote; broken metadata is none."""
    found: dict[str, Any] = {
        "exif": False,
        "gps": False,
        "icc": bool(opened.info.get("icc_profile")),
        "orientation": 1,
        "camera": "",
        "taken_at": "",
    }
    try:
        exif = opened.getexif()
        inner = exif.get_ifd(ExifTags.IFD.Exif)
        found["camera"] = _text(exif.get(ExifTags.Base.Make)) + " " + _text(exif.get(ExifTags.Base.Model))
        found["camera"] = found["camera"].strip()
        found["taken_at"] = _text(inner.get(ExifTags.Base.DateTimeOriginal))
        found["gps"] = GPS in exif
        orientation = exif.get(ORIENTATION, 1)
        found["orientation"] = orientation if orientation in range(1, 9) else 1
    except Exception:
        return found
    found["exif"] = bool(found["camera"] and found["taken_at"])
    return found


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return "".join(c for c in value if c.isprintable())[:USABLE_TEXT].strip() if isinstance(value, str) else ""


def _decode(task: Task, data: bytes, facts: dict[str, Any], opened: Image.Image) -> Any:
    """The image upright, in sRGB, wholly decoded, as small as its largest rendition allows (a pyvips image)."""
    largest = max(task.widths, default=400)
    if task.form == "heic":
        source = _from_heif(opened)
    elif task.form == "jpeg":
        needed = _within(facts["width"], facts["height"], largest)
        shrink = next((n for n in (8, 4, 2) if facts["width"] // n >= needed), 1)
        source = pyvips.Image.jpegload_buffer(data, shrink=shrink, fail_on="error", access="sequential")
    else:
        source = getattr(pyvips.Image, LOADERS[task.form])(data, fail_on="error", access="sequential")
    options: dict[str, Any] = {}
    if source.get_typeof("icc-profile-data") and not colour.is_srgb(source.get("icc-profile-data")):
        options["export_profile"] = "srgb"
    small = shrink_to(source, facts["width"], facts["height"], largest, intent="relative", **options)
    if small.interpretation not in {"srgb", "b-w"}:
        small = small.colourspace("srgb")
    if small.format != "uchar":
        small = small.cast("uchar")
    return small.copy_memory()


def shrink_to(source: Any, width: int, height: int, nominal: int, **options: Any) -> Any:
    """`source`, shown as `width` x `height`, within the area of a square of side `nominal` and never larger.

    So an upright picture costs what a landscape one costs, and a scroll stays as readable as a square.
    """
    tallest = nominal * TALLEST
    return source.thumbnail_image(_within(width, height, nominal), height=tallest, size="down", **options)


def _within(width: int, height: int, nominal: int) -> int:
    """How wide the rendition of that name is at most: a square's side, of an upright picture less."""
    return max(1, round(nominal * min(1.0, math.sqrt(width / height))))


def _from_heif(opened: Image.Image) -> Any:
    """A phone's HEIC: libvips has no decoder for it. The decoder has turned it upright already."""
    try:
        opened.load()
        upright = opened.convert("RGBA" if "A" in opened.mode else "RGB")
    except Exception as broken:
        raise Unusable("damaged") from broken
    bands = len(upright.getbands())
    picture = pyvips.Image.new_from_memory(upright.tobytes(), upright.width, upright.height, bands, "uchar")
    picture = picture.copy(interpretation="srgb")
    profile = opened.info.get("icc_profile")
    if profile:
        picture.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return picture


def _scaled(picture: Any, widths: tuple[int, ...]) -> list[tuple[int, Any]]:
    """The image at each width, each made of the next wider one, never larger than it is: of two that would be the same
    the narrower name stands."""
    found: list[tuple[int, Any]] = []
    for width in sorted(widths, reverse=True):
        scaled = shrink_to(picture, picture.width, picture.height, width, no_rotate=True)
        if scaled.width < picture.width:
            picture = scaled.copy_memory()
        elif found:
            found.pop()
        found.append((width, picture))
    return found


def encode(name: str, picture: Any) -> Picture:
    data = picture.webpsave_buffer(Q=QUALITY, effort=EFFORT, keep="none")
    return Picture(name, "image/webp", picture.width, picture.height, data)
