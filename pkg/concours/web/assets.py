"""Our own files below static/: their addresses, how long they are kept, and how small they travel.

An address carries the file's fingerprint (or, for vendored files, the version), so browsers keep it for a year and
fetch a new one at once. Text is sent compressed: the first page of a phone on a slow network is a third of the bytes.
Pages themselves are not compressed: they hold form tokens beside what the visitor typed (breachattack.com).
"""

import gzip
import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from flask import Flask, Response, request, url_for

STATIC = Path(__file__).parent / "static"
VENDOR = STATIC / "vendor"
YEAR_S = 365 * 24 * 3600
COMPRESSED = {
    "text/css",
    "text/javascript",
    "application/javascript",
    "image/svg+xml",
    "application/json",
    "text/plain",
}
WORTHWHILE = 1024  # bytes


@lru_cache(maxsize=256)
def _fingerprint(path: Path, changed_ns: int) -> str:  # noqa: ARG001  (a change of the file is a new fingerprint)
    return sha256(path.read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """The address of a file below static/, with its fingerprint."""
    path = STATIC / name
    return url_for("static", filename=name, v=_fingerprint(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=1)
def _vendored() -> dict[str, str]:
    listed = json.loads((VENDOR / "vendor.json").read_text(encoding="utf-8"))
    return {alias: path for package in listed["packages"] for alias, path in package["names"].items()}


def vendor(name: str) -> str:
    """The address of a vendored file by its short name (`htmx.js`); the names are in static/vendor/vendor.json."""
    return url_for("static", filename=f"vendor/{_vendored()[name]}")


@lru_cache(maxsize=128)
def _small(path: Path, changed_ns: int) -> bytes:  # noqa: ARG001
    return gzip.compress(path.read_bytes(), compresslevel=9, mtime=0)


def _deliver(response: Response) -> Response:
    if request.endpoint != "static" or response.status_code != 200:
        return response
    name = str((request.view_args or {}).get("filename", ""))
    if "v" in request.args or name.startswith("vendor/"):
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    if response.mimetype not in COMPRESSED or "Range" in request.headers:
        return response
    response.vary.add("Accept-Encoding")
    path = STATIC / name
    if request.accept_encodings["gzip"] <= 0 or path.stat().st_size < WORTHWHILE:
        return response
    etag, _weak = response.get_etag()
    response.direct_passthrough = False
    response.set_data(_small(path, path.stat().st_mtime_ns))
    response.headers["Content-Encoding"] = "gzip"
    if etag is not None:
        response.set_etag(etag, weak=True)
    return response


def init_assets(app: Flask) -> None:
    """Gives templates `asset(name)` and `vendor(name)`, and keeps and compresses what is served."""
    app.jinja_env.globals.update(asset=asset, vendor=vendor)
    app.after_request(_deliver)
