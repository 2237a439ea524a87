"""Videos for the replay: a team at its calisthenics, encoded as H.264 in MP4.

Encoding every one of thousands of clips anew would measure the encoder. A small stock is encoded; each
clip is one of them with a `free` box of its own (ISO/IEC 14496-12, 8.1.2), so that no two files are equal.
"""

import math
import struct
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

FRAMES_PER_SECOND = 15
GROUNDS = ((206, 222, 226), (228, 218, 200), (210, 220, 202), (222, 212, 222), (200, 208, 222))
SHIRTS = ((196, 52, 40), (36, 92, 148), (32, 120, 96), (232, 160, 40), (90, 70, 140))


def _figure(
    draw: ImageDraw.ImageDraw, x: float, ground: float, tall: float, beat: float, shirt: tuple[int, int, int]
) -> None:
    swing = math.sin(beat * math.tau)
    lift = 0.5 - 0.5 * math.cos(beat * math.tau)
    hop = tall * 0.04 * lift
    hip, neck, head = ground - tall * 0.46 - hop, ground - tall * 0.82 - hop, tall * 0.085
    thick = max(3, int(tall * 0.06))
    legs = tall * (0.06 + 0.12 * lift)
    for side in (-1, 1):
        draw.line((x, hip, x + side * legs, ground - hop), fill=(44, 48, 62), width=thick)
        angle = math.radians(20 + 140 * lift) if side * swing > -2 else 0.0
        elbow = (x + side * math.sin(angle) * tall * 0.2, neck + tall * 0.04 + math.cos(angle) * tall * 0.2)
        hand = (elbow[0] + side * math.sin(angle * 1.15) * tall * 0.18, elbow[1] + math.cos(angle * 1.15) * tall * 0.18)
        draw.line((x, neck + tall * 0.04, *elbow, *hand), fill=(226, 178, 148), width=thick - 1, joint="curve")
    draw.line((x, hip, x, neck + tall * 0.03), fill=shirt, width=int(thick * 2.4))
    draw.ellipse((x - head, neck - head * 2.1, x + head, neck - head * 0.1), fill=(226, 178, 148))
    draw.pieslice((x - head, neck - head * 2.2, x + head, neck - head * 0.3), 180, 360, fill=(40, 34, 32))


def exercise(
    rng: np.random.Generator, *, seconds: float, width: int = 640, height: int = 360, people: int = 5
) -> bytes:
    """A clip of `seconds` in which `people` exercise in time, as the bytes of an MP4 file."""
    ground_colour, shirt = GROUNDS[rng.integers(len(GROUNDS))], SHIRTS[rng.integers(len(SHIRTS))]
    tempo = rng.uniform(0.55, 0.8)
    with (
        tempfile.NamedTemporaryFile(suffix=".mp4") as out,  # faststart reads its own output again
        av.open(out.name, "w", options={"movflags": "faststart"}) as container,
    ):
        stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options={"crf": "30", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, FRAMES_PER_SECOND)
        for number in range(math.ceil(seconds * FRAMES_PER_SECOND)):
            picture = Image.new("RGB", (width, height), ground_colour)
            draw = ImageDraw.Draw(picture)
            draw.rectangle((0, int(height * 0.72), width, height), fill=tuple(int(c * 0.82) for c in ground_colour))
            draw.rectangle(
                (int(width * 0.1), int(height * 0.1), int(width * 0.9), int(height * 0.17)), fill=(176, 40, 30)
            )
            for index in range(people):
                row = index % 2
                x = width * (index + 1) / (people + 1)
                beat = number / FRAMES_PER_SECOND * tempo + rng.normal(0, 0.004)
                _figure(draw, x, height * (0.86 + 0.09 * row), height * (0.55 + 0.07 * row), beat, shirt)
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
        container.close()
        return Path(out.name).read_bytes()


def with_mark(film: bytes, mark: str) -> bytes:
    """The same film as another file: a `free` box that holds `mark` is added at its end; players skip it."""
    body = mark.encode()
    return film + struct.pack(">I", 8 + len(body)) + b"free" + body
