"""`concours web`: the web server, Granian, with processes that each have an event loop for votes and threads for pages.

Threads wait for SQL and for storage; so there are more of them than cores. A connection that is only kept alive, and a
vote that waits for its record, hold no thread, but one place of the backpressure, which is therefore far above them.
"""

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from concours.base import heap, lifeline
from concours.base.logs import init_logs
from concours.cli import environment

BACKLOG = 2048  # connections the kernel keeps waiting
CONNECTIONS = 1024  # open connections of one process
HEADER_WITHIN_MS = 30_000  # also ends connections that are kept alive for nothing
STOP_WITHIN_S = 10

log = logging.getLogger(__name__)


def load_app() -> Callable[..., Any]:
    """The ASGI application, made in the server's process that will run it."""
    lifeline.follow_parent()
    init_logs("web", level=os.environ.get("LOG_LEVEL") or "INFO", form=os.environ.get("LOG_FORMAT") or "text")
    try:
        from concours.factory import create_app
        from concours.web.asgi import asgi_app

        made = create_app()
        app: Callable[..., Any] = asgi_app(made, threads=made.config["WEB_THREADS"])
    except Exception:
        log.exception("the application cannot be made")
        sys.exit(1)
    heap.settle()
    return app


def metrics_folder(instance: Path, port: int) -> Path:
    """An empty folder in which the web server's processes add up their figures; each port has its own."""
    given = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    folder = Path(given) if given else instance / f"metrics-{port}"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="concours-metrics-"))
    return folder


@click.command(name="web")
@click.option("--host", help="Address to listen on. [default: BIND_ADDRESS, else 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port to listen on. [default: PORT, else 8000]")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes. [default: WEB_WORKERS, else 2]")
@click.option("--threads", type=click.IntRange(1, 512), help="Threads of a process. [default: WEB_THREADS, else 32]")
def command(host: str | None, port: int | None, workers: int | None, threads: int | None) -> None:
    """The web server alone, for production; `concours serve` starts the whole stack."""
    for name, given in (("BIND_ADDRESS", host), ("PORT", port), ("WEB_WORKERS", workers), ("WEB_THREADS", threads)):
        if given is not None:
            os.environ[name] = str(given)
    settings = environment.settings(process="web")
    environment.require_durable(settings)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_folder(Path(settings["INSTANCE"]), settings["PORT"]))
    lifeline.forks_follow()
    server = Server(
        "concours.factory:create_app",
        address=settings["BIND_ADDRESS"],
        port=settings["PORT"],
        interface=Interfaces.ASGINL,
        loop=Loops.auto,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings["WEB_WORKERS"],
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_WITHIN_MS),
        respawn_failed_workers=True,
        respawn_interval=0.3,
        workers_kill_timeout=STOP_WITHIN_S,
        log_level=LogLevels.error,
        log_dictconfig={"loggers": {"_granian": {}, "granian.access": {}}, "handlers": {}, "formatters": {}},
    )
    log.info(
        "listening on http://%s:%s with %d processes of %d threads",
        settings["BIND_ADDRESS"], settings["PORT"], settings["WEB_WORKERS"], settings["WEB_THREADS"],
    )  # fmt: skip
    server.serve(target_loader=load_app, wrap_loader=False)
