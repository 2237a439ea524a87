"""Whole platforms to drill, on either database."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.postgres import Postgres
from tests.drills.stack import Stack


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that flushes, and may be killed."""
    folder = Path(tempfile.mkdtemp(prefix="drill-pg-"))
    server = Postgres(folder / "pg")
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    """A platform on an empty instance, on either database."""
    environ = {}
    if request.param == "postgresql":
        environ["DATABASE_URL"] = request.getfixturevalue("postgres").url
    with Stack(tmp_path / "data", **environ) as platform:
        yield platform.start()
