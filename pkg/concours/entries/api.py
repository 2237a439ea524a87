"""The room's JSON: where the event's entries stand, for programs."""

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from concours.base.typed import GREATEST_NUMBER
from concours.entries.desk_routes import read_filter
from concours.entries.lists import DESK_STATUSES, desk_page, read_counts
from concours.entries.models import Entry
from concours.events.context import current_event
from concours.identity.access import allow
from concours.identity.models import Role

bp = APIBlueprint("entries_api", __name__, url_prefix="/events/<event_slug>")

PAGE = 100
PAGE_LIMIT = 500


class EntriesQuery(BaseModel):
    """Which entries: `status` (a status or `all`), `category` (code), `department` (number), from behind `after`."""

    status: str = "all"
    category: str | None = None
    department: int | None = Field(None, ge=0, le=GREATEST_NUMBER)
    after: int = Field(0, ge=0, le=GREATEST_NUMBER)
    limit: int = Field(PAGE, ge=1, le=PAGE_LIMIT)


class CategoryCounts(BaseModel):
    """One category: its code and title, and how many entries are in each status."""

    code: str
    title: str
    total: int
    by_status: dict[str, int]


class CountsOut(BaseModel):
    """How many entries are where; `total` leaves out drafts and withdrawn ones."""

    total: int
    drafts: int
    by_status: dict[str, int]
    by_category: list[CategoryCounts]


class UnitOut(BaseModel):
    """A category or department: its code and its title or name."""

    code: str
    title: str


class EntryOut(BaseModel):
    """One entry. `revision` belongs into a decision about it; `author` is the account's number."""

    id: int
    number: int
    title: str
    category: UnitOut
    department: UnitOut | None
    author: int
    authors: str
    team: int | None
    status: str
    revision: str
    files: int
    submitted_at: datetime | None


class EntriesOut(BaseModel):
    """A page of entries; `next` is the key for `after`, or null on the last page."""

    entries: list[EntryOut]
    next: int | None


@bp.get("/entries/counts.json")
@allow(Role.ORGANISER, Role.AUDITOR)
@bp.output(CountsOut)
@bp.doc(summary="Entries by status and category", tags=["Entries"])
def counts() -> dict[str, Any]:
    """Entries by status and category, from the kept counters."""
    event = current_event()
    kept = read_counts(event)
    return {
        "total": kept.of(),
        "drafts": kept.of(status="draft"),
        "by_status": {status: kept.of(status=status) for status in DESK_STATUSES},
        "by_category": [
            {
                "code": category.code,
                "title": category.title,
                "total": kept.of(category_id=category.id),
                "by_status": {s: kept.of(status=s, category_id=category.id) for s in DESK_STATUSES},
            }
            for category in event.categories
        ],
    }


@bp.get("/entries.json")
@allow(Role.ORGANISER, Role.AUDITOR)
@bp.input(EntriesQuery, location="query")
@bp.output(EntriesOut)
@bp.doc(summary="Entries of an event, paged by key", tags=["Entries"])
def listed(query_data: EntriesQuery) -> dict[str, Any]:
    """Entries that were submitted, in the order in which they were begun."""
    event = current_event()
    asked = {name: str(value) for name, value in query_data.model_dump(exclude_none=True).items()}
    found, following = desk_page(event, read_filter(asked, event), after=query_data.after, limit=query_data.limit)
    return {"entries": [_out(entry) for entry in found], "next": following}


def _out(entry: Entry) -> dict[str, Any]:
    department = entry.department
    return {
        "id": entry.id,
        "number": entry.number,
        "title": entry.title,
        "category": {"code": entry.category.code, "title": entry.category.title},
        "department": {"code": department.code, "title": department.name} if department is not None else None,
        "author": entry.author_id,
        "authors": entry.authors,
        "team": entry.team_id,
        "status": entry.status,
        "revision": entry.revision,
        "files": len(entry.files),
        "submitted_at": entry.submitted_at,
    }
