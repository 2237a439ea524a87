"""Routes of the events room: the public page of an event. The organiser's pages are in `desk_routes`,
`category_routes` and `people_routes`, the JSON in `api`."""

from typing import Any

from flask import Flask, Response, make_response, render_template

from concours.base import clock
from concours.base.messages import msg
from concours.events import api, category_routes, desk_routes, people_routes
from concours.events.blueprint import bp
from concours.events.context import current_event, init_context
from concours.events.lists import my_events_panel, next_phase, open_phases
from concours.events.navigation import navigate
from concours.events.offers import needs_sign_in, offer, open_to
from concours.events.phases import PHASE_NAMES
from concours.events.rules import read_fields, read_rules
from concours.events.statements import current_statement
from concours.events.words import general_rules, init_words, rules_in_words
from concours.identity.access import PUBLIC, allow, my_roles, signed_in
from concours.identity.models import Role
from concours.identity.my_page import add_panel


@bp.get("/events/<event_slug>/")
@allow(PUBLIC)
def show() -> Response:
    """The event's public page: what it is, when, what it asks, and what the visitor can do now."""
    event, now, account = current_event(), clock.now(), signed_in()
    categories = [
        (category, rules := read_rules(category), rules_in_words(rules, category.media_kind), read_fields(category))
        for category in event.categories
    ]
    page = render_template(
        "events/show.html",
        event=event,
        now=now,
        categories=categories,
        general=general_rules(event),
        statement=current_statement(event.id),
        offers=open_to(account, my_roles(), event, now),
        sign_in_for_more=account is None and needs_sign_in(event, now),
        open_phases=open_phases(event, now),
        next_phase=next_phase(event, now),
        phase_names=PHASE_NAMES,
    )
    return make_response(page)


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes, its links and its panel on people's own page."""
    init_context(app)
    init_words(app)
    app.register_blueprint(bp)
    app.register_blueprint(api.bp)
    navigate("events.show", msg("Overview"), order=0, who={PUBLIC})
    navigate("events.desk", msg("Desk"), order=5, who={Role.ORGANISER, Role.AUDITOR})
    navigate("events.people", msg("People"), order=90, who={Role.ORGANISER})
    navigate("events.invitations", msg("Invitations"), order=91, who={Role.ORGANISER, Role.COORDINATOR})
    navigate("events.audit", msg("Record"), order=95, who={Role.ORGANISER, Role.AUDITOR})
    offer("events.desk", msg("Desk"), phase=None, who={Role.ORGANISER, Role.AUDITOR}, order=1)
    add_panel("events/my_events.html", my_events_panel, order=10)


__all__ = ["bp", "category_routes", "desk_routes", "init_app", "people_routes"]
