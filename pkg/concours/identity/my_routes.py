"""A person's own page: events and what can be done now, password, language, signed-in browsers, tokens for scripts."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from concours import audit
from concours.base import clock
from concours.base.db import session
from concours.base.errors import Conflict, DomainError, FieldProblem, Invalid, NotFound
from concours.base.messages import Message, msg
from concours.base.notices import notify
from concours.identity import accounts, tokens
from concours.identity.access import SIGNED_IN, actor, allow
from concours.identity.blueprint import bp, open_session
from concours.identity.browsers import browser_of
from concours.identity.models import SignInSession
from concours.identity.my_page import panels
from concours.identity.sign_in import revoke, running_session

LANGUAGE_COOKIE = "language"  # the switch in the page; the account's own choice takes its place
SESSIONS_SHOWN = 30


def _page(
    errors: Mapping[str, Sequence[Message]] | None = None, *, status: int = 200, token: str = "", label: str = ""
) -> Response:
    account, now = actor(), clock.now()
    page = render_template(
        "identity/me.html",
        account=account,
        panels=panels(account, now),
        sessions=_sessions(account.id),
        browser_of=browser_of,
        here_session=running_session(),
        tokens=tokens.tokens_of(account),
        token=token,
        label=label,
        errors=errors or {},
    )
    return make_response(page, status)


def _sessions(account_id: int) -> Sequence[SignInSession]:
    return (
        session()
        .scalars(
            sa.select(SignInSession)
            .where(
                SignInSession.account_id == account_id,
                SignInSession.revoked_at.is_(None),
                SignInSession.expires_at > clock.now(),
            )
            .order_by(SignInSession.seen_at.desc(), SignInSession.id.desc())
            .limit(SESSIONS_SHOWN)
        )
        .all()
    )


def _refused(refusal: DomainError, field: str, label: str = "") -> Response:
    session().rollback()
    if isinstance(refusal, Invalid) and refusal.problems:
        return _page(refusal.by_field(), status=422, label=label)
    return _page({field: [refusal.message]}, status=409 if isinstance(refusal, Conflict) else 422, label=label)


@bp.get("/me")
@allow(SIGNED_IN)
def me() -> Response:
    """The person's own page."""
    return _page()


@bp.post("/me/password")
@allow(SIGNED_IN)
def change_password() -> AnyResponse:
    """Changes the password; all other browsers are signed out, this one gets a new session."""
    account, form = actor(), request.form
    try:
        accounts.change_password(
            account,
            form.get("old", ""),
            form.get("password", ""),
            form.get("password_again", ""),
            now=clock.now(),
        )
    except DomainError as refusal:
        return _refused(refusal, "password")
    open_session(account)
    session().commit()
    notify(msg("Your password is changed. Other browsers are signed out."))
    return redirect(url_for("identity.me"), 303)


@bp.post("/me/language")
@allow(SIGNED_IN)
def set_language() -> AnyResponse:
    """Changes the language of the person's pages; `locale` is zh, en or empty (as the browser asks)."""
    try:
        accounts.set_locale(actor(), request.form.get("locale", ""), now=clock.now())
    except DomainError as refusal:
        return _refused(refusal, "locale")
    session().commit()
    notify(msg("The language is changed."))
    response = redirect(url_for("identity.me"), 303)
    response.delete_cookie(LANGUAGE_COOKIE)
    return response


@bp.post("/me/sessions/<int:session_id>/revoke")
@allow(SIGNED_IN)
def revoke_session(session_id: int) -> AnyResponse:
    """Signs one of the person's browsers out."""
    row = session().scalar(
        sa.select(SignInSession).where(SignInSession.id == session_id, SignInSession.account_id == actor().id)
    )
    if row is None:
        raise NotFound(msg("There is no such browser."))
    now = clock.now()
    revoke(row, now=now)
    audit.record(actor(), "identity.revoke_session", row, now=now)
    session().commit()
    notify(msg("That browser is signed out."))
    return redirect(url_for("identity.me"), 303)


@bp.post("/me/sessions/revoke-others")
@allow(SIGNED_IN)
def revoke_other_sessions() -> AnyResponse:
    """Signs all the person's other browsers out."""
    account, now = actor(), clock.now()
    ended = accounts.end_sessions(account, now=now, but=running_session())
    audit.record(account, "identity.revoke_other_sessions", account, now=now, count=ended)
    session().commit()
    notify(msg("All other browsers are signed out."))
    return redirect(url_for("identity.me"), 303)


@bp.post("/me/tokens")
@allow(SIGNED_IN)
def create_token() -> AnyResponse:
    """A new token, shown this once."""
    account, label = actor(), request.form.get("label", "")
    if running_session() is None:
        return _refused(
            Invalid(problems=[FieldProblem("label", msg("A token cannot make tokens. Sign in first."))]), "label"
        )
    try:
        token = tokens.create_token(account, label, actor=account, now=clock.now())
    except DomainError as refusal:
        return _refused(refusal, "label", label)
    session().commit()
    return _page(token=token, status=201)


@bp.post("/me/tokens/<int:token_id>/revoke")
@allow(SIGNED_IN)
def revoke_token(token_id: int) -> AnyResponse:
    """Ends a token."""
    tokens.revoke_token(token_id, actor=actor(), now=clock.now())
    session().commit()
    notify(msg("The token is revoked."))
    return redirect(url_for("identity.me"), 303)
