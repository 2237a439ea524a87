"""Videos and sound: what is in the container, whether it is all there, and a poster; the copy to be shown is made by
`copies`."""

import importlib
import os
import pkgutil
from typing import Any, BinaryIO

import av
import av.container
import numpy as np
import pyvips
from av.error import FFmpegError

from concours.media.sandboxed import copies, images
from concours.media.sandboxed.copies import codec_name, moving, voices
from concours.media.sandboxed.wire import Findings, Picture, Task, Unusable
from concours.media.signatures import KINDS

DEMUXERS = {
    "mp4": "mov",
    "mov": "mov",
    "m4a": "mov",
    "webm": "matroska",
    "mp3": "mp3",
    "wav": "wav",
}
NOTHING_ELSE = {"protocol_whitelist": "none", "format_whitelist": "mov,matroska,webm,mp3,wav"}
"""A container may not make the decoder open another file: playlists and references do."""

POSTER_AT = (0.1, 0.3, 0.6)
"""Where a good frame is looked for, as parts of the length; the first that is neither dark nor flat is taken."""

POSTER_AT_MOST_S = 3.0
LIVELY = 12.0
"""Standard deviation of the brightness (0 to 255) from which a frame shows something."""

WIDEST_POSTER = 800

FORWARD_FRAMES = 90
"""Frames decoded forward from a key frame to the moment that is looked for."""

LONGEST_SIDE = 8192


def prepare() -> None:
    """Loads all that decoding needs, before files cannot be opened any more: PyAV imports parts of itself when it
    meets the first stream of a kind."""
    av.logging.set_level(av.logging.PANIC)
    for part in pkgutil.walk_packages(av.__path__, "av."):
        if not part.name.endswith("__main__"):
            importlib.import_module(part.name)
    np.zeros(1).std()


def look(task: Task, original: int, copy: int) -> Findings:
    """The facts of a video or a sound file, its posters and its playable copy. Raises Unusable."""
    with os.fdopen(original, "rb") as file, os.fdopen(copy, "r+b") as target:
        try:
            with _open(task, file) as container:
                facts = _facts(task, container)
                pictures = _look_at_pictures(task, container, facts) if facts["kind"] == "video" else []
            playable: dict[str, Any] = {}
            if task.playable:
                with _open(task, file) as container:
                    playable = copies.wrap_anew(container, task.form, facts, target)
        except (FFmpegError, EOFError, ValueError, ArithmeticError) as broken:
            raise Unusable("damaged") from broken
    return Findings(facts=facts, pictures=pictures, playable=playable)


def _open(task: Task, file: BinaryIO) -> Any:
    file.seek(0)
    return av.open(file, format=DEMUXERS[task.form], options=dict(NOTHING_ELSE), metadata_errors="replace")


def _facts(task: Task, container: Any) -> dict[str, Any]:
    pictures = moving(container)
    sounds = voices(container)
    wanted = KINDS[task.form]
    if wanted == "video" and not pictures:
        raise Unusable("no_pictures")
    if wanted == "audio" and not sounds:
        raise Unusable("no_sound")
    facts: dict[str, Any] = {
        "kind": wanted,
        "sound": codec_name(sounds[0]) if sounds else "",
        "duration": container.duration / av.time_base if container.duration else 0.0,
    }
    if wanted == "video":
        stream = pictures[0]
        facts["codec"] = codec_name(stream)
        facts["width"], facts["height"] = _shown_sides(stream)
        rate = stream.average_rate or stream.guessed_rate
        facts["frames_per_second"] = round(float(rate), 2) if rate else 0.0
    if task.form != "webm" or not facts["duration"]:
        _hold_against_index(task, container, facts)
    return facts


def _shown_sides(stream: Any) -> tuple[int, int]:
    """Width and height of the frames, stretched as they are meant to be seen; not turned yet."""
    context = stream.codec_context
    width, height = context.width, context.height
    if not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE):
        raise Unusable("damaged")
    aspect = stream.sample_aspect_ratio
    if aspect and aspect.numerator and aspect != 1:
        width = round(width * aspect)
    return width, height


