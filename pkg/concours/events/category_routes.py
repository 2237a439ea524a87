"""The organiser's pages of categories: the list, one category's rules, the fields of its form."""

from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from concours.base import clock
from concours.base.db import session
from concours.base.errors import Conflict, DomainError, FieldProblem, Invalid, NotFound
from concours.base.messages import msg
from concours.base.notices import notify
from concours.events import categories, category_forms
from concours.events.blueprint import bp
from concours.events.context import current_event
from concours.events.fields import FIELDS_LIMIT, FieldSpec, FieldType
from concours.events.models import Category
from concours.events.rules import FORMATS, read_fields, read_rules
from concours.events.words import ORIENTATIONS, rules_in_words
from concours.identity.access import actor, allow
from concours.identity.forms import Errors, errors_of
from concours.identity.models import Role

BASE = "/events/<event_slug>/desk/categories"

TYPE_NAMES = {
    FieldType.TEXT: msg("One line of text"),
    FieldType.TEXTAREA: msg("Several lines of text"),
    FieldType.NUMBER: msg("A number"),
    FieldType.CHOICE: msg("A choice from a list"),
    FieldType.DATE: msg("A date"),
}


def _list_page(errors: Errors | None = None, status: int = 200) -> Response:
    event = current_event()
    rows = [
        (category, rules_in_words(read_rules(category), category.media_kind), read_fields(category))
        for category in sorted(event.categories, key=lambda c: (c.position, c.id))
    ]
    page = render_template(
        "events/categories.html",
        event=event,
        rows=rows,
        media_names=categories.MEDIA_NAMES,
        typed=request.form,
        errors=errors or {},
    )
    return make_response(page, status)


@bp.get(BASE, endpoint="categories")
@allow(Role.ORGANISER)
def categories_page() -> Response:
    """The categories of the event."""
    return _list_page()


@bp.post(BASE)
@allow(Role.ORGANISER)
def add_category() -> AnyResponse:
    """A new category: `title`, `media_kind`, `code` (may be empty)."""
    form = request.form
    try:
        made = categories.add(
            current_event(),
            title=form.get("title", ""),
            media_kind=form.get("media_kind", ""),
            code=form.get("code", ""),
            actor=actor(),
            now=clock.now(),
        )
        number = made.id
    except DomainError as refusal:
        session().rollback()
        return _list_page(*errors_of(refusal, "title"))
    session().commit()
    notify(msg("The category is added. Now say what it asks."))
    return redirect(url_for("events.category", category_id=number), 303)


@bp.route(f"{BASE}/<int:category_id>", methods=["GET", "POST"])
@allow(Role.ORGANISER)
def category(category_id: int) -> AnyResponse:
    """One category: `title`, the rules (see `category_forms.NUMBERS`), `formats`, `orientation`, `needs_exif`,
    `per_author`, `enters` (`teams` or `authors`), `description_zh`, `description_en`."""
    event = current_event()
    found = categories.find(event, category_id)
    if request.method == "GET":
        return _category_page(found, category_forms.rules_shown(found))
    form = request.form
    try:
        rules = category_forms.read_rules_form(form, found)
        title = form.get("title", found.title)
        categories.change(event, found, title=title, rules=rules, actor=actor(), now=clock.now())
    except DomainError as refusal:
        session().rollback()
        errors, status = errors_of(refusal, "title")
        shown = {**form, "formats": form.getlist("formats")}
        by_field = {category_forms.form_field_of(field): said for field, said in errors.items()}
        return _category_page(categories.find(current_event(), category_id), shown, by_field, status)
    session().commit()
    notify(msg("Saved."))
    return redirect(url_for("events.category", category_id=category_id), 303)


def _category_page(
    found: Category, typed: Mapping[str, Any], errors: Errors | None = None, status: int = 200
) -> Response:
    page = render_template(
        "events/category.html",
        event=current_event(),
        category=found,
        typed=typed,
        errors=errors or {},
        formats=FORMATS[found.media_kind],
        orientations=ORIENTATIONS,
        media_names=categories.MEDIA_NAMES,
        fields=read_fields(found),
        type_names=TYPE_NAMES,
    )
    return make_response(page, status)


@bp.post(f"{BASE}/<int:category_id>/move")
@allow(Role.ORGANISER)
def move_category(category_id: int) -> AnyResponse:
    """Moves the category up (`step` -1) or down (1)."""
    event = current_event()
    found = categories.find(event, category_id)
    categories.move(event, found, _step(), actor=actor(), now=clock.now())
    session().commit()
    return redirect(url_for("events.categories"), 303)


@bp.post(f"{BASE}/<int:category_id>/remove")
@allow(Role.ORGANISER)
def remove_category(category_id: int) -> AnyResponse:
    """Removes the category, while nothing is in it."""
    event = current_event()
    try:
        categories.remove(event, categories.find(event, category_id), actor=actor(), now=clock.now())
    except Conflict as refusal:
        session().rollback()
        return _list_page(*errors_of(refusal, "category"))
    session().commit()
    notify(msg("The category is removed."))
    return redirect(url_for("events.categories"), 303)


