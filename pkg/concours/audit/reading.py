"""Reading the audit record: the newest first, paged by number."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from concours.audit.models import AuditRecord
from concours.base.db import session

PAGE = 50


def records(
    *,
    event_id: int | None = None,
    actor_id: int | None = None,
    verb: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
) -> Sequence[AuditRecord]:
    """Up to 51 records (one more than a page), the newest first, older than the number `before`.

    `verb` is one act (`entries.submit`) or a room (`entries`); `since` is included, `until` is not.
    """
    query = sa.select(AuditRecord)
    if event_id is not None:
        query = query.where(AuditRecord.event_id == event_id)
    if actor_id is not None:
        query = query.where(AuditRecord.actor_id == actor_id)
    if verb:
        exact = AuditRecord.verb == verb
        query = query.where(exact if "." in verb else AuditRecord.verb.startswith(f"{verb}.", autoescape=True))
    if since is not None:
        query = query.where(AuditRecord.at >= since)
    if until is not None:
        query = query.where(AuditRecord.at < until)
    if before is not None:
        query = query.where(AuditRecord.id < before)
    return session().scalars(query.order_by(AuditRecord.id.desc()).limit(PAGE + 1)).all()
