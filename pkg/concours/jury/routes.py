"""Routes of the jury room: the organiser's (`desk_routes`, `result_routes`), the judges' (`judge_routes`), and JSON."""

from typing import Any

from flask import Flask

from concours.base.messages import msg
from concours.entries.beside import beside
from concours.events.models import PhaseKind
from concours.events.navigation import navigate
from concours.events.offers import offer
from concours.identity.models import Role
from concours.jury import (
    api,
    conflict_routes,
    desk_routes,
    discussion_routes,
    judge_routes,
    kind_routes,
    pair_routes,
    panel_routes,
    protocol_routes,
    remark_routes,
    remarks,
    result_routes,
)
from concours.jury.report import routes as report_routes


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes and its links in an event's navigation."""
    app.register_blueprint(desk_routes.bp)
    app.register_blueprint(panel_routes.bp)
    app.register_blueprint(conflict_routes.bp)
    app.register_blueprint(result_routes.bp)
    app.register_blueprint(protocol_routes.bp)
    app.register_blueprint(report_routes.bp)
    app.register_blueprint(judge_routes.bp)
    app.register_blueprint(kind_routes.bp)
    app.register_blueprint(discussion_routes.bp)
    app.register_blueprint(pair_routes.bp)
    app.register_blueprint(pair_routes.api)
    app.register_blueprint(api.bp)
    app.register_blueprint(remark_routes.bp)
    app.register_blueprint(remark_routes.api)
    app.register_blueprint(remark_routes.plain)
    beside(msg("From the jury"), remarks.for_author)
    navigate("jury.rounds_page", msg("Jury"), order=50, who={Role.ORGANISER, Role.AUDITOR})
    navigate("jury_table.my_rounds", msg("Judging"), order=15, who={Role.JUDGE})
    offer("jury_table.my_rounds", msg("Judge the works"), phase=PhaseKind.JUDGING, who={Role.JUDGE}, order=4)
