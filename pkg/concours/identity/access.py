"""Who may call a route. Every view names its policy with `@allow(…)`; a view without one is refused.

`allow` states the outer gate (who may come here at all); what an actor may see or change inside is the
verb's question, asked with the actor. Routes below `/events/<event_slug>/` are judged by the roles in that
event (`g.event_id`, set by the events room before any policy is asked).

    @bp.get("/events/<event_slug>/screening")
    @allow(Role.ORGANISER, Role.AUDITOR)
    def screening() -> str: ...
"""

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import Flask, current_app, g, request
from flask_login import current_user

from concours.base.db import session
from concours.base.errors import Forbidden
from concours.base.messages import msg
from concours.identity.models import Account, Grant, Role

PUBLIC = "public"
SIGNED_IN = "signed_in"

View = TypeVar("View", bound=Callable[..., Any])


def allow(*who: str) -> Callable[[View], View]:
    """Lets these in: PUBLIC, SIGNED_IN or any of the roles in the route's event. An admin passes every
    gate but a judge's: what a jury says of an entry is for the jury alone."""

    def mark(view: View) -> View:
        view.__access__ = frozenset(str(w) for w in who)  # type: ignore[attr-defined]
        return view

    return mark


def roles_in(account: Account | None, event_id: int) -> frozenset[str]:
    """The roles of `account` in the event."""
    if account is None:
        return frozenset()
    found = session().scalars(sa.select(Grant.role).where(Grant.account_id == account.id, Grant.event_id == event_id))
    return frozenset(found)


def departments_of(account: Account, event_id: int) -> frozenset[int]:
    """The departments that `account` coordinates in the event."""
    rows = session().scalars(
        sa.select(Grant.department_id).where(
            Grant.account_id == account.id,
            Grant.event_id == event_id,
            Grant.role == Role.COORDINATOR,
            Grant.department_id.is_not(None),
        )
    )
    return frozenset(number for number in rows if number is not None)


def actor() -> Account:
    """The signed-in account of the running request."""
    account = signed_in()
    if account is None:
        raise NotSignedIn
    return account


def signed_in() -> Account | None:
    """The signed-in account, or None."""
    return current_user._get_current_object() if current_user.is_authenticated else None


def my_roles() -> frozenset[str]:
    """The roles of the signed-in account in the request's event, read once per request."""
    if "my_roles" not in g:
        g.my_roles = roles_in(signed_in(), g.event_id) if g.get("event_id") else frozenset()
    roles: frozenset[str] = g.my_roles
    return roles


class NotSignedIn(Forbidden):
    """The visitor must sign in first (the page leads to the sign-in form, the API answers 401)."""

    code = "sign_in_required"

    def __init__(self) -> None:
        super().__init__(msg("Please sign in first."))


def _check() -> None:
    if request.endpoint is None or request.endpoint.endswith("static"):
        return
    view = current_app.view_functions[request.endpoint]
    who: frozenset[str] | None = getattr(view, "__access__", None)
    if who is None:
        raise Forbidden(msg("This page is not open to anyone yet."), code="no_policy")
    if PUBLIC in who:
        return
    account = signed_in()
    if account is None:
        raise NotSignedIn
    if SIGNED_IN in who:
        return
    if account.is_admin and who != {Role.JUDGE}:
        return
    if not (who & my_roles()):
        raise Forbidden(
            msg("Your account has no right to do this."),
            hint=msg("If you need it, ask the organiser of the event to give you the role."),
        )


def init_access(app: Flask) -> None:
    """Puts the gate before every request."""
    app.before_request(_check)
