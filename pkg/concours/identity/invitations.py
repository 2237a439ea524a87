"""Links by which a person sets a password once. Whoever holds the link becomes that person: few may make one.

A link may be made for somebody who has never signed in. Whoever has a password already gets one from an administrator
alone (a lost password). See `may_invite` for who may make links for whom.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload

from concours import audit
from concours.base.db import session
from concours.base.errors import Forbidden, NotFound
from concours.base.messages import msg
from concours.identity import accounts
from concours.identity.access import departments_of
from concours.identity.models import Account, Department, Grant, Invitation, Role
from concours.identity.sign_in import digest

VALID_FOR = timedelta(days=14)
PAGE = 50
AT_ONCE = 10_000  # links made in one go


@dataclass(frozen=True)
class Link:
    """An account and the secret of its fresh link; the secret is nowhere else and cannot be shown again."""

    account: Account
    secret: str


def invite(account: Account, *, actor: Account | None, now: datetime) -> str:
    """A fresh link's secret for the account, valid for 14 days; older unused links of it stop working.

    It does not ask whether the actor may: that is `may_invite`, or the caller's own rule (a roster's import).
    """
    return invite_many([account], actor=actor, now=now)[0].secret


def invite_many(
    invited: Sequence[Account], *, actor: Account | None, now: datetime, event_id: int | None = None
) -> list[Link]:
    """Fresh links for many accounts, in their order, with one audit record for all."""
    session().flush()
    numbers = [account.id for account in invited]
    for start in range(0, len(numbers), 1000):
        session().execute(
            sa.delete(Invitation).where(
                Invitation.account_id.in_(numbers[start : start + 1000]), Invitation.used_at.is_(None)
            )
        )
    links = [Link(account, secrets.token_urlsafe(32)) for account in invited]
    if links:
        session().execute(
            sa.insert(Invitation),
            [
                {
                    "secret_hash": digest(link.secret),
                    "account_id": link.account.id,
                    "created_at": now,
                    "expires_at": now + VALID_FOR,
                }
                for link in links
            ],
        )
        subject = invited[0] if len(invited) == 1 else ("account", f"{len(invited)} accounts")
        audit.record(
            actor, "identity.invite", subject, now=now, event_id=event_id, count=len(invited), accounts=numbers[:100]
        )
    return links


def find(secret: str, *, now: datetime) -> Invitation:
    """The invitation of a link that still works; raises NotFound, saying what to do, for any other."""
    found = session().scalar(
        sa.select(Invitation)
        .options(joinedload(Invitation.account))
        .where(Invitation.secret_hash == digest(secret))
        .with_for_update(of=Invitation)
    )
    if found is None or found.used_at is not None or found.expires_at <= now or not found.account.is_active:
        raise NotFound(
            msg("This invitation link does not work any more: it was used, replaced by a newer one, or is too old."),
            hint=msg(
                "If you have set your password, just sign in. Otherwise ask whoever sent you the link for a new one."
            ),
            code="invitation_gone",
        )
    return found


def accept(secret: str, password: str, again: str, *, now: datetime) -> Account:
    """Sets the password of the invited person and uses the link up. Raises NotFound or Invalid."""
    invitation = find(secret, now=now)
    account = invitation.account
    invitation.used_at = now
    session().flush()  # used before the password is set, which ends all links that are not
    accounts.set_password(account, password, again, now=now)
    audit.record(account, "identity.accept_invitation", account, now=now)
    return account


def _waiting(actor: Account, event_id: int) -> sa.Select[Account]:
    """Accounts with a role in the event that have no password yet and for whom the actor may make links.

    Organisers and admins: everybody of the event, but nobody who has a higher role elsewhere than member in an event
    the actor does not organise. Coordinators: people of their departments who are members and nothing else anywhere.
    """
    query = sa.select(Account).where(
        Account.password_hash.is_(None),
        Account.is_active,
        sa.exists().where(Grant.account_id == Account.id, Grant.event_id == event_id),
    )
    if actor.is_admin:
        return query
    query = query.where(~Account.is_admin, ~Account.can_create_events)
    other, mine = aliased(Grant), aliased(Grant)
    organised = sa.select(mine.event_id).where(mine.account_id == actor.id, mine.role == Role.ORGANISER)
    higher = sa.exists().where(other.account_id == Account.id, other.role != Role.MEMBER)
    of_event = sa.select(organised.subquery()).where(sa.column("event_id") == event_id)
    if session().scalar(of_event) is not None:
        return query.where(~higher.where(other.event_id.not_in(organised)))
    return query.where(Account.department_id.in_(departments_of(actor, event_id)), ~higher)


def waiting(actor: Account, event_id: int, *, after: int = 0, limit: int = PAGE + 1) -> Sequence[Account]:
    """Those of the event who have not accepted yet and whom the actor may invite, by number, from `after` on."""
    query = _waiting(actor, event_id).where(Account.id > after).options(joinedload(Account.department))
    return session().scalars(query.order_by(Account.id).limit(limit)).all()


def count_waiting(actor: Account, event_id: int) -> int:
    """How many there are."""
    return session().scalar(sa.select(sa.func.count()).select_from(_waiting(actor, event_id).subquery())) or 0


def may_invite(actor: Account, account_id: int, event_id: int) -> Account:
    """The account, if the actor may make a link for it in this event; raises NotFound otherwise."""
    account = session().scalar(_waiting(actor, event_id).where(Account.id == account_id))
    if account is None:
        raise NotFound(
            msg("There is nobody with that number who waits for an invitation from you."),
            hint=msg("Whoever has a password already gets a new link from the administrator."),
        )
    return account


def links_for(actor: Account, event_id: int, *, now: datetime, only: Collection[int] | None = None) -> list[Link]:
    """Fresh links for all who wait (or those of them in `only`), at most 10,000, by department and name."""
    query = _waiting(actor, event_id).options(joinedload(Account.department))
    if only is not None:
        query = query.where(Account.id.in_(list(only)))
    query = query.outerjoin(Department, Department.id == Account.department_id)
    found = session().scalars(query.order_by(Department.code, Account.username).limit(AT_ONCE)).all()
    return invite_many(found, actor=actor, now=now, event_id=event_id)


def reset(account: Account, *, actor: Account, now: datetime) -> str:
    """A lost password: an administrator makes a link for anybody; the old password works until the link is used."""
    if not actor.is_admin:
        raise Forbidden(msg("Only an administrator can do this."))
    return invite(account, actor=actor, now=now)
