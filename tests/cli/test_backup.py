"""Backup and restore: all rows and files come back as they were, on either database; a damaged file changes nothing."""

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from concours.base.db import db
from concours.base.storage import connect
from concours.cli import archive, backup, database, restore
from concours.identity.models import Department, Role
from tests.conftest import SECRET
from tests.factories import Make
from tests.migrations.test_migrations import empty as _empty
from tests.migrations.test_migrations import rows

empty = _empty
"""An application on a database without tables, SQLite and PostgreSQL."""

SETTINGS = {"SECRET_KEY": SECRET, "POLL_KEY_SECRET": SECRET}


def everything(app: Flask) -> dict[str, list[str]]:
    """All rows of all tables in their form of backups."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            like.name: list(archive.rows_of(connection, table, like)) for table, like in archive.tables_of(db.metadata)
        }


def filled(tmp_path: Path) -> tuple[Flask, Path, dict[str, Any]]:
    """A database with people and things in it, some files, and its backup."""
    app = database.application(f"sqlite:///{tmp_path / 'source.sqlite3'}")
    database.upgrade(app)
    with app.app_context():
        make = Make(datetime.now(UTC))
        event, parent = make.event(title="赛事 𠮷🎉"), make.department()
        child: Department = make.department(parent_id=parent.id)
        parent.parent_id = child.id  # a row that refers to a later one
        db.session.commit()
        make.category(event)
        make.with_role(event, Role.COORDINATOR, child)
        make.member(make.team(event, child))
        db.session.remove()
    media = {"MEDIA_URL": (tmp_path / "source-media").as_uri()}
    storage = connect(media)
    storage.put("a/甲.bin", b"\0\xff" * 700_000)
    storage.put("b/empty", b"")
    storage.put("health/probe", b"ok")
    file = tmp_path / "all.zip"
    with file.open("wb") as raw:
        found = backup.write(raw, app, storage, SETTINGS, key="the key of the instance")
    return app, file, found


def test_all_rows_and_files_come_back_on_either_database(empty: Flask, tmp_path: Path) -> None:
    app, file, found = filled(tmp_path)
    before = everything(app)
    assert found["rows"] == sum(map(len, before.values())) > 10
    assert found["files"] == 2, "the probe of the readiness is no file of anybody"
    target = connect({"MEDIA_URL": (tmp_path / "target-media").as_uri()})
    with zipfile.ZipFile(file) as source:
        manifest = archive.manifest_of(source)
        archive.verify(source, manifest, lambda _bytes: None)
        restore.load(source, manifest, empty, target)
    assert everything(empty) == before
    assert target.read("a/甲.bin") == b"\0\xff" * 700_000
    assert target.read("b/empty") == b""
    assert database.differences(empty) == []
    with empty.app_context():  # numbers go on behind those that came back
        fresh = Make(datetime.now(UTC)).department()
        assert fresh.id > 2
        db.session.remove()


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"\0\xff\0\xff", b"\0\xfe\0\xff", 1),
        lambda _data: b"no backup at all",
    ],
)
def test_a_damaged_file_is_refused_before_anything_is_changed(tmp_path: Path, harm: Callable[[bytes], bytes]) -> None:
    _, file, _ = filled(tmp_path)
    file.write_bytes(harm(file.read_bytes()))
    with pytest.raises((archive.Damaged, zipfile.BadZipFile)), zipfile.ZipFile(file) as source:
        archive.verify(source, archive.manifest_of(source), lambda _bytes: None)


def test_a_load_that_fails_leaves_no_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, file, _ = filled(tmp_path)
    target = database.application(f"sqlite:///{tmp_path / 'target.sqlite3'}")
    storage = connect({"MEDIA_URL": (tmp_path / "target-media").as_uri()})

    def fail(_connection: sa.Connection, _table: archive.Table) -> None:
        raise archive.Damaged("the disk is full")

    monkeypatch.setattr(restore, "_check_count", fail)
    with zipfile.ZipFile(file) as source, pytest.raises(archive.Damaged):
        restore.load(source, archive.manifest_of(source), target, storage)
    assert sum(rows(target).values()) == 0


def test_every_type_of_the_models_has_its_form() -> None:
    kinds = {column.kind for _, like in archive.tables_of(db.metadata) for column in like.columns}
    assert kinds <= set(archive.TYPES)
