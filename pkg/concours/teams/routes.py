"""Pages of teams: the list, one team with its members, registering, changing and removing. Rosters: `roster_routes`."""

from typing import Any

from flask import Flask, Response, make_response, redirect, render_template, request, request_started, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from concours.base import clock, tables, typed
from concours.base.db import session
from concours.base.errors import Invalid, NotFound
from concours.base.messages import Message, msg
from concours.base.notices import notify
from concours.base.typed import number
from concours.events.context import current_event
from concours.events.figures import figure
from concours.events.models import Event, PhaseKind
from concours.events.navigation import navigate
from concours.events.offers import offer
from concours.events.rules import read_settings
from concours.identity.access import actor, allow
from concours.identity.models import Role
from concours.teams import lists, roster_routes, scope, verbs
from concours.teams.blueprint import bp, download, language, my_reach, rights
from concours.teams.models import Team
from concours.teams.roster import ANSWERS, HEADINGS

LABELS: dict[str, Message] = {
    "name": msg("Name of the team"),
    "department": msg("Department"),
    "category": msg("Category"),
    "captain_number": msg("Captain's staff number"),
    "captain_name": msg("Captain's name"),
}
MEMBER_LABELS: dict[str, Message] = {
    "staff_number": msg("Staff number"),
    "name": msg("Full name"),
    "phone": msg("Phone"),
}


@bp.get("/teams")
@allow(Role.COORDINATOR, Role.ORGANISER, Role.AUDITOR)
def index() -> str:
    """The teams that the visitor looks after, or all of them."""
    event, seen = current_event(), my_reach().sees
    words = typed.line(request.args.get("q", ""))[:80]
    department = number(request.args.get("department"))
    after = number(request.args.get("after")) or 0
    found = lists.teams(event, seen, after=after, department_id=department, words=words)
    shown = found[: lists.PAGE]
    return render_template(
        "teams/index.html",
        teams=shown,
        totals=lists.totals(event, seen),
        small=lists.small_teams(event, seen),
        departments=lists.places(event, seen),
        settings=read_settings(event),
        words=words,
        department=department,
        after=after,
        next_after=shown[-1].id if len(found) > lists.PAGE else None,
        **rights(),
    )


@bp.get("/teams/new")
@allow(Role.COORDINATOR, Role.ORGANISER)
def create_form() -> str:
    """The form for a new team."""
    event = current_event()
    scope.require_registration(event, clock.now())
    return _form(event, None, {}, {})


@bp.post("/teams/new")
@allow(Role.COORDINATOR, Role.ORGANISER)
def create() -> AnyResponse:
    """Registers a team; refused, the form comes back as it was filled in."""
    event, told = current_event(), _told()
    try:
        team = verbs.create_team(
            event,
            actor=actor(),
            now=clock.now(),
            name=told["name"],
            department_id=number(told["department"]),
            category_id=number(told["category"]),
            captain_number=told["captain_number"],
            captain_name=told["captain_name"],
        )
    except Invalid as refused:
        session().rollback()
        return make_response(_form(event, None, told, refused.by_field()), 422)
    session().commit()
    notify(msg("The team “%(team)s” is registered. Now add its members.", team=team.name))
    return redirect(url_for("teams.team", team_id=team.id), 303)


@bp.get("/teams/<int:team_id>")
@allow(Role.COORDINATOR, Role.ORGANISER, Role.AUDITOR, Role.MEMBER)
def team(team_id: int) -> str:
    """One team with its members."""
    return _team_page(scope.team_to_see(actor(), current_event(), team_id), {}, {})


@bp.post("/teams/<int:team_id>/members")
@allow(Role.COORDINATOR, Role.ORGANISER)
def add_member(team_id: int) -> AnyResponse:
    """Adds one person."""
    event = current_event()
    found = scope.team_to_change(actor(), event, team_id)
    told = {field: request.form.get(field, "")[:500] for field in MEMBER_LABELS}
    try:
        member = verbs.add_member(found, event, actor=actor(), now=clock.now(), **told)
    except Invalid as refused:
        session().rollback()
        return make_response(_team_page(scope.team_to_see(actor(), event, team_id), told, refused.by_field()), 422)
    session().commit()
    notify(msg("%(name)s is in the team.", name=member.name))
    return redirect(url_for("teams.team", team_id=team_id, _anchor="members"), 303)


@bp.post("/teams/<int:team_id>/members/<int:member_id>/remove")
@allow(Role.COORDINATOR, Role.ORGANISER)
def remove_member(team_id: int, member_id: int) -> AnyResponse:
    """Takes a person out of the team."""
    event = current_event()
    found = scope.team_to_change(actor(), event, team_id)
    member = verbs.remove_member(found, event, member_id, actor=actor(), now=clock.now())
    session().commit()
    notify(msg("%(name)s is no longer in the team.", name=member.name))
    return redirect(url_for("teams.team", team_id=team_id, _anchor="members"), 303)


