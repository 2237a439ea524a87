"""The one place files are kept: a disk folder or an S3 bucket behind one small interface.

Names are made by us (never by a person), relative, and slash-separated. Works on obstore, whose
local store refuses `..`.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import obstore
from flask import Flask, current_app
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, S3Store

MISSING = (FileNotFoundError, NotFoundError)  # obstore raises the one or the other, by version and by store
READ_CHUNK = 1024 * 1024
PART_SIZE = 8 * 1024 * 1024


class Storage:
    """Files by name. Every method raises `FileNotFoundError` for a name that is not there."""

    def __init__(self, store: Any, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    def put(self, name: str, data: bytes | BinaryIO | Iterable[bytes] | Path) -> None:
        """Stores `data` whole under `name`, replacing what was there; readers never see half of it."""
        obstore.put(self._store, name, data, chunk_size=PART_SIZE)

    def adopt(self, name: str, path: Path) -> None:
        """Stores the finished file at `path`, whose bytes were flushed by the caller; it stays there as well.

        Where the store is a folder on the same filesystem this is a second name for the same bytes (no copy),
        kept through a power cut: nobody may write into `path` afterwards. Again: nothing changes.
        """
        if self._folder is not None:
            target = self._folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with suppress(FileExistsError):
                    os.link(path, target)
            except OSError:
                pass  # another filesystem, or one without links: copied below
            else:
                folder = os.open(target.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
                return
        self.put(name, path)

    def open(self, name: str) -> BinaryIO:
        """The file for reading at any place: the one on disk, or a copy that vanishes when it is closed."""
        if self._folder is not None:
            return (self._folder / name).open("rb")
        copy = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
        try:
            for piece in self.stream(name):
                copy.write(piece)
        except BaseException:
            copy.close()
            raise
        copy.seek(0)
        return copy

    def read(self, name: str) -> bytes:
        """The whole file; for small ones."""
        try:
            return bytes(obstore.get(self._store, name).bytes())
        except MISSING as missing:
            raise FileNotFoundError(name) from missing

    def size(self, name: str) -> int:
        """Its length in bytes."""
        try:
            return int(obstore.head(self._store, name)["size"])
        except MISSING as missing:
            raise FileNotFoundError(name) from missing

    def stream(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from `start`, `length` of them or to the end, at most 1 MiB at a time."""
        end = self.size(name) if length is None else start + length
        at = start
        while at < end:
            piece = bytes(obstore.get_range(self._store, name, start=at, end=min(end, at + READ_CHUNK)))
            if not piece:
                return
            at += len(piece)
            yield piece

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        try:
            obstore.head(self._store, name)
        except MISSING:
            return False
        return True

    def delete(self, name: str) -> None:
        """Removes the file; a name that is not there is no error."""
        try:
            obstore.delete(self._store, name)
        except MISSING:
            return

    def names(self, prefix: str = "") -> Iterator[str]:
        """All names below `prefix` (a folder)."""
        for page in obstore.list(self._store, prefix=prefix or None):
            for item in page:
                yield str(item["path"])


def connect(config: dict[str, Any]) -> Storage:
    """The storage that `MEDIA_URL` names; a folder is made when it is not there."""
    url = urlsplit(config["MEDIA_URL"])
    if url.scheme == "file":
        folder = Path(unquote(url.path))
        folder.mkdir(parents=True, exist_ok=True)
        return Storage(LocalStore(prefix=folder, mkdir=True), folder)
    options: dict[str, Any] = {"region": config.get("S3_REGION") or "us-east-1"}
    if config.get("S3_ENDPOINT"):
        options["endpoint"] = config["S3_ENDPOINT"]
        options["virtual_hosted_style_request"] = False
    if config.get("S3_ACCESS_KEY_ID"):
        options["access_key_id"] = config["S3_ACCESS_KEY_ID"]
        options["secret_access_key"] = config["S3_SECRET_ACCESS_KEY"]
    plain = str(config.get("S3_ENDPOINT", "")).startswith("http://")
    return Storage(
        S3Store(url.netloc, prefix=url.path.strip("/") or None, client_options={"allow_http": plain}, **options)
    )


def init_storage(app: Flask) -> None:
    """Gives the application its storage."""
    app.extensions["concours_storage"] = connect(dict(app.config))


def storage() -> Storage:
    """The application's storage."""
    found: Storage = current_app.extensions["concours_storage"]
    return found
