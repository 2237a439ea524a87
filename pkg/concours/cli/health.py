"""`concours health`: whether one production process does its work, for the health checks of containers."""

import socket
import urllib.request
from datetime import UTC, datetime, timedelta

import click
from redis.exceptions import RedisError

from concours.base.redis import connect
from concours.cli import environment

SILENT_AFTER = timedelta(minutes=10)  # an idle worker reports every seven minutes at the latest


@click.command(name="health")
@click.argument("process", type=click.Choice(("web", "worker", "sequencer")))
def command(process: str) -> None:
    """Exit with 0 where PROCESS, on this host, is at work.

    The web server is well when it answers, also while Redis or SQL rest: starting it again would not bring those back.
    """
    settings = environment.settings(process="health")
    if process == "web":
        bound = "127.0.0.1" if settings["BIND_ADDRESS"] in {"0.0.0.0", "::"} else settings["BIND_ADDRESS"]  # noqa: S104
        try:
            with urllib.request.urlopen(f"http://{bound}:{settings['PORT']}/healthz", timeout=8):
                return
        except OSError as fault:
            raise click.ClickException(f"the web server does not answer: {fault}") from None
    client = connect(settings["VOTES_REDIS_URL" if process == "sequencer" else "REDIS_URL"])
    try:
        if process == "sequencer":
            from concours.voting.sequencer import heartbeat

            well = heartbeat(client) is not None
        else:
            from rq import Worker

            since = datetime.now(UTC) - SILENT_AFTER
            well = any(
                worker.hostname == socket.gethostname() and worker.last_heartbeat and worker.last_heartbeat > since
                for worker in Worker.all(connection=client)
            )
    except RedisError as fault:
        raise click.ClickException(f"Redis cannot be asked: {fault}") from None
    if not well:
        raise click.ClickException(f"no {process} has reported here lately")
