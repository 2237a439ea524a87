"""Roles in an event: given and taken by its organisers (and by administrators)."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Invalid, NotFound
from concours.base.messages import Message, msg
from concours.identity.accounts import end_invitations
from concours.identity.models import Account, Department, Grant, Role

GIVEN = (Role.ORGANISER, Role.COORDINATOR, Role.JUDGE, Role.AUDITOR)
"""The roles that people are given; members become members by their team's roster."""

ROLE_NAMES: dict[str, Message] = {
    Role.ADMIN: msg("Administrator"),
    Role.ORGANISER: msg("Organiser"),
    Role.COORDINATOR: msg("Coordinator"),
    Role.JUDGE: msg("Judge"),
    Role.AUDITOR: msg("Auditor"),
    Role.MEMBER: msg("Member"),
}
PAGE = 100


def find(account_id: int, event_id: int, role: str, department_id: int | None = None) -> Grant | None:
    """The grant of that role, if there is one."""
    return session().scalar(
        sa.select(Grant).where(
            Grant.account_id == account_id,
            Grant.event_id == event_id,
            Grant.role == role,
            Grant.department_id == department_id if department_id is not None else Grant.department_id.is_(None),
        )
    )


def give(
    account: Account,
    event_id: int,
    role: str,
    *,
    actor: Account | None,
    now: datetime,
    department: Department | None = None,
) -> Grant:
    """Gives the account a role in the event; a coordinator speaks for `department`. Given twice, it stays one.

    Raises Invalid for an unknown role and for a coordinator without a department.
    """
    if role not in GIVEN:
        raise Invalid(problems=[FieldProblem("role", msg("Please choose one of the roles."))], code="unknown_role")
    if role == Role.COORDINATOR and department is None:
        raise Invalid(
            problems=[FieldProblem("department", msg("Say which department the coordinator speaks for."))],
            code="no_department",
        )
    session().flush()
    unit = department.id if department and role == Role.COORDINATOR else None
    known = find(account.id, event_id, role, unit)
    return known or give_new(account, event_id, role, actor=actor, now=now, department=department)


def give_new(
    account: Account,
    event_id: int,
    role: str,
    *,
    actor: Account | None,
    now: datetime,
    department: Department | None = None,
) -> Grant:
    """Gives a role that the caller knows is not held yet (the unique key is the last word).

    An invitation link made before, by somebody who might not invite a person with this role, stops working.
    """
    if role != Role.COORDINATOR:
        department = None
    grant = Grant(
        account_id=account.id,
        event_id=event_id,
        role=role,
        department_id=department.id if department else None,
        granted_at=now,
    )
    session().add(grant)
    if account.password_hash is None:
        end_invitations(account)
    audit.record(
        actor,
        "identity.give_role",
        account,
        now=now,
        event_id=event_id,
        role=str(role),
        department=department.code if department else None,
    )
    return grant


def take(grant_id: int, event_id: int, *, actor: Account, now: datetime) -> Grant:
    """Takes a role back. Raises NotFound for a number outside the event, Conflict for its last organiser."""
    grant = session().scalar(
        sa.select(Grant)
        .options(joinedload(Grant.account))
        .where(Grant.id == grant_id, Grant.event_id == event_id, Grant.role.in_(GIVEN))
    )
    if grant is None:
        raise NotFound(msg("This role was taken back already."))
    if grant.role == Role.ORGANISER:
        organisers = sa.select(Grant.id).where(Grant.event_id == event_id, Grant.role == Role.ORGANISER)
        left = session().scalars(organisers.order_by(Grant.id).with_for_update()).all()
        if grant_id not in left:
            raise NotFound(msg("This role was taken back already."))
        if len(left) == 1:
            raise Conflict(
                msg("An event keeps at least one organiser."),
                hint=msg("Give the role to somebody else first."),
                code="last_organiser",
            )
    session().delete(grant)
    audit.record(actor, "identity.take_role", grant.account, now=now, event_id=event_id, role=grant.role)
    return grant


def of_event(event_id: int, *, role: str = "", after: int = 0) -> Sequence[Grant]:
    """Up to 101 given roles of the event, by number, from `after` on, with their accounts and departments."""
    query = (
        sa.select(Grant)
        .options(joinedload(Grant.account).joinedload(Account.department), joinedload(Grant.department))
        .where(Grant.event_id == event_id, Grant.id > after, Grant.role.in_([role] if role in GIVEN else GIVEN))
    )
    return session().scalars(query.order_by(Grant.id).limit(PAGE + 1)).all()


def counts(event_id: int) -> dict[str, int]:
    """How many of the event have each role."""
    rows = session().execute(
        sa.select(Grant.role, sa.func.count()).where(Grant.event_id == event_id).group_by(Grant.role)
    )
    return dict(rows.tuples().all())
