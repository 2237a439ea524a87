"""Lists of entries: an author's own, the organiser's desk, a department's. Paged by key; counts are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.sql.elements import ColumnElement

from concours.base.db import session
from concours.entries.models import Entry, EntryCount, EntryFile, EntryStatus
from concours.events.models import Event
from concours.identity.access import departments_of
from concours.identity.models import Account, Department
from concours.media.models import Asset
from concours.teams.models import Team

PAGE = 40  # entries on a page of the desk
ON_MY_PAGE = 6  # of one person's entries, the newest, on their own page
OWN_LIMIT = 200  # of one person's entries, the newest
TITLE_SEARCH_LIMIT = 60  # characters of a search

DESK_STATUSES = (
    EntryStatus.SUBMITTED,
    EntryStatus.ACCEPTED,
    EntryStatus.RETURNED,
    EntryStatus.REJECTED,
    EntryStatus.WITHDRAWN,
)


def with_files() -> tuple[ORMOption, ...]:
    """What a list shows of each entry: files with renditions, category, department; a fixed number of queries."""
    return (
        selectinload(Entry.files).joinedload(EntryFile.asset).selectinload(Asset.renditions),
        joinedload(Entry.category),
        joinedload(Entry.department),
    )


def own_entries(event: Event, account: Account) -> list[Entry]:
    """The entries that `account` handles in the event, the newest first: its own and those of its teams."""
    led = sa.select(Team.id).where(
        Team.event_id == event.id,
        sa.or_(Team.captain_id == account.id, Team.department_id.in_(departments_of(account, event.id))),
    )
    own = sa.and_(Entry.author_id == account.id, Entry.team_id.is_(None))
    return list(
        session().scalars(
            sa.select(Entry)
            .options(*with_files(), joinedload(Entry.team))
            .where(Entry.event_id == event.id, sa.or_(own, Entry.team_id.in_(led)))
            .order_by(Entry.id.desc())
            .limit(OWN_LIMIT)
        )
    )


def my_works_panel(account: Account, _now: datetime) -> Mapping[str, Any]:
    """What `entries/my_works.html` shows on a person's own page: their newest works, whatever the event."""
    newest = (
        sa.select(Entry)
        .options(*with_files(), joinedload(Entry.event))
        .where(Entry.author_id == account.id, Entry.status != EntryStatus.WITHDRAWN)
        .order_by(Entry.id.desc())
        .limit(ON_MY_PAGE)
    )
    return {"entries": list(session().scalars(newest))}


@dataclass(frozen=True)
class DeskFilter:
    """What the desk shows: `status` empty means all; `search` is a public number or a part of a title."""

    status: str = EntryStatus.SUBMITTED
    category_id: int | None = None
    department_id: int | None = None
    search: str = ""

    def conditions(self, event: Event) -> tuple[ColumnElement[bool], ...]:
        """The filter as SQL; drafts that were never submitted are never on the desk."""
        found: list[ColumnElement[bool]] = [Entry.event_id == event.id, Entry.number.is_not(None)]
        if self.status:
            found.append(Entry.status == self.status)
        if self.category_id is not None:
            found.append(Entry.category_id == self.category_id)
        if self.department_id is not None:
            found.append(Entry.department_id == self.department_id)
        if self.search.isdecimal() and len(self.search) <= 9:
            found.append(Entry.number == int(self.search))
        elif self.search:
            found.append(Entry.title.contains(self.search[:TITLE_SEARCH_LIMIT], autoescape=True))
        return tuple(found)

    def but(self, **changes: Any) -> "DeskFilter":
        """The same with some parts changed."""
        return replace(self, **changes)


def desk_page(event: Event, wanted: DeskFilter, *, after: int = 0, limit: int = PAGE) -> tuple[list[Entry], int | None]:
    """Entries in the order in which they were begun, from behind the key `after`; and the key of the next page."""
    found = list(
        session().scalars(
            sa.select(Entry)
            .options(*with_files(), joinedload(Entry.author))
            .where(*wanted.conditions(event), Entry.id > after)
            .order_by(Entry.id)
            .limit(limit + 1)
        )
    )
    return found[:limit], (found[limit - 1].id if len(found) > limit else None)


def neighbours(event: Event, wanted: DeskFilter, entry_id: int) -> tuple[Entry | None, Entry | None]:
    """The entries before and after `entry_id` on the desk, with their files (their pictures are fetched ahead)."""
    base = sa.select(Entry).options(*with_files()).where(*wanted.conditions(event))
    before = session().scalar(base.where(Entry.id < entry_id).order_by(Entry.id.desc()).limit(1))
    behind = session().scalar(base.where(Entry.id > entry_id).order_by(Entry.id).limit(1))
    return before, behind


def next_entry_id(event: Event, wanted: DeskFilter, entry_id: int) -> int | None:
    """The next entry on the desk after `entry_id`, from the beginning again after the last; None where none is left."""
    conditions = wanted.conditions(event)
    behind = session().scalar(sa.select(Entry.id).where(*conditions, Entry.id > entry_id).order_by(Entry.id).limit(1))
    if behind is not None:
        return behind
    return session().scalar(sa.select(Entry.id).where(*conditions, Entry.id < entry_id).order_by(Entry.id).limit(1))


@dataclass(frozen=True)
class Counts:
    """How many entries are where, by (category, department or 0, status), from the kept counters."""

    cells: Mapping[tuple[int, int, str], int] = field(default_factory=dict)

    def of(self, *, status: str = "", category_id: int | None = None, departments: Sequence[int] | None = None) -> int:
        """The sum over what is not said; `status` empty: all but drafts and withdrawn ones."""
        return sum(
            entries
            for (category, department, kept), entries in self.cells.items()
            if (kept == status if status else kept not in {EntryStatus.DRAFT, EntryStatus.WITHDRAWN})
            and (category_id is None or category == category_id)
            and (departments is None or department in departments)
        )


def read_counts(event: Event, *, departments: Sequence[int] | None = None) -> Counts:
    """The event's counters (of some departments alone); one query of bounded size."""
    query = sa.select(EntryCount).where(EntryCount.event_id == event.id, EntryCount.entries > 0)
    if departments is not None:
        query = query.where(EntryCount.department_id.in_(departments))
    return Counts({(row.category_id, row.department_id, row.status): row.entries for row in session().scalars(query)})


def departments_named(numbers: Sequence[int]) -> list[Department]:
    """These departments, by name."""
    if not numbers:
        return []
    return list(session().scalars(sa.select(Department).where(Department.id.in_(numbers)).order_by(Department.name)))


def same_files(entry: Entry) -> list[tuple[EntryFile, Entry]]:
    """Files of other entries of the event with the same content as one of `entry`: for a person to judge."""
    digests = [f.asset.sha256 for f in entry.files]
    if not digests:
        return []
    rows = session().execute(
        sa.select(EntryFile, Entry)
        .join(Asset, Asset.id == EntryFile.asset_id)
        .join(Entry, Entry.id == EntryFile.entry_id)
        .options(joinedload(EntryFile.asset))
        .where(
            Asset.sha256.in_(digests),
            Entry.event_id == entry.event_id,
            Entry.id != entry.id,
            Entry.number.is_not(None),
        )
        .order_by(Entry.id)
        .limit(20)
    )
    return [(row[0], row[1]) for row in rows]
