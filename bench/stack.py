"""Real servers for a benchmark: Valkey, the platform's own web server and sequencer, and what they are held against."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from concours.base import embedded

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
STARTED_WITHIN_S = 60.0
ANSWERS = 20  # in a row, before a server counts as started


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for the run (its path is short: Unix sockets need that)."""
    path = Path(tempfile.mkdtemp(prefix="cb-", dir=os.environ.get("BENCH_FOLDER", "/tmp")))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def process(command: list[str], environ: dict[str, str] | None = None, log: Path | None = None) -> Iterator[int]:
    """A process that is asked to end with the block."""
    out = log.open("ab") if log else subprocess.DEVNULL
    started = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **(environ or {})}, stdout=out, stderr=subprocess.STDOUT
    )
    try:
        yield started.pid
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(15)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def answers(port: int, path: str = "/", within_s: float = STARTED_WITHIN_S) -> None:
    """Waits until the server answers there, several times over: each of its processes has started by then."""
    until, answered = time.monotonic() + within_s, 0
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
                answered += response.status == 200
        except OSError:
            time.sleep(0.1)
        if answered >= ANSWERS:
            return
    raise TimeoutError(f"nothing answers on port {port} after {within_s:g} s")


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and its children have taken so far (user and system)."""
    ticks, tree = 0, [pid]
    while tree:
        number = tree.pop()
        try:
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            threads = Path(f"/proc/{number}/task").iterdir()
            tree += [int(child) for t in threads for child in (t / "children").read_text().split()]
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Meter:
    """Processor time of named processes between two moments."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._begun = {name: cpu_seconds(pid) for name, pid in pids.items()}

    def spent(self) -> dict[str, float]:
        """Seconds by name since the beginning."""
        return {name: cpu_seconds(pid) - self._begun[name] for name, pid in self._pids.items()}


@contextmanager
def valkey(where: Path) -> Iterator[tuple[str, int]]:
    """A Valkey that flushes before it answers, as the platform runs it; its URL and process."""
    path = where / "v.sock"
    with process(embedded.command(where / "valkey", path)) as pid:
        embedded.wait(path)
        yield embedded.url(path), pid


@contextmanager
def platform(environ: dict[str, str], log: Path, *, workers: int, threads: int) -> Iterator[tuple[int, dict[str, int]]]:
    """The platform's web server and sequencer, by its own commands; the port, and the processes by name."""
    port = free_port()
    with ExitStack() as stack:
        sequencer = stack.enter_context(process([str(BIN / "concours"), "sequencer"], environ, log))
        command = [str(BIN / "concours"), "web", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--workers", str(workers), "--threads", str(threads)]
        web = stack.enter_context(process(command, environ, log))
        answers(port, "/healthz")
        time.sleep(2.0)  # the sequencer loads the polls
        yield port, {"web": web, "sequencer": sequencer}


@contextmanager
def noop(*, workers: int, threads: int) -> Iterator[tuple[int, int]]:
    """The Flask view that does nothing, on the same server with the same processes and threads."""
    port = free_port()
    command = [str(BIN / "granian"), "--interface", "wsgi", "--factory", "bench.noop:create_app", "--port", str(port)]
    command += ["--workers", str(workers), "--blocking-threads", str(threads), "--backlog", "2048", "--no-ws"]
    command += ["--backpressure", "1024", "--log-level", "error", "--http", "1"]
    with process(command) as pid:
        answers(port)
        time.sleep(1.0)
        yield port, pid


@contextmanager
def peer(redis_url: str) -> Iterator[int]:
    """The page that pushes to a Redis list, on gunicorn with its own options."""
    port = free_port()
    command = [str(BIN / "gunicorn"), "bench.peer:app", "-b", f"127.0.0.1:{port}", "--log-file", "-"]
    command += ["--access-logfile", "-", "--workers", "4", "--keep-alive", "0"]
    with process(command, {"PEER_REDIS_URL": redis_url}):
        answers(port)
        time.sleep(1.0)
        yield port
