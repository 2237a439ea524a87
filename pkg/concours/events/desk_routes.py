"""The organiser's pages of an event: new, desk, settings, phases, quotas, publishing, the audit record."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Response, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale
from werkzeug.wrappers import Response as AnyResponse

from concours.audit import AuditRecord, reading, words
from concours.base import clock
from concours.base.db import session
from concours.base.errors import DomainError, FieldProblem, Forbidden, Invalid
from concours.base.messages import msg
from concours.base.notices import notify
from concours.events import creation, quotas, schedule, state, statements
from concours.events.blueprint import bp
from concours.events.category_forms import number_in, whole_in
from concours.events.context import current_event
from concours.events.figures import figures_of
from concours.events.lists import open_phases
from concours.events.models import Event, PhaseKind
from concours.events.offers import open_to
from concours.events.phases import PHASE_NAMES, phase_of
from concours.events.rules import read_settings
from concours.events.templates_of_events import TEMPLATES
from concours.identity import accounts, departments, grants
from concours.identity.access import SIGNED_IN, actor, allow, my_roles
from concours.identity.forms import Errors, errors_of, number
from concours.identity.models import Account, Role

NUMBERS = (
    "team_min",
    "team_max",
    "max_teams_per_department",
    "max_entries_per_department",
    "per_author_total",
    "clips_per_member_day",
)
STAFF = {Role.ORGANISER, Role.AUDITOR}
SECONDS = ("clip_min_seconds", "clip_max_seconds")
SWITCHES = ("check_in", "one_category_per_author", "open_to_all")


def _language() -> str:
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


def _day(raw: str) -> date:
    try:
        return date.fromisoformat(raw.strip())
    except ValueError:
        raise Invalid(
            problems=[FieldProblem("begins", msg("Please give the date as year-month-day, for example 2021-06-09."))]
        ) from None


@bp.route("/events/new", methods=["GET", "POST"])
@allow(SIGNED_IN)
def create() -> AnyResponse:
    """A new event: `template`, `title`, `begins` (a date), `slug` (may be empty), `zone`, `language`."""
    now, form = clock.now(), request.form
    if not creation.may_create(actor()):
        raise Forbidden(
            msg("Your account may not create events."), hint=msg("Ask the administrator of the site to allow it.")
        )
    zone = "Asia/Shanghai"
    blank = {"zone": zone, "language": _language(), "begins": creation.first_day_for(now, zone).isoformat()}
    if request.method == "GET":
        return _create_page({**blank, "template": request.args.get("template", "")})
    try:
        event = creation.create_event(
            template=form.get("template", ""),
            title=form.get("title", ""),
            actor=actor(),
            now=now,
            begins=_day(form.get("begins", "")),
            slug=form.get("slug", ""),
            zone=form.get("zone", zone),
            language=form.get("language", "zh"),
        )
    except DomainError as refusal:
        session().rollback()
        errors, status = errors_of(refusal, "slug")
        return _create_page({**blank, **form}, errors, status)
    slug = event.slug
    session().commit()
    notify(msg("Your event is made, as a draft. Look through it and publish it when it is ready."))
    return redirect(url_for("events.desk", event_slug=slug), 303)


def _create_page(typed: Mapping[str, Any], errors: Errors | None = None, status: int = 200) -> Response:
    page = render_template(
        "events/create.html", templates=TEMPLATES, zones=creation.zones(), typed=typed, errors=errors or {}
    )
    return make_response(page, status)


@bp.get("/events/<event_slug>/desk")
@allow(Role.ORGANISER, Role.AUDITOR)
def desk() -> Response:
    """The desk: where the event stands, what is missing, the figures, the way to everything."""
    event, now = current_event(), clock.now()
    acts = [each for each in open_to(actor(), my_roles(), event, now) if each.endpoint != "events.desk"]
    page = render_template(
        "events/desk.html",
        event=event,
        now=now,
        missing=state.missing(event, now) if event.status == "draft" else [],
        figures=figures_of(event),
        roles=grants.counts(event.id),
        role_names=grants.ROLE_NAMES,
        open_phases=open_phases(event, now),
        offers=[each for each in acts if each.who & STAFF],
        phase_names=PHASE_NAMES,
        may_change=actor().is_admin or Role.ORGANISER in my_roles(),
    )
    return make_response(page)


@bp.post("/events/<event_slug>/desk/publish")
@allow(Role.ORGANISER)
def publish() -> AnyResponse:
    """Shows the event to everybody."""
    return _step(state.publish)


@bp.post("/events/<event_slug>/desk/archive")
@allow(Role.ORGANISER)
def archive() -> AnyResponse:
    """Puts the event into the archive."""
    return _step(state.archive)


@bp.post("/events/<event_slug>/desk/take-out")
@allow(Role.ORGANISER)
def take_out() -> AnyResponse:
    """Takes the event out of the archive."""
    return _step(state.take_out)


def _step(step: Any) -> AnyResponse:
    event = current_event()
    try:
        step(event, actor=actor(), now=clock.now())
    except DomainError as refusal:
        session().rollback()
        notify(refusal.message, "danger")
        return redirect(url_for("events.desk"), 303)
    session().commit()
    notify(
        {
            "publish": msg("The event is published: everybody can see it now."),
            "archive": msg("The event is in the archive. It stays readable; nothing of it changes any more."),
            "take_out": msg("The event is out of the archive again."),
        }[step.__name__]
    )
    return redirect(url_for("events.desk"), 303)


@bp.route("/events/<event_slug>/desk/settings", methods=["GET", "POST"])
@allow(Role.ORGANISER)
def settings() -> AnyResponse:
    """Title, summary, zone, general rules and the statement of the event."""
    event, form, now = current_event(), request.form, clock.now()
    if request.method == "GET":
        return _settings_page(event, _settings_shown(event))
    problems: list[FieldProblem] = []
    changes: dict[str, object] = {name: whole_in(form, name, problems) for name in NUMBERS if name in form}
    changes |= {name: number_in(form, name, problems) for name in SECONDS if name in form}
    for name in ("team_min", "team_max", "clips_per_member_day", *SECONDS):
        if changes.get(name, 0) is None:
            changes.pop(name)
    changes |= {name: form.get(name) == "1" for name in SWITCHES}
    if "show_authors" in form:
        changes["show_authors"] = form["show_authors"]
    try:
        if problems:
            raise Invalid(problems=problems)
        creation.change_settings(
            event,
            title=form.get("title", event.title),
            summary=form.get("summary", event.summary),
            zone=form.get("zone", event.zone),
            settings=changes,
            actor=actor(),
            now=now,
        )
        if "statement" in form:
            statements.set_statement(event, form["statement"], actor=actor(), now=now)
    except DomainError as refusal:
        session().rollback()
        errors, status = errors_of(refusal, "title")
        ticked = {name: form.get(name) == "1" for name in SWITCHES}
        return _settings_page(event, {**_settings_shown(event), **form, **ticked}, errors, status)
    session().commit()
    notify(msg("Saved."))
    return redirect(url_for("events.settings"), 303)


def _settings_shown(event: Event) -> dict[str, Any]:
    statement = statements.current_statement(event.id)
    kept = {
        name: "" if value is None else f"{value:g}" if isinstance(value, float) else value
        for name, value in read_settings(event).model_dump().items()
    }
    return {
        "title": event.title,
        "summary": event.summary,
        "zone": event.zone,
        "statement": statement.text if statement else "",
        **kept,
    }


def _settings_page(event: Event, typed: Mapping[str, Any], errors: Errors | None = None, status: int = 200) -> Response:
    statement = statements.current_statement(event.id)
    page = render_template(
        "events/settings.html",
        event=event,
        typed=typed,
        zones=creation.zones(),
        statement=statement,
        errors=errors or {},
    )
    return make_response(page, status)


@bp.route("/events/<event_slug>/desk/phases", methods=["GET", "POST"])
@allow(Role.ORGANISER)
def phases() -> AnyResponse:
    """When each phase opens and closes: `opens_<kind>`, `closes_<kind>` in the event's zone; both empty: none."""
    event, form = current_event(), request.form
    if request.method == "GET":
        return _phases_page(event, None)
    try:
        schedule.set_phases(event, form, actor=actor(), now=clock.now())
    except DomainError as refusal:
        session().rollback()
        errors, status = errors_of(refusal, "opens_registration")
        return _phases_page(event, form, errors, status)
    session().commit()
    notify(msg("The times are saved."))
    return redirect(url_for("events.phases"), 303)


