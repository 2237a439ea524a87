"""What the decoding process gives up before it sees a stranger's byte: network, file system, rights, resources.

Each step is the kernel's own and needs no program beside us (bubblewrap does the same with the same calls); one that
this kernel does not have is left out and named in the process' report, `concours.media.sandbox.protections`.
"""

import ctypes
import os
import resource
import signal
import struct
from contextlib import suppress

CLONE_NEWNET = 0x40000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWIPC = 0x08000000
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
LANDLOCK_CREATE_RULESET = 444  # the same number on every architecture
LANDLOCK_RESTRICT_SELF = 446
LANDLOCK_VERSION = 1
NOBODY = 65534

MIB = 1024 * 1024
ADDRESS_SPACE = 2048 * MIB
CPU_SECONDS = 60
OPEN_FILES = 64

_libc = ctypes.CDLL(None, use_errno=True)


def confine() -> list[str]:
    """Takes network, file system and rights from this process for good; returns the names of what took hold.

    Call it when everything is imported: afterwards no file can be opened, only descriptors that are given.
    """
    done: list[str] = []
    if _no_network():
        done.append("no-network")
    if os.geteuid() == 0:
        with suppress(OSError):
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            done.append("not-root")
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        done.append("no-new-privileges")
        if _no_files():
            done.append("no-files")
    _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    return done


def limit(file_bytes: int) -> None:
    """Bounds what one file may cost: memory, processor time, bytes written to a file; no core dumps.

    The child also ends when its parent does.
    """
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for what, most in (
        (resource.RLIMIT_AS, ADDRESS_SPACE),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _no_network() -> bool:
    """A network namespace of its own has no way out; without rights it takes a user namespace as well."""
    wanted = CLONE_NEWNET | CLONE_NEWIPC
    if os.geteuid() == 0 and _libc.unshare(wanted) == 0:
        return True
    return bool(_libc.unshare(wanted | CLONE_NEWUSER) == 0)


def _no_files() -> bool:
    """Landlock with no rule at all: nothing can be opened, made, moved or connected to any more (Linux 5.13+)."""
    version = _libc.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(LANDLOCK_VERSION))
    if version < 1:
        return False
    file_rights = 13 + (version >= 2) + (version >= 3) + (version >= 5)
    handled = struct.pack("=Q", (1 << file_rights) - 1)
    if version >= 4:
        handled += struct.pack("=Q", 0b11)  # TCP: bind, connect
    if version >= 6:
        handled += struct.pack("=Q", 0b11)  # abstract Unix sockets, signals to others
    ruleset = _libc.syscall(LANDLOCK_CREATE_RULESET, handled, ctypes.c_size_t(len(handled)), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        return bool(_libc.syscall(LANDLOCK_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0)
    finally:
        os.close(ruleset)
