"""Signed-in browsers: the cookie holds a random secret, SQL its hash, so that any session can be revoked.

Flask-Login asks `load` once per request; a bearer token of an account (`ApiToken`) signs in a script.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import Flask, Request, g
from flask import session as cookie
from flask_login import LoginManager
from sqlalchemy.orm import joinedload

from concours.base import clock
from concours.base.db import session
from concours.identity.models import Account, ApiToken, SignInSession

SESSION_FIELD = "sid"
SCHEME = "Bearer "
NOTED_EVERY = timedelta(hours=1)


def digest(secret: str) -> str:
    """What is kept of a secret: its SHA-256 in hex (the secret itself has 256 random bits)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def begin_session(account: Account, *, user_agent: str, days: int, now: datetime) -> str:
    """Opens a session of `account` for `days` days; returns the secret for the cookie."""
    secret = secrets.token_urlsafe(32)
    session().add(
        SignInSession(
            secret_hash=digest(secret),
            account_id=account.id,
            user_agent=user_agent[:200],
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(days=days),
        )
    )
    return secret


def remember(secret: str) -> None:
    """Puts the secret into the browser's cookie; whatever the cookie held before is dropped (no fixation)."""
    cookie.clear()
    cookie[SESSION_FIELD] = secret
    cookie.permanent = True


def revoke(row: SignInSession, *, now: datetime) -> None:
    """Ends a session; the browser that holds its secret is signed out at its next request."""
    row.revoked_at = now


def running_session() -> SignInSession | None:
    """The session of the running request, if it came with one."""
    found: SignInSession | None = g.get("sign_in_session")
    return found


def bearer_of(request: Request) -> str | None:
    """The bearer token that the request came with, whether or not it is one of ours; None without that header."""
    header = request.headers.get("Authorization", "")
    return header[len(SCHEME) :].strip() if header.startswith(SCHEME) else None


def load(request: Request) -> Account | None:
    """Who the request comes from: a bearer token, or, without one, the cookie's session."""
    given = bearer_of(request)
    if given is not None:
        token = session().scalar(
            sa.select(ApiToken)
            .options(joinedload(ApiToken.account))
            .where(ApiToken.secret_hash == digest(given), ApiToken.revoked_at.is_(None))
        )
        return token.account if token is not None and token.account.is_active else None
    secret = cookie.get(SESSION_FIELD)
    if not isinstance(secret, str):
        return None
    row = session().scalar(
        sa.select(SignInSession)
        .options(joinedload(SignInSession.account))
        .where(SignInSession.secret_hash == digest(secret))
    )
    if row is None or row.revoked_at is not None or row.expires_at <= clock.now() or not row.account.is_active:
        return None
    g.sign_in_session = row
    if request.method == "POST":
        _note_use(row)
    return row.account


def _note_use(row: SignInSession) -> None:
    """A session that is used goes on: noted at most once an hour, and only where the request writes anyway."""
    now = clock.now()
    if now - row.seen_at > NOTED_EVERY:
        row.expires_at = now + (row.expires_at - row.seen_at)
        row.seen_at = now


def init_sign_in(app: Flask) -> None:
    """Flask-Login over these sessions."""
    manager = LoginManager()
    manager.session_protection = None  # the session secret is our own and revocable
    manager.init_app(app)
    manager.request_loader(load)
    app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(days=int(app.config["SESSION_DAYS"]))
