"""The label beside a work (展签): who made what, when, in which size. Built from the category's own fields."""

from dataclasses import dataclass

from concours.entries.models import Entry
from concours.events.rules import read_fields

PARAGRAPH_FROM = 60  # characters


@dataclass(frozen=True)
class Line:
    """One line of a label; `paragraph` ones stand below the others."""

    label: str
    value: str
    paragraph: bool


def lines(entry: Entry, language: str) -> list[Line]:
    """What the author filled in, in the category's order, without private fields; in `language` (`zh` or `en`)."""
    found = []
    for spec in read_fields(entry.category):
        value = "" if spec.private else spec.shown(entry.values.get(spec.key), language)
        if value:
            found.append(Line(spec.label.text(language), value, len(value) > PARAGRAPH_FROM))
    return found


def authors(entry: Entry) -> str:
    """The names on the label: the author's own line, else the account's name."""
    return entry.authors.strip() or entry.author.name
