"""Starts processes, restarts the one that dies, stops all of them in order; outlived by none of them.

One thread, one loop: it sleeps until a signal comes (a child's end is one) or the next restart is due.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from concours.base import lifeline

RESTART_AFTER_S = 0.3
RESTART_AT_MOST_S = 5.0
STEADY_AFTER_S = 10.0
"""A process that lived this long starts again with the shortest delay: what is killed now and then is missed no longer
than it takes to start, and what cannot start is tried every few seconds."""


class Stopped(Exception):
    """Ctrl-C or SIGTERM came."""


@dataclass
class Part:
    """One process of the stack.

    `grace` is how long it may take to end after SIGTERM, in seconds; then it is asked once more, then killed.
    `orphaned` is the signal it gets when the supervisor itself is killed.
    """

    name: str
    command: Sequence[str]
    grace: float = 10.0
    orphaned: int = signal.SIGKILL
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    due: float | None = None
    delay: float = RESTART_AFTER_S
    ended: list[int] = field(default_factory=list)


class Supervisor:
    """Runs parts with one environment; `say` gets a line for people."""

    def __init__(self, environ: Mapping[str, str], *, lock: int, pids: Path, say: Callable[[str], None]) -> None:
        self._environ = dict(environ)
        self._lock = lock
        self._pids = pids
        self._say = say
        self._parts: list[Part] = []
        self._stop = False
        self._hurry = False
        self._wake_read, self._wake_write = os.pipe()
        for end in (self._wake_read, self._wake_write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._hurry = self._stop
        self._stop = True

    def start(self, part: Part) -> None:
        """Starts `part` and keeps it running from now on."""
        self._parts.append(part)
        self._spawn(part)

    def run(self, command: Sequence[str]) -> tuple[int, str]:
        """Runs `command` to its end; its status and what it wrote to standard output. Raises Stopped."""
        process = self._popen(command, stdout=subprocess.PIPE, orphaned=signal.SIGKILL)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        said = b""
        while True:
            self.rest(0.2, also=process.stdout.fileno())
            said += process.stdout.read() or b""
            if process.poll() is not None:
                said += process.stdout.read() or b""
                process.stdout.close()
                return process.returncode, said.decode(errors="replace")
            if self._stop:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)
                process.kill()
                process.wait()
                raise Stopped

    def rest(self, seconds: float, *, also: int | None = None) -> None:
        """Sleeps for `seconds` or until a signal comes (or there is something to read from `also`)."""
        ready, _, _ = select.select([self._wake_read, *([] if also is None else [also])], [], [], seconds)
        if self._wake_read in ready:
            with contextlib.suppress(BlockingIOError):
                while os.read(self._wake_read, 512):
                    pass

    def look(self) -> None:
        """Notes what ended, starts what is due. Raises Stopped when it is time to stop."""
        if self._stop:
            raise Stopped
        moment = time.monotonic()
        for part in self._parts:
            if part.process is not None and part.process.poll() is not None:
                self._note_end(part, moment)
            if part.due is not None and moment >= part.due:
                self._spawn(part)

    def watch(self) -> None:
        """Keeps all parts running until Ctrl-C or SIGTERM; raises Stopped then."""
        while True:
            self.look()
            dues = [part.due for part in self._parts if part.due is not None]
            self.rest(max(0.01, min(dues) - time.monotonic()) if dues else 60.0)

    def running(self, part: Part) -> bool:
        """Whether the part's process lives."""
        return part.process is not None and part.process.poll() is None

    @property
    def parts(self) -> Sequence[Part]:
        """What was started, in that order."""
        return self._parts

    def stop(self) -> None:
        """Stops the parts, the one that was started last first, each in its grace; a second Ctrl-C kills."""
        for part in reversed(self._parts):
            part.due = None
            if part.process is None:
                continue
            self._end(part)
            part.process = None
            self._write_pids()
        with contextlib.suppress(OSError):
            self._pids.unlink(missing_ok=True)

    def _end(self, part: Part) -> None:
        assert part.process is not None
        part.process.terminate()
        asked_again = False
        begun = time.monotonic()
        while part.process.poll() is None:
            spent = time.monotonic() - begun
            if self._hurry or spent > part.grace * 1.5:
                part.process.kill()
                part.process.wait()
                return
            if spent > part.grace and not asked_again:
                asked_again = True
                self._say(f"{part.name} is still busy; asking it again to stop")
                part.process.terminate()
            self.rest(0.1)

    def _note_end(self, part: Part, moment: float) -> None:
        assert part.process is not None
        status = part.process.returncode
        part.ended.append(status)
        part.process = None
        if moment - part.started > STEADY_AFTER_S:
            part.delay = RESTART_AFTER_S
        part.due = moment + part.delay
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        self._say(f"{part.name} {how}; starting it again in {part.delay:g} s")
        part.delay = min(part.delay * 2, RESTART_AT_MOST_S)

    def _spawn(self, part: Part) -> None:
        part.due = None
        part.started = time.monotonic()
        part.process = self._popen(part.command, stdout=None, orphaned=part.orphaned)
        self._write_pids()

    def _popen(self, command: Sequence[str], *, stdout: int | None, orphaned: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603
            list(command),
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            pass_fds=(self._lock,),
            process_group=0,  # Ctrl-C in the terminal reaches the supervisor alone, which stops the parts in order
            preexec_fn=lifeline.before_exec(orphaned),  # noqa: PLW1509  # the supervisor has one thread
        )

    def _write_pids(self) -> None:
        """Notes for people who runs. A full disk must not end the supervisor, and with it everything it looks after."""
        found = {part.name: part.process.pid for part in self._parts if part.process is not None}
        partial = self._pids.with_suffix(".partial")
        try:
            partial.write_text(json.dumps({"serve": os.getpid(), **found}))
            partial.rename(self._pids)
        except OSError as fault:
            self._say(f"{self._pids} cannot be written: {fault.strerror}")
