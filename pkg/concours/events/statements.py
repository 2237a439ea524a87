"""The originality and licence statement: each change is a new version; what was agreed to is never rewritten."""

from datetime import datetime

import sqlalchemy as sa

from concours import audit
from concours.base import typed
from concours.base.db import session
from concours.base.errors import FieldProblem, Invalid
from concours.base.messages import msg
from concours.events.models import Event, Statement
from concours.identity.models import Account

TEXT_LIMIT = 10_000  # characters


def current_statement(event_id: int) -> Statement | None:
    """The version in force: the one authors agree to when they submit now."""
    return session().scalar(
        sa.select(Statement).where(Statement.event_id == event_id).order_by(Statement.version.desc()).limit(1)
    )


def set_statement(event: Event, text: str, *, actor: Account | None, now: datetime) -> Statement:
    """Puts a new version in force where the text differs from the last; returns the version in force.

    Raises Invalid for an empty or too long text.
    """
    text = typed.paragraphs(text)
    if not 1 <= len(text) <= TEXT_LIMIT:
        raise Invalid(
            problems=[FieldProblem("statement", msg("The statement has 1 to %(limit)s characters.", limit=TEXT_LIMIT))]
        )
    last = current_statement(event.id)
    if last is not None and last.text == text:
        return last
    made = Statement(event_id=event.id, version=last.version + 1 if last else 1, text=text, created_at=now)
    session().add(made)
    audit.record(actor, "events.set_statement", made, now=now, event_id=event.id, version=made.version)
    return made
