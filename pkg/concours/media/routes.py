"""Routes of the media room."""

from typing import Any

from flask import Blueprint, Flask

from concours.media import tus

bp = Blueprint("media", __name__, template_folder="templates")


def init_app(app: Flask, csrf: Any) -> None:
    """Registers the room's routes."""
    tus.init_app(app, csrf)
    app.register_blueprint(bp)
