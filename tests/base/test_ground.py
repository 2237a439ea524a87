"""The ground holds: the application starts on both databases, and refuses what would be dangerous."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from concours.base.config import ConfigError, load
from concours.base.db import session
from concours.base.storage import storage
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
