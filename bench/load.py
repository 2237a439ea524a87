"""A load generator: one process, many persistent connections, requests made beforehand, bounded in time.

It speaks just enough HTTP/1.1 to know where an answer ends. Two ways to drive: *greatest* sends the next request on a
connection as soon as the answer is there; *paced* sends at a fixed rate and counts an answer's time from the moment its
request was due, so that a server that stalls is not asked less (no coordinated omission).
"""

import multiprocessing
import select
import socket
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe

RECEIVE = 65_536
DRAIN_S = 5.0
WITHOUT_BODY = {204, 304}  # whatever length they tell


@dataclass
class Result:
    """What came back within the measured time: answers by status, and their times in seconds."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    all_statuses: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    cut: int = 0

    def rate(self, status: int) -> float:
        """Answers of that status per second."""
        return self.statuses[status] / self.seconds if self.seconds else 0.0

    def quantile(self, share: float) -> float:
        """The time within which that share of the answers came, in seconds."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    def add(self, other: "Result") -> None:
        """Adds what another process saw in the same time."""
        self.seconds = max(self.seconds, other.seconds)
        self.statuses += other.statuses
        self.all_statuses += other.all_statuses
        self.times += other.times
        self.cut += other.cut


class _Line:
    """One connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.got = b""
        self.sent_at = 0.0
        self.open()

    def open(self) -> None:
        self.socket = socket.create_connection(self.address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got = b""

    def send(self, request: bytes, due: float) -> None:
        self.sent_at = due
        self.socket.sendall(request)

    def receive(self) -> tuple[int, bool] | None:
        """(status, whether the server closes) when an answer is whole, else None; (0, True) for a cut connection."""
        data = self.socket.recv(RECEIVE)
        if not data:
            return 0, True
        self.got += data
        end = self.got.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.got[:end].lower()
        at = head.find(b"content-length:")
        status = int(self.got[9:12])
        length = 0
        if status not in WITHOUT_BODY:
            length = int(head[at + 15 : head.find(b"\r\n", at) if b"\r\n" in head[at:] else len(head)])
        if len(self.got) < end + 4 + length:
            return None
        self.got = b""
        return status, b"connection: close" in head


def _drive(
    address: tuple[str, int],
    requests: Sequence[bytes],
    connections: int,
    warm_s: float,
    measure_s: float,
    rate: float | None,
    pipe: Pipe,
) -> None:
    lines: dict[int, _Line] = {}
    poller = select.epoll()
    idle: list[_Line] = []

    def register(line: _Line) -> None:
        lines[line.socket.fileno()] = line
        poller.register(line.socket.fileno(), select.EPOLLIN)
        idle.append(line)

    for _ in range(connections):
        register(_Line(address))
    pipe.send("ready")
    pipe.recv()
    result = Result(seconds=measure_s)
    begun = time.perf_counter()
    counted_from, end = begun + warm_s, begun + warm_s + measure_s
    next_request, busy = 0, 0
    interval = 1 / rate if rate else 0.0
    due = begun
    while True:
        now = time.perf_counter()
        sending = now < end and next_request < len(requests)
        if not sending and (busy == 0 or now > end + DRAIN_S):
            break
        while sending and idle and (rate is None or due <= now):
            line = idle.pop()
            line.send(requests[next_request], due if rate else now)
            next_request += 1
            busy += 1
            due += interval
            sending = next_request < len(requests)
        timeout = 0.5 if rate is None or not idle else max(0.0, min(0.5, due - time.perf_counter()))
        for number, _event in poller.poll(timeout):
            line = lines[number]
            answer = line.receive()
            if answer is None:
                continue
            busy -= 1
            now = time.perf_counter()
            status, closes = answer
            result.all_statuses[status] += 1
            if counted_from <= now <= end:
                result.statuses[status] += 1
                result.times.append(now - line.sent_at)
            if closes:
                result.cut += status == 0
                poller.unregister(number)
                line.socket.close()
                del lines[number]
                line.open()
                register(line)
            else:
                idle.append(line)
    if next_request >= len(requests):
        result.seconds = min(measure_s, max(0.001, time.perf_counter() - counted_from))
    pipe.send(result)


def drive(
    port: int,
    shares: Sequence[Sequence[bytes]],
    *,
    connections: int,
    warm_s: float,
    measure_s: float,
    rate: float | None = None,
    host: str = "127.0.0.1",
) -> Result:
    """Drives the server with one process per share of requests; `rate` (per second, all together) paces it."""
    context = multiprocessing.get_context("fork")
    running = []
    for share in shares:
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_drive,
            args=(
                (host, port),
                share,
                max(1, connections // len(shares)),
                warm_s,
                measure_s,
                rate / len(shares) if rate else None,
                theirs,
            ),
        )
        process.start()
        running.append((process, ours))
    for _, pipe in running:
        pipe.recv()
    for _, pipe in running:
        pipe.send("go")
    total = Result()
    for process, pipe in running:
        total.add(pipe.recv())
        process.join()
    return total


def request(method: str, path: str, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """A request's bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def split(requests: Sequence[bytes], parts: int) -> list[Sequence[bytes]]:
    """Shares of the same size, in turn."""
    return [requests[part::parts] for part in range(parts)]
