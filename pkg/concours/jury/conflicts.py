"""Conflicts that are known: a judge must not review a department's works, one work, or a person's works."""

from collections.abc import Collection

import sqlalchemy as sa

from concours.base.db import session
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


def listed(event_id: int, account_id: int | None = None) -> list[DeclaredConflict]:
    """The declared conflicts of an event (or of one judge) that hold, by number."""
    query = sa.select(DeclaredConflict).where(
        DeclaredConflict.event_id == event_id, DeclaredConflict.withdrawn_at.is_(None)
    )
    if account_id is not None:
        query = query.where(DeclaredConflict.account_id == account_id)
    return list(session().scalars(query.order_by(DeclaredConflict.account_id, DeclaredConflict.id)))
