"""A tus upload through the real server on loopback, over writing the same bytes to the same disk with fsync; and how
much memory the web server's processes take for it."""

import http.client
import os
import statistics
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import load, stack
from bench.frame import Options, at_least, at_most, say
from bench.vote import environ_of

MIB = 1024 * 1024
SIZE_MIB = 2_048
CHUNK = 8 * MIB  # the greatest body the server takes, and what the platform's own page sends
LOOK_S = 0.02
WARM_PAGES = 50

GOALS = {"upload_over_writing": at_least(0.3), "memory_above_idle_mib": at_most(32.0)}


def method(options: Options) -> str:
    """How it is taken."""
    return (
        f"{options.rounds} uploads of {options.sized(SIZE_MIB, 128):,} MiB in bodies of {CHUNK // MIB} MiB over one "
        f"connection, until the asset is made (flushed and hashed); {options.workers} processes, looked at every "
        f"{LOOK_S * 1000:g} ms; SQLite"
    )


def run(options: Options) -> dict[str, Any]:
    """Measures; returns the figures by name."""
    size = options.sized(SIZE_MIB, 128) * MIB
    chunk = os.urandom(CHUNK)
    rates: dict[str, list[float]] = {"writing": [], "upload": [], "memory": [], "idle": []}
    spent: list[float] = []
    with stack.folder() as where, ExitStack() as servers:
        redis_url, _ = servers.enter_context(stack.valkey(where))
        (where / "instance").mkdir()
        environ = {**environ_of(where, redis_url, ""), "MAX_UPLOAD_MIB": str(SIZE_MIB)}
        contributor = Contributor.make(environ, size, options.rounds)
        for number, entry in enumerate(contributor.entries, 1):
            rates["writing"].append(size / MIB / _write(where / "plain", chunk, size))
            served = stack.platform(environ, where / "log", workers=options.workers, threads=options.threads)
            with served as (port, pids):
                _warm(port)
                with Memory(pids["web"]) as memory:
                    meter = stack.Meter({"web": pids["web"]})
                    begun = time.perf_counter()
                    _upload(port, contributor.token, entry, chunk, size)
                    rates["upload"].append(size / MIB / (time.perf_counter() - begun))
                    spent.append(meter.spent()["web"])
                rates["memory"].append(memory.most - memory.idle)
                rates["idle"].append(memory.idle)
            for stored in (where / "media").rglob("*"):
                if stored.is_file():
                    stored.unlink()
            say(f"round {number}:", *(f"{name} {found[-1]:,.0f} MiB" for name, found in rates.items()))
    return {
        "writing_mib_per_s": statistics.median(rates["writing"]),
        "upload_mib_per_s": statistics.median(rates["upload"]),
        "upload_over_writing": statistics.median(rates["upload"]) / statistics.median(rates["writing"]),
        "memory_above_idle_mib": max(rates["memory"]),
        "idle_mib": statistics.median(rates["idle"]),
        "cpu_s_per_gib": statistics.median(spent) / (size / MIB / 1024),
        "rounds": rates,
    }


@dataclass
class Contributor:
    """Somebody with drafts that take such a file, and a token that lets a script in."""

    token: str
    entries: list[int]

    @classmethod
    def make(cls, environ: dict[str, str], size: int, count: int) -> "Contributor":
        """Makes the event, the account and `count` drafts."""
        from datetime import UTC, datetime, timedelta

        from concours.base.db import db, session
        from concours.entries.models import Entry
        from concours.events.models import Category, Event, EventStatus, Phase, PhaseKind
        from concours.factory import create_app
        from concours.identity.models import Account
        from concours.identity.tokens import create_token

        now = datetime.now(UTC)
        with create_app(environ).app_context():
            db.create_all()
            event = Event(
                slug="bench", title="Bench", kind="works_exhibition", status=EventStatus.PUBLISHED, settings={},
                created_at=now,
            )  # fmt: skip
            owner = Account(username="bench", name="Bench", created_at=now)
            session().add_all([event, owner])
            session().flush()
            phase = Phase(
                event_id=event.id, kind=PhaseKind.SUBMISSION, position=0,
                opens_at=now - timedelta(days=1), closes_at=now + timedelta(days=1),
            )  # fmt: skip
            rules = {"files": {"formats": ["mp4"], "max_bytes": size}}
            category = Category(event_id=event.id, code="v", title="Video", media_kind="video", rules=rules)
            session().add_all([phase, category])
            session().flush()
            drafts = [
                Entry(event_id=event.id, category_id=category.id, author_id=owner.id, created_at=now, changed_at=now)
                for _ in range(count)
            ]
            session().add_all(drafts)
            token = create_token(owner, "bench", actor=owner, now=now)
            session().commit()
            made = cls(token, [draft.id for draft in drafts])
            db.session.remove()
            db.engine.dispose()
        return made


def _write(path: Path, chunk: bytes, size: int) -> float:
    """Seconds of writing so many bytes and flushing them."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    begun = time.perf_counter()
    for _ in range(size // len(chunk)):
        os.write(descriptor, chunk)
    os.fsync(descriptor)
    taken = time.perf_counter() - begun
    os.close(descriptor)
    path.unlink()
    return taken


def _upload(port: int, token: str, entry: int, chunk: bytes, size: int) -> None:
    """One upload from its creation to its asset."""
    import base64

    line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
    told = {"filename": "bench.mp4", "purpose": "entry", "purpose_id": str(entry)}
    metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in told.items())
    line.request("POST", "/uploads", headers={**headers, "Upload-Length": str(size), "Upload-Metadata": metadata})
    answer = line.getresponse()
    said = answer.read()
    if answer.status != 201:
        raise RuntimeError(f"the upload was not begun: {answer.status} {said.decode()}")
    address = str(answer.headers["Location"])
    for at in range(0, size, len(chunk)):
        more = {"Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"}
        line.request("PATCH", address, body=chunk, headers={**headers, **more})
        answer = line.getresponse()
        said = answer.read()
        if answer.status != 204:
            raise RuntimeError(f"the upload broke at {at}: {answer.status} {said.decode()}")
    if "X-Asset" not in answer.headers:
        raise RuntimeError("the upload did not become an asset")
    line.close()


def _warm(port: int) -> None:
    """Some pages, so that every process has loaded what any page needs."""
    pages = [[load.request("GET", "/")] * WARM_PAGES]
    load.drive(port, pages, connections=8, warm_s=0, measure_s=10.0)


def _resident_mib(pid: int) -> float:
    """What a process and its children have in memory (pages of files that were read are the kernel's, not theirs)."""
    pages, tree = 0, [pid]
    while tree:
        number = tree.pop()
        try:
            pages += int(Path(f"/proc/{number}/statm").read_text().split()[1])
            for task in Path(f"/proc/{number}/task").iterdir():
                tree += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


class Memory:
    """Watches what a process and its children have in memory: `idle` at the beginning, and the `most`."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.idle = self.most = _resident_mib(pid)

    def _watch(self) -> None:
        while not self._done.wait(LOOK_S):
            self.most = max(self.most, _resident_mib(self._pid))

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
