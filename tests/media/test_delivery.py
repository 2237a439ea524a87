"""How files leave: renditions for those who know their name, originals for those who may have them."""

import io
import struct
from collections.abc import Callable, Iterator

import av
import numpy as np
import pytest
import pyvips
from apiflask import APIFlask
from flask.testing import FlaskClient
from PIL import Image

from concours.base.storage import storage
from concours.identity.models import Account
from concours.media import delivery, names
from concours.media.models import Asset, Rendition
from tests.factories import Make
from tests.media import files
from tests.media.conftest import Tus

Checked = Callable[..., Asset]


def rows(asset: Asset) -> dict[str, Rendition]:
    """The asset's renditions by name."""
    return {row.name: row for row in asset.renditions}


def content(row: Rendition) -> bytes:
    """The rendition's bytes."""
    return storage().read(names.path_of(row.storage_name))


def chunks(webp: bytes) -> Iterator[bytes]:
    """The names of the chunks of a WebP file, read by hand (RFC 9649, 2.3): no decoder's opinion is in between."""
    at = 12
    while at < len(webp):
        name, length = struct.unpack_from("<4sI", webp, at)
        yield name
        at += 8 + length + length % 2


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_no_picture_that_is_shown_carries_anything_but_pixels(checked: Checked, form: str) -> None:
    """Place, owner, camera and time were in the original; two other readers and the file's own structure agree."""
    original = files.image(form, icc=files.srgb())
    assert b"geheim" in original, "the original does name its owner"
    asset = checked(original, "a.jpg")
    assert asset.facts["gps"] is True
    assert set(rows(asset)) == {"w400", "w800", "w1600"}
    for row in asset.renditions:
        data = content(row)
        assert set(chunks(data)) <= {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}
        assert not [secret for secret in files.SECRETS if secret in data]
        with Image.open(io.BytesIO(data)) as opened:
            assert dict(opened.getexif()) == {}
            assert not {"exif", "xmp", "icc_profile"} & set(opened.info)
        fields = pyvips.Image.new_from_buffer(data, "").get_fields()
        assert not [field for field in fields if "exif" in field or "xmp" in field or "iptc" in field]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_shown_upright(checked: Checked, orientation: int) -> None:
    """The red corner is at the top left of the scene; the camera was held in eight ways."""
    turn = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    scene = files.picture(640, 480)
    held = scene.transpose(turn) if turn is not None else scene
    out = io.BytesIO()
    held.save(out, "JPEG", quality=90, exif=files.exif(orientation).tobytes())
    asset = checked(out.getvalue(), "a.jpg")
    assert (asset.width, asset.height) == (640, 480)
    shown = Image.open(io.BytesIO(content(rows(asset)["w400"]))).convert("RGB")
    assert shown.size == (400, 300)
    red, green, blue = shown.getpixel((40, 30))
    assert red > 200
    assert max(green, blue) < 80


def test_a_colour_profile_is_applied_not_dropped(checked: Checked) -> None:
    """In this picture's profile red is blue: shown without it, the corner would be red."""
    asset = checked(files.image(icc=files.swapped_profile()), "a.jpg")
    shown = Image.open(io.BytesIO(content(rows(asset)["w400"]))).convert("RGB")
    red, _, blue = shown.getpixel((40, 30))
    assert blue > 200
    assert red < 80


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_print_colours_are_shown(checked: Checked, mode: str) -> None:
    asset = checked(files.image(mode=mode, width=500, height=400), "a.jpg")
    shown = Image.open(io.BytesIO(content(rows(asset)["w400"]))).convert("RGB")
    assert shown.size == (400, 320)
    expected = files.picture(500, 400, mode).convert("RGB").resize((400, 320))
    difference = np.abs(np.asarray(shown, float) - np.asarray(expected, float)).mean()
    assert difference < 25


def test_no_rendition_is_larger_than_the_original(checked: Checked) -> None:
    small = rows(checked(files.image(width=300, height=200), "a.jpg"))
    assert {name: (row.width, row.height) for name, row in small.items()} == {"w400": (300, 200)}
    middle = rows(checked(files.image(width=1000, height=500), "b.jpg"))
    assert {name: row.width for name, row in middle.items()} == {"w400": 400, "w800": 800, "w1600": 1000}


