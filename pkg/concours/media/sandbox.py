"""Looking into a file in a process of its own: this end hands over an open file and reads what was found.

One decoding process per worker is started at the first file and kept: it imports nothing of the platform, holds no key
and no connection, has no network and no file system (`sandboxed.jail`), and forks a child with limits for each file.
What a child answers is not trusted either: it is parsed, bounded, and only known names and types are taken over.
"""

import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path
from typing import BinaryIO

from concours.media.limits import MAX_PIXELS
from concours.media.sandboxed.wire import ANSWER_BYTES, Findings, Task, parse

SECONDS = 120.0
"""After so long the child for a file is ended."""

MEMORY_TUNING = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:glibc.malloc.top_pad=67108864"
"""A child lives for one file: taking memory in large steps and never giving it back spares it a tenth of its time."""

STARTED_WITHIN_S = 30.0
PACKAGES = str(Path(__file__).resolve().parents[2])

PLAYABLE = {
    ("video", "video/mp4"),
    ("video", "video/webm"),
    ("sound", "audio/mp4"),
    ("sound", "audio/mpeg"),
}
NAMES = frozenset({"poster"}) | {f"{kind}{width}" for kind in ("w", "poster") for width in range(100, 4001, 100)}


class Decoders:
    """The decoding process of this worker."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                [sys.executable, "-s", "-m", "concours.media.sandboxed.main", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                cwd="/",
                env={
                    "PYTHONPATH": PACKAGES,
                    "PATH": os.defpath,
                    "LANG": "C.UTF-8",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "GLIBC_TUNABLES": MEMORY_TUNING,
                },
            )
        ours.settimeout(STARTED_WITHIN_S)
        self.protections = frozenset(ours.recv(1024).decode().split(","))
        ours.settimeout(None)
        if not any(self.protections):
            raise OSError("the decoding process did not start")

    def submit(self, task: Task, original: BinaryIO, answer: socket.socket, copy: BinaryIO) -> None:
        """Hands over one task; the answer comes on the other end of `answer`."""
        descriptors = array("i", [original.fileno(), answer.fileno(), copy.fileno()])
        self._control.sendmsg([task.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])

    def close(self) -> None:
        """Ends the process and what it is working on."""
        self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


_decoders: Decoders | None = None


def start() -> Decoders:
    """The decoding process, started if it is not running."""
    global _decoders  # noqa: PLW0603  one per process
    if _decoders is None:
        _decoders = Decoders()
    return _decoders


def stop() -> None:
    """Ends the decoding process."""
    global _decoders  # noqa: PLW0603
    if _decoders is not None:
        _decoders.close()
        _decoders = None


def protections() -> frozenset[str]:
    """What this kernel lets us take from the decoders: no-network, no-files, not-root, no-new-privileges."""
    return start().protections


def look(
    original: BinaryIO,
    form: str,
    size: int,
    copy: BinaryIO,
    *,
    widths: tuple[int, ...],
    playable: bool = False,
    max_pixels: int = MAX_PIXELS,
    seconds: float = SECONDS,
) -> Findings:
    """What is in the file `original` of the format `form` and `size` bytes.

    `copy` is an empty file that receives the playable copy, if one is wanted. A child that broke down or took
    too long is the fault `too_costly`.
    """
    task = Task(form=form, size=size, widths=widths, playable=playable, max_pixels=max_pixels, seconds=seconds)
    mine, theirs = socket.socketpair()
    with mine:
        with theirs:
            try:
                start().submit(task, original, theirs, copy)
            except OSError:  # the decoding process is gone: begin anew, once
                stop()
                start().submit(task, original, theirs, copy)
        raw = _read(mine, time.monotonic() + seconds + 5)
    try:
        findings = parse(raw)
    except (ValueError, RecursionError):
        return Findings(fault="too_costly")
    findings.pictures = [p for p in findings.pictures if p.name in NAMES and p.content_type == "image/webp"]
    if (findings.playable.get("name"), findings.playable.get("content_type")) not in PLAYABLE:
        findings.playable = {}
    return findings


def work_file(folder: Path) -> BinaryIO:
    """A file without a name that vanishes when it is closed, on the disk of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder)


def _read(source: socket.socket, until: float) -> bytes:
    """All that comes until the other end is closed, the time is over or it is more than an answer may be."""
    pieces: list[bytes] = []
    length = 0
    while length <= ANSWER_BYTES:
        ready, _, _ = select.select([source], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return b""
        piece = source.recv(256 * 1024)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        length += len(piece)
    return b""
