"""Routes of the web room."""

from typing import Any

from flask import Blueprint, Flask

from concours.web.frame import init_frame
from concours.web.words import init_words

bp = Blueprint("web", __name__, template_folder="templates")


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes."""
    init_frame(app)
    init_words(app)
    app.register_blueprint(bp)
