"""Uploading as the page's script does it: tus 1.0, https://tus.io/protocols/resumable-upload"""

import base64
import hashlib
from collections.abc import Mapping

import httpx

from concours.cli.replay.browser import Browser, Refused

CHUNK = 5 * 1024 * 1024  # bytes
HEADERS = {"Tus-Resumable": "1.0.0", "Accept": "application/json"}
TRIES = 5


def _metadata(values: Mapping[str, str]) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def _checked(response: httpx.Response) -> httpx.Response:
    if response.status_code >= 400:
        try:
            sentence = response.json().get("detail", "")
        except ValueError:
            sentence = response.text[:300]
        raise Refused(response.request.method, str(response.request.url), response.status_code, sentence)
    return response


def upload(browser: Browser, data: bytes, *, purpose: str, purpose_id: int, filename: str, **details: str) -> int:
    """Uploads `data`; returns the number of its asset.

    After a lost connection it asks where the upload stands and goes on from there. Raises Refused.
    """
    about = {"filename": filename, "purpose": purpose, "purpose_id": str(purpose_id), **details}
    headers = {**HEADERS, "Upload-Length": str(len(data)), "Upload-Metadata": _metadata(about)}
    first = data[:CHUNK]
    response = _checked(
        browser.http.post("/uploads", content=first, headers={**headers, **_body(first)}, follow_redirects=False)
    )
    location, at = response.headers["Location"], int(response.headers["Upload-Offset"])
    failures = 0
    while at < len(data):
        piece = data[at : at + CHUNK]
        try:
            asked = {**HEADERS, **_body(piece), "Upload-Offset": str(at)}
            response = _checked(browser.http.patch(location, content=piece, headers=asked))
        except httpx.TransportError:
            failures += 1
            if failures > TRIES:
                raise
            response = _checked(browser.http.head(location, headers=HEADERS))
        at = int(response.headers["Upload-Offset"])
    return int(response.headers["X-Asset"])


def _body(piece: bytes) -> dict[str, str]:
    checksum = base64.b64encode(hashlib.sha256(piece).digest()).decode()
    return {"Content-Type": "application/offset+octet-stream", "Upload-Checksum": f"sha256 {checksum}"}
