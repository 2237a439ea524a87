"""Accounts as voters: everybody who can sign in, or those of the event whom the organiser chose."""

import sqlalchemy as sa

from concours.base.db import session
from concours.identity.models import Account, Department, Grant
from concours.voting.ladder.ways import Way

DEEPEST = 12  # levels of departments


def may_vote(way: Way, account: Account, event_id: int) -> bool:
    """Whether the account may come in: it has one of the roles in the event (any will do), and is of one of the
    departments, or of a unit below one."""
    return (not way.roles or _has_role(way, account, event_id)) and (not way.departments or _is_of(way, account))


def _has_role(way: Way, account: Account, event_id: int) -> bool:
    mine = sa.select(Grant.id).where(
        Grant.account_id == account.id, Grant.event_id == event_id, Grant.role.in_(way.roles)
    )
    return session().scalar(mine.limit(1)) is not None


def _is_of(way: Way, account: Account) -> bool:
    department = account.department_id
    for _ in range(DEEPEST):
        if department is None:
            return False
        if department in way.departments:
            return True
        department = session().scalar(sa.select(Department.parent_id).where(Department.id == department))
    return False
