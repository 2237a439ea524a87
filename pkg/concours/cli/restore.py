"""`concours restore`: brings a backup to life on an empty instance, on SQLite or PostgreSQL, whichever it came from."""

import json
import os
import shutil
import sys
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import redis
import sqlalchemy as sa
from flask import Flask

from concours.base import config
from concours.base.redis import connect as connect_redis
from concours.base.storage import Storage
from concours.base.storage import connect as connect_storage
from concours.cli import archive, database, environment, lock


@click.command(name="restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--other-key", is_flag=True, help="Go on although SECRET_KEY is not the one the backup was made with.")
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON.")
def command(file: Path, other_key: bool, as_json: bool) -> None:
    """Load the backup FILE into an empty instance: nobody has an account, and there is no event.

    The file is read and checked as a whole before anything is changed. The platform must not run meanwhile.
    """
    instance = config.instance_of(os.environ)
    try:
        lock.take(instance)
    except lock.Taken as taken:
        raise click.ClickException(f"{taken} Stop it first.") from None
    begun = time.monotonic()
    try:
        with zipfile.ZipFile(file) as source:
            manifest = archive.manifest_of(source)
            with _bar(sum(item.file_size for item in source.infolist()), "checking") as bar:
                archive.verify(source, manifest, bar.update)
            settings = _settings(source, manifest, instance, other_key=other_key)
            app = database.application(settings["DATABASE_URL"])
            _require_empty(app, settings)
            found = load(source, manifest, app, connect_storage(settings))
    except (archive.Damaged, zipfile.BadZipFile) as fault:
        raise click.ClickException(f"{file} cannot be restored: {fault}") from None
    found |= {"file": str(file), "seconds": round(time.monotonic() - begun, 1)}
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        click.echo(
            f"{found['rows']:,} rows of {found['tables']} tables and {found['files']:,} files are back"
            f" ({found['seconds']} s); start the platform as usual"
        )


def _settings(
    source: zipfile.ZipFile, manifest: Mapping[str, Any], instance: Path, *, other_key: bool
) -> dict[str, Any]:
    """The settings to restore with: the environment's key, else the backup's own, which is kept in the instance."""
    given = bool(os.environ.get("SECRET_KEY", "").strip())
    brought = not given and manifest["has_key"]
    if brought:
        key = source.read(archive.KEY).decode().strip()
        os.environ["SECRET_KEY"] = key  # for the checks; kept in the instance below
    settings = environment.settings(process="restore", embedded_stack=True)
    wrong = [
        name
        for name, field in (("SECRET_KEY", "key"), ("POLL_KEY_SECRET", "poll_key"))
        if archive.fingerprint(settings[name]) != manifest[field]
    ]
    if wrong and not other_key:
        raise click.ClickException(
            f"{' and '.join(wrong)} differ from those of the backup: receipts, sign-ins and the keys of polls would be"
            " worth nothing. Set the same, or go on without them by --other-key."
        )
    if brought:
        (instance / environment.KEY_FILE).unlink(missing_ok=True)
        _keep_key(instance, os.environ["SECRET_KEY"])
    return settings


def _keep_key(instance: Path, key: str) -> None:
    path = instance / environment.KEY_FILE
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key + "\n")


def _require_empty(app: Flask, settings: Mapping[str, Any]) -> None:
    """Refuses an instance in which somebody has an account or an event. Clears what an empty one leaves in Redis."""
    with app.app_context():
        from concours.base.db import db

        try:
            tables = sa.inspect(db.engine).get_table_names()
        except sa.exc.DatabaseError as fault:
            raise click.ClickException(f"the database cannot be used: {fault.orig}") from None
    if tables and (database.current(app) is None or not database.is_empty(app)):
        raise click.ClickException("this instance is not empty: choose another INSTANCE, or an empty database")
    shutil.rmtree(Path(settings["INSTANCE"]) / environment.VALKEY_FOLDER, ignore_errors=True)
    client = connect_redis(settings["VOTES_REDIS_URL"])
    try:
        if next(iter(client.scan_iter(match="{p:*}:*", count=1000)), None) is not None:
            raise click.ClickException(
                "this Redis holds polls of another instance: name an empty one by REDIS_URL or VOTES_REDIS_URL"
            )
    except redis.exceptions.RedisError:
        return  # the embedded one does not run now, and its data is gone
    finally:
        client.close()


def load(source: zipfile.ZipFile, manifest: Mapping[str, Any], app: Flask, storage: Storage) -> dict[str, Any]:
    """Loads files, then rows in one transaction, then brings the schema up to date; a summary."""
    files = 0
    with click.progressbar(list(archive.listed_files(source)), label="files", file=sys.stderr) as bar:
        for item in bar:
            with source.open(f"files/{item['name']}") as data:
                storage.put(item["name"], archive.pieces(data))
            files += 1
    tables = [archive.Table.read(raw) for raw in manifest["tables"]]
    if database.current(app) is not None:
        database.downgrade(app, "base")
    database.upgrade(app, manifest["revision"])
    with app.app_context():
        from concours.base.db import db

        with db.engine.begin() as connection, _bar(sum(table.rows for table in tables), "rows") as rows:
            for table in tables:
                _insert(connection, source, table)
                rows.update(table.rows)
            for table in tables:
                if table.later:
                    _fill_later(connection, source, table)
            for table in tables:
                _check_count(connection, table)
                _set_sequence(connection, table)
    database.upgrade(app)
    return {
        "tables": len(tables),
        "rows": sum(table.rows for table in tables),
        "files": files,
        "revision": database.current(app),
    }


def _insert(connection: sa.Connection, source: zipfile.ZipFile, table: archive.Table) -> None:
    target = archive.light(table)
    with source.open(f"tables/{table.name}.jsonl") as lines:
        for batch in archive.batches(archive.lines_of(lines), table):
            for row in batch:
                row.update(dict.fromkeys(table.later))
            connection.execute(sa.insert(target), batch)


def _fill_later(connection: sa.Connection, source: zipfile.ZipFile, table: archive.Table) -> None:
    """Fills the columns that refer to rows which were not there yet."""
    target = archive.light(table)
    match = sa.and_(*(target.c[name] == sa.bindparam(f"key_{name}") for name in table.key))
    with source.open(f"tables/{table.name}.jsonl") as lines:
        for batch in archive.batches(archive.lines_of(lines), table):
            for name in table.later:
                values = [
                    {f"key_{key}": row[key] for key in table.key} | {"value": row[name]}
                    for row in batch
                    if row[name] is not None
                ]
                if values:
                    statement = sa.update(target).where(match).values({name: sa.bindparam("value")})
                    connection.execute(statement, values)


def _check_count(connection: sa.Connection, table: archive.Table) -> None:
    found = connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table.name)))
    if found != table.rows:
        raise archive.Damaged(f"{table.name} has {found} rows, not {table.rows}")


def _set_sequence(connection: sa.Connection, table: archive.Table) -> None:
    """PostgreSQL: the next number given out is greater than all that came."""
    if connection.dialect.name != "postgresql" or len(table.key) != 1:
        return
    quoted = connection.dialect.identifier_preparer.quote(table.name)
    sequence = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(quoted, table.key[0])))
    if sequence is None:
        return
    column: sa.ColumnClause[int] = sa.column(table.key[0])
    highest = connection.scalar(sa.select(sa.func.max(column)).select_from(sa.table(table.name)))
    connection.execute(sa.select(sa.func.setval(sequence, highest or 1, highest is not None)))


def _bar(length: int, label: str) -> Any:
    return click.progressbar(length=length or 1, label=label, file=sys.stderr)
