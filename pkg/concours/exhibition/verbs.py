"""Hanging an exhibition: an organiser's acts. The works come from the jury's final selection."""

from datetime import datetime

import sqlalchemy as sa

from concours.audit import record
from concours.base import typed
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Invalid, NotFound
from concours.base.messages import msg
from concours.entries.models import Entry
from concours.events.models import Event
from concours.exhibition.models import Hall, Placement
from concours.identity.models import Account
from concours.jury.results import final_selection

TITLE_LIMIT = 120
INTRODUCTION_LIMIT = 4_000
HALLS_PER_EVENT = 40


def _checked(title: str, introduction: str) -> tuple[str, str]:
    title, introduction = typed.line(title), typed.paragraphs(introduction)
    problems = []
    if not title:
        problems.append(FieldProblem("title", msg("Please give the hall a title.")))
    if len(title) > TITLE_LIMIT:
        problems.append(FieldProblem("title", msg("At most %(limit)s characters.", limit=TITLE_LIMIT)))
    if len(introduction) > INTRODUCTION_LIMIT:
        problems.append(FieldProblem("introduction", msg("At most %(limit)s characters.", limit=INTRODUCTION_LIMIT)))
    if problems:
        raise Invalid(problems=problems)
    return title, introduction


def hang(
    event: Event, *, title: str, introduction: str, category_id: int | None, actor: Account, now: datetime
) -> Hall:
    """A new hall with the selected works of a category (or of all), in the jury's order. It is not open yet.

    Raises Invalid for its words, Conflict where nothing is selected, or the event has 40 halls already.
    """
    title, introduction = _checked(title, introduction)
    chosen = [
        one.entry_id for one in final_selection(event.id) if category_id is None or one.entry.category_id == category_id
    ]
    if not chosen:
        raise Conflict(
            msg("No work is selected for this hall yet."),
            hint=msg("Close a round of the jury and select its shortlist first."),
            code="nothing_selected",
        )
    last = session().execute(
        sa.select(sa.func.count(Hall.id), sa.func.max(Hall.position)).where(Hall.event_id == event.id)
    )
    count, highest = last.one()
    if count >= HALLS_PER_EVENT:
        raise Conflict(msg("An event has at most %(limit)s halls.", limit=HALLS_PER_EVENT))
    hall = Hall(
        event_id=event.id,
        position=(highest or 0) + 1,
        title=title,
        introduction=introduction,
        created_at=now,
    )
    session().add(hall)
    session().flush()
    session().execute(
        sa.insert(Placement),
        [{"hall_id": hall.id, "entry_id": entry, "position": place} for place, entry in enumerate(chosen, 1)],
    )
    record(actor, "exhibition.hang", hall, now=now, event_id=event.id, works=len(chosen))
    return hall


def find_hall(event: Event, hall_id: int) -> Hall:
    """The hall of that number within the event; raises NotFound."""
    hall = session().scalar(sa.select(Hall).where(Hall.id == hall_id, Hall.event_id == event.id))
    if hall is None:
        raise NotFound(msg("There is no such hall."))
    return hall


def describe(hall: Hall, *, title: str, introduction: str, actor: Account, now: datetime) -> None:
    """Changes the words of a hall. Raises Invalid."""
    hall.title, hall.introduction = _checked(title, introduction)
    record(actor, "exhibition.describe", hall, now=now, event_id=hall.event_id)


def set_open(hall: Hall, opened: bool, *, actor: Account, now: datetime) -> None:
    """Opens the hall to the public, or closes it; doing it twice changes nothing."""
    if opened == (hall.opened_at is not None):
        return
    hall.opened_at = now if opened else None
    record(actor, "exhibition.open" if opened else "exhibition.close", hall, now=now, event_id=hall.event_id)


def take_down(hall: Hall, entry_number: int, *, actor: Account, now: datetime) -> None:
    """Takes one work off the wall; the others keep their places. Raises NotFound."""
    placement = session().scalar(
        sa.select(Placement)
        .join(Entry, Entry.id == Placement.entry_id)
        .where(Placement.hall_id == hall.id, Entry.number == entry_number)
    )
    if placement is None:
        raise NotFound(msg("This work does not hang in this hall."))
    session().delete(placement)
    record(actor, "exhibition.take_down", hall, now=now, event_id=hall.event_id, entry=entry_number)


def dissolve(hall: Hall, *, actor: Account, now: datetime) -> None:
    """Removes a hall; the works themselves are untouched."""
    record(actor, "exhibition.dissolve", hall, now=now, event_id=hall.event_id, title=hall.title)
    session().delete(hall)
