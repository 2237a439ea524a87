"""How a poll's rules came to be what they are: its changes since it was published, in the words of the rules.

They are read from the audit record, which keeps what was before and after each change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from concours.audit.models import AuditRecord
from concours.base.db import session
from concours.base.messages import Message
from concours.identity.models import Account
from concours.voting.ladder import ways
from concours.voting.models import Poll
from concours.voting.rules import Rules, in_words

CHANGES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Change:
    """A change that voters could notice: the sentences that went and came, and the new times, where they changed;
    `by` is the name of who made it, for the people of the desk."""

    at: datetime
    by: str
    gone: tuple[Message, ...]
    come: tuple[Message, ...]
    window: tuple[datetime, datetime] | None


def changes(poll: Poll) -> list[Change]:
    """The newest 50 since the poll was published for the first time, the newest first."""
    here = sa.and_(
        AuditRecord.event_id == poll.event_id,
        AuditRecord.subject_type == Poll.__tablename__,
        AuditRecord.subject_id == str(poll.id),
    )
    published = sa.select(sa.func.min(AuditRecord.id)).where(here, AuditRecord.verb == "voting.publish_poll")
    rows = session().execute(
        sa.select(AuditRecord.at, AuditRecord.detail, Account.name)
        .outerjoin(Account, Account.id == AuditRecord.actor_id)
        .where(here, AuditRecord.verb == "voting.edit_poll", AuditRecord.id > published.scalar_subquery())
        .order_by(AuditRecord.id.desc())
        .limit(CHANGES_SHOWN)
    )
    found = [_change(row.at, row.name or "", row.detail["before"], row.detail["after"]) for row in rows]
    return [change for change in found if change.gone or change.come or change.window]


def difference(before: list[Message], after: list[Message]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """The sentences that went, and those that came."""
    return tuple(s for s in before if s not in after), tuple(s for s in after if s not in before)


def _change(at: datetime, by: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    gone, come = difference(_words(before), _words(after))
    window = None
    if any(before[name] != after[name] for name in ("opens_at", "closes_at")):
        window = datetime.fromisoformat(after["opens_at"]), datetime.fromisoformat(after["closes_at"])
    return Change(at, by, gone, come, window)


def _words(said: Mapping[str, Any]) -> list[Message]:
    who = ways.in_words(ways.read(said.get("ways", {})), said.get("challenge", ways.NEVER))
    return in_words(Rules.read(said["rules"]), who)