def test_the_poster_shows_the_film_not_its_dark_beginning(checked: Checked) -> None:
    asset = checked(files.video(dark_seconds=1.2, seconds=4.0), "a.mp4")
    assert set(rows(asset)) == {"poster", "poster400", "video"}
    poster = Image.open(io.BytesIO(content(rows(asset)["poster"]))).convert("RGB")
    assert poster.size == (640, 360)
    red, green, _ = poster.getpixel((30, 30))
    assert red > 180
    assert green < 90
    assert rows(asset)["poster400"].width == 400


def test_the_poster_of_an_upright_film_is_upright(checked: Checked) -> None:
    """Turned clockwise, the red corner moves from the top left to the top right."""
    asset = checked(files.video(turned=True), "a.mp4")
    poster = Image.open(io.BytesIO(content(rows(asset)["poster"]))).convert("RGB")
    assert poster.size == (360, 640)
    assert poster.getpixel((330, 30))[0] > 180
    assert poster.getpixel((330, 30))[1] < 90


@pytest.mark.parametrize(
    ("film", "content_type"),
    [
        (files.video, "video/mp4"),
        (lambda: files.video("mov"), "video/mp4"),
        (lambda: files.video("mov", sound="pcm_s16le"), "video/mp4"),
        (lambda: files.video(turned=True), "video/mp4"),
        (lambda: files.video("webm", "libvpx", sound="libopus"), "video/webm"),
        (lambda: files.video(sound=""), "video/mp4"),
    ],
)
def test_the_film_that_is_shown_is_the_same_without_its_metadata(
    checked: Checked, film: Callable[[], bytes], content_type: str
) -> None:
    original = film()
    assert b"geheim" in original
    row = rows(checked(original, "a.mp4"))["video"]
    assert row.content_type == content_type
    data = content(row)
    assert not [secret for secret in (b"geheim", b"31.2304", b"Nokia") if secret in data]
    if content_type == "video/mp4":
        assert data.find(b"moov") < data.find(b"mdat"), "playing starts before all of it is there"
    with av.open(io.BytesIO(original)) as before, av.open(io.BytesIO(data)) as after:
        assert not {"title", "location", "comment", "location-eng"} & set(after.metadata)
        assert after.duration == pytest.approx(before.duration, abs=60_000)
        first, second = next(before.decode(video=0)), next(after.decode(video=0))
        assert np.array_equal(first.to_ndarray(), second.to_ndarray())
        assert first.rotation == second.rotation
        assert {s.codec_context.name for s in after.streams.audio} <= {"aac", "opus"}
        assert len(after.streams.audio) == len(before.streams.audio)


def test_a_film_that_only_its_people_see_is_not_copied(checked: Checked) -> None:
    asset = checked(files.video(), "a.mp4", playback=False, renditions=(400,))
    assert {name: row.width for name, row in rows(asset).items()} == {"poster": 400}


@pytest.mark.parametrize(("form", "content_type"), [("mp3", "audio/mpeg"), ("m4a", "audio/mp4"), ("wav", "audio/mp4")])
def test_a_recording_can_be_played(checked: Checked, form: str, content_type: str) -> None:
    asset = checked(files.sound(form), f"a.{form}", formats=(form,))
    row = rows(asset)["sound"]
    assert row.content_type == content_type
    with av.open(io.BytesIO(content(row))) as opened:
        assert opened.duration / av.time_base == pytest.approx(2.0, abs=0.1)


