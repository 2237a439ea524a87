"""The label beside a work (展签): who made what, when, in which size. Built from the category's own fields."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from concours.entries.models import Entry
from concours.entries.public import NAMING_KEYS, authors_are_told
from concours.events.models import Event
from concours.events.rules import read_fields

PARAGRAPH_FROM = 60  # characters


@dataclass(frozen=True)
class Line:
    """One line of a label; `paragraph` ones stand below the others."""

    label: str
    value: str
    paragraph: bool


def lines(event: Event, now: datetime) -> Callable[[Entry, str], list[Line]]:
    """Gives what is told of one of the event's entries by its author, in the category's order and a language (zh, en).

    Without private fields, and without those that name a person while makers are not told at `now`.
    """
    told = authors_are_told(event, now)

    def of(entry: Entry, language: str) -> list[Line]:
        found = []
        for spec in read_fields(entry.category):
            hidden = spec.private or (spec.key in NAMING_KEYS and not told)
            value = "" if hidden else spec.shown(entry.values.get(spec.key), language)
            if value:
                found.append(Line(spec.label.text(language), value, len(value) > PARAGRAPH_FROM))
        return found

    return of


@dataclass(frozen=True)
class Byline:
    """Who made a work, and where they belong; both empty where the event does not tell."""

    authors: str
    department: str

    def __str__(self) -> str:
        """Both on one line."""
        return " · ".join(part for part in (self.authors, self.department) if part)


def bylines(event: Event, now: datetime) -> Callable[[Entry], Byline]:
    """Gives the byline of each of the event's entries, as far as the public may know at `now` who made them."""
    if not authors_are_told(event, now):
        return lambda _entry: Byline("", "")
    return lambda entry: Byline(
        entry.authors.strip() or entry.author.name, entry.department.name if entry.department else ""
    )
