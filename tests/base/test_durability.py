"""What "recorded" rests on is asked of the real servers, and missing parts are found."""

import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from concours.base import durability, embedded
from concours.base.redis import connect
from tests.conftest import both_databases


def weights(found: list[durability.Finding]) -> list[str]:
    return [finding.weight for finding in found]


def test_our_own_sqlite_flushes_and_a_lax_one_is_found(tmp_path: Path) -> None:
    from concours.base.db import prepare_engine

    engine = sa.create_engine(f"sqlite:///{tmp_path / 'a.sqlite3'}")
    prepare_engine(engine)
    assert durability.sql_findings(engine) == []

    lax = sa.create_engine(f"sqlite:///{tmp_path / 'b.sqlite3'}")

    @sa.event.listens_for(lax, "connect")
    def _lax(connection: object, _record: object) -> None:
        connection.execute("PRAGMA synchronous=NORMAL")  # type: ignore[attr-defined]

    assert weights(durability.sql_findings(lax)) == ["unsafe", "unsafe"]  # neither WAL nor FULL
    engine.dispose()
    lax.dispose()


@pytest.mark.postgres
def test_a_lax_postgresql_is_found(postgres_server: str) -> None:
    address = sa.make_url(postgres_server).set(database="postgres")
    engine = sa.create_engine(address)
    usual = weights(durability.sql_findings(engine))
    lax = sa.create_engine(address.update_query_dict({"options": "-c synchronous_commit=off"}))
    assert weights(durability.sql_findings(lax)) == [*usual, "unsafe"]
    engine.dispose()
    lax.dispose()


@pytest.mark.parametrize(
    ("more", "weight"),
    [
        (("--appendonly", "yes", "--appendfsync", "always"), []),
        (("--appendonly", "yes", "--appendfsync", "everysec"), ["advice"]),
        (("--appendonly", "no"), ["advice"]),
        (("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "allkeys-lru"), ["unsafe"]),
    ],
)
def test_a_lax_redis_is_found(run_folder: Path, tmp_path: Path, more: tuple[str, ...], weight: list[str]) -> None:
    socket = run_folder / f"lax-{abs(hash(more)) % 10**8}.sock"
    line = [embedded.binary(), "--port", "0", "--unixsocket", str(socket), "--dir", str(tmp_path), "--save", "", *more]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    try:
        embedded.wait(socket, process)
        assert weights(durability.redis_findings(connect(embedded.url(socket)))) == weight
    finally:
        process.terminate()
        process.wait(10)


@both_databases
def test_redis_away_is_advice_and_sql_away_is_not(database_url: str, redis_url: str) -> None:
    nowhere = "unix:///nowhere/at-all.sock"
    settings = {"DATABASE_URL": database_url, "REDIS_URL": nowhere, "VOTES_REDIS_URL": nowhere, "WEB_THREADS": 4}
    assert "away" not in weights(durability.findings(settings))
    settings = {
        "DATABASE_URL": "postgresql+psycopg://nobody:secret@127.0.0.1:9/none",
        "REDIS_URL": redis_url,
        "VOTES_REDIS_URL": redis_url,
        "WEB_THREADS": 4,
    }
    found = durability.findings(settings)
    assert "away" in weights(found)
    assert all("secret" not in finding.sentence for finding in found)
