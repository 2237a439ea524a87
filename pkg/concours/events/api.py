"""Events as JSON: what a program needs to know before it registers, submits or votes."""

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import url_for
from pydantic import BaseModel, Field

from concours.base import clock
from concours.events.context import current_event
from concours.events.lists import PAGE, published
from concours.events.models import Category, Event
from concours.events.phases import is_open
from concours.events.rules import CategoryRules, EventSettings, FieldSpec, read_fields, read_rules, read_settings
from concours.events.statements import current_statement
from concours.identity.access import PUBLIC, allow

bp = APIBlueprint("events_api", __name__, tag="Events")


class PhaseOut(BaseModel):
    """A phase: open from `opens_at` (included) to `closes_at` (not included)."""

    kind: str
    opens_at: datetime
    closes_at: datetime
    open: bool = Field(description="whether it is open now, by the server's clock")


class CategoryOut(BaseModel):
    """A category with its rules (bytes, pixels, seconds) and the fields of its form."""

    id: int
    code: str
    title: str
    media_kind: str
    rules: CategoryRules
    fields: list[FieldSpec]


class EventOut(BaseModel):
    """An event in short."""

    slug: str
    title: str
    summary: str
    kind: str
    status: str
    zone: str
    url: str
    phases: list[PhaseOut]


class EventDetailOut(EventOut):
    """An event with everything it asks."""

    settings: EventSettings
    categories: list[CategoryOut]
    statement_version: int | None
    statement: str


class EventsOut(BaseModel):
    """A page of events; `next` is the address of the following page, or null."""

    events: list[EventOut]
    next: str | None


def _event(event: Event, now: datetime) -> dict[str, Any]:
    return {
        "slug": event.slug,
        "title": event.title,
        "summary": event.summary,
        "kind": event.kind,
        "status": event.status,
        "zone": event.zone,
        "url": url_for("events.show", event_slug=event.slug),
        "phases": [
            PhaseOut(kind=p.kind, opens_at=p.opens_at, closes_at=p.closes_at, open=is_open(event, p.kind, now))  # type: ignore[arg-type]
            for p in event.phases
        ],
    }


def _category(category: Category) -> CategoryOut:
    return CategoryOut(
        id=category.id,
        code=category.code,
        title=category.title,
        media_kind=category.media_kind,
        rules=read_rules(category),
        fields=read_fields(category),
    )


class EventsQuery(BaseModel):
    """Paging: `after` is the number that `next` of the page before holds."""

    after: int | None = Field(default=None, ge=1, le=2**53)


@bp.get("/api/v1/events")
@allow(PUBLIC)
@bp.input(EventsQuery, location="query", arg_name="query")
@bp.output(EventsOut)
def events(query: EventsQuery) -> EventsOut:
    """The published events, the newest first."""
    now = clock.now()
    found = published(before=query.after)
    more = found[PAGE - 1].id if len(found) > PAGE else None
    return EventsOut(
        events=[EventOut(**_event(event, now)) for event in found[:PAGE]],
        next=url_for("events_api.events", after=more) if more else None,
    )


@bp.get("/api/v1/events/<event_slug>")
@allow(PUBLIC)
@bp.output(EventDetailOut)
def event() -> EventDetailOut:
    """One event with its phases, categories, rules, form fields and the statement in force."""
    found = current_event()
    statement = current_statement(found.id)
    return EventDetailOut(
        **_event(found, clock.now()),
        settings=read_settings(found),
        categories=[_category(category) for category in found.categories],
        statement_version=statement.version if statement else None,
        statement=statement.text if statement else "",
    )