def _step() -> int:
    step = request.form.get("step")
    if step not in {"-1", "1"}:
        raise Invalid(problems=[FieldProblem("step", msg("Say -1 or 1."))])
    return int(step)


def _position(specs: list[FieldSpec], key: str) -> int:
    for at, spec in enumerate(specs):
        if spec.key == key:
            return at
    raise NotFound(msg("There is no such field."))


@bp.route(f"{BASE}/<int:category_id>/fields/new", methods=["GET", "POST"])
@allow(Role.ORGANISER)
def new_field(category_id: int) -> AnyResponse:
    """A further field of the form, at its end."""
    found = categories.find(current_event(), category_id)
    specs = read_fields(found)
    if len(specs) >= FIELDS_LIMIT:
        raise Conflict(msg("A form has at most %(limit)s fields.", limit=FIELDS_LIMIT))
    keys = {spec.key for spec in specs}
    key = next(f"f{n}" for n in range(1, FIELDS_LIMIT + 2) if f"f{n}" not in keys)
    if request.method == "GET":
        return _field_page(found, None, {"type": "text", "max_length": 200}, specs)
    return _save_field(found, None, key, specs)


@bp.route(f"{BASE}/<int:category_id>/fields/<key>", methods=["GET", "POST"])
@allow(Role.ORGANISER)
def field(category_id: int, key: str) -> AnyResponse:
    """One field: `label_zh`, `label_en`, `help_zh`, `help_en`, `type`, `required`, `private`, `min_length`,
    `max_length`, `minimum`, `maximum`, `whole`, `unit`, `choices` (a line each), `when_field`, `when_values`."""
    found = categories.find(current_event(), category_id)
    specs = read_fields(found)
    spec = specs[_position(specs, key)]
    if request.method == "GET":
        return _field_page(found, spec, category_forms.spec_shown(spec), specs)
    return _save_field(found, spec, key, specs)


def _save_field(found: Category, old: FieldSpec | None, key: str, specs: list[FieldSpec]) -> AnyResponse:
    others = [spec for spec in specs if spec.key != key]
    number = found.id
    try:
        made = category_forms.read_spec_form(request.form, key=key, others=others)
        after = [made if spec.key == key else spec for spec in specs] if old is not None else [*specs, made]
        categories.set_fields(current_event(), found, after, actor=actor(), now=clock.now())
    except DomainError as refusal:
        session().rollback()
        return _field_page(found, old, request.form, specs, *errors_of(refusal, "label_zh"))
    session().commit()
    notify(msg("The field is saved."))
    return redirect(url_for("events.category", category_id=number, _anchor="fields"), 303)


def _field_page(
    found: Category,
    spec: FieldSpec | None,
    typed: Mapping[str, Any],
    specs: list[FieldSpec],
    errors: Errors | None = None,
    status: int = 200,
) -> Response:
    choosers = [s for s in specs if s.type is FieldType.CHOICE and (spec is None or s.key != spec.key)]
    page = render_template(
        "events/field.html",
        event=current_event(),
        category=found,
        spec=spec,
        typed=typed,
        errors=errors or {},
        type_names=TYPE_NAMES,
        choosers=choosers,
    )
    return make_response(page, status)


@bp.post(f"{BASE}/<int:category_id>/fields/<key>/move")
@allow(Role.ORGANISER)
def move_field(category_id: int, key: str) -> AnyResponse:
    """Moves the field up (`step` -1) or down (1)."""
    found = categories.find(current_event(), category_id)
    specs = read_fields(found)
    at = _position(specs, key)
    to = at + _step()
    if 0 <= to < len(specs):
        specs[at], specs[to] = specs[to], specs[at]
        categories.set_fields(current_event(), found, specs, actor=actor(), now=clock.now())
        session().commit()
    return redirect(url_for("events.category", category_id=category_id, _anchor="fields"), 303)


@bp.post(f"{BASE}/<int:category_id>/fields/<key>/remove")
@allow(Role.ORGANISER)
def remove_field(category_id: int, key: str) -> AnyResponse:
    """Takes the field out of the form; answers that were given stay with the entries."""
    found = categories.find(current_event(), category_id)
    specs = read_fields(found)
    specs.pop(_position(specs, key))
    left = [
        spec.model_copy(update={"required_when": None})
        if spec.required_when is not None and spec.required_when.field == key
        else spec
        for spec in specs
    ]
    categories.set_fields(current_event(), found, left, actor=actor(), now=clock.now())
    session().commit()
    notify(msg("The field is removed."))
    return redirect(url_for("events.category", category_id=category_id, _anchor="fields"), 303)
