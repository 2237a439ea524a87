"""The event of a request: taken from `<event_slug>` in the address before any policy is asked."""

from typing import Any

import sqlalchemy as sa
from flask import Flask, g
from sqlalchemy.orm import selectinload

from concours.base.db import session
from concours.base.errors import NotFound
from concours.base.messages import msg
from concours.events.models import Event, EventStatus
from concours.identity.access import my_roles, signed_in


def _no_such_event() -> NotFound:
    return NotFound(msg("There is no such event."), hint=msg("All open events are on the front page."))


def _pull(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    slug = (values or {}).pop("event_slug", None)
    if slug is None:
        return
    event = session().scalar(
        sa.select(Event).options(selectinload(Event.phases), selectinload(Event.categories)).where(Event.slug == slug)
    )
    if event is None:
        raise _no_such_event()
    g.event, g.event_id, g.zone = event, event.id, event.zone


def _hide_drafts() -> None:
    event: Event | None = g.get("event")
    if event is None or event.status != EventStatus.DRAFT:
        return
    account = signed_in()
    if not (account is not None and account.is_admin) and not my_roles():
        raise _no_such_event()


def current_event() -> Event:
    """The event of the running request (its phases and categories are loaded)."""
    event: Event = g.event
    return event


def init_context(app: Flask) -> None:
    """Views below `/events/<event_slug>/` do not take the slug: they ask `current_event()`."""
    app.url_value_preprocessor(_pull)
    app.before_request(_hide_drafts)

    @app.url_defaults
    def _keep_slug(endpoint: str, values: dict[str, Any]) -> None:
        if "event_slug" not in values and "event" in g and app.url_map.is_endpoint_expecting(endpoint, "event_slug"):
            values["event_slug"] = g.event.slug
