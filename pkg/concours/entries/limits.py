"""How many entries are possible: per author or team, per category, in one category, per department.

An entry holds its place from its submission until it is rejected or withdrawn; one that was returned keeps it, so
that its author can always bring it back. Ask with the register held (`entries.register`), or the answer may be old.
"""

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from concours.base.db import session
from concours.base.messages import Message, msg
from concours.entries.models import Entry, EntryStatus
from concours.events.models import Category, Event, Quota
from concours.events.rules import read_rules, read_settings
from concours.identity.models import Department

HOLDING = (EntryStatus.SUBMITTED, EntryStatus.RETURNED, EntryStatus.ACCEPTED)


def places_problems(entry: Entry, event: Event, category: Category) -> list[Message]:
    """What keeps `entry` from taking a place, one sentence each; empty where there is room."""
    return [*_author_problems(entry, event, category), *_department_problems(entry, event)]


def _others(entry: Entry) -> tuple[ColumnElement[bool], ...]:
    """The entries that hold a place in the same event, but this one."""
    return Entry.event_id == entry.event_id, Entry.status.in_(HOLDING), Entry.id != entry.id


def _author_problems(entry: Entry, event: Event, category: Category) -> list[Message]:
    settings, rules = read_settings(event), read_rules(category)
    if entry.team_id is not None:
        same = Entry.team_id == entry.team_id
    else:
        same = sa.and_(Entry.author_id == entry.author_id, Entry.team_id.is_(None))
    counted = session().execute(
        sa.select(Entry.category_id, sa.func.count()).where(same, *_others(entry)).group_by(Entry.category_id)
    )
    held = {int(number): int(count) for number, count in counted}
    problems: list[Message] = []
    here, total = held.get(category.id, 0), sum(held.values())
    if rules.per_author is not None and here >= rules.per_author:
        problems.append(
            msg(
                "At most %(limit)s can be submitted in “%(category)s”, and %(count)s are in already."
                " Withdraw one of them first.",
                limit=rules.per_author,
                category=category.title,
                count=here,
            )
        )
    if settings.per_author_total is not None and total >= settings.per_author_total:
        problems.append(
            msg(
                "At most %(limit)s can be submitted in the whole event, and %(count)s are in already."
                " Withdraw one of them first.",
                limit=settings.per_author_total,
                count=total,
            )
        )
    if settings.one_category_per_author and total > here:
        problems.append(
            msg("All entries must be in one category, and there is one in another already. Withdraw that one first.")
        )
    return problems


def department_limit(event: Event, department_id: int) -> int | None:
    """How many entries the department may submit in the event; None: as many as it likes."""
    quota = (
        session()
        .execute(sa.select(Quota.max_entries).where(Quota.event_id == event.id, Quota.department_id == department_id))
        .scalar_one_or_none()
    )
    return quota if quota is not None else read_settings(event).max_entries_per_department


def _department_problems(entry: Entry, event: Event) -> list[Message]:
    if entry.department_id is None:
        return []
    limit = department_limit(event, entry.department_id)
    if limit is None:
        return []
    taken = session().scalar(
        sa.select(sa.func.count()).where(Entry.department_id == entry.department_id, *_others(entry))
    )
    if (taken or 0) < limit:
        return []
    name = session().scalar(sa.select(Department.name).where(Department.id == entry.department_id))
    return [
        msg(
            "The quota of “%(department)s” is %(limit)s, and all of it is taken. Ask your department's coordinator.",
            department=name or "",
            limit=limit,
        )
    ]
