"""Bearer tokens of accounts, for scripts: shown once, kept as their SHA-256, revoked at will."""

import secrets
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from concours import audit
from concours.base import typed
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Invalid, NotFound
from concours.base.messages import msg
from concours.identity.models import Account, ApiToken
from concours.identity.sign_in import digest

PREFIX = "cct_"  # so that a token found in a file is known for what it is
PER_ACCOUNT = 20  # tokens that work at the same time
LABEL_LIMIT = 80


def create_token(account: Account, label: str, *, actor: Account | None, now: datetime) -> str:
    """A new token of the account; returns it: it cannot be shown again.

    Raises Invalid without a label and Conflict where the account has 20 tokens.
    """
    label = typed.line(label)
    if not 1 <= len(label) <= LABEL_LIMIT:
        raise Invalid(
            problems=[FieldProblem("label", msg("Say in 1 to %(limit)s characters what it is for.", limit=LABEL_LIMIT))]
        )
    if len(tokens_of(account)) >= PER_ACCOUNT:
        raise Conflict(
            msg("An account has at most %(limit)s tokens.", limit=PER_ACCOUNT),
            hint=msg("Revoke one that is no longer needed."),
            code="too_many_tokens",
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(secret_hash=digest(secret), account_id=account.id, label=label, created_at=now)
    session().add(token)
    audit.record(actor, "identity.create_token", token, now=now, account=account.id, label=label)
    return secret


def tokens_of(account: Account) -> Sequence[ApiToken]:
    """The account's tokens that work, the newest first."""
    return (
        session()
        .scalars(
            sa.select(ApiToken)
            .where(ApiToken.account_id == account.id, ApiToken.revoked_at.is_(None))
            .order_by(ApiToken.id.desc())
        )
        .all()
    )


def revoke_token(token_id: int, *, actor: Account, now: datetime) -> None:
    """Ends one of the actor's own tokens; raises NotFound for any other."""
    token = session().scalar(
        sa.select(ApiToken).where(
            ApiToken.id == token_id, ApiToken.account_id == actor.id, ApiToken.revoked_at.is_(None)
        )
    )
    if token is None:
        raise NotFound(msg("There is no such token."))
    token.revoked_at = now
    audit.record(actor, "identity.revoke_token", token, now=now, label=token.label)
