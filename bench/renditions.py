"""Renditions of a 12-megapixel JPEG, as a worker makes them (its decoding process, sandbox and fork included), over
what Pillow needs to decode it for 1,600 pixels alone."""

import io
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.frame import Options, at_least, say

WIDTH, HEIGHT = 4_000, 3_000
WIDTHS = (200, 400, 800, 1_600)  # the product makes the last three of an entry
LARGEST = 1_600
QUALITY = 92
TURNED = 6  # EXIF: held upright
ORIENTATION = 0x0112
IMAGES = 12
CONTRAST = 18.0  # of an octave, standard deviation in levels
GRAIN = 3.0
SETTLE_S = 0.3  # the decoding process has reaped its last child

GOALS = {"renditions_over_draft": at_least(1.0)}


def method(options: Options) -> str:
    """How it is taken."""
    return (
        f"{options.rounds} rounds of {options.sized(IMAGES, 3)} images each way in turn, processor time of all "
        f"processes; {WIDTH} x {HEIGHT} JPEG with ICC and EXIF orientation, {len(WIDTHS)} WebP up to {LARGEST} px"
    )


def photograph(profile: bytes) -> bytes:
    """A JPEG with the statistics of a photograph, some 4 MB: the same contrast in each octave of detail (D. J. Field,
    J. Opt. Soc. Am. A 4, 1987), less in the finest, which a lens softens; colour in large areas; the sensor's grain."""
    import numpy as np
    from PIL import Image

    chance = np.random.default_rng(7)

    def octave(cell: int, bands: int) -> Any:
        small = chance.normal(0, 1, (HEIGHT // cell + 2, WIDTH // cell + 2, bands)).astype(np.float32)
        grown = [
            np.asarray(Image.fromarray(small[..., band]).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
            for band in range(bands)
        ]
        return np.stack(grown, -1)

    pixels = np.full((HEIGHT, WIDTH, 3), 118, dtype=np.float32)
    for cell in (1_024, 256):
        pixels += CONTRAST * octave(cell, 3)
    for cell, share in ((512, 1), (128, 1), (64, 1), (32, 1), (16, 1), (8, 0.7), (4, 0.35)):
        pixels += CONTRAST * share * octave(cell, 1)
    pixels += chance.normal(0, GRAIN, (HEIGHT, WIDTH, 1)).astype(np.float32)
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED
    exif[0x010F] = "Bench"
    out = io.BytesIO()
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    picture.save(out, "JPEG", quality=QUALITY, exif=exif.tobytes(), icc_profile=profile)
    return out.getvalue()


def profiles() -> tuple[bytes, bytes]:
    """sRGB, as most phones write it, and a profile with other colours, which have to be converted."""
    from PIL import ImageCms

    srgb = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    wider = bytearray(srgb)
    at = wider.find(b"rXYZ", 128)  # its entry in the table of tags: name, offset, length
    offset = int.from_bytes(wider[at + 4 : at + 8], "big")
    wider[offset + 8 : offset + 12] = round(0.5151 * 65536).to_bytes(4, "big")  # the red of Display P3
    return bytes(srgb), bytes(wider)


def _tree_seconds(pid: int) -> float:
    """Processor time of a process and of the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _draft(data: bytes) -> None:
    from PIL import Image

    opened = Image.open(io.BytesIO(data))
    opened.draft("RGB", (LARGEST, LARGEST))
    opened.thumbnail((LARGEST, LARGEST))


def _drafts(data: bytes, count: int) -> float:
    begun = time.process_time()
    for _ in range(count):
        _draft(data)
    return count / (time.process_time() - begun)


def _renditions(data: bytes, count: int, folder: Path) -> float:
    from concours.media import sandbox

    decoder = sandbox.start()._process.pid
    begun, theirs = time.process_time(), _tree_seconds(decoder)
    for _ in range(count):
        with tempfile.TemporaryFile(dir=folder) as original, sandbox.work_file(folder) as copy:
            original.write(data)
            original.flush()
            original.seek(0)
            found = sandbox.look(original, "jpeg", len(data), copy, widths=WIDTHS)
        if found.fault or [p.name for p in found.pictures] == [] or len(found.pictures) != len(WIDTHS):
            raise RuntimeError(f"no renditions: {found.fault or found.pictures}")
        if found.facts["width"] >= found.facts["height"]:
            raise RuntimeError("the picture was not turned upright")
    ours = time.process_time() - begun
    time.sleep(SETTLE_S)
    return count / (ours + _tree_seconds(decoder) - theirs)


def run(options: Options) -> dict[str, Any]:
    """Measures; returns the figures by name."""
    from bench import stack
    from concours.media import sandbox

    srgb, wider = (photograph(profile) for profile in profiles())
    rates: dict[str, list[float]] = {"draft": [], "renditions": [], "converted": []}
    count = options.sized(IMAGES, 3)
    with stack.folder() as folder:
        sandbox.start()
        try:
            _drafts(srgb, 1)
            _renditions(srgb, 1, folder)
            for number in range(1, options.rounds + 1):
                rates["draft"].append(_drafts(srgb, count))
                rates["renditions"].append(_renditions(srgb, count, folder))
                rates["converted"].append(_renditions(wider, count, folder))
                say(f"round {number}:", *(f"{name} {found[-1]:.2f}/s" for name, found in rates.items()))
        finally:
            sandbox.stop()
    medians = {name: statistics.median(found) for name, found in rates.items()}
    return {
        "draft_per_core_s": medians["draft"],
        "renditions_per_core_s": medians["renditions"],
        "converted_per_core_s": medians["converted"],
        "renditions_over_draft": medians["renditions"] / medians["draft"],
        "converted_over_draft": medians["converted"] / medians["draft"],
        "jpeg_bytes": len(srgb),
        "rounds": rates,
    }
