"""The copy of a film or recording that may be shown to anyone.

It holds the very same frames and sound, wrapped anew: without place, names, device, cover and extra tracks (phones
write where a film was taken), and with its index at the beginning, so that playing starts before all of it is there.
Sound that no browser plays as it is (uncompressed, as cameras and recorders write it) is encoded as AAC.
"""

from typing import Any, BinaryIO

import av
import av.container
import av.stream

IN_MP4 = {"h264", "hevc", "av1", "vp9", "mpeg4"}
IN_WEBM = {"vp8", "vp9", "av1"}
SOUND_IN_MP4 = {"aac", "mp3", "opus", "flac", "alac"}
SOUND_IN_WEBM = {"opus", "vorbis"}

INDEX_BYTES = 64 * 1024
INDEX_BYTES_PER_SAMPLE = 48
"""Room kept for the index at the beginning of an MP4; what is not needed is left empty."""

AAC_BITS_PER_SECOND = 128_000


def moving(container: Any) -> list[Any]:
    """Streams of moving pictures: an embedded cover is none."""
    cover = av.stream.Disposition.attached_pic
    return [s for s in container.streams.video if not s.disposition & cover and s.codec_context is not None]


def voices(container: Any) -> list[Any]:
    """Streams of sound that can be decoded."""
    return [s for s in container.streams.audio if s.codec_context is not None]


def codec_name(stream: Any) -> str:
    """The codec by its common name (h264, vp9, av1, aac, mp3), whichever decoder is used for it."""
    return str(stream.codec_context.codec.canonical_name)


def wrap_anew(container: Any, form: str, facts: dict[str, Any], target: BinaryIO) -> dict[str, Any]:
    """Writes the copy of a file of the format `form` into the empty file `target`; returns {name, content_type, width,
    height} of it, or {} where no browser's container takes the pictures."""
    sound = voices(container)[:1]
    if facts["kind"] == "audio":
        if facts["sound"] == "mp3":
            return _write(container, sound, target, "mp3", {"mp3"}, "sound", "audio/mpeg", facts)
        return _write(container, sound, target, "mp4", {"aac", "alac"}, "sound", "audio/mp4", facts)
    kept = [moving(container)[0], *sound]
    webm = form == "webm" or facts["codec"] not in IN_MP4
    if webm and facts["codec"] in IN_WEBM and (not sound or facts["sound"] in SOUND_IN_WEBM):
        return _write(container, kept, target, "webm", SOUND_IN_WEBM, "video", "video/webm", facts)
    if facts["codec"] in IN_MP4:
        return _write(container, kept, target, "mp4", SOUND_IN_MP4, "video", "video/mp4", facts)
    return {}


def _write(
    container: Any,
    kept: list[Any],
    target: BinaryIO,
    form: str,
    takes: set[str],
    name: str,
    content_type: str,
    facts: dict[str, Any],
) -> dict[str, Any]:
    options = {"fflags": "+bitexact"}
    if form == "mp4":
        samples = sum(len(stream.index_entries) or stream.frames for stream in kept) + int(facts["duration"] * 50)
        options["moov_size"] = str(INDEX_BYTES + INDEX_BYTES_PER_SAMPLE * samples)
    elif form == "mp3":
        options |= {"id3v2_version": "0", "write_id3v1": "0"}
    with av.open(target, "w", format=form, options=options) as out:
        twins = {stream.index: _twin(out, stream, takes) for stream in kept}
        for packet in container.demux(*kept):
            twin, encodes = twins[packet.stream.index]
            if encodes:
                for frame in packet.decode():
                    out.mux(twin.encode(frame))
            elif packet.dts is not None:
                packet.stream = twin
                out.mux(packet)
        for twin, encodes in twins.values():
            if encodes:
                out.mux(twin.encode(None))
    return {
        "name": name,
        "content_type": content_type,
        "width": facts.get("width", 0),
        "height": facts.get("height", 0),
    }


def _twin(out: Any, stream: Any, takes: set[str]) -> tuple[Any, bool]:
    """The stream of the copy for `stream`, and whether its sound has to be encoded."""
    if stream.type == "audio" and codec_name(stream) not in takes:
        layout = "mono" if stream.codec_context.layout.nb_channels == 1 else "stereo"
        rate = min(48_000, stream.codec_context.sample_rate)
        twin = out.add_stream("aac", rate=rate, layout=layout)
        twin.codec_context.bit_rate = AAC_BITS_PER_SECOND
        return twin, True
    twin = out.add_stream_from_template(stream, opaque=True)  # as it is: no encoder is looked for
    twin.metadata.clear()
    if codec_name(stream) == "hevc":
        twin.codec_context.codec_tag = "hvc1"  # the name under which Apple's players know it
    return twin, False
