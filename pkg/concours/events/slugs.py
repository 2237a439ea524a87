"""The name of an event in addresses: ASCII, unique, stable from the moment the event is made."""

import re
import unicodedata

import sqlalchemy as sa

from concours.base import typed
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Invalid
from concours.base.messages import msg
from concours.events.models import Event

MIN_LENGTH, MAX_LENGTH = 3, 60
RESERVED = frozenset(
    {"new", "create", "mine", "all", "archive", "archived", "api", "admin", "static", "event", "events"}
)


def suggest(title: str, kind: str, year: int) -> str:
    """A free slug: from the title where it has enough Latin letters, else from the kind of event and the year."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: MAX_LENGTH - 12].strip("-")
    latin = sum(char.isalpha() for char in words)
    stem = words if latin >= MIN_LENGTH and words not in RESERVED else f"{kind.replace('_', '-')}-{year}"
    taken = set(session().scalars(sa.select(Event.slug).where(Event.slug.startswith(stem, autoescape=True))))
    if stem not in taken:
        return stem
    return next(f"{stem}-{n}" for n in range(2, len(taken) + 3) if f"{stem}-{n}" not in taken)


def checked(raw: str) -> str:
    """The slug somebody typed, if it can be used; raises Invalid or Conflict."""
    slug = typed.line(raw).lower()
    if not MIN_LENGTH <= len(slug) <= MAX_LENGTH or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise Invalid(
            problems=[
                FieldProblem(
                    "slug",
                    msg(
                        "%(least)s to %(most)s small Latin letters, digits and single hyphens, for example photo-2026.",
                        least=MIN_LENGTH,
                        most=MAX_LENGTH,
                    ),
                )
            ]
        )
    if slug in RESERVED:
        raise Invalid(problems=[FieldProblem("slug", msg("This word is kept for the site itself."))])
    if session().scalar(sa.select(Event.id).where(Event.slug == slug)) is not None:
        raise Conflict(
            msg("Another event has the address “%(slug)s” already.", slug=slug),
            hint=msg("Add a year or a word."),
            code="slug_taken",
        )
    return slug
