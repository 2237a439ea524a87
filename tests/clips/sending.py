"""Sending films through the tus server, as the page's uploader does."""

import base64
from functools import lru_cache
from typing import Any

import numpy as np
from flask.testing import FlaskClient

from concours.cli.replay.film import exercise, with_mark


@lru_cache(maxsize=8)
def film(seconds: float) -> bytes:
    """A real H.264 film of that length."""
    return exercise(np.random.default_rng(1), seconds=seconds, width=320, height=180, people=2)


def marked(seconds: float, mark: str) -> bytes:
    """The same film as another file."""
    return with_mark(film(seconds), mark)


def send(browser: FlaskClient, member_id: int, data: bytes, *, size: int | None = None, **details: object) -> Any:
    """The answer to an upload of `data` in one request (or to its announcement of `size` bytes without any)."""
    told = {"purpose": "clip", "purpose_id": member_id, "filename": "早操.mp4", **details}
    metadata = ",".join(f"{key} {base64.b64encode(str(value).encode()).decode()}" for key, value in told.items())
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data) if size is None else size)}
    headers |= {"Upload-Metadata": metadata, "Accept": "application/json"}
    if size is not None:
        return browser.post("/uploads", headers=headers)
    return browser.post("/uploads", data=data, headers=headers, content_type="application/offset+octet-stream")


def go_on(browser: FlaskClient, url: str, data: bytes, at: int = 0) -> Any:
    """The answer to the bytes of an upload from `at` on."""
    headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": str(at), "Accept": "application/json"}
    return browser.patch(url, data=data, headers=headers, content_type="application/offset+octet-stream")
