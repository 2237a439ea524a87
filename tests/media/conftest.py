"""A tus client as small as the protocol, over the real application."""

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from concours.base.db import session
from concours.identity.models import Account
from concours.media import jobs
from concours.media.models import Asset
from tests.factories import Make
from tests.media import probe as probes
from tests.media.probe import Probe

BODY = "application/offset+octet-stream"


def metadata(**pairs: object) -> str:
    """An Upload-Metadata header."""
    return ",".join(f"{key} {base64.b64encode(str(value).encode()).decode()}" for key, value in pairs.items())


class Tus:
    """One signed-in client that uploads for `account`."""

    def __init__(self, browser: FlaskClient, account: Account) -> None:
        self.browser = browser
        self.account = account

    def call(self, method: str, url: str, body: bytes | None = None, **headers: str) -> TestResponse:
        sent = {"Tus-Resumable": "1.0.0"} | {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent.setdefault("Content-Type", BODY)
        return self.browser.open(url, method=method, headers=sent, data=body)

    def create(self, size: int, body: bytes | None = None, **pairs: Any) -> TestResponse:
        """POST /uploads; keywords are pairs of the metadata."""
        pairs = {"filename": "a.bin", "purpose": "probe", "purpose_id": self.account.id} | pairs
        return self.call("POST", "/uploads", body, Upload_Length=str(size), Upload_Metadata=metadata(**pairs))

    def begin(self, size: int) -> str:
        """The address of a new upload of `size` bytes."""
        answer = self.create(size)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def patch(self, url: str, offset: int, body: bytes, **headers: str) -> TestResponse:
        return self.call("PATCH", url, body, Upload_Offset=str(offset), **headers)

    def patch_slowly(self, url: str, offset: int, read: Callable[[int], bytes], length: int) -> TestResponse:
        """A PATCH of `length` bytes whose body is what `read(greatest number of bytes)` gives, again and again."""

        class Body(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def readinto(self, target: Any) -> int:
                piece = read(len(target))
                target[: len(piece)] = piece
                return len(piece)

        return self.browser.patch(
            url,
            headers={"Tus-Resumable": "1.0.0", "Upload-Offset": str(offset), "Content-Type": BODY},
            environ_overrides={"wsgi.input": Body(), "CONTENT_LENGTH": str(length)},
        )

    def offset(self, url: str) -> int:
        """Where the upload stands, asked with HEAD."""
        answer = self.call("HEAD", url)
        assert answer.status_code == 200
        return int(answer.headers["Upload-Offset"])


@pytest.fixture
def probe() -> Probe:
    """The tests' own room."""
    return probes.register()


@pytest.fixture
def tus(probe: Probe, make: Make, client_as: Callable[[Account], FlaskClient]) -> Tus:
    """A client of a new account."""
    account = make.account()
    return Tus(client_as(account), account)


@pytest.fixture
def checked(tus: Tus, probe: Probe) -> Callable[..., Asset]:
    """`checked(content, "name.jpg", formats=…)`: uploaded, looked into by the worker's job, and read again."""

    def upload_and_check(content: bytes, filename: str, **demands: Any) -> Asset:
        probe.demands = replace(probe.demands, **demands)
        answer = tus.create(len(content), content, filename=filename)
        assert answer.status_code == 201, answer.text
        number = int(answer.headers["X-Asset"])
        jobs.check(number)
        return session().get_one(Asset, number, populate_existing=True)

    return upload_and_check


@pytest.fixture
def parts(app: APIFlask) -> Callable[[], list[Path]]:
    """The part files that lie on the disk."""
    return lambda: sorted(Path(app.config["INSTANCE"], "uploads").glob("*"))
