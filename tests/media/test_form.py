"""The form for browsers without script feeds the same verbs, behind a token."""

import io
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from concours.base.db import session
from concours.identity.models import Account
from concours.media.limits import FORM_BYTES
from concours.media.models import Asset
from tests.factories import Make
from tests.media.conftest import Tus
from tests.media.probe import Probe


def send(browser: FlaskClient, number: int, *files: tuple[str, bytes], **fields: str) -> TestResponse:
    """Sends the form as a browser does."""
    data = {"file": [(io.BytesIO(content), name) for name, content in files], **fields}
    return browser.post(f"/assets/upload/probe/{number}", data=data, content_type="multipart/form-data")


def said(browser: FlaskClient) -> list[str]:
    """The notices that wait for the next page, in English without their values."""
    with browser.session_transaction() as cookie:
        return [message["text"] for _, message in cookie.get("_flashes", [])]


def assets() -> list[Asset]:
    """What has arrived."""
    session().rollback()
    return list(session().scalars(sa.select(Asset).order_by(Asset.id)))


def test_files_of_a_form_become_assets_like_all_others(tus: Tus, probe: Probe) -> None:
    large = b"x" * 3_000_000
    answer = send(
        tus.browser,
        tus.account.id,
        ("我的.jpg", b"hello"),
        ("b.mp4", large),
        ("c.jpg", b""),
        back="/x?y=1",
        position="4",
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/x?y=1")
    assert [(asset.filename, asset.size) for asset in assets()] == [("我的.jpg", 5), ("b.mp4", 3_000_000)]
    assert [details for _, details in probe.attached] == [{"position": "4"}] * 2
    assert said(tus.browser) == [
        "“%(file)s” has arrived and is being checked.",
        "“%(file)s” has arrived and is being checked.",
        "“%(file)s” was not taken: %(reason)s",
    ]


def test_a_form_without_a_token_is_refused(app: APIFlask, tus: Tus) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    assert send(tus.browser, tus.account.id, ("a.jpg", b"hello")).status_code == 400
    assert assets() == []


def test_a_form_for_anothers_things_is_refused_and_said(
    tus: Tus, make: Make, client_as: Callable[[Account], FlaskClient]
) -> None:
    stranger = client_as(make.account())
    assert send(stranger, tus.account.id, ("a.jpg", b"hello")).status_code == 303
    assert said(stranger) == ["“%(file)s” was not taken: %(reason)s"]
    assert send(stranger, tus.account.id).status_code == 303
    assert said(stranger)[-1] == "No file was chosen."
    assert assets() == []


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1", "", "/\t/evil.example"]
)
def test_a_form_leads_only_to_pages_of_this_site(tus: Tus, back: str) -> None:
    assert send(tus.browser, tus.account.id, back=back).headers["Location"] == "/"


def test_a_form_may_be_larger_than_others_but_not_without_limit(tus: Tus) -> None:
    assert send(tus.browser, tus.account.id, ("a.mp4", bytes(17 * 1024 * 1024))).status_code == 303
    assert [asset.size for asset in assets()] == [17 * 1024 * 1024]
    answer = tus.browser.post(
        f"/assets/upload/probe/{tus.account.id}",
        data=b"--x",
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(FORM_BYTES + 1)},
    )
    assert answer.status_code == 413