@bp.get("/teams/<int:team_id>/edit")
@allow(Role.COORDINATOR, Role.ORGANISER)
def edit_form(team_id: int) -> str:
    """The form that changes a team."""
    event = current_event()
    found = scope.team_to_change(actor(), event, team_id)
    scope.require_registration(event, clock.now())
    told = {
        "name": found.name,
        "category": str(found.category_id or ""),
        "captain_number": _captain_number(found),
    }
    return _form(event, found, told, {})


@bp.post("/teams/<int:team_id>/edit")
@allow(Role.COORDINATOR, Role.ORGANISER)
def edit(team_id: int) -> AnyResponse:
    """Changes name, category and captain."""
    event, told = current_event(), _told()
    found = scope.team_to_change(actor(), event, team_id)
    try:
        verbs.edit_team(
            found,
            event,
            actor=actor(),
            now=clock.now(),
            name=told["name"],
            category_id=number(told["category"]),
            captain_number=told["captain_number"],
        )
    except Invalid as refused:
        session().rollback()
        return make_response(_form(event, found, told, refused.by_field()), 422)
    session().commit()
    notify(msg("The team is changed."))
    return redirect(url_for("teams.team", team_id=team_id), 303)


@bp.post("/teams/<int:team_id>/remove")
@allow(Role.COORDINATOR, Role.ORGANISER)
def remove(team_id: int) -> AnyResponse:
    """Takes an empty team away."""
    event = current_event()
    found = scope.team_to_change(actor(), event, team_id)
    name = found.name
    verbs.remove_team(found, event, actor=actor(), now=clock.now())
    session().commit()
    notify(msg("The team “%(team)s” is removed.", team=name))
    return redirect(url_for("teams.index"), 303)


@bp.get("/teams/export.<kind>")
@allow(Role.COORDINATOR, Role.ORGANISER, Role.AUDITOR)
def export_roster(kind: str) -> Response:
    """The roster of the visitor's teams as they are, as XLSX or CSV; the import reads it again."""
    if kind not in tables.CONTENT_TYPES:
        raise NotFound(msg("Rosters are given as XLSX and CSV."))
    event = current_event()
    headings = [*HEADINGS[language()].values(), _("Clips"), _("Days")]
    yes, no = ANSWERS[language()]
    rows = (
        (n, name, department, team_name, phone, yes if captain else no, clips, days)
        for n, name, department, team_name, phone, captain, clips, days in lists.export(event, my_reach().sees)
    )
    return download(tables.table(kind, _("Roster"), headings, rows), kind, f"roster-{event.slug}")


def _told() -> dict[str, str]:
    return {field: request.form.get(field, "")[:500] for field in LABELS}


def _captain_number(team: Team) -> str:
    return next((m.staff_number for m in team.members if m.account_id == team.captain_id), "")


def _form(event: Event, team: Team | None, told: dict[str, str], errors: Any) -> str:
    return render_template(
        "teams/form.html",
        event=event,
        team=team,
        told=told,
        errors=errors,
        labels=LABELS,
        departments=lists.places(event, my_reach().changes),
        people=[(m.staff_number, f"{m.name} · {m.staff_number}") for m in team.members] if team is not None else [],
    )


def _team_page(team: Team, told: dict[str, str], errors: Any) -> str:
    event, now = current_event(), clock.now()
    after = number(request.args.get("after")) or 0
    people = lists.people(team, now=now, after=after)
    shown: list[lists.Person] = people[: lists.PAGE]
    return render_template(
        "teams/team.html",
        team=team,
        people=shown,
        after=after,
        next_after=shown[-1].member.id if len(people) > lists.PAGE else None,
        settings=read_settings(event),
        told=told,
        errors=errors,
        labels=MEMBER_LABELS,
        looks_after=scope.covers(my_reach().sees, team.department_id),
        changes_this=scope.covers(my_reach().changes, team.department_id) and scope.registration_is_open(event, now),
        **rights(),
    )


def _let_rosters_in(app: Flask, **_more: object) -> None:
    """A roster may be larger than other forms, where MAX_ROSTER_MIB says so."""
    if request.method == "POST" and request.path.endswith("/rosters"):
        roster = (int(app.config["MAX_ROSTER_MIB"]) + 1) * roster_routes.MIB
        request.max_content_length = max(int(app.config["MAX_CONTENT_LENGTH"]), roster)


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes and its places in the event's navigation."""
    request_started.connect(_let_rosters_in, app)
    app.register_blueprint(bp)
    people = {Role.COORDINATOR, Role.ORGANISER, Role.AUDITOR}
    navigate("teams.index", msg("Teams"), order=20, who=people)
    navigate("teams.rosters", msg("Rosters"), order=22, who=people)
    offer("teams.index", msg("Register teams"), phase=PhaseKind.REGISTRATION, who={Role.COORDINATOR}, order=10)
    figure("teams", msg("Teams"), lambda event: lists.totals(event, None).teams, endpoint="teams.index", order=10)
    figure("members", msg("Members"), lambda event: lists.totals(event, None).members, endpoint="teams.index", order=11)


__all__ = ["bp", "init_app", "roster_routes"]
