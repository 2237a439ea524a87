"""One running stack per instance folder.

The lock file's open description is inherited by every process of the stack, so the lock is free when the *last* of them
has ended: a start right after a `kill -9` waits for the stragglers instead of opening the same data twice.
"""

import fcntl
import os
import time
from pathlib import Path

WAIT_FOR_STRAGGLERS_S = 15.0
LOOK_EVERY_S = 0.1


class Taken(Exception):
    """The instance is in use; the text says by whom."""


def take(instance: Path, *, within: float = WAIT_FOR_STRAGGLERS_S) -> int:
    """Locks the instance for this process and those that inherit the returned file descriptor.

    Waits up to `within` seconds for processes of a stack whose supervisor is gone. Raises Taken.
    """
    instance.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(instance / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + within
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(lock)
            if holder is not None:
                os.close(lock)
                raise Taken(f"Concours already runs on {instance} (process {holder}).") from None
            if time.monotonic() > until:
                os.close(lock)
                raise Taken(f"a process of an earlier run still uses {instance}; end it first.") from None
            time.sleep(LOOK_EVERY_S)
            continue
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        return lock


def _holder(lock: int) -> int | None:
    """The supervisor named in the file, if it is alive."""
    try:
        number = int(os.pread(lock, 20, 0) or b"0")
    except ValueError:
        return None
    if number <= 0:
        return None
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return number
    return number
