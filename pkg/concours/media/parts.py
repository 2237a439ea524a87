"""The bytes of an upload so far: one growing file per upload on local disk.

Its length is the upload's offset. A piece is appended only if the file ends exactly where the piece begins, looked at
and written under one `flock`: two requests for the same upload cannot interleave, whichever process they are in, and
the one that comes late is told where the upload stands. The lock is held for the write of a piece alone,
never while a request waits for its network, so a phone that changes networks can go on at once although its
old request still hangs. The kernel frees the lock when a process dies: no lease to expire, no lock left behind.

This is for one host (or a disk that all hosts share and lock, as NFS 4 does).

The last byte counts only when the whole file has become an asset (`media.uploads`): until then the offset of a
complete part is told as one less. A client whose last answer was lost, or whose server died while finishing, therefore
sends one byte more, and the finishing is done again.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from concours.base.messages import msg
from concours.media.limits import LOCK_WAIT_S, PIECE_BYTES
from concours.media.protocol import Busy, OffsetConflict

FOLDER = "uploads"


def folder_of(instance: str) -> Path:
    """The folder of part files in the instance folder."""
    folder = Path(instance) / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def path_of(instance: str, upload_id: str) -> Path:
    """The part file of the upload."""
    return folder_of(instance) / f"{upload_id}.part"


class Part:
    """The open part file of an upload of `size` bytes. Use it with `with`.

    Raises FileNotFoundError at opening when the file is not there, unless `create`.
    """

    def __init__(self, path: Path, size: int, *, create: bool = False) -> None:
        self.path = path
        self.size = size
        self._descriptor = os.open(path, os.O_RDWR | (os.O_CREAT | os.O_EXCL if create else 0), 0o600)

    def __enter__(self) -> "Part":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def length(self) -> int:
        """Bytes that have arrived."""
        return os.fstat(self._descriptor).st_size

    def offset(self) -> int:
        """Where the client should go on: the length, or one less when only the finishing is missing."""
        return min(self.length(), self.size - 1)

    def is_complete(self) -> bool:
        """Whether all bytes are there."""
        return self.length() == self.size

    def append(self, piece: bytes, at: int) -> int:
        """Writes `piece` at byte `at`; returns where the upload stands then, in bytes.

        Raises OffsetConflict when the upload does not stand at `at`, Busy when another request holds it too long.
        """
        with self.hold():
            if at != self.offset():
                raise OffsetConflict(self.offset())
            if self.is_complete():  # the last byte is sent again: it is here already, and nobody writes any more
                return self.size
            view = memoryview(piece)
            written = 0
            while written < len(view):
                written += os.pwrite(self._descriptor, view[written:], at + written)
        return at + len(piece)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keeps all others from writing to or finishing this upload; raises Busy after two seconds of waiting."""
        until = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise Busy(
                        msg("Another request is writing to this upload."),
                        hint=msg("Wait a moment and go on."),
                        retry_after=1,
                    ) from None
                time.sleep(0.005)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def settle(self) -> str:
        """Flushes the bytes to the disk; returns their SHA-256 in hex, read back from the file."""
        os.fsync(self._descriptor)
        found = hashlib.sha256()
        at = 0
        while piece := os.pread(self._descriptor, PIECE_BYTES, at):
            found.update(piece)
            at += len(piece)
        return found.hexdigest()

    def remove(self) -> None:
        """Takes the file away; again is no error."""
        self.path.unlink(missing_ok=True)
