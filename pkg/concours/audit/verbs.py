"""Writing the audit record."""

from datetime import datetime
from typing import Any, Protocol

from concours.audit.models import AuditRecord
from concours.base.db import session


class HasId(Protocol):
    """Whatever has a number of its own; an account is one."""

    id: Any


def record(
    actor: HasId | None,
    verb: str,
    subject: HasId | tuple[str, object],
    *,
    now: datetime,
    event_id: int | None = None,
    **detail: Any,
) -> AuditRecord:
    """Adds one record to the running transaction: it stands or falls with the act itself.

    Arguments: `actor` is the account, or None for the platform itself; `subject` a model instance or
    a pair (type, id); `detail` plain JSON values.
    """
    session().flush()
    if isinstance(subject, tuple):
        kind, number = subject
    else:
        kind, number = getattr(subject, "__tablename__", type(subject).__name__), subject.id
    entry = AuditRecord(
        at=now,
        actor_id=actor.id if actor is not None else None,
        verb=verb,
        subject_type=str(kind),
        subject_id=str(number),
        event_id=event_id,
        detail=detail,
    )
    session().add(entry)
    return entry
