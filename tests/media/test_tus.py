"""The upload protocol, status by status."""

import base64
import hashlib
import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import session
from concours.base.errors import Closed
from concours.base.messages import msg
from concours.base.storage import storage
from concours.identity.models import Account
from concours.media import uploads
from concours.media.limits import CHUNK_BYTES, MIB, PIECE_BYTES, UNFINISHED_UPLOADS
from concours.media.models import Asset, Upload
from concours.media.purposes import Demands
from tests.conftest import both_databases
from tests.factories import Make
from tests.media.conftest import Tus, metadata
from tests.media.probe import Probe

Parts = Callable[[], list[Path]]


def test_the_server_says_what_it_can_to_anyone(client: FlaskClient) -> None:
    answer = client.options("/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Extension"] == "creation,creation-with-upload,checksum,expiration,termination"
    assert answer.headers["Tus-Max-Size"] == str(2048 * MIB)
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha256,sha1"


@both_databases
def test_a_file_in_three_requests_becomes_an_asset_that_waits_for_its_check(
    app: APIFlask, tus: Tus, probe: Probe, parts: Parts
) -> None:
    content = os.urandom(3 * PIECE_BYTES + 17)
    answer = tus.create(len(content), filename="我的作品.jpg", position="3")
    assert answer.status_code == 201
    assert answer.headers["Upload-Offset"] == "0"
    assert parsedate_to_datetime(answer.headers["Upload-Expires"])
    url = answer.headers["Location"]
    assert tus.patch(url, 0, content[:1000]).headers["Upload-Offset"] == "1000"
    assert tus.offset(url) == 1000
    assert "X-Asset" not in tus.patch(url, 1000, content[1000:-5]).headers
    last = tus.patch(url, len(content) - 5, content[-5:])
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, str(len(content)))

    asset = session().get_one(Asset, int(last.headers["X-Asset"]))
    assert (asset.status, asset.size, asset.filename) == ("checking", len(content), "我的作品.jpg")
    assert asset.sha256 == hashlib.sha256(content).hexdigest()
    assert storage().read(asset.storage_name) == content
    assert probe.attached == [(asset.id, {"position": "3"})]
    assert parts() == [], "nothing is left beside the stored file"
    assert app.extensions["concours_queues"]["default"].job_ids == [f"check-{asset.id}"]
    head = tus.call("HEAD", url)
    assert (head.headers["Upload-Offset"], head.headers["X-Asset"]) == (str(len(content)), str(asset.id))


def test_a_small_file_goes_in_one_request(tus: Tus, parts: Parts) -> None:
    answer = tus.create(5, b"hello")
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "5")
    assert storage().read(session().get_one(Asset, int(answer.headers["X-Asset"])).storage_name) == b"hello"
    assert parts() == []


def test_the_first_bytes_may_come_with_the_creation(tus: Tus) -> None:
    answer = tus.create(8, b"hello")
    assert answer.headers["Upload-Offset"] == "5"
    assert "X-Asset" in tus.patch(answer.headers["Location"], 5, b"you").headers


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_an_upload_broken_off_near_a_piece_goes_on_where_it_stands(tus: Tus, shift: int) -> None:
    """At the border of every piece, one byte before and one after it."""
    content = os.urandom(3 * PIECE_BYTES)
    for border in range(PIECE_BYTES, len(content), PIECE_BYTES):
        at = border + shift
        url = tus.begin(len(content))
        assert tus.patch(url, 0, content[:at]).status_code == 204
        assert tus.offset(url) == at
        last = tus.patch(url, at, content[at:])
        assert session().get_one(Asset, int(last.headers["X-Asset"])).sha256 == hashlib.sha256(content).hexdigest()


def test_what_came_before_the_connection_broke_is_kept(tus: Tus) -> None:
    url = tus.begin(3 * PIECE_BYTES)
    left = [PIECE_BYTES + PIECE_BYTES // 2]

    def broken(most: int) -> bytes:
        given = min(left[0], most)
        left[0] -= given
        return b"x" * given

    answer = tus.patch_slowly(url, 0, broken, 2 * PIECE_BYTES)
    assert answer.status_code == 400
    assert tus.offset(url) >= PIECE_BYTES


def test_a_wrong_offset_is_refused_and_changes_nothing(tus: Tus) -> None:
    url = tus.begin(10)
    tus.patch(url, 0, b"01234")
    for wrong in (0, 4, 6):
        answer = tus.patch(url, wrong, b"xx")
        assert (answer.status_code, answer.json["code"]) == (409, "offset_conflict")
        assert "byte 5" in answer.json["detail"]
    assert tus.offset(url) == 5


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_a_body_must_be_what_its_checksum_says(tus: Tus, algorithm: str) -> None:
    def checksum(of: bytes) -> str:
        return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, of).digest()).decode()}"

    url = tus.begin(8)
    assert tus.patch(url, 0, b"good", Upload_Checksum=checksum(b"good")).status_code == 204
    bad = tus.patch(url, 4, b"evil", Upload_Checksum=checksum(b"good"))
    assert (bad.status_code, bad.json["code"]) == (460, "checksum_mismatch")
    assert tus.offset(url) == 4
    assert tus.patch(url, 4, b"byte", Upload_Checksum="md5 AAAA").status_code == 400
    assert tus.patch(url, 4, b"byte", Upload_Checksum=f"{algorithm} !!").status_code == 400
    assert "X-Asset" in tus.patch(url, 4, b"byte", Upload_Checksum=checksum(b"byte")).headers


