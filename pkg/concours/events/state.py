"""Draft, published, archived: what is missing before the public sees an event, and the steps between."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from pydantic import ValidationError

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict, Invalid
from concours.base.messages import Message, msg
from concours.events.models import Event, EventKind, EventStatus, PhaseKind
from concours.events.phases import phase_of
from concours.events.rules import read_fields, read_rules
from concours.events.statements import current_statement
from concours.identity.models import Account, Grant, Role


@dataclass(frozen=True)
class Missing:
    """Something an event needs before it is published; `endpoint` is the page where it is put right."""

    message: Message
    endpoint: str


def require_changeable(event: Event) -> None:
    """Raises Conflict where the event is archived: nothing of it changes any more."""
    if event.status == EventStatus.ARCHIVED:
        raise Conflict(
            msg("“%(title)s” is archived and cannot be changed.", title=event.title),
            hint=msg("Its organiser can take it out of the archive."),
            code="event_archived",
        )


def missing(event: Event, now: datetime) -> list[Missing]:
    """What keeps the event from being published, in the order in which an organiser would put it right."""
    found: list[Missing] = []

    def say(message: Message, endpoint: str) -> None:
        found.append(Missing(message, endpoint))

    if not event.summary.strip():
        say(msg("A summary, so that people know what it is about."), "events.settings")
    if not event.categories:
        say(msg("At least one category."), "events.categories")
    for category in event.categories:
        try:
            read_rules(category)
            read_fields(category)
        except ValidationError:
            say(msg("Rules of “%(title)s” that can be kept.", title=category.title), "events.categories")
    submission = phase_of(event, PhaseKind.SUBMISSION)
    if submission is None:
        say(msg("When works can be submitted."), "events.phases")
    elif submission.closes_at <= now:
        say(msg("A time for submission that is not over already."), "events.phases")
    if event.kind == EventKind.TEAM_CONTEST and phase_of(event, PhaseKind.REGISTRATION) is None:
        say(msg("When teams can be registered."), "events.phases")
    if current_statement(event.id) is None:
        say(msg("The statement that authors agree to."), "events.settings")
    organisers = sa.select(Grant.id).where(Grant.event_id == event.id, Grant.role == Role.ORGANISER).limit(1)
    if session().scalar(organisers) is None:
        say(msg("At least one organiser."), "events.people")
    return found


def publish(event: Event, *, actor: Account, now: datetime) -> None:
    """Shows the event to everybody. Raises Invalid where something is missing, Conflict where it is no draft."""
    if event.status != EventStatus.DRAFT:
        raise Conflict(msg("This event is published already."), code="not_a_draft")
    lacking = missing(event, now)
    if lacking:
        raise Invalid(
            msg("The event cannot be published yet: %(count)s things are missing.", count=len(lacking)),
            hint=msg("The desk of the event lists them."),
            code="event_incomplete",
        )
    event.status = EventStatus.PUBLISHED
    event.published_at = event.published_at or now
    audit.record(actor, "events.publish", event, now=now, event_id=event.id)


def archive(event: Event, *, actor: Account, now: datetime) -> None:
    """Closes the event for good: it stays readable and nothing of it changes. Only what was published is archived."""
    if event.status != EventStatus.PUBLISHED:
        raise Conflict(msg("Only a published event can be archived."), code="not_published")
    event.status = EventStatus.ARCHIVED
    audit.record(actor, "events.archive", event, now=now, event_id=event.id)


def take_out(event: Event, *, actor: Account, now: datetime) -> None:
    """Takes the event out of the archive: it is published again."""
    if event.status != EventStatus.ARCHIVED:
        raise Conflict(msg("This event is not in the archive."), code="not_archived")
    event.status = EventStatus.PUBLISHED
    audit.record(actor, "events.take_out_of_archive", event, now=now, event_id=event.id)
