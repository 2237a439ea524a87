"""Routes of the entries room: the author's (`author_routes`, `file_routes`), the desk's, and JSON."""

from typing import Any

from flask import Flask

from concours.base.messages import msg
from concours.entries import api, author_routes, desk_routes, file_routes
from concours.entries.purposes import init_purposes
from concours.events.navigation import navigate
from concours.identity.access import SIGNED_IN
from concours.identity.models import Role


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes, its purpose of files, and its links in an event's navigation."""
    init_purposes()
    app.register_blueprint(author_routes.bp)
    app.register_blueprint(file_routes.bp)
    app.register_blueprint(desk_routes.bp)
    app.register_blueprint(api.bp)
    navigate("entries.mine", msg("My entries"), order=20, who={SIGNED_IN})
    navigate("entries_desk.department", msg("Our department's entries"), order=25, who={Role.COORDINATOR})
    navigate("entries_desk.desk", msg("Screening"), order=40, who={Role.ORGANISER, Role.AUDITOR})
