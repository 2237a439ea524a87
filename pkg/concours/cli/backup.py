"""`concours backup`: everything needed to go on elsewhere, in one file, while the platform runs."""

import hashlib
import json
import os
import sys
import time
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from flask import Flask

from concours import __version__
from concours.base.storage import Storage
from concours.base.storage import connect as connect_storage
from concours.cli import archive, database, environment

NOT_KEPT = ("health/",)


@click.command(name="backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE where it is there already.")
@click.option("--without-key", is_flag=True, help="Leave out the secret key that the instance made.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON.")
def command(file: Path, force: bool, without_key: bool, as_json: bool) -> None:
    """Write all data and files into FILE, as of one moment.

    Redis is not in it: limits, slots and counts are rebuilt from SQL. A secret key that the instance made itself is
    in it, for without it receipts, sign-ins and the keys of polls would be worth nothing elsewhere: guard the file
    as you guard the machine. A key given by SECRET_KEY is not in it; keep it with your other secrets.
    """
    settings = environment.settings(process="backup")
    if file.exists() and not force:
        raise click.ClickException(f"{file} is there already; name another file, or use --force")
    app = database.application(settings["DATABASE_URL"])
    at, newest = database.current(app), database.head()
    if at != newest:
        raise click.ClickException(f"the database is at {at or 'nothing'}, this program at {newest}: upgrade first")
    begun = time.monotonic()
    partial = file.with_name(f"{file.name}.partial")
    key = None if without_key else _own_key(settings)
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as raw:
            found = write(raw, app, connect_storage(settings), settings, key=key)
            raw.flush()
            os.fsync(raw.fileno())
    except OSError as fault:
        partial.unlink(missing_ok=True)
        raise click.ClickException(f"the backup could not be written: {fault}") from None
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(file)
    found |= {"file": str(file), "bytes": file.stat().st_size, "seconds": round(time.monotonic() - begun, 1)}
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo(
        f"{file}: {found['rows']:,} rows of {found['tables']} tables and {found['files']:,} files,"
        f" {found['bytes'] / 1024 / 1024:,.1f} MiB in {found['seconds']} s"
    )
    if found["gone"]:
        click.echo(f"{found['gone']} files were deleted while the backup was written; they are not in it", err=True)


def _own_key(settings: Mapping[str, Any]) -> str | None:
    """The key the instance made, where it is the one in use."""
    kept = environment.secret_key(Path(settings["INSTANCE"]))
    return kept if kept == settings["SECRET_KEY"] else None


def write(raw: Any, app: Flask, storage: Storage, settings: Mapping[str, Any], *, key: str | None) -> dict[str, Any]:
    """Writes the backup to the open file `raw`; a summary of what is in it."""
    with zipfile.ZipFile(raw, "w", allowZip64=True) as target:
        tables = _write_tables(target, app)
        files = _write_files(target, storage)
        if key is not None:
            target.writestr(archive.KEY, key + "\n")
        manifest = {
            "format": archive.FORMAT,
            "program": __version__,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "revision": database.head(),
            "key": archive.fingerprint(settings["SECRET_KEY"]),
            "poll_key": archive.fingerprint(settings["POLL_KEY_SECRET"]),
            "has_key": key is not None,
            "tables": [table.written() for table in tables],
            "files": files,
        }
        target.writestr(archive.MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
    return {
        "tables": len(tables),
        "rows": sum(table.rows for table in tables),
        "files": files["count"],
        "gone": files["gone"],
        "revision": manifest["revision"],
    }


def _write_tables(target: zipfile.ZipFile, app: Flask) -> list[archive.Table]:
    from concours.base.db import db, reading

    written = []
    with app.app_context(), reading(), db.engine.connect() as plain:
        connection = plain
        if db.engine.dialect.name != "sqlite":  # on SQLite a transaction sees one moment anyway
            connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        todo = archive.tables_of(db.metadata)
        counts = [
            connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table, _ in todo
        ]  # the first of these fixes the moment
        with click.progressbar(length=sum(counts) or 1, label="rows", file=sys.stderr) as bar:
            for (table, like), count in zip(todo, counts, strict=True):
                sha, rows = hashlib.sha256(), 0
                member = zipfile.ZipInfo(f"tables/{table.name}.jsonl")
                member.compress_type = zipfile.ZIP_DEFLATED
                with target.open(member, "w", force_zip64=True) as sink:
                    for line in archive.rows_of(connection, table, like):
                        data = line.encode()
                        sink.write(data)
                        sha.update(data)
                        rows += 1
                bar.update(count)
                written.append(archive.Table(like.name, like.columns, like.key, like.later, rows, sha.hexdigest()))
    return written


def _write_files(target: zipfile.ZipFile, storage: Storage) -> dict[str, Any]:
    names = sorted(name for name in storage.names() if not name.startswith(NOT_KEPT) and name != "README.md")
    listed: list[str] = []
    gone = 0
    with click.progressbar(names, label="files", file=sys.stderr) as bar:
        for name in bar:
            try:
                length, sha256 = _write_file(target, storage, name)
            except FileNotFoundError:
                gone += 1
                continue
            listed.append(json.dumps({"name": name, "size": length, "sha256": sha256}, ensure_ascii=False) + "\n")
    data = "".join(listed).encode()
    target.writestr(archive.FILES, data, compress_type=zipfile.ZIP_DEFLATED)
    return {"count": len(listed), "gone": gone, "sha256": hashlib.sha256(data).hexdigest()}


def _write_file(target: zipfile.ZipFile, storage: Storage, name: str) -> tuple[int, str]:
    """Copies one stored file; its length and digest. Raises FileNotFoundError before anything is written."""
    size = storage.size(name)
    length, sha = 0, hashlib.sha256()
    with target.open(zipfile.ZipInfo(f"files/{name}"), "w", force_zip64=True) as sink:
        for piece in storage.stream(name, 0, size):
            sink.write(piece)
            sha.update(piece)
            length += len(piece)
    return length, sha.hexdigest()