def _phases_page(
    event: Event, typed: Mapping[str, str] | None, errors: Errors | None = None, status: int = 200
) -> Response:
    rows = [(kind, PHASE_NAMES[kind], phase_of(event, kind)) for kind in PhaseKind]
    page = render_template(
        "events/phases.html", event=event, rows=rows, typed=typed, errors=errors or {}, now=clock.now()
    )
    return make_response(page, status)


@bp.route("/events/<event_slug>/desk/quotas", methods=["GET", "POST"], endpoint="quotas")
@allow(Role.ORGANISER)
def quotas_page() -> AnyResponse:
    """Departments' own limits: `department` (code or name), `max_teams`, `max_entries`; both empty: none of its own."""
    event, form = current_event(), request.form
    if request.method == "GET":
        return _quotas_page(event)
    problems: list[FieldProblem] = []
    try:
        limits = {name: _limit(form, name, problems) for name in ("max_teams", "max_entries")}
        if problems:
            raise Invalid(problems=problems)
        department = departments.chosen(form.get("department", ""), required=True)
        assert department is not None
        quotas.set_quota(
            event,
            department,
            max_teams=limits["max_teams"],
            max_entries=limits["max_entries"],
            actor=actor(),
            now=clock.now(),
        )
    except DomainError as refusal:
        session().rollback()
        return _quotas_page(event, *errors_of(refusal, "department"))
    session().commit()
    notify(msg("The quota is saved."))
    return redirect(url_for("events.quotas"), 303)


