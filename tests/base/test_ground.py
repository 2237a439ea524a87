"""The ground holds: the application starts on both databases, and refuses what would be dangerous."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from concours.base.config import ConfigError, load
from concours.base.db import db, session
from concours.base.storage import storage
from concours.identity.models import Role
from tests.conftest import both_databases
from tests.factories import Make


@both_databases
def test_an_event_is_kept_and_its_times_come_back_aware(app: APIFlask, make: Make) -> None:
    event = make.event()
    session().expire_all()
    phase = event.phases[0]
    assert phase.opens_at.tzinfo is not None
    assert session().scalar(sa.select(sa.func.count()).select_from(type(event))) == 1


def test_a_weak_secret_key_is_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match="at least 32 characters"):
        load({"SECRET_KEY": "changeme", "REDIS_URL": "redis://x"}, root=Path("/tmp"))


def test_every_fault_of_the_configuration_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        load({"DEFAULT_TIMEZONE": "Peking", "SESSION_DAYS": "many"}, root=Path("/tmp"))
    for name in ("DEFAULT_TIMEZONE", "SESSION_DAYS", "SECRET_KEY", "REDIS_URL"):
        assert name in str(refused.value)


def test_files_are_stored_read_in_ranges_and_deleted(app: APIFlask) -> None:
    storage().put("a/b.bin", b"0123456789")
    assert b"".join(storage().stream("a/b.bin", start=3, length=4)) == b"3456"
    assert list(storage().names("a")) == ["a/b.bin"]
    storage().delete("a/b.bin")
    with pytest.raises(FileNotFoundError):
        storage().read("a/b.bin")


def test_a_post_takes_the_write_lock_at_its_beginning(app: APIFlask, make: Make, client_as: Any) -> None:
    event = make.event()
    organiser = client_as(make.with_role(event, Role.ORGANISER))
    begun: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("BEGIN"):
            begun.append(statement)

    halls = f"/events/{event.slug}/exhibition/halls"
    organiser.get(f"/events/{event.slug}/exhibition/desk")
    sa.event.listen(db.engine, "before_cursor_execute", note)
    session().rollback()
    organiser.post(halls, data={"title": "厅"})
    assert begun
    assert set(begun) == {"BEGIN IMMEDIATE"}
