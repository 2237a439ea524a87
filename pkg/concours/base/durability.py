"""What the platform relies on when it says "recorded": asked of SQL and Redis themselves when a process starts.

A vote that got 201 is recorded in SQL, so SQL must flush to disk before a commit returns: SQLite in WAL mode with
synchronous FULL (sqlite.org/pragma.html#pragma_synchronous), PostgreSQL with fsync and synchronous_commit on. A Redis
that flushes later loses nothing that was answered 201, only provisional receipts (202): that is a warning.
UNSAFE_FSYNC turns refusals into warnings; it is for tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import redis
import sqlalchemy as sa

from concours.base.db import engine_options, prepare_engine
from concours.base.redis import connect, servers

SQLITE_SAFE_SYNCHRONOUS = {2, 3}  # FULL, EXTRA
POSTGRES_SAFE_COMMIT = {"on", "remote_apply", "remote_write", "local"}  # each flushes the primary's own log first


@dataclass(frozen=True)
class Finding:
    """Something the platform relies on and does not have.

    `weight`: `advice`; `unsafe`, which UNSAFE_FSYNC accepts; or `away`, which nothing does.
    """

    weight: str
    sentence: str


def sql_findings(engine: sa.Engine) -> list[Finding]:
    """What is missing on the SQL side. Raises SQLAlchemy's errors where SQL cannot be asked."""
    with engine.connect() as connection:

        def ask(statement: str) -> Any:
            return connection.exec_driver_sql(statement).scalar()

        found: list[Finding] = []
        if engine.dialect.name == "sqlite":
            mode = str(ask("PRAGMA journal_mode")).lower()
            if mode != "wal":
                found.append(
                    Finding("unsafe", f"SQLite keeps its journal as {mode}, not as WAL; is the file on a network disk?")
                )
            if ask("PRAGMA synchronous") not in SQLITE_SAFE_SYNCHRONOUS:
                found.append(
                    Finding("unsafe", "SQLite does not flush before a commit returns (synchronous is not FULL).")
                )
            return found
        if ask("SHOW fsync") != "on":
            found.append(Finding("unsafe", "PostgreSQL does not flush to disk (fsync is off)."))
        if ask("SHOW synchronous_commit") not in POSTGRES_SAFE_COMMIT:
            found.append(Finding("unsafe", "PostgreSQL answers before it flushes (synchronous_commit is off)."))
        if ask("SHOW full_page_writes") != "on":
            found.append(Finding("unsafe", "PostgreSQL may tear pages in a power cut (full_page_writes is off)."))
    return found


def redis_findings(client: "redis.Redis") -> list[Finding]:
    """What is missing on the Redis side. Raises redis-py's errors where Redis cannot be asked."""
    try:
        found: Any = client.config_get("append*", "maxmemory-policy")
    except redis.exceptions.ResponseError:
        return [Finding("advice", "Redis does not tell its configuration; see that appendonly and appendfsync are on.")]
    kept = {_text(name): _text(value) for name, value in found.items()}
    findings: list[Finding] = []
    if kept.get("appendonly") == "no":
        findings.append(
            Finding("advice", "Redis keeps no append-only file: votes not yet recorded are lost when it ends.")
        )
    elif kept.get("appendfsync") not in {"always", None}:
        findings.append(
            Finding(
                "advice",
                f"Redis flushes {kept['appendfsync']}, not always: a power cut can lose votes that were answered 202.",
            )
        )
    if kept.get("maxmemory-policy", "noeviction") != "noeviction":
        findings.append(
            Finding(
                "unsafe",
                f"Redis may throw keys away ({kept['maxmemory-policy']}): maxmemory-policy must be noeviction.",
            )
        )
    return findings


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def findings(settings: Mapping[str, Any]) -> list[Finding]:
    """All that is missing. SQL that cannot be reached is grave; without Redis only voting and jobs rest."""
    found: list[Finding] = []
    engine = sa.create_engine(settings["DATABASE_URL"], **engine_options(settings))
    prepare_engine(engine)
    try:
        found += sql_findings(engine)
    except sa.exc.SQLAlchemyError as fault:
        found.append(Finding("away", f"SQL cannot be reached: {str(getattr(fault, 'orig', fault)).strip()}"))
    finally:
        engine.dispose()
    for url in dict.fromkeys((settings["REDIS_URL"], settings["VOTES_REDIS_URL"])):
        found += _of_redis(url)
    return found


def _of_redis(url: str) -> list[Finding]:
    """What is missing on each server behind the address."""
    found: list[Finding] = []
    client = connect(url)
    try:
        for name, server in servers(client).items():
            found += [
                replace(f, sentence=f"{name}: {f.sentence}" if name else f.sentence) for f in redis_findings(server)
            ]
    except redis.exceptions.RedisError as fault:
        found.append(Finding("advice", f"Redis cannot be reached: {fault}"))
    finally:
        client.close()
    return found
