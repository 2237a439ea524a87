"""Routes of the identity room."""

from typing import Any

from flask import Blueprint, Flask

from concours.identity.access import PUBLIC, allow
from concours.identity.sign_in import init_sign_in

bp = Blueprint("identity", __name__, template_folder="templates")


@bp.get("/sign-in")
@allow(PUBLIC)
def sign_in() -> str:
    """The sign-in form."""
    return "sign in"


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes."""
    init_sign_in(app)
    app.register_blueprint(bp)
