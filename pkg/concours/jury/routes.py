"""Routes of the jury room."""

from typing import Any

from flask import Blueprint, Flask

bp = Blueprint("jury", __name__, template_folder="templates")


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes."""
    app.register_blueprint(bp)
