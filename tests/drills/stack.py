"""A whole platform under test: real processes, started as people start them, and killed as machines kill them.

Every process of a stack carries its instance folder in its environment, so that what is left of it can be found even
when all parents are gone.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from concours.cli import environment

READY_WITHIN_S = 240.0
NOT_OURS = {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "VOTES_REDIS_URL", "MEDIA_URL", "PROMETHEUS_MULTIPROC_DIR"}
"""What the environment of a test says of other instances."""
GONE_WITHIN_S = 10.0


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], Any], within: float, what: str) -> Any:
    """Waits until `condition()` is true and returns it; fails with `what` after `within` seconds."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {within:g} s: {what}")


class Stack:
    """One `concours serve` on an instance folder and a free port; what it says is in `instance/../serve.log`."""

    def __init__(self, instance: Path, **environ: str) -> None:
        self.instance = instance
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = instance.parent / f"{instance.name}.log"
        self.environ = {name: value for name, value in os.environ.items() if name not in NOT_OURS} | {
            "INSTANCE": str(instance),
            "PORT": str(self.port),
            "WEB_WORKERS": "2",
            **environ,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._begins = 0

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.kill_all()

    def start(self, *arguments: str, ready: bool = True) -> "Stack":
        """Starts it; with `ready`, waits until the platform says so."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._begins = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "concours.cli", "serve", "--no-demo", *arguments],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if ready:
            self.wait_ready()
        return self

    def command(self, *arguments: str, stdin: str = "", within: float = 120) -> "subprocess.CompletedProcess[str]":
        """`concours …` on the same instance, ended after `within` seconds."""
        return subprocess.run(
            [sys.executable, "-m", "concours.cli", *arguments],
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )

    def also(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Another process of the platform beside the supervisor's, with the same environment: `concours …`."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "concours.cli", *arguments],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Until the supervisor has told its address."""

        def told() -> bool:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"it ended with {self.process.returncode}:\n{self.said()}")
            return "Ctrl-C stops everything" in self.said()

        until(told, READY_WITHIN_S, f"ready\n{self.said()}")

    def said(self) -> str:
        """All that it said since its last start."""
        return self.log.read_bytes()[self._begins :].decode(errors="replace") if self.log.exists() else ""

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an address; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()
        except OSError as fault:
            return 0, str(fault)

    def pids(self) -> dict[str, int]:
        """The processes the supervisor knows, by name: serve, Valkey, sequencer, worker, web."""
        found: dict[str, int] = json.loads((self.instance / "pids.json").read_text())
        return found

    def redis_url(self) -> str:
        """Where the embedded Valkey listens."""
        return f"unix://{environment.socket_path(self.instance)}"

    def processes(self) -> dict[int, str]:
        """Every living process of this instance with its command line, whoever its parent is."""
        marker = f"INSTANCE={self.instance}".encode()
        found: dict[int, str] = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == os.getpid():
                continue
            try:
                if marker in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Sends a signal to one of the supervisor's processes; its pid."""
        pid = self.pids()[name]
        os.kill(pid, number)
        return pid

    def interrupt(self, number: int = signal.SIGINT, within: float = 60.0) -> int:
        """Ctrl-C, to the supervisor alone; its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(within)

    def wait_gone(self, within: float = GONE_WITHIN_S) -> None:
        """Until no process of this instance lives."""
        until(lambda: not self.processes(), within, f"nothing left running, but: {self.processes()}")

    def wait_new(self, name: str, old: int, within: float = 30.0) -> int:
        """Until the supervisor has another process of that name than `old`; its pid."""
        return int(until(lambda: (pid := self.pids().get(name)) != old and pid, within, f"{name} starts again"))

    def kill_all(self) -> None:
        """Leaves nothing behind, whatever happened."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)
