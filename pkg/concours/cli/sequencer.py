"""`concours sequencer`: records votes. One is active at a time; a second one waits for its turn."""

import signal
import threading
from types import FrameType

import click

from concours.base import heap
from concours.cli import environment


@click.command(name="sequencer")
def command() -> None:
    """Records the journal of votes in SQL and publishes how far it is."""
    settings = environment.settings(process="sequencer")
    environment.require_durable(settings)
    from concours.factory import create_app
    from concours.voting import sequencer

    stop = threading.Event()

    def on_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_stop)
    app = create_app()
    heap.settle()
    sequencer.run(app, stop)