def _hold_against_index(task: Task, container: Any, facts: dict[str, Any]) -> None:
    """Raises Unusable when the container tells of samples that lie behind the end of the file.

    Where there is no index (recorders in browsers write WebM without a length) the packets are counted through.
    """
    if task.form in {"mp4", "mov", "m4a"}:
        for stream in container.streams:
            entries = stream.index_entries
            if len(entries) and any(e.pos + e.size > task.size for e in (entries[0], entries[-1])):
                raise Unusable("truncated")
    if facts["duration"]:
        return
    end = 0.0
    for packet in container.demux(*container.streams.video, *container.streams.audio):
        if packet.pts is not None:
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    facts["duration"] = end
    container.seek(0)


def _look_at_pictures(task: Task, container: Any, facts: dict[str, Any]) -> list[Picture]:
    """Posters of a good frame; the end of the film is decoded as well, to see that it is there."""
    stream = moving(container)[0]
    stream.thread_type = "NONE"
    length = facts["duration"]
    best: Any = None
    liveliest = -1.0
    for part in POSTER_AT:
        frame = _frame_at(container, stream, min(length * part, POSTER_AT_MOST_S if part == POSTER_AT[0] else length))
        if frame is None:
            continue
        liveliness = float(frame.reformat(width=64, height=36, format="gray").to_ndarray().std())
        if liveliness > liveliest:
            best, liveliest = frame, liveliness
        if liveliness >= LIVELY:
            break
    if best is None:
        raise Unusable("damaged")
    _see_the_end(container, stream, length)
    turned = round(best.rotation) % 360
    if turned in {90, 270}:
        facts["width"], facts["height"] = facts["height"], facts["width"]
    facts["rotation"] = turned
    return _posters(best, facts, task.widths)


def _frame_at(container: Any, stream: Any, moment: float) -> Any:
    """The frame shown `moment` seconds after the beginning: a seek lands on a key frame before it, so it is decoded
    forward from there, by at most `FORWARD_FRAMES` frames. None where there is none."""
    start = stream.start_time or 0
    container.seek(start + int(moment / stream.time_base), stream=stream, backward=True)
    found = None
    for count, frame in enumerate(container.decode(stream)):
        found = frame
        if count >= FORWARD_FRAMES or (frame.pts is not None and (frame.pts - start) * stream.time_base >= moment):
            break
    return found


def _see_the_end(container: Any, stream: Any, length: float) -> None:
    """Raises Unusable when the last part of a film that says how long it is cannot be read.

    Sound counts too: where nothing moves at the end, recorders write no more frames.
    """
    if length < 2:
        return
    start = stream.start_time or 0
    container.seek(start + int(length * 0.95 / stream.time_base), stream=stream, backward=True)
    last = 0.0
    decoded = 0
    for packet in container.demux(stream, *container.streams.audio):
        if packet.pts is None:
            continue
        if packet.is_corrupt:
            raise Unusable("truncated")
        begins = start if packet.stream is stream else packet.stream.start_time or 0
        last = max(last, float((packet.pts + (packet.duration or 0) - begins) * packet.time_base))
        if decoded == 0 and packet.stream is stream:
            decoded = len(packet.decode())
    if decoded == 0 or last < length * 0.98 - 1:
        raise Unusable("truncated")


def _posters(frame: Any, facts: dict[str, Any], widths: tuple[int, ...]) -> list[Picture]:
    """The frame upright at its poster widths, the widest first as `poster`."""
    wanted = sorted((w for w in widths if w <= WIDEST_POSTER), reverse=True)
    if not wanted:
        return []
    turned = facts["rotation"] in {90, 270}
    width, height = (facts["height"], facts["width"]) if turned else (facts["width"], facts["height"])
    scale = min(1.0, 2 * wanted[0] / max(width, height))  # roughly, for the conversion; exactly below
    shown = frame.reformat(
        width=max(1, round(width * scale)), height=max(1, round(height * scale)), format="rgb24", interpolation="AREA"
    ).to_ndarray()
    picture = pyvips.Image.new_from_memory(shown.tobytes(), shown.shape[1], shown.shape[0], 3, "uchar")
    picture = picture.copy(interpretation="srgb")
    if facts["rotation"] % 90 == 0 and facts["rotation"]:
        picture = picture.rot(f"d{360 - facts['rotation']}").copy_memory()
    found = []
    for number, wide in enumerate(wanted):
        smaller = images.shrink_to(picture, picture.width, picture.height, wide, no_rotate=True).copy_memory()
        if number and smaller.width == picture.width:
            break
        picture = smaller
        found.append(images.encode(f"poster{wide}" if number else "poster", picture))
    return found
