"""The room's blueprint, and what all its pages share."""

from typing import Any

from flask import Blueprint, Response, current_app, g, request
from flask_babel import get_locale

from concours.base import clock, tables
from concours.events.context import current_event
from concours.identity.access import actor
from concours.teams import scope

bp = Blueprint("teams", __name__, url_prefix="/events/<event_slug>", template_folder="templates")


def my_reach() -> scope.Reach:
    """How far the visitor reaches in the request's event, asked once per request."""
    if "teams_reach" not in g:
        g.teams_reach = scope.reach(actor(), current_event())
    found: scope.Reach = g.teams_reach
    return found


def rights() -> dict[str, Any]:
    """What the visitor may do with teams here: `may_change` (some of them, now), `may_see_all`, `registration` open."""
    event, reach = current_event(), my_reach()
    is_open = scope.registration_is_open(event, clock.now())
    return {
        "event": event,
        "registration": is_open,
        "may_change": is_open and reach.changes != frozenset(),
        "may_see_all": reach.sees is None,
    }


def download(data: bytes, kind: str, name: str) -> Response:
    """A file to keep, named `name-DATE.kind`."""
    response = current_app.response_class(data, content_type=tables.CONTENT_TYPES[kind])
    day = clock.in_zone(clock.now(), current_event().zone).strftime("%Y%m%d")
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}-{day}.{kind}")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def is_fragment() -> bool:
    """Whether htmx asks for the part of a page that refreshes itself."""
    return "HX-Request" in request.headers


def asks_json() -> bool:
    """Whether a program asks (`Accept: application/json`), not a page."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def language() -> str:
    """The reader's language, `zh` or `en`."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"