def test_each_fault_of_the_protocol_has_its_status(tus: Tus) -> None:
    url = tus.begin(10)
    assert tus.patch(url, 0, b"x", Content_Type="text/plain").status_code == 415
    assert tus.call("PATCH", url, b"x", Upload_Offset="0", Tus_Resumable="0.2.2").status_code == 412
    assert tus.call("HEAD", url, Tus_Resumable="").status_code == 412
    assert tus.call("PATCH", url, b"x").status_code == 400
    assert tus.patch(url, 0, b"x" * 11).status_code == 413
    assert tus.call("PATCH", url, b"", Upload_Offset="-1").status_code == 400
    assert tus.call("HEAD", "/uploads/nothing").status_code == 404
    assert tus.call("POST", "/uploads", Upload_Length="10").status_code == 400
    for length in ("", "ten", "-1", "1e3", "9" * 30, "٣"):
        assert tus.call("POST", "/uploads", Upload_Length=length.encode().decode("latin-1")).status_code == 400, length
    assert tus.call("POST", "/uploads", Upload_Defer_Length="1").status_code == 400
    for pairs in ("purpose", "purpose !!!", "a b c", "purpose cA==,purpose cA==", ",", "x" * 5000, "名 cA=="):
        answer = tus.call("POST", "/uploads", Upload_Length="3", Upload_Metadata=pairs.encode().decode("latin-1"))
        assert answer.status_code == 400, pairs
    assert tus.offset(url) == 0


def test_a_request_brings_at_most_8_mib(tus: Tus) -> None:
    url = tus.begin(CHUNK_BYTES + 10)
    answer = tus.patch(url, 0, bytes(CHUNK_BYTES + 1))
    assert (answer.status_code, answer.json["code"]) == (413, "chunk_too_large")
    assert tus.patch(url, 0, bytes(CHUNK_BYTES)).status_code == 204


def test_a_file_over_the_limit_is_refused_before_a_byte_is_sent(tus: Tus, probe: Probe) -> None:
    probe.demands = Demands(max_bytes=20 * MIB, min_bytes=1 * MIB)
    answer = tus.create(2048 * MIB)
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert answer.json["detail"] == "This file is 2 GB; at most 20 MB is allowed here."
    assert answer.json["hint"]
    assert tus.create(4096 * MIB).json["detail"] == "This file is 4 GB; at most 2 GB is allowed here."
    small = tus.create(5000)
    assert (small.status_code, small.json["code"]) == (422, "too_small")
    empty = tus.create(0)
    assert (empty.status_code, empty.json["code"]) == (422, "empty_file")


def test_an_unknown_purpose_and_a_foreign_one_are_refused(tus: Tus, make: Make) -> None:
    assert tus.create(5, purpose="nothing").status_code == 403
    assert tus.create(5, purpose_id=make.account().id).status_code == 404
    assert tus.create(5, purpose_id="1; drop").status_code == 400


def test_the_owner_alone_reaches_an_upload(
    tus: Tus, make: Make, client: FlaskClient, client_as: Callable[[Account], FlaskClient]
) -> None:
    url = tus.begin(10)
    stranger = Tus(client_as(make.account()), tus.account)
    assert stranger.call("HEAD", url).status_code == 404
    assert stranger.patch(url, 0, b"x").status_code == 404
    assert stranger.call("DELETE", url).status_code == 404
    anonymous = Tus(client, tus.account)
    assert anonymous.create(5).status_code == 401
    assert anonymous.patch(url, 0, b"x").status_code == 401
    assert tus.offset(url) == 0


