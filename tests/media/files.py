"""Files as phones and cameras make them, and broken ones: all made here, none checked in."""

import functools
import io
import struct
import zlib
from fractions import Fraction

import av
import numpy as np
import pillow_heif
from PIL import Image, ImageCms

CAMERA = "Nokia 3310"
PLACE = (31.0, 13.0, 49.0)
QUICK = {
    "libx264": {"preset": "ultrafast", "g": "25"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libsvtav1": {"preset": "12", "svtav1-params": "lp=1"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "mpeg4": {},
}
"""How each encoder wastes no time."""

SECRETS = (b"Nokia 3310", b"geheim", b"2021:06:09", b"GPS", b"+31.2304")


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A picture with a bright top left corner (red), so that turning it shows."""
    x, y = np.linspace(0, 255, width), np.linspace(0, 255, height)
    pixels = np.stack([np.tile(x, (height, 1)), np.tile(y[:, None], (1, width)), np.full((height, width), 90)], -1)
    noise = np.random.default_rng(7).integers(0, 40, (height // 8 + 1, width // 8 + 1, 1)).repeat(8, 0).repeat(8, 1)
    pixels = np.clip(pixels * 0.8 + noise[:height, :width], 0, 255)
    pixels[: height // 4, : width // 4] = (255, 0, 0)
    return Image.fromarray(pixels.astype("uint8")).convert(mode)


def exif(orientation: int = 1) -> Image.Exif:
    """What a phone writes: camera, time, place, owner."""
    found = Image.Exif()
    found[0x0112] = orientation
    found[0x010F] = "Nokia"
    found[0x0110] = CAMERA
    found[0x013B] = "geheim"
    found.get_ifd(0x8769)[0x9003] = "2021:06:09 08:30:00"
    found.get_ifd(0x8825).update({1: "N", 2: PLACE, 3: "E", 4: (121.0, 28.0, 25.0)})
    return found


def image(
    form: str = "JPEG",
    width: int = 1200,
    height: int = 900,
    *,
    orientation: int = 1,
    mode: str = "RGB",
    with_exif: bool = True,
    icc: bytes | None = None,
) -> bytes:
    """An encoded image; the sides are before turning."""
    out = io.BytesIO()
    options = {"exif": exif(orientation).tobytes()} if with_exif else {}
    if icc:
        options["icc_profile"] = icc
    if form == "HEIF":
        pillow_heif.register_heif_opener()
    picture(width, height, mode).save(out, form, quality=85, **options)
    return out.getvalue()


def srgb() -> bytes:
    """The ICC profile of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """An ICC profile whose red and blue are exchanged: whoever ignores it shows the wrong colour."""
    profile = bytearray(srgb())
    tags = {}
    for n in range(struct.unpack_from(">I", profile, 128)[0]):
        name, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * n)
        tags[name] = (132 + 12 * n + 4, offset)
    (red_at, red), (blue_at, blue) = tags[b"rXYZ"], tags[b"bXYZ"]
    struct.pack_into(">I", profile, red_at, blue)
    struct.pack_into(">I", profile, blue_at, red)
    return bytes(profile)


def animation(form: str = "WEBP") -> bytes:
    """Three pictures that move."""
    out = io.BytesIO()
    frames = [picture(64, 64).rotate(90 * n) for n in range(3)]
    frames[0].save(out, form, save_all=True, append_images=frames[1:], duration=100)
    return out.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG of one colour that is small on disk and enormous when decoded."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@functools.cache
def video(
    form: str = "mp4",
    codec: str = "libx264",
    *,
    width: int = 640,
    height: int = 360,
    seconds: float = 3.0,
    sound: str = "aac",
    dark_seconds: float = 0.3,
    turned: bool = False,
    index_first: bool = False,
    fragments: bool = False,
) -> bytes:
    """A real film: dark at first, then a moving pattern with a red corner; with place and title in its metadata."""
    out = io.BytesIO()
    rate = 25
    options = {"moov_size": "200000"} if index_first else {}
    if fragments:
        options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(out, "w", format=form, options=options) as container:
        container.metadata.update({"title": "geheim", "location": "+31.2304+121.4737/", "comment": CAMERA})
        stream = container.add_stream(codec, rate=rate, options=dict(QUICK[codec]))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        voice = container.add_stream(sound, rate=48000, layout="mono") if sound else None
        shown = np.asarray(picture(width, height))
        for number in range(int(seconds * rate)):
            dark = number < dark_seconds * rate
            pixels = np.zeros_like(shown) if dark else np.roll(shown, number, axis=1)
            if not dark:
                pixels = pixels.copy()
                pixels[: height // 4, : width // 4] = (255, 0, 0)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if voice is not None:
            step = voice.codec_context.frame_size or 960
            for at in range(0, int(seconds * 48000), step):
                container.mux(voice.encode(_tone(at, step)))
            container.mux(voice.encode())
    data = bytearray(out.getvalue())
    if turned:
        _turn(data, height)
    return bytes(data)


def recorded() -> bytes:
    """A WebM as recorders in browsers write it: three seconds that know neither their length nor where anything is."""
    found = io.BytesIO()

    class Onward(io.RawIOBase):
        """Can only be written on and on."""

        def writable(self) -> bool:
            return True

        def write(self, piece: bytes) -> int:  # type: ignore[override]
            return found.write(piece)

    with av.open(io.BytesIO(video("webm", "libvpx", sound="libopus"))) as film, av.open(Onward(), "w", "webm") as out:
        twins = {stream.index: out.add_stream_from_template(stream, opaque=True) for stream in film.streams}
        for packet in film.demux():
            if packet.dts is not None:
                packet.stream = twins[packet.stream.index]
                out.mux(packet)
    return found.getvalue()


def _turn(data: bytearray, height: int) -> None:
    """Says in the track's header that the film is to be shown turned clockwise by 90 degrees, as phones do."""
    at = data.find(b"tkhd") + 4 + 4 + 20 + 8 + 8
    data[at : at + 36] = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, height << 16, 0, 0x40000000)


@functools.cache
def sound(form: str = "mp3", seconds: float = 2.0) -> bytes:
    """A tone."""
    out = io.BytesIO()
    codec, container_form = {"mp3": ("libmp3lame", "mp3"), "m4a": ("aac", "ipod"), "wav": ("pcm_s16le", "wav")}[form]
    with av.open(out, "w", format=container_form) as container:
        stream = container.add_stream(codec, rate=48000, layout="mono")
        for at in range(0, int(seconds * 48000), 1152):
            container.mux(stream.encode(_tone(at, 1152)))
        container.mux(stream.encode())
    return out.getvalue()


def _tone(at: int, samples: int) -> av.AudioFrame:
    wave = np.sin(np.arange(at, at + samples) / 20.0)[None, :] * 10_000
    frame = av.AudioFrame.from_ndarray(wave.astype("int16"), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48000, at, Fraction(1, 48000)
    return frame
