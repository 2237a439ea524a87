"""The process that decodes: it loads the decoders once, locks itself in, and forks one child for each file.

Forking from a process that holds nothing but decoders costs about a millisecond, and the child finds no secret in
its memory: no key, no address of a database, no connection.
"""

import array
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress

from concours.media.sandboxed import images, jail, videos
from concours.media.sandboxed.wire import TASK_BYTES, Findings, Task, Unusable, send
from concours.media.signatures import KINDS

DESCRIPTORS = 3  # of a task: the file, the socket for the answer, the playable copy


def serve(control: socket.socket) -> None:
    """Takes tasks from `control` until its other end is closed; ends children whose time is over."""
    control.send(",".join(jail.confine()).encode() or b"none")
    running: dict[int, tuple[int, float]] = {}  # pidfd -> (pid, deadline)
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        soonest = min((deadline for _, deadline in running.values()), default=None)
        wait = None if soonest is None else max(0.0, soonest - time.monotonic()) * 1000 + 1
        for ready, _ in poll.poll(wait):
            if ready == control.fileno():
                if not _begin(control, running, poll):
                    for pid, _ in running.values():
                        os.kill(pid, signal.SIGKILL)
                    return
            else:
                pid, _ = running.pop(ready)
                poll.unregister(ready)
                os.close(ready)
                os.waitpid(pid, 0)
        for pid, deadline in running.values():
            if deadline <= time.monotonic():
                os.kill(pid, signal.SIGKILL)


def _begin(control: socket.socket, running: dict[int, tuple[int, float]], poll: "select.poll") -> bool:
    """Forks a child for the next task; False when there will be none."""
    data, ancillary, _, _ = control.recvmsg(TASK_BYTES, socket.CMSG_SPACE(DESCRIPTORS * 4))
    descriptors = array.array("i")
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(payload[: len(payload) - len(payload) % descriptors.itemsize])
    if not data:
        return False
    task = Task.decode(data)
    pid = os.fork()
    if pid == 0:
        status = 1
        with suppress(BaseException):
            control.close()
            for other in running:
                os.close(other)
            work(task, *descriptors)
            status = 0
        os._exit(status)
    for descriptor in descriptors:
        os.close(descriptor)
    watched = os.pidfd_open(pid)
    running[watched] = (pid, time.monotonic() + task.seconds)
    poll.register(watched, select.POLLIN)
    return True


def work(task: Task, original: int, answer: int, copy: int) -> None:
    """The child: looks into the file and answers."""
    jail.limit(task.size + task.size // 8 + jail.MIB)
    with socket.socket(fileno=answer) as reply:
        try:
            look = images.look if KINDS[task.form] == "image" else videos.look
            findings = look(task, original, copy)
        except Unusable as reason:
            findings = Findings(fault=reason.fault, facts=reason.facts)
        except MemoryError:
            findings = Findings(fault="too_costly")
        except Exception as bug:
            findings = Findings(fault="unexpected", facts={"error": repr(bug)[:500]})
        send(reply, findings)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the platform, which closes our socket when it ends
    images.prepare()
    videos.prepare()
    serve(socket.socket(fileno=int(sys.argv[1])))
