"""Whether the second person of a decision is another person: since when, and by whom, they have their role.

Two accounts can be one person: whoever may make an account and give it a role can sign in as both. So where one of the
two owes its role, itself or its password link to the other, or both to a third (also by way of accounts made between),
nothing is confirmed until a day has passed: long enough for the others of the event to read of it in the record.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from concours.audit.models import AuditRecord
from concours.base.clock import in_zone
from concours.base.db import session
from concours.base.errors import Forbidden
from concours.base.messages import msg
from concours.identity.models import Account, Grant, Invitation, Role
from concours.voting.amendments.models import Decision
from concours.voting.models import Poll

SETTLES = timedelta(hours=24)
JUDGING = (Role.ORGANISER, Role.AUDITOR)  # the roles that decide about votes; and administrators


@dataclass(frozen=True, slots=True)
class Standing:
    """By which role somebody judges votes: `since` when, and `by` whom it was given (empty: by the command line, or
    not known any more)."""

    role: str
    since: datetime
    by: str

    def told(self) -> dict[str, str]:
        """What the audit record keeps."""
        return {"role": self.role, "since": self.since.isoformat(timespec="seconds"), "by": self.by}

    @classmethod
    def read(cls, kept: dict[str, str]) -> "Standing":
        """Out of the audit record."""
        return cls(kept["role"], datetime.fromisoformat(kept["since"]), kept["by"])


def standing_of(account: Account, event_id: int) -> Standing:
    """The role by which the account judges votes of the event: the one it has held longest."""
    grant = _oldest(account.id, event_id)
    record = sa.select(Account.name).join(AuditRecord, AuditRecord.actor_id == Account.id).where(_about(account.id))
    if grant is None:
        made = record.where(AuditRecord.verb == "identity.create_account")
        return Standing(Role.ADMIN, account.created_at, session().scalar(made.limit(1)) or "")
    given = record.where(
        AuditRecord.verb == "identity.give_role",
        AuditRecord.event_id == event_id,
        AuditRecord.at == grant.granted_at,
    )
    return Standing(grant.role, grant.granted_at, session().scalar(given.limit(1)) or "")


def decided_by(decision: Decision, poll: Poll) -> Standing | None:
    """What the audit record keeps of who decided, as it was then; None where nobody did, or before it was kept."""
    if decision.decided_by_id is None:
        return None
    records = sa.select(AuditRecord.detail).where(
        AuditRecord.verb.in_(("voting.confirm_decision", "voting.decline_decision")),
        AuditRecord.actor_id == decision.decided_by_id,
        AuditRecord.subject_type == Poll.__tablename__,
        AuditRecord.subject_id == str(poll.id),
        AuditRecord.at == decision.decided_at,
    )
    for detail in session().scalars(records):
        if detail.get("number") == decision.number and "second" in detail:
            return Standing.read(detail["second"])
    return None


def free_from(decision: Decision, poll: Poll, account: Account) -> datetime | None:
    """From when the account may confirm; None: since a day before the proposal it and the proposer owe nothing to each
    other, nor both to a third."""
    start = decision.proposed_at - SETTLES
    one, other = (_makers(number, poll.event_id, start) for number in (account.id, decision.proposed_by_id))
    ties = [max(one[maker], other[maker]) for maker in one.keys() & other.keys()]
    return max(*ties, decision.proposed_at) + SETTLES if ties else None


def require_another(decision: Decision, poll: Poll, account: Account, now: datetime) -> None:
    """Raises Forbidden where the two accounts may be one person's."""
    until = free_from(decision, poll, account)
    if until is None or now >= until:
        return
    when = f"{in_zone(until, poll.zone):%Y-%m-%d %H:%M}"
    raise Forbidden(
        msg("You and whoever proposed this owe a role, account or link to one hand, too recently to be two people."),
        hint=msg(
            "An organiser or auditor of longer standing can confirm it now; you can from %(when)s (%(zone)s).",
            when=when,
            zone=poll.zone,
        ),
        code="second_person_too_new",
    )


def _makers(account_id: int, event_id: int, start: datetime) -> dict[int, datetime]:
    """The account itself, and those to whom it owes something behind `start`, also by way of others: since when."""
    found, waiting = {account_id: start}, [account_id]
    while waiting:
        one = waiting.pop()
        for at, giver in _owed(one, event_id, start):
            newest = max(at, found[one])
            if giver not in found or newest > found[giver]:
                found[giver] = newest
                waiting.append(giver)
    return found


def _owed(account_id: int, event_id: int, start: datetime) -> Iterator[tuple[datetime, int]]:
    """What the account owes to others behind `start`: its role in the event (where it has none of longer standing), its
    making, the link by which its password was set."""
    record = sa.select(AuditRecord.at, AuditRecord.actor_id).where(AuditRecord.actor_id.is_not(None))
    own, alone = _about(account_id), AuditRecord.at > start
    grant = _oldest(account_id, event_id)
    asked: list[tuple[Any, datetime | None]] = []
    if grant is not None and grant.granted_at > start:
        given = (AuditRecord.verb == "identity.give_role", AuditRecord.event_id == event_id)
        asked.append((record.where(own, alone, *given), None))
    made = session().scalar(sa.select(Account.created_at).where(Account.id == account_id, Account.created_at > start))
    if made is not None:
        verbs = ("identity.create_account", "identity.create_accounts")
        asked.append((record.where(AuditRecord.verb.in_(verbs), AuditRecord.at == made), None))
    used = sa.select(Invitation.created_at, Invitation.used_at).where(
        Invitation.account_id == account_id, Invitation.used_at > start
    )
    for link in session().execute(used).all():
        by_link = record.where(AuditRecord.verb == "identity.invite", AuditRecord.at == link.created_at)
        asked.append((by_link, link.used_at))
    for query, at in asked:
        for row in session().execute(query):
            yield at or row.at, row.actor_id


def _oldest(account_id: int, event_id: int) -> Grant | None:
    judging = sa.select(Grant).where(
        Grant.account_id == account_id, Grant.event_id == event_id, Grant.role.in_(JUDGING)
    )
    return session().scalar(judging.order_by(Grant.granted_at, Grant.id).limit(1))


def _about(account_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(AuditRecord.subject_type == Account.__tablename__, AuditRecord.subject_id == str(account_id))
