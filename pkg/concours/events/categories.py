"""The divisions of an event: added, changed, put in order, removed while nothing is in them."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError

from concours import audit
from concours.base import typed
from concours.base.db import Model, session
from concours.base.errors import Conflict, FieldProblem, Invalid, NotFound
from concours.base.messages import Message, msg
from concours.events.fields import FIELDS_LIMIT, FieldSpec
from concours.events.models import Category, Event, MediaKind
from concours.events.rules import FORMATS, read_fields, rules_from
from concours.events.state import require_changeable
from concours.identity.models import Account

TITLE_LIMIT = 80
CATEGORIES_LIMIT = 40  # categories of one event

MEDIA_NAMES: dict[str, Message] = {
    MediaKind.IMAGE: msg("One picture"),
    MediaKind.SERIES: msg("A series of pictures"),
    MediaKind.VIDEO: msg("A video"),
    MediaKind.TEXT: msg("A text"),
    MediaKind.AUDIO: msg("A recording"),
}


def find(event: Event, category_id: int) -> Category:
    """The category of that number in the event; raises NotFound for any other."""
    for category in event.categories:
        if category.id == category_id:
            return category
    raise NotFound(msg("There is no such category in this event."))


def is_used(category: Category) -> bool:
    """Whether anything in the database refers to it: whatever table has a key to categories (entries, teams, …), but
    for what goes with it (kept counters)."""
    for table in Model.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column is Category.__table__.c.id and key.ondelete != "CASCADE":
                found = session().scalar(sa.select(sa.literal(1)).where(key.parent == category.id).limit(1))
                if found is not None:
                    return True
    return False


def add(event: Event, *, title: str, media_kind: str, actor: Account, now: datetime, code: str = "") -> Category:
    """A new category at the end, with the rules its kind implies. Raises Invalid or Conflict."""
    require_changeable(event)
    if len(event.categories) >= CATEGORIES_LIMIT:
        raise Conflict(msg("An event has at most %(limit)s categories.", limit=CATEGORIES_LIMIT))
    title, code = typed.line(title), typed.line(code).lower()
    problems = _problems(title)
    if media_kind not in FORMATS:
        problems.append(FieldProblem("media_kind", msg("Please say what an entry consists of.")))
    codes = {category.code for category in event.categories}
    if code and (not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,23}", code) or code in codes):
        problems.append(FieldProblem("code", msg("Up to 24 small Latin letters, digits and hyphens, used only once.")))
    if problems:
        raise Invalid(problems=problems)
    category = Category(
        code=code or next(f"c{n}" for n in range(1, CATEGORIES_LIMIT * 2) if f"c{n}" not in codes),
        title=title,
        media_kind=media_kind,
        position=max((c.position for c in event.categories), default=-1) + 1,
        rules={},
        fields=[],
    )
    event.categories.append(category)
    audit.record(actor, "events.add_category", category, now=now, event_id=event.id, title=title)
    return category


def change(
    event: Event, category: Category, *, title: str, rules: Mapping[str, Any], actor: Account, now: datetime
) -> None:
    """Changes the title and the rules (as in `Category.rules`; see `rules_form` for the fields of its form)."""
    require_changeable(event)
    title = typed.line(title)
    problems = _problems(title)
    try:
        kept = rules_from(category.media_kind, rules)
    except ValidationError as wrong:
        problems += [_rule_problem(error) for error in wrong.errors()]
    else:
        unknown = set(kept.files.formats) - set(FORMATS[category.media_kind])
        if unknown:
            problems.append(FieldProblem("formats", msg("Please choose among the formats of the list.")))
    if problems:
        raise Invalid(problems=problems)
    before = {"title": category.title, "rules": category.rules}
    category.title = title
    category.rules = kept.model_dump(mode="json", exclude_none=True)
    after = {"title": category.title, "rules": category.rules}
    if before != after:
        audit.record(actor, "events.change_category", category, now=now, event_id=event.id, before=before, after=after)


def _rule_problem(error: Mapping[str, Any]) -> FieldProblem:
    field = str(error["loc"][-1]) if error["loc"] else ""
    limits = error.get("ctx") or {}
    if "le" in limits:
        return FieldProblem(field, msg("The number must be %(limit)s or less.", limit=limits["le"]))
    if "ge" in limits or "gt" in limits:
        least = limits.get("ge", limits.get("gt"))
        return FieldProblem(field, msg("The number must be %(limit)s or more.", limit=least))
    if error.get("type") == "value_error":
        return FieldProblem("max_count", msg("One of the least values is greater than the most that is possible."))
    return FieldProblem(field, msg("This cannot be used here."))


def move(event: Event, category: Category, step: int, *, actor: Account, now: datetime) -> None:
    """Moves the category one place up (`step` -1) or down (1); at the end of the list nothing happens."""
    require_changeable(event)
    order = sorted(event.categories, key=lambda c: (c.position, c.id))
    at = order.index(category)
    to = at + (1 if step > 0 else -1)
    if 0 <= to < len(order):
        order[at], order[to] = order[to], order[at]
    for position, each in enumerate(order):
        each.position = position
    audit.record(actor, "events.move_category", category, now=now, event_id=event.id, position=category.position)


def remove(event: Event, category: Category, *, actor: Account, now: datetime) -> None:
    """Takes the category away. Raises Conflict where something is in it."""
    require_changeable(event)
    if is_used(category):
        raise Conflict(
            msg("“%(title)s” is in use and cannot be removed.", title=category.title),
            hint=msg("Rename it, or move what is in it to another category first."),
            code="category_in_use",
        )
    audit.record(actor, "events.remove_category", category, now=now, event_id=event.id, title=category.title)
    event.categories.remove(category)
    session().delete(category)


def set_fields(event: Event, category: Category, specs: Sequence[FieldSpec], *, actor: Account, now: datetime) -> None:
    """The fields of the category's form, in their order."""
    require_changeable(event)
    if len(specs) > FIELDS_LIMIT:
        raise Conflict(msg("A form has at most %(limit)s fields.", limit=FIELDS_LIMIT))
    before = [spec.key for spec in read_fields(category)]
    category.fields = [spec.model_dump(mode="json", exclude_defaults=True) for spec in specs]
    audit.record(
        actor,
        "events.set_fields",
        category,
        now=now,
        event_id=event.id,
        before=before,
        after=[spec.key for spec in specs],
    )


def _problems(title: str) -> list[FieldProblem]:
    if 1 <= len(title) <= TITLE_LIMIT:
        return []
    return [FieldProblem("title", msg("A title has 1 to %(limit)s characters.", limit=TITLE_LIMIT))]
