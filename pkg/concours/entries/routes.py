"""Routes of the entries room: the author's (`author_routes`, `file_routes`), the desk's, and JSON."""

from typing import Any

from flask import Flask

from concours.base.messages import msg
from concours.entries import api, author_routes, desk_routes, file_routes
from concours.entries.blueprint import bp
from concours.entries.lists import my_works_panel, read_counts
from concours.entries.models import EntryStatus
from concours.entries.purposes import init_purposes
from concours.events.figures import figure
from concours.events.models import PhaseKind
from concours.events.navigation import navigate
from concours.events.offers import offer
from concours.identity.access import SIGNED_IN
from concours.identity.models import Role
from concours.identity.my_page import add_panel

PAGES = (author_routes, file_routes, desk_routes)  # importing them adds their views to the blueprint


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes, its purpose of files, and its links and acts in an event."""
    init_purposes()
    app.register_blueprint(bp)
    app.register_blueprint(api.bp)
    navigate("entries.mine", msg("My entries"), order=20, who={SIGNED_IN})
    navigate("entries.department", msg("Our department's entries"), order=25, who={Role.COORDINATOR})
    navigate("entries.desk", msg("Screening"), order=40, who={Role.ORGANISER, Role.AUDITOR})
    offer("entries.mine", msg("Submit a work"), phase=PhaseKind.SUBMISSION, who={SIGNED_IN}, order=20)
    offer("entries.desk", msg("Screen the entries"), phase=PhaseKind.SCREENING, who={Role.ORGANISER}, order=12)
    add_panel("entries/my_works.html", my_works_panel, order=20)
    figure("entries", msg("Entries"), lambda event: read_counts(event).of(), endpoint="entries.desk", order=20)
    figure(
        "waiting",
        msg("Waiting for screening"),
        lambda event: read_counts(event).of(status=EntryStatus.SUBMITTED),
        endpoint="entries.desk",
        order=21,
    )
