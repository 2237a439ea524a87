"""The words of an entry: what was typed, cleaned and held against the category's fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from concours.base import typed
from concours.base.db import session
from concours.base.errors import FieldProblem
from concours.base.messages import msg
from concours.entries.models import Entry
from concours.events.models import Category, Statement
from concours.events.rules import Value, check_values

TITLE_LIMIT = 120  # characters
AUTHORS_LIMIT = 200  # characters
FIELD_PREFIX = "field-"  # of a category's field in forms and in problems


@dataclass(frozen=True)
class Typed:
    """A form as it was sent: `values` by the fields' keys; `agreed` is the statement's number, where it was ticked."""

    title: str = ""
    authors: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    agreed: int | None = None


@dataclass(frozen=True)
class Words:
    """What is kept of a form."""

    title: str
    authors: str
    values: dict[str, Value]
    statement_id: int | None


def read_words(
    category: Category, statement: Statement | None, sent: Typed, *, complete: bool
) -> tuple[Words, list[FieldProblem]]:
    """What was typed, as an entry keeps it, and what is wrong with it.

    Where `complete` is False (a draft) an empty answer is no problem; a wrong one always is. Problems name the form's
    fields: `title`, `authors`, `field-<key>`, `agree`.
    """
    title, authors = typed.line(sent.title), typed.line(sent.authors)
    problems: list[FieldProblem] = []
    for name, text, limit in (("title", title, TITLE_LIMIT), ("authors", authors, AUTHORS_LIMIT)):
        if len(text) > limit:
            problems.append(
                FieldProblem(
                    name,
                    msg(
                        "This has %(length)s characters; at most %(limit)s are possible.",
                        length=len(text),
                        limit=limit,
                    ),
                )
            )
        elif complete and not text:
            problems.append(FieldProblem(name, msg("Please fill this in.")))
    values, wrong = check_values(category, sent.values, complete=complete)
    problems += [FieldProblem(FIELD_PREFIX + problem.field, problem.message) for problem in wrong]
    agreed = statement is not None and sent.agreed == statement.id
    if complete and statement is not None and not agreed:
        problems.append(FieldProblem("agree", msg("Please read the statement and agree to it.")))
    return Words(title, authors, values, statement.id if statement is not None and agreed else None), problems


def as_typed(entry: Entry) -> Typed:
    """What is kept of `entry`, as its form shows it."""
    return Typed(
        title=entry.title,
        authors=entry.authors,
        values={key: _plain(value) for key, value in (entry.values or {}).items()},
        agreed=entry.statement_id,
    )


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def is_kept(entry: Entry, words: Words) -> bool:
    """Whether `entry` says just that already."""
    return words == Words(entry.title, entry.authors, dict(entry.values or {}), entry.statement_id)


def put_words(entry: Entry, words: Words) -> dict[str, list[Any]]:
    """Writes `words` into `entry`; returns what changed as {field: [before, after]}."""
    changed: dict[str, list[Any]] = {}
    for name in ("title", "authors", "statement_id"):
        before, after = getattr(entry, name), getattr(words, name)
        if before != after:
            changed["agree" if name == "statement_id" else name] = [before, after]
            setattr(entry, name, after)
    before_values = dict(entry.values or {})
    for key in sorted(before_values.keys() | words.values.keys()):
        if before_values.get(key) != words.values.get(key):
            changed[FIELD_PREFIX + key] = [before_values.get(key), words.values.get(key)]
    if before_values != words.values:
        entry.values = dict(words.values)
    return changed


def current_statement(event_id: int) -> Statement | None:
    """The event's statement in the version in force, or None where there is none to agree to."""
    return session().scalar(
        sa.select(Statement).where(Statement.event_id == event_id).order_by(Statement.version.desc()).limit(1)
    )
