"""What the frame of a page asks for: links that may not exist, the event's places, who is here, notices.

Everything here answers also when SQL or Redis are away, because error pages stand in the same frame.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Flask, current_app, g, request, url_for
from flask_login import AnonymousUserMixin
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.routing import BuildError

from concours.base.messages import Message
from concours.events.navigation import places_for_visitor
from concours.identity.access import signed_in
from concours.identity.addresses import inside
from concours.web.i18n import revive, translate


@dataclass(frozen=True)
class Visitor:
    """Who is signed in, as the frame shows it."""

    name: str
    is_admin: bool


@dataclass(frozen=True)
class PlaceLink:
    """A link of the event's navigation; `current` marks the page one is on."""

    url: str
    label: Message
    current: bool


def link(endpoint: str, **values: Any) -> str | None:
    """The address of `endpoint`, or None where no room has it or a value is missing."""
    if endpoint not in current_app.view_functions:
        return None
    try:
        return url_for(endpoint, **{name: value for name, value in values.items() if value is not None})
    except BuildError:
        return None


def here() -> str:
    """The address of the running request below the site's root, with its query; `/` for what cannot be asked again."""
    if request.method not in {"GET", "HEAD"}:
        return "/"
    query = request.query_string.decode("ascii", "ignore")
    return quote(request.path, safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")


def relative(address: str) -> str:
    """`address` where it is a path of this site (for redirects), else `/`: no scheme, no host, no backslash tricks."""
    return inside(address.strip()) or "/"


def without_database() -> None:
    """Says that for the rest of this request the frame must not ask SQL or Redis (they are away).

    Flask-Login offers the account to every template; unless it is known already it is nobody from here on.
    """
    g.frame_is_quiet = True
    if "_login_user" not in g:
        g._login_user = AnonymousUserMixin()


def visitor() -> Visitor | None:
    """Who is signed in; None where nobody is or where it cannot be known now."""
    if "frame_visitor" not in g:
        g.frame_visitor = None
        if not g.get("frame_is_quiet"):
            try:
                account = signed_in()
            except (SQLAlchemyError, RedisError):
                without_database()
            else:
                g.frame_visitor = Visitor(account.name, account.is_admin) if account is not None else None
    found: Visitor | None = g.frame_visitor
    return found


def event_places() -> list[PlaceLink]:
    """The pages of the request's event that the visitor may see.

    Current is the page itself, else the one whose address is the longest beginning of this one; the event's own
    address, with which all begin, only where it is the page itself.
    """
    if g.get("event") is None or g.get("frame_is_quiet"):
        return []
    try:
        places = [(place, link(place.endpoint)) for place in places_for_visitor()]
    except (SQLAlchemyError, RedisError):
        without_database()
        return []
    known = [(place, url) for place, url in places if url is not None]
    exact = [url for place, url in known if place.endpoint == request.endpoint]
    root = link("events.show")
    below = [url for _, url in known if url != root and request.path.startswith(url.rstrip("/") + "/")]
    current = exact[0] if exact else max(below, key=len, default=None)
    return [PlaceLink(url, place.label, url == current) for place, url in known]


def flashed(message: Any) -> str:
    """A flashed message in the reader's language: a text, a Message, or a Message as the cookie kept it."""
    if isinstance(message, dict) and "text" in message:
        return translate(revive(message))
    return translate(message)


def init_frame(app: Flask) -> None:
    """Gives the templates these names."""
    app.jinja_env.globals.update(link=link, here=here, visitor=visitor, event_places=event_places)
    app.jinja_env.filters.update(flashed=flashed)