def test_a_cross_site_form_cannot_upload_and_a_client_needs_no_token(app: APIFlask, tus: Tus) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    url = tus.begin(5)
    for path in ("/uploads", url):
        form = tus.browser.post(path, data={"Upload-Length": "5"})
        assert form.status_code in {405, 412}
    assert tus.browser.patch(url, data=b"hello", headers={"Upload-Offset": "0"}).status_code == 412
    preflight = tus.browser.options("/uploads", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert "X-Asset" in tus.patch(url, 0, b"hello").headers


def test_a_cancelled_upload_is_gone_with_its_bytes(tus: Tus, parts: Parts) -> None:
    url = tus.begin(10)
    tus.patch(url, 0, b"01234")
    assert len(parts()) == 1
    assert tus.call("DELETE", url).status_code == 204
    assert parts() == []
    assert tus.call("HEAD", url).status_code == 404
    assert tus.patch(url, 5, b"56789").status_code == 404
    finished = tus.create(5, b"hello").headers["Location"]
    assert tus.call("DELETE", finished).status_code == 409


def test_methods_may_be_overridden(tus: Tus) -> None:
    url = tus.begin(5)
    answer = tus.call("POST", url, b"hello", Upload_Offset="0", X_HTTP_Method_Override="PATCH")
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "5")
    assert tus.call("POST", url, b"", X_HTTP_Method_Override="PUT").status_code == 405


def test_the_last_request_can_be_repeated_when_its_answer_was_lost(tus: Tus, probe: Probe) -> None:
    url = tus.begin(10)
    first = tus.patch(url, 0, b"0123456789")
    assert tus.offset(url) == 10
    again = tus.patch(url, 10, b"")
    assert again.headers["X-Asset"] == first.headers["X-Asset"]
    assert tus.patch(url, 0, b"0123456789").status_code == 409
    assert len(probe.attached) == 1


