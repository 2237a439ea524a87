"""Conflicts that are known: a judge must not review a department's works, one work, or a person's works."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from concours.base.db import session
from concours.entries.models import Entry
from concours.identity.models import Account, Department
from concours.jury.models import DeclaredConflict


def standing(event_id: int, account_ids: Collection[int]) -> list[tuple[int, str, int]]:
    """(judge, "department" | "entry" | "author", number) of what these judges must not review."""
    rows = session().execute(
        sa.select(
            DeclaredConflict.account_id,
            DeclaredConflict.department_id,
            DeclaredConflict.entry_id,
            DeclaredConflict.author_id,
        ).where(
            DeclaredConflict.event_id == event_id,
            DeclaredConflict.withdrawn_at.is_(None),
            DeclaredConflict.account_id.in_(account_ids),
        )
    )
    return [
        (account, by, number)
        for account, *about in rows.tuples()
        for by, number in zip(("department", "entry", "author"), about, strict=True)
        if number is not None
    ]


@dataclass(frozen=True)
class Listed:
    """A declared conflict as the pages show it; one of `department`, `number` (of an entry) and `author` is there."""

    conflict: DeclaredConflict
    judge: str
    department: str | None
    number: int | None
    author: str | None


def listed(event_id: int, account_id: int | None = None) -> list[Listed]:
    """The declared conflicts of an event (or of one judge) that hold; one query."""
    author = sa.orm.aliased(Account)
    query = (
        sa.select(DeclaredConflict, Account.name, Department.name, Entry.number, author.name)
        .join(Account, Account.id == DeclaredConflict.account_id)
        .outerjoin(Department, Department.id == DeclaredConflict.department_id)
        .outerjoin(Entry, Entry.id == DeclaredConflict.entry_id)
        .outerjoin(author, author.id == DeclaredConflict.author_id)
        .where(DeclaredConflict.event_id == event_id, DeclaredConflict.withdrawn_at.is_(None))
        .order_by(Account.name, DeclaredConflict.account_id, DeclaredConflict.id)
    )
    if account_id is not None:
        query = query.where(DeclaredConflict.account_id == account_id)
    return [Listed(*row) for row in session().execute(query).tuples()]
