"""Routes of the entries room."""

from typing import Any

from flask import Blueprint, Flask

from concours.entries.purposes import init_purposes

bp = Blueprint("entries", __name__, template_folder="templates")


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes."""
    init_purposes()
    app.register_blueprint(bp)