def _limit(form: Mapping[str, str], name: str, problems: list[FieldProblem]) -> int | None:
    number = whole_in(form, name, problems)
    if number is not None and number > 100_000:
        problems.append(FieldProblem(name, msg("The number must be %(limit)s or less.", limit=100_000)))
    return number


def _quotas_page(event: Event, errors: Errors | None = None, status: int = 200) -> Response:
    page = render_template(
        "events/quotas.html",
        event=event,
        found=quotas.of_event(event.id),
        settings=read_settings(event),
        typed=request.form,
        errors=errors or {},
    )
    return make_response(page, status)


@bp.get("/events/<event_slug>/audit")
@allow(Role.ORGANISER, Role.AUDITOR)
def audit() -> Response:
    """Who did what in the event, the newest first; filters `verb` (an act or a room), `who` (staff number), `day`."""
    event, args = current_event(), request.args
    who = args.get("who", "").strip()
    person = accounts.find_by_username(who) if who else None
    start = _day_or_none(args.get("day", ""))
    since = clock.from_local(_midnight(start), event.zone) if start else None
    until = clock.from_local(_midnight(start + timedelta(days=1)), event.zone) if start else None
    found = reading.records(
        event_id=event.id,
        actor_id=(person.id if person else -1) if who else None,
        verb=args.get("verb", "")[:60],
        since=since,
        until=until,
        before=args.get("after", None, type=number),
    )
    shown = found[: reading.PAGE]
    asked = {name: args[name] for name in ("verb", "who", "day") if args.get(name)}
    page = render_template(
        "events/audit.html",
        event=event,
        found=shown,
        more=shown[-1].id if len(found) > reading.PAGE else None,
        names=_names(shown),
        words=words.VERBS,
        rooms=words.ROOMS,
        asked=asked,
        unknown_person=bool(who) and person is None,
    )
    return make_response(page)


def _names(records: Sequence[AuditRecord]) -> dict[int, Account]:
    actors = {record.actor_id for record in records if record.actor_id is not None}
    subjects = {record.subject_id for record in records if record.subject_type == "account"}
    known = actors | {int(number) for number in subjects if number.isdecimal() and number.isascii()}
    return {account.id: account for account in session().scalars(sa.select(Account).where(Account.id.in_(known)))}


def _day_or_none(raw: str) -> date | None:
    try:
        day = date.fromisoformat(raw.strip())
    except ValueError:
        return None
    return day if creation.FIRST_DAYS[0] <= day <= creation.FIRST_DAYS[1] else None


def _midnight(day: date) -> Any:
    from datetime import datetime

    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the zone is the event's, added by from_local
