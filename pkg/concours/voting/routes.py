"""Routes of the voting room."""

from typing import Any

from flask import Blueprint, Flask

from concours.voting import api
from concours.voting.booth import init_booth
from concours.voting.front import VoteFront

bp = Blueprint("voting", __name__, template_folder="templates")


def init_app(app: Flask, csrf: Any) -> None:
    """Registers the room's routes, and mounts the vote's way in in front of the application."""
    csrf.exempt(api.bp)  # votes and voters carry a header that no foreign page can send
    app.register_blueprint(api.bp)
    app.register_blueprint(bp)
    app.wsgi_app = VoteFront(app, init_booth(app))  # type: ignore[method-assign]
