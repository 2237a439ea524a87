"""A new event from a template, and the settings of an event."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import available_timezones

from pydantic import ValidationError

from concours import audit
from concours.base import typed
from concours.base.clock import from_local, in_zone
from concours.base.db import session
from concours.base.errors import FieldProblem, Forbidden, Invalid
from concours.base.messages import Message, msg
from concours.events import slugs
from concours.events.models import Category, Event, EventStatus, Phase
from concours.events.rules import EventSettings
from concours.events.state import require_changeable
from concours.events.statements import set_statement
from concours.events.templates_of_events import CLOSES_AT_HOUR, OPENS_AT_HOUR, TEMPLATES, EventTemplate
from concours.identity import grants
from concours.identity.models import Account, Role

TITLE_LIMIT = 120
SUMMARY_LIMIT = 2_000
FIRST_DAYS = (date(2000, 1, 1), date(2100, 1, 1))


@cache
def _known_zones() -> frozenset[str]:
    """All names of the time zone database; asking it anew walks through its folders on the disk."""
    return frozenset(available_timezones())


def zones() -> list[str]:
    """The zones an event can be in: IANA names of places, and UTC."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ["UTC", *sorted(name for name in _known_zones() if name.startswith(areas))]


def may_create(account: Account) -> bool:
    """Whether the account may make events: an administrator, or somebody who was given it."""
    return account.is_admin or account.can_create_events


def create_event(
    *,
    template: str,
    title: str,
    actor: Account,
    now: datetime,
    begins: date,
    slug: str = "",
    zone: str = "Asia/Shanghai",
    language: str = "zh",
) -> Event:
    """A draft with the template's categories, phases, statement and settings; the actor becomes its organiser.

    `begins` is the day of its first phase, in `zone`; `language` (zh or en) is the one its texts are written in.
    Raises Forbidden, Invalid or Conflict.
    """
    if not may_create(actor):
        raise Forbidden(
            msg("Your account may not create events."),
            hint=msg("Ask the administrator of the site to allow it."),
        )
    shape = TEMPLATES.get(template)
    problems = _problems(title, "", zone)
    if shape is None:
        problems.append(FieldProblem("template", msg("Please choose one of the templates.")))
    if not FIRST_DAYS[0] <= begins <= FIRST_DAYS[1]:
        problems.append(FieldProblem("begins", msg("Please give a day of this century.")))
    if problems or shape is None:
        raise Invalid(problems=problems)
    title = typed.line(title)
    event = Event(
        slug=slugs.checked(slug) if typed.line(slug) else slugs.suggest(title, shape.kind, begins.year),
        title=title,
        summary=shape.summary.text(language),
        kind=shape.kind,
        status=EventStatus.DRAFT,
        zone=zone,
        settings=EventSettings.model_validate(shape.settings).model_dump(),
        created_by=actor.id,
        created_at=now,
    )
    session().add(event)
    session().flush()
    _furnish(event, shape, begins, language)
    audit.record(actor, "events.create", event, now=now, event_id=event.id, template=template, title=title)
    set_statement(event, shape.statement.text(language), actor=actor, now=now)
    grants.give(actor, event.id, Role.ORGANISER, actor=actor, now=now)
    return event


def _furnish(event: Event, shape: EventTemplate, begins: date, language: str) -> None:
    for position, category in enumerate(shape.categories):
        session().add(
            Category(
                event_id=event.id,
                code=category.code,
                title=category.title.text(language),
                media_kind=category.media_kind,
                position=position,
                rules=deepcopy(category.rules),
                fields=deepcopy(category.fields),
            )
        )
    for position, phase in enumerate(shape.phases):
        first, last = begins + timedelta(days=phase.first), begins + timedelta(days=phase.last)
        session().add(
            Phase(
                event_id=event.id,
                kind=phase.kind,
                position=position,
                opens_at=from_local(datetime.combine(first, time(OPENS_AT_HOUR)), event.zone),
                closes_at=from_local(datetime.combine(last, time(CLOSES_AT_HOUR)), event.zone),
            )
        )


def change_settings(
    event: Event,
    *,
    title: str,
    summary: str,
    zone: str,
    settings: Mapping[str, object],
    actor: Account,
    now: datetime,
) -> None:
    """Changes the event's words, zone and general rules (`settings` as in `EventSettings`; what is not named stays).

    Phases keep their moments when the zone changes: only the wall clock they are shown by is another.
    """
    require_changeable(event)
    problems = _problems(title, summary, zone)
    merged = {**(event.settings or {}), **settings}
    try:
        kept = EventSettings.model_validate(merged)
        if kept.team_min > kept.team_max:
            problems.append(FieldProblem("team_max", msg("This is less than the smallest team.")))
        if kept.clip_min_seconds > kept.clip_max_seconds:
            problems.append(FieldProblem("clip_max_seconds", msg("This is less than the shortest clip.")))
    except ValidationError as wrong:
        problems += [FieldProblem(str(e["loc"][0]), _out_of_range(e)) for e in wrong.errors()]
    if problems:
        raise Invalid(problems=problems)
    before = {"title": event.title, "zone": event.zone, "settings": event.settings}
    event.title, event.summary, event.zone = typed.line(title), typed.paragraphs(summary), zone
    event.settings = {**merged, **kept.model_dump()}
    changed = {name: [old, getattr(event, name)] for name, old in before.items() if old != getattr(event, name)}
    audit.record(actor, "events.change_settings", event, now=now, event_id=event.id, changed=changed)


def _out_of_range(error: Mapping[str, object]) -> Message:
    limits = error.get("ctx")
    limits = limits if isinstance(limits, dict) else {}
    if "le" in limits:
        return msg("The number must be %(limit)s or less.", limit=limits["le"])
    if "ge" in limits or "gt" in limits:
        return msg("The number must be %(limit)s or more.", limit=limits.get("ge", limits.get("gt")))
    return msg("Please write a whole number.")


def _problems(title: str, summary: str, zone: str) -> list[FieldProblem]:
    problems: list[FieldProblem] = []
    length = len(typed.line(title))
    if not 1 <= length <= TITLE_LIMIT:
        problems.append(FieldProblem("title", msg("A title has 1 to %(limit)s characters.", limit=TITLE_LIMIT)))
    if len(typed.paragraphs(summary)) > SUMMARY_LIMIT:
        problems.append(FieldProblem("summary", msg("At most %(limit)s characters, please.", limit=SUMMARY_LIMIT)))
    if zone not in _known_zones():
        problems.append(FieldProblem("zone", msg("Please choose one of the time zones.")))
    return problems


def first_day_for(now: datetime, zone: str) -> date:
    """The first day a form proposes: the Monday after next week, in the zone."""
    today = in_zone(now, zone).date()
    return today + timedelta(days=14 - today.weekday())