def test_a_rendition_is_kept_for_ever_by_whoever_fetches_it(checked: Checked, client: FlaskClient) -> None:
    row = rows(checked(files.image(), "a.jpg"))["w800"]
    answer = client.get(f"/media/{row.storage_name}")
    assert (answer.status_code, answer.mimetype, len(answer.data)) == (200, "image/webp", row.size)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    again = client.get(f"/media/{row.storage_name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    head = client.head(f"/media/{row.storage_name}")
    assert (head.status_code, head.headers["Content-Length"], head.data) == (200, str(row.size), b"")


def test_a_renditions_name_is_made_of_its_content_and_the_secret(app: APIFlask, checked: Checked) -> None:
    first, second = checked(files.image(), "a.jpg"), checked(files.image(), "b.jpg")
    other = checked(files.image("PNG"), "c.png")
    assert {r.storage_name for r in first.renditions} == {r.storage_name for r in second.renditions}
    assert not {r.storage_name for r in first.renditions} & {r.storage_name for r in other.renditions}
    guessed = names.rendition("another secret", first.sha256, "w400", "image/webp")
    assert guessed != rows(first)["w400"].storage_name


@pytest.mark.parametrize("name", ["x", "..", "%2e%2e%2fconcours.sqlite3", "0" * 40 + ".webp", "0" * 40 + ".html"])
def test_other_names_are_not_there(client: FlaskClient, name: str) -> None:
    assert client.get(f"/media/{name}").status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "start", "stop"),
    [
        ("bytes=0-", 206, 0, None),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=100-199", 206, 100, 200),
        ("bytes=-50", 206, -50, None),
        ("bytes=5-999999999", 206, 5, None),
        ("bytes=999999999-", 416, 0, 0),
        ("bytes=0-1,5-6", 200, 0, None),
        ("lines=0-1", 200, 0, None),
        ("bytes=x", 200, 0, None),
    ],
)
def test_a_film_is_sent_in_the_parts_that_are_asked_for(
    checked: Checked, tus: Tus, client: FlaskClient, asked: str, status: int, start: int, stop: int | None
) -> None:
    original = files.video()
    asset = checked(original, "a.mp4")
    shown = content(rows(asset)["video"])
    for browser, url, whole in (
        (tus.browser, f"/assets/{asset.id}/stream", original),
        (client, f"/media/{rows(asset)['video'].storage_name}", shown),
    ):
        answer = browser.get(url, headers={"Range": asked})
        assert answer.status_code == status
        if status == 416:
            assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"
            continue
        expected = whole[start:stop]
        assert answer.data == expected
        assert answer.headers["Content-Length"] == str(len(expected))
        assert answer.headers["Accept-Ranges"] == "bytes"
        if status == 206:
            first = len(whole) - len(expected) if start < 0 else start
            assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{len(whole)}"


def test_a_range_of_what_it_was_before_is_answered_with_the_whole(checked: Checked, tus: Tus) -> None:
    asset = checked(files.video(), "a.mp4")
    url = f"/assets/{asset.id}/stream"
    headers = {"Range": "bytes=0-9", "If-Range": '"other"'}
    assert tus.browser.get(url, headers=headers).status_code == 200
    headers["If-Range"] = f'"{asset.sha256}"'
    assert tus.browser.get(url, headers=headers).status_code == 206


def test_an_original_is_an_attachment_for_those_who_may_have_it(
    checked: Checked, tus: Tus, client: FlaskClient, client_as: Callable[[Account], FlaskClient], make: Make
) -> None:
    original = files.image()
    asset = checked(original, "作品 1.jpg")
    answer = tus.browser.get(f"/assets/{asset.id}/original")
    assert answer.data == original
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert "%E4%BD%9C%E5%93%81" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    stranger = client_as(make.account())
    for path in ("original", "stream", "status.json"):
        assert stranger.get(f"/assets/{asset.id}/{path}").status_code == 404
        assert client.get(f"/assets/{asset.id}/{path}").status_code in {302, 303, 401}
    assert tus.browser.get(f"/assets/{asset.id}/stream").status_code == 404, "an image is no film"


def test_the_state_of_a_file_can_be_asked_for(
    checked: Checked, tus: Tus, client_as: Callable[..., FlaskClient]
) -> None:
    waiting = tus.create(5, b"hello", filename="x.jpg")
    url = f"/assets/{waiting.headers['X-Asset']}/status.json"
    found = tus.browser.get(url).json
    assert (found["status"], found["refusal"], found["renditions"]) == ("checking", None, {})
    ready = tus.browser.get(f"/assets/{checked(files.image(), 'a.jpg').id}/status.json").json
    assert (ready["status"], ready["width"], ready["height"], ready["kind"]) == ("ready", 1200, 900, "image")
    assert ready["renditions"]["w400"]["url"].startswith("/media/")
    assert ready["renditions"]["w400"]["width"] == 400
    refused = checked(b"GIF89a" + bytes(9), "a.jpg", formats=("jpeg",))
    english = tus.browser.get(f"/assets/{refused.id}/status.json").json
    assert english["refusal"].startswith("This file says .jpg but its content is GIF.")
    chinese = client_as(tus.account, "zh").get(f"/assets/{refused.id}/status.json").json
    assert chinese["refusal"].startswith("这个文件名是 .jpg")


def test_urls_name_the_picture_that_fits(checked: Checked, app: APIFlask) -> None:
    asset = checked(files.image(), "a.jpg")
    with app.test_request_context():
        found = delivery.urls(asset)
    assert [shown.width for shown in found.pictures] == [400, 800, 1200]
    assert found.best(500) == found.pictures[1]
    assert found.best(9000) == found.pictures[2]
    assert found.srcset.endswith(" 1200w")
    asset.status = "refused"
    with app.test_request_context():
        assert delivery.urls(asset) == delivery.Urls()
