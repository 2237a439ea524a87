"""What is in a file decides, not its name; and each refusal says what to do."""

import io
from collections.abc import Callable
from random import Random

import pytest
from apiflask import APIFlask

from concours.base.messages import Message
from concours.base.storage import storage
from concours.media import jobs, sandbox, verbs
from concours.media.models import Asset
from concours.media.purposes import AUDIO_FORMATS, Demands
from concours.media.rules import FAULTS, Content, refuse
from tests.conftest import both_databases
from tests.media import files
from tests.media.probe import Probe

Checked = Callable[..., Asset]


def why(asset: Asset) -> str:
    """The refusal in English; fails where there is none."""
    assert asset.status == "refused", (asset.status, asset.facts)
    return str(verbs.refusal_of(asset))


@both_databases
def test_a_phones_jpeg_is_ready_with_its_facts(app: APIFlask, checked: Checked, probe: Probe) -> None:
    asset = checked(files.image(orientation=6), "IMG_0001.JPG")
    assert (asset.status, asset.kind, asset.format) == ("ready", "image", "jpeg")
    assert (asset.width, asset.height) == (900, 1200), "as it is shown: upright"
    assert asset.facts["exif"] is True
    assert asset.facts["gps"] is True
    assert asset.facts["camera"] == "Nokia Nokia 3310"
    assert asset.facts["taken_at"] == "2021:06:09 08:30:00"
    assert probe.checked == [(asset.id, "ready")]


@pytest.mark.parametrize(
    ("form", "name", "found"), [("PNG", "a.png", "png"), ("WEBP", "a.webp", "webp"), ("HEIF", "a.heic", "heic")]
)
def test_other_images_are_ready(checked: Checked, form: str, name: str, found: str) -> None:
    asset = checked(files.image(form, 640, 480), name)
    assert (asset.status, asset.format, asset.width, asset.height) == ("ready", found, 640, 480)
    assert asset.facts["exif"] is True


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_heic_is_shown_upright_once(checked: Checked, orientation: int) -> None:
    asset = checked(files.image("HEIF", 640, 480, orientation=orientation), "a.heic")
    assert (asset.width, asset.height) == ((480, 640) if orientation == 6 else (640, 480))
    row = asset.renditions[0]
    assert (row.width < row.height) == (orientation == 6)


@both_databases
@pytest.mark.parametrize(
    ("form", "codec", "voice", "name"),
    [
        ("mp4", "libx264", "aac", "clip.mp4"),
        ("mov", "libx264", "aac", "IMG_1.MOV"),
        ("webm", "libvpx", "libopus", "a.webm"),
    ],
)
def test_a_film_is_ready_with_its_facts(
    app: APIFlask, checked: Checked, form: str, codec: str, voice: str, name: str
) -> None:
    asset = checked(files.video(form, codec, sound=voice), name)
    assert (asset.status, asset.kind, asset.format) == ("ready", "video", form)
    assert (asset.width, asset.height) == (640, 360)
    assert asset.duration == pytest.approx(3.0, abs=0.1)
    assert asset.facts["codec"] == ("h264" if codec == "libx264" else "vp8")
    assert asset.facts["sound"] in {"aac", "opus"}


def test_a_film_taken_upright_has_upright_sides(checked: Checked) -> None:
    asset = checked(files.video(turned=True), "a.mp4", orientation="portrait")
    assert (asset.status, asset.width, asset.height) == ("ready", 360, 640)
    poster = next(row for row in asset.renditions if row.name == "poster")
    assert poster.width < poster.height


@pytest.mark.parametrize("form", ["mp3", "m4a", "wav"])
def test_sound_is_ready_with_its_length(checked: Checked, form: str) -> None:
    asset = checked(files.sound(form), f"story.{form}", formats=AUDIO_FORMATS)
    assert (asset.status, asset.kind, asset.format) == ("ready", "audio", form)
    assert asset.duration == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"%PDF-1.7 ...", "work.jpg", "This file says .jpg but its content is PDF. Export it as JPEG and upload"),
        (files.image("PNG", 40, 30), "work.jpg", "This file says .jpg but its content is PNG."),
        (b"GIF89a" + bytes(20), "work.gif", "This file is GIF; accepted here: JPEG. Export it as one of these"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "a.svg", "This file is SVG;"),
        (b"<?xml version='1.0'?><!-- x --><svg/>", "a.jpg", "This file says .jpg but its content is SVG."),
        (b"PK\x03\x04" + bytes(26) + b"word/document.xml", "a.jpg", "its content is Word."),
        (b"nothing that anyone knows", "a.jpg", "We do not know what is in this file. Accepted here: JPEG."),
        (b"\x00", "a.jpg", "We do not know what is in this file."),
        (b"\x00\x00\x00\x20ftypavif" + bytes(20), "a.heic", "This file is AVIF;"),
    ],
)  # fmt: skip
def test_a_wrong_type_is_named_whatever_the_file_is_called(
    checked: Checked, content: bytes, name: str, sentence: str
) -> None:
    asset = checked(content, name, formats=("jpeg",))
    assert sentence in why(asset)
    assert asset.renditions == []


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
    ],
)
def test_a_playlist_called_mp4_is_refused_without_being_followed(checked: Checked, content: bytes) -> None:
    assert "its content is M3U8" in why(checked(content, "clip.mp4"))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.97])
