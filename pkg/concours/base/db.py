"""SQL: one SQLAlchemy, the same models on SQLite and PostgreSQL.

Names of constraints follow one convention so that migrations can name them on both. Times are kept
in UTC and always come back aware. On SQLite a transaction that will write takes the write lock at
its beginning: a reader that later wants to write would otherwise fail at once instead of waiting.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, registry, scoped_session

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """An aware moment, kept in UTC: `timestamptz` on PostgreSQL, ISO text on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuses naive times: nobody knows which hour they mean."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """SQLite gives the time back without its zone, which is UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Json = sa.JSON().with_variant(JSONB(), "postgresql")

Pk = Annotated[int, mapped_column(BigId, primary_key=True)]


class _Base(DeclarativeBase):
    """The declarative base; Flask-SQLAlchemy adds the bind to the session's engine."""

    registry = registry(
        metadata=sa.MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: UTCDateTime,
            dict[str, Any]: Json,
            list[Any]: Json,
            list[str]: Json,
            list[dict[str, Any]]: Json,
            int: sa.Integer,
            bytes: sa.LargeBinary,
        },
    )


db = SQLAlchemy(model_class=_Base, disable_autonaming=True, session_options={"expire_on_commit": False})

if TYPE_CHECKING:
    Model = _Base
else:
    Model = db.Model


def session() -> Session:
    """The session of the running request, job or command."""
    return cast("scoped_session[Session]", db.session)()


_reading: ContextVar[bool] = ContextVar("concours_reading", default=False)


@contextmanager
def reading() -> Iterator[None]:
    """Within this block transactions on SQLite begin without the write lock."""
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


def set_reading(value: bool) -> None:
    """Says whether the running request only reads (GET and HEAD do)."""
    _reading.set(value)


SQLITE_BUSY_MS = 15_000
CHECKPOINT_PAGES = 16_384  # of 4 KiB; with the default, 1,000, a busy poll moves the same pages home all the time
POSTGRES_CONNECT_S = 5
POOL_EXTRA = 4
RECYCLE_S = 1_800


def engine_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """How connections are kept: one for each thread that may ask, and on PostgreSQL checked before use."""
    options: dict[str, Any] = {
        "pool_size": int(settings.get("WEB_THREADS") or 5),
        "max_overflow": POOL_EXTRA,
        "hide_parameters": True,  # what people wrote must not reach a log by way of an error's text
    }
    if str(settings["DATABASE_URL"]).startswith("postgresql"):
        options |= {
            "pool_pre_ping": True,
            "pool_recycle": RECYCLE_S,
            "connect_args": {"connect_timeout": POSTGRES_CONNECT_S, "application_name": "concours"},
        }
    return options


def prepare_engine(engine: Engine) -> None:
    """Puts the durability and locking this platform relies on into force on SQLite.

    WAL with synchronous=FULL: a commit that returned survives a power cut (sqlite.org/wal.html).
    """
    if engine.dialect.name != "sqlite":
        return

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={SQLITE_BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-32768",
            f"wal_autocheckpoint={CHECKPOINT_PAGES}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if _reading.get() else "BEGIN IMMEDIATE")


def reason_of(error: sa.exc.DBAPIError) -> str:
    """What the database says went wrong, for a log: never what people wrote, which PostgreSQL quotes."""
    original = error.orig
    said = getattr(original, "diag", None)
    if said is None:
        return f"{type(original).__name__}: {original}"
    if isinstance(error, sa.exc.DataError):  # its first line quotes the value
        return f"{type(original).__name__} {said.sqlstate}"
    primary = said.message_primary or original
    return f"{type(original).__name__} {said.sqlstate or ''}: {primary}"
