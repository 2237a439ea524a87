"""Routes of the events room."""

from typing import Any

from flask import Blueprint, Flask

from concours.events.context import init_context

bp = Blueprint("events", __name__, template_folder="templates")


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes."""
    init_context(app)
    app.register_blueprint(bp)
