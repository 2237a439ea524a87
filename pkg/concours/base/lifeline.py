"""Processes that end with their parent: `kill -9` of the supervisor leaves nothing running.

On Linux the kernel sends the signal (prctl(2), PR_SET_PDEATHSIG); it is sent when the *thread* that forked ends, so
only children of main threads are bound. Elsewhere a thread looks twice a second whether the parent is still the same.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
LOOK_EVERY_S = 0.5

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def follow_parent(parent: int | None = None, sig: int = signal.SIGKILL) -> None:
    """From now on this process gets `sig` when its parent ends; ends at once where `parent` (a pid) already has."""
    parent = os.getppid() if parent is None else parent
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent, sig), name="lifeline", daemon=True).start()
    if os.getppid() != parent:
        os.kill(os.getpid(), sig)


def _watch(parent: int, sig: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_S)
    os.kill(os.getpid(), sig)


def before_exec(sig: int = signal.SIGKILL) -> Callable[[], None]:
    """A `preexec_fn` for `subprocess.Popen`: the program that is started gets `sig` when this process ends.

    The setting survives exec. Only for parents with one thread (CPython's rule for `preexec_fn`). Linux alone.
    """
    parent = os.getpid()

    def bind() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return bind


class _Forks:
    """Remembers who forks: the child of a thread other than the main one must not follow it."""

    pid = 0
    from_main = False


def forks_follow() -> None:
    """Every later `os.fork()` of this process' main thread (an RQ work-horse, a granian worker) follows its parent.

    Programs started by `subprocess` or by multiprocessing's `spawn` run no such hook: they call
    `follow_parent` themselves.
    """

    def before() -> None:
        _Forks.pid = os.getpid()
        _Forks.from_main = threading.current_thread() is threading.main_thread()

    def in_child() -> None:
        if _Forks.from_main:
            follow_parent(_Forks.pid)

    os.register_at_fork(before=before, after_in_child=in_child)
