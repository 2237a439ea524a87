"""The register of an event's entries: its lock, the next public number, and the counters by status.

Whoever changes which entries count (start, submit, screen, withdraw) holds the register's lock until the commit: on
PostgreSQL a row lock, on SQLite the write lock that every writing transaction has anyway. So two submissions at once
cannot both take the last place of a quota, and numbers have no gaps. The register is locked before any entry, never
after one, so that nobody waits in a circle.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from concours.base.db import session
from concours.entries.models import Entry, EntryCount, EntryRegister, EntryStatus

WITHOUT_DEPARTMENT = 0  # stands for no department in the counters' key


def _insert(table: type[Any]) -> Any:
    """An insert that knows ON CONFLICT, on either database."""
    name = session().get_bind().dialect.name
    return postgresql.insert(table) if name == "postgresql" else sqlite.insert(table)


_watching: list[Callable[[Entry, EntryStatus], None]] = []


def watch(act: Callable[[Entry, EntryStatus], None]) -> None:
    """`act` is told of each entry that changes its status, and of the status it had, in the same transaction: for rooms
    that this one knows nothing of."""
    if act not in _watching:
        _watching.append(act)


def hold(event_id: int) -> EntryRegister:
    """The event's register, locked until the transaction ends."""
    session().execute(_insert(EntryRegister).values(event_id=event_id, last_number=0).on_conflict_do_nothing())
    return (
        session()
        .scalars(
            sa.select(EntryRegister)
            .where(EntryRegister.event_id == event_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        .one()
    )


def lock(entry: Entry) -> None:
    """Reads `entry` again and locks its row until the transaction ends; its files are read anew when asked for."""
    session().refresh(entry, with_for_update={"key_share": True})
    session().expire(entry, ["files"])


def give_number(entry: Entry, register: EntryRegister) -> None:
    """Gives `entry` the event's next number, where it has none; `register` is held."""
    if entry.number is None:
        register.last_number += 1
        entry.number = register.last_number


def enter(entry: Entry) -> None:
    """Counts a new entry; the register is held."""
    _count(entry, entry.status, 1)


def move(entry: Entry, status: EntryStatus) -> None:
    """Puts `entry` into `status` and keeps the counters true; the register is held."""
    if entry.status == status:
        return
    was = EntryStatus(entry.status)
    _count(entry, was, -1)
    entry.status = status
    _count(entry, status, 1)
    for act in _watching:
        act(entry, was)


def _count(entry: Entry, status: str, change: int) -> None:
    key = {
        "event_id": entry.event_id,
        "category_id": entry.category_id,
        "department_id": entry.department_id or WITHOUT_DEPARTMENT,
        "status": str(status),
    }
    if change < 0:
        session().execute(
            sa.update(EntryCount)
            .filter_by(**key)
            .values(entries=EntryCount.entries + change)
            .execution_options(synchronize_session=False)
        )
        return
    session().execute(
        _insert(EntryCount)
        .values(**key, entries=change)
        .on_conflict_do_update(
            index_elements=["event_id", "category_id", "department_id", "status"],
            set_={"entries": EntryCount.entries + change},
        )
    )