def test_a_server_that_died_while_finishing_is_made_good_by_the_clients_next_request(
    app: APIFlask, tus: Tus, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All bytes are there and even stored, but no row: the last byte does not count yet."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    url = tus.begin(10)
    with monkeypatch.context() as patched:

        def die(*_args: object, **_values: object) -> None:
            raise SystemError("the process dies here")

        patched.setattr(uploads, "finish", die)
        assert tus.patch(url, 0, b"0123456789").status_code == 500
    assert len(parts()) == 1
    assert tus.offset(url) == 9
    answer = tus.patch(url, 9, b"9")
    assert storage().read(session().get_one(Asset, int(answer.headers["X-Asset"])).storage_name) == b"0123456789"
    assert len(list(storage().names("originals"))) == 1


@both_databases
def test_a_deadline_that_passes_while_the_file_travels_refuses_it_and_leaves_nothing(
    app: APIFlask, tus: Tus, probe: Probe
) -> None:
    url = tus.begin(10)
    probe.refuse = Closed(msg("Submission is over."))
    answer = tus.patch(url, 0, b"0123456789")
    assert (answer.status_code, answer.json["detail"]) == (403, "Submission is over.")
    assert session().scalar(sa.select(sa.func.count()).select_from(Asset)) == 0
    assert list(storage().names("originals")) == []
    probe.refuse = None
    probe.refuse_attach = Closed(msg("No more files."))
    assert tus.create(5, b"hello").status_code == 403
    assert list(storage().names("originals")) == []
    probe.refuse_attach = None
    assert "X-Asset" in tus.patch(url, 9, b"9").headers, "what was sent is still there when the deadline is moved"


@both_databases
def test_two_clients_on_one_upload_never_mix_it_up(app: APIFlask, tus: Tus, probe: Probe) -> None:
    """Both send the same file at once, each asking where to go on whenever it is told off."""
    content = os.urandom(2 * MIB)
    url = tus.begin(len(content))
    cookies = tus.browser.get_cookie("concours")
    assert cookies is not None
    statuses: list[int] = []

    def send(step: int) -> None:
        with app.app_context():
            browser = app.test_client()
            browser.set_cookie("concours", cookies.value)
            mine = Tus(browser, tus.account)
            while (at := mine.offset(url)) < len(content):
                answer = mine.patch(url, at, content[at : at + step])
                statuses.append(answer.status_code)

    threads = [threading.Thread(target=send, args=(step,)) for step in (70_000, 111_111, 300_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {204, 409, 423}
    assert 409 in statuses, "they did get into each other's way"
    assets = session().scalars(sa.select(Asset)).all()
    assert [asset.sha256 for asset in assets] == [hashlib.sha256(content).hexdigest()]
    assert len(probe.attached) == 1


def test_a_hanging_request_does_not_keep_the_phones_next_one_waiting(app: APIFlask, tus: Tus) -> None:
    """The old connection of a phone that changed networks still waits for bytes; the new one goes on."""
    url = tus.begin(2 * PIECE_BYTES)
    cookies = tus.browser.get_cookie("concours")
    assert cookies is not None
    waiting, go_on = threading.Event(), threading.Event()
    late: list[int] = []
    begun: list[int] = []

    def slow(most: int) -> bytes:
        if begun:
            waiting.set()
            go_on.wait(20)
        begun.append(1)
        return b"a" * min(most, PIECE_BYTES)

    def hang() -> None:
        with app.app_context():
            browser = app.test_client()
            browser.set_cookie("concours", cookies.value)
            answer = Tus(browser, tus.account).patch_slowly(url, 0, slow, 2 * PIECE_BYTES)
            late.append(answer.status_code)

    thread = threading.Thread(target=hang)
    thread.start()
    assert waiting.wait(10)
    at = tus.offset(url)
    assert at == PIECE_BYTES
    assert "X-Asset" in tus.patch(url, at, b"a" * PIECE_BYTES).headers
    go_on.set()
    thread.join()
    assert late == [409]


def test_a_slow_upload_does_not_hold_the_databases_write_lock(app: APIFlask, tus: Tus, make: Make) -> None:
    """On SQLite one writer at a time: while bytes trickle in, others must be able to write."""
    url = tus.begin(10)
    wrote: list[int] = []

    def trickle(_most: int) -> bytes:
        with sa.create_engine(app.config["SQLALCHEMY_DATABASE_URI"]).connect() as other:
            other.exec_driver_sql("PRAGMA busy_timeout=200")
            other.exec_driver_sql("UPDATE account SET name = name")
            other.commit()
        wrote.append(1)
        return b"0123456789"

    answer = tus.patch_slowly(url, 0, trickle, 10)
    assert answer.status_code == 204
    assert wrote


def test_unfinished_uploads_are_limited_and_the_idle_give_way(tus: Tus, app: APIFlask, parts: Parts) -> None:
    urls = [tus.begin(10) for _ in range(UNFINISHED_UPLOADS)]
    refused = tus.create(10)
    assert (refused.status_code, refused.json["code"]) == (429, "too_many_uploads")
    assert int(refused.headers["Retry-After"]) == 3600
    assert len(parts()) == UNFINISHED_UPLOADS
    idle = Path(app.config["INSTANCE"], "uploads", urls[3].rsplit("/", 1)[1] + ".part")
    os.utime(idle, (1, 1))
    assert tus.create(10).status_code == 201
    assert tus.call("HEAD", urls[3]).status_code == 404
    assert tus.call("HEAD", urls[0]).status_code == 200


def test_what_is_not_finished_in_time_is_removed(
    app: APIFlask, tus: Tus, now: datetime, parts: Parts, make: Make
) -> None:
    url = tus.begin(10)
    tus.patch(url, 0, b"01234")
    done = tus.create(5, b"hello")
    stray = parts()[0].with_name("0" * 32 + ".part")
    stray.touch()
    os.utime(stray, (1, 1))
    later = now + timedelta(days=3, minutes=1)
    assert uploads.expire(storage(), instance=app.config["INSTANCE"], now=now) == 1
    assert tus.offset(url) == 5
    assert uploads.expire(storage(), instance=app.config["INSTANCE"], now=later) == 2
    session().commit()
    assert parts() == []
    assert session().scalars(sa.select(Upload)).all() == []
    assert storage().read(session().get_one(Asset, int(done.headers["X-Asset"])).storage_name) == b"hello"


def test_a_full_disk_is_told_and_loses_nothing(tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    url = tus.begin(10)
    tus.patch(url, 0, b"01234")

    def full(*_args: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("concours.media.parts.os.pwrite", full)
        answer = tus.patch(url, 5, b"56789")
    assert (answer.status_code, answer.json["code"]) == (503, "storage_full")
    assert tus.offset(url) == 5


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\照片\\作品.jpg", "作品.jpg"),
        ("a\x00b\u202egnp.jpg", "abgnp.jpg"),
        ("𠮷野家😀.jpg", "𠮷野家😀.jpg"),
        ("长" * 300 + ".jpeg", "长" * 249 + "….jpeg"),
        ("", ""),
    ],
)
def test_a_files_name_is_for_display_alone(tus: Tus, sent: str, kept: str) -> None:
    answer = tus.create(5, b"hello", filename=sent, note="x\x00y")
    asset = session().get_one(Asset, int(answer.headers["X-Asset"]))
    assert asset.filename == kept
    assert len(kept) <= 255


def test_metadata_is_told_back_as_it_was_given(tus: Tus) -> None:
    given = metadata(filename="a.jpg", purpose="probe", purpose_id=tus.account.id)
    url = tus.begin(10)
    created = tus.call("POST", "/uploads", Upload_Length="10", Upload_Metadata=given)
    assert tus.call("HEAD", created.headers["Location"]).headers["Upload-Metadata"] == given
    assert tus.call("HEAD", url).headers["Upload-Length"] == "10"
    assert tus.call("HEAD", url).headers["Cache-Control"] == "no-store"