def test_a_truncated_image_is_refused(checked: Checked, form: str, kept: float) -> None:
    whole = files.image(form, 800, 600)
    asset = checked(whole[: int(len(whole) * kept)], "a.jpg")
    assert "damaged" in why(asset) or "The end of this file is missing" in why(asset)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("index_first", [True, False])
def test_a_truncated_film_is_refused(checked: Checked, kept: float, index_first: bool) -> None:
    """With the index at its end nothing can be read; with it at the beginning, only the end is missing."""
    whole = files.video(seconds=4.0, index_first=index_first)
    begun = whole.find(b"mdat")
    asset = checked(whole[: begun + int((len(whole) - begun) * kept)], "clip.mp4")
    assert ("The end of this file is missing" in why(asset)) if index_first else ("damaged" in why(asset))


def test_a_truncated_webm_is_refused(checked: Checked) -> None:
    whole = files.video("webm", "libvpx", sound="libopus", seconds=6.0)
    assert "The end of this file is missing" in why(checked(whole[: len(whole) // 2], "a.webm"))


def test_a_film_recorded_in_a_browser_has_its_length(checked: Checked) -> None:
    """Such recorders write neither a length nor an index; here the writer cannot go back to add them."""
    asset = checked(files.recorded(), "a.webm")
    assert asset.status == "ready"
    assert asset.duration == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize(("codec", "sound"), [("libsvtav1", ""), ("libx265", "aac"), ("mpeg4", "aac")])
def test_films_of_other_cameras_are_taken(checked: Checked, codec: str, sound: str) -> None:
    asset = checked(files.video("mp4", codec, sound=sound, seconds=1.0), "a.mp4")
    assert (asset.status, asset.width) == ("ready", 640)
    assert {row.name for row in asset.renditions} == {"poster", "poster400", "video"}


def test_a_film_in_fragments_is_taken_and_its_missing_end_is_seen(checked: Checked) -> None:
    whole = files.video(seconds=4.0, fragments=True)
    asset = checked(whole, "a.mp4")
    assert (asset.status, asset.duration) == ("ready", pytest.approx(4.0, abs=0.1))
    assert "The end of this file is missing" in why(checked(whole[: len(whole) * 6 // 10], "a.mp4"))


def test_whatever_is_in_a_file_is_answered_with_a_sentence(checked: Checked, probe: Probe) -> None:
    """Bytes changed at random, the same ones every time: each file is taken or refused, none breaks the decoders."""
    random = Random(20210609)
    seeds = [files.image(form, 200, 150) for form in ("JPEG", "PNG", "WEBP", "HEIF")]
    seeds += [files.video(seconds=1.0), files.video("webm", "libvpx", sound="libopus", seconds=1.0)]
    seeds += [files.sound(form) for form in ("mp3", "m4a", "wav")]
    probe.demands = Demands(formats=(*probe.demands.formats, *AUDIO_FORMATS), max_bytes=probe.demands.max_bytes)
    for seed in seeds * 6:
        content = bytearray(seed)
        for _ in range(random.choice((1, 5, 50))):
            content[random.randrange(12, min(len(content), 1500))] = random.randrange(256)
        asset = checked(bytes(content), "a.jpg")
        assert asset.status == "ready" or why(asset) not in {str(FAULTS["unexpected"]), str(FAULTS["too_costly"])}


def test_a_hundred_megapixels_are_refused_from_the_header(checked: Checked) -> None:
    content = files.png_of(10_000, 10_000)
    assert len(content) < 20_000, "small to send, 300 MB when decoded"
    assert "This image has 100 megapixels; at most 80 can be shown." in why(checked(content, "big.png"))


def test_a_large_image_within_the_limit_is_taken(checked: Checked) -> None:
    asset = checked(files.png_of(8_900, 8_900), "big.png")
    assert (asset.status, asset.width) == ("ready", 8_900)


def test_broken_camera_data_is_none_but_the_picture_stands(checked: Checked) -> None:
    content = bytearray(files.image())
    at = content.find(b"Exif\x00\x00") + 6
    content[at + 4 : at + 60] = b"\xff" * 56
    asset = checked(bytes(content), "a.jpg")
    assert (asset.status, asset.facts["exif"]) == ("ready", False)
    assert "EXIF" in why(checked(bytes(content), "a.jpg", needs_exif=True))
    assert checked(files.image(), "a.jpg", needs_exif=True).status == "ready"
    assert "EXIF" in why(checked(files.image(with_exif=False), "a.jpg", needs_exif=True))


@pytest.mark.parametrize("form", ["WEBP", "PNG"])
def test_an_animation_is_no_single_picture(checked: Checked, form: str) -> None:
    assert "This is an animation of 3 pictures." in why(checked(files.animation(form), "a.webp"))


def test_a_phones_jpeg_of_two_pictures_is_one(checked: Checked) -> None:
    """Phones append a second picture (depth, HDR) to the first: MPO."""
    out = io.BytesIO()
    files.picture(320, 240).save(out, "MPO", save_all=True, append_images=[files.picture(160, 120)])
    asset = checked(out.getvalue(), "a.jpg")
    assert (asset.status, asset.width, asset.facts["frames"]) == ("ready", 320, 1)


def test_sound_alone_is_no_film_and_a_film_no_sound(checked: Checked) -> None:
    renamed = files.sound("m4a").replace(b"ftypM4A ", b"ftypisom", 1)
    assert "There is no moving picture in this file." in why(checked(renamed, "clip.mp4"))


@pytest.mark.parametrize(
    ("demands", "sentence"),
    [
        ({"min_long_side": 3000}, "The longer side has 1200 pixels; at least 3000 are asked for."),
        ({"orientation": "portrait"}, "This is landscape (1200 × 900)"),
        ({"max_bytes": 1000}, "at most 1 KB is allowed"),
    ],
)
def test_a_demand_that_is_not_met_is_named(demands: dict[str, object], sentence: str) -> None:
    content = Content(
        "a.jpg", "jpeg", 44_000, {"kind": "image", "width": 1200, "height": 900, "exif": True, "frames": 1}
    )
    assert refuse(content, Demands()) is None
    assert sentence in str(refuse(content, Demands(**demands)))  # type: ignore[arg-type]


def test_the_length_of_a_film_is_held_against_the_demands(checked: Checked) -> None:
    assert "This is 3 seconds long; at least 60 are asked for." in why(checked(files.video(), "a.mp4", min_seconds=60))
    assert "at most 2 are allowed" in why(checked(files.video(), "a.mp4", min_seconds=None, max_seconds=2))
    assert checked(files.video(), "a.mp4", max_seconds=3).status == "ready"


def test_a_refused_file_is_kept_for_its_owner_and_nothing_is_shown_of_it(checked: Checked, probe: Probe) -> None:
    asset = checked(b"GIF89a" + bytes(20), "a.gif")
    assert probe.checked == [(asset.id, "refused")]
    assert storage().read(asset.storage_name).startswith(b"GIF89a")
    assert list(storage().names("renditions")) == []
    assert asset.refusal is not None
    assert Message(asset.refusal["text"], asset.refusal["values"])


@both_databases
def test_a_check_that_runs_twice_changes_nothing(app: APIFlask, checked: Checked, probe: Probe) -> None:
    asset = checked(files.image(), "a.jpg")
    before = [(row.id, row.storage_name) for row in asset.renditions]
    jobs.check(asset.id)
    jobs.render(asset.id)
    jobs.check(10**9)
    assert [(row.id, row.storage_name) for row in asset.renditions] == before
    assert probe.checked == [(asset.id, "ready")]


def test_the_decoders_have_no_network_no_files_and_no_secrets(app: APIFlask) -> None:
    """What this kernel offers must have taken hold; CI and production kernels have all of it."""
    assert {"no-network", "no-files", "no-new-privileges"} <= sandbox.protections()
    pid = sandbox.start()._process.pid
    with open(f"/proc/{pid}/environ", "rb") as environ:
        assert app.config["SECRET_KEY"].encode() not in environ.read()
