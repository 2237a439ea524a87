"""Routes of the identity room: signing in and out, and the invitation link. The person's own page and the
administrator's pages are in `my_routes` and `admin_routes`."""

from typing import Any

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from flask import session as cookie
from werkzeug.wrappers import Response as AnyResponse

from concours.base import clock
from concours.base.db import reading, session
from concours.base.errors import DomainError, Invalid, RateLimited
from concours.base.messages import msg
from concours.base.notices import notify
from concours.identity import (
    accounts,
    address_limit,
    admin_routes,
    attempts,
    invitations,
    my_routes,
    passwords,
)
from concours.identity.access import PUBLIC, SIGNED_IN, allow, signed_in
from concours.identity.addresses import inside
from concours.identity.blueprint import bp, open_session
from concours.identity.sign_in import init_sign_in, revoke, running_session


@bp.route("/sign-in", methods=["GET", "POST"])
@allow(PUBLIC)
def sign_in() -> AnyResponse:
    """The sign-in form; `next` is where to go afterwards."""
    back = inside(request.values.get("next"))
    if request.method == "GET":
        if signed_in() is not None:
            return redirect(back or url_for("identity.me"), 303)
        return make_response(render_template("identity/sign_in.html", next=back, username=""))
    username = request.form.get("username", "")
    try:
        _enter(username, request.form.get("password", ""))
    except DomainError as refusal:
        session().rollback()
        return _refused(refusal, back=back, username=username)
    session().commit()
    return redirect(back or url_for("identity.me"), 303)


def _enter(username: str, password: str) -> None:
    """Signs in, or raises RateLimited or Invalid. No write lock is held while the password is looked at."""
    now = clock.now()
    name = accounts.normal_username(username)[: accounts.USERNAME_LIMIT]
    address = request.remote_addr or ""
    address_limit.take(address)
    attempts.begin(name, now=now)
    session().commit()
    with reading():
        found = accounts.find_by_username(name)
        known = (found.id, found.password_hash) if found is not None and found.is_active else (0, None)
        session().rollback()
    if not passwords.matches(known[1], password):
        raise Invalid(
            msg("The name or the password is wrong."),
            hint=msg("After %(count)s wrong tries in a row the name has to wait.", count=attempts.FREE_FAILURES),
            code="wrong_credentials",
        )
    address_limit.give_back(address)
    attempts.succeeded(name)
    account = accounts.get(known[0])
    if account.password_hash and passwords.needs_renewal(account.password_hash):
        account.password_hash = passwords.hash_password(password)
    open_session(account)


def _refused(refusal: DomainError, *, back: str | None, username: str) -> Response:
    status = 429 if isinstance(refusal, RateLimited) else 422
    page = render_template("identity/sign_in.html", next=back, username=username, refusal=refusal)
    response = make_response(page, status)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


@bp.post("/sign-out")
@allow(SIGNED_IN)
def sign_out() -> AnyResponse:
    """Ends this browser's session."""
    row = running_session()
    if row is not None:
        revoke(row, now=clock.now())
    session().commit()
    cookie.clear()
    notify(msg("You are signed out."))
    return redirect("/", 303)


@bp.route("/invitations/<secret>", methods=["GET", "POST"])
@allow(PUBLIC)
def invitation(secret: str) -> AnyResponse:
    """The link of an invitation: the person sets a password, once, and is signed in."""
    now = clock.now()
    if request.method == "GET":
        invited = invitations.find(secret, now=now)
        return make_response(render_template("identity/invitation.html", invited=invited, errors={}))
    try:
        account = invitations.accept(
            secret, request.form.get("password", ""), request.form.get("password_again", ""), now=now
        )
    except Invalid as refusal:
        session().rollback()
        invited = invitations.find(secret, now=now)
        page = render_template("identity/invitation.html", invited=invited, errors=refusal.by_field())
        return make_response(page, 422)
    attempts.succeeded(account.username)
    open_session(account)
    session().commit()
    notify(msg("Welcome! Your password is set and you are signed in."))
    return redirect(url_for("identity.me"), 303)


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes."""
    init_sign_in(app)
    app.register_blueprint(bp)


__all__ = ["admin_routes", "bp", "init_app", "my_routes"]
