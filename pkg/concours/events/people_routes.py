"""The people of an event: roles given and taken, lists taken in, invitation links for those who never signed in."""

from collections.abc import Sequence

from flask import Response, make_response, render_template, request, url_for
from flask import redirect as to
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from concours.base import clock, sheets
from concours.base.db import session
from concours.base.errors import Conflict, DomainError, FieldProblem, Invalid
from concours.base.messages import Message, msg
from concours.base.notices import notify
from concours.events import people
from concours.events.blueprint import bp
from concours.events.context import current_event
from concours.events.state import require_changeable
from concours.identity import accounts, departments, grants, invitations
from concours.identity.access import actor, allow
from concours.identity.addresses import invitation_url
from concours.identity.forms import Errors, errors_of, number, pasted
from concours.identity.imports import ImportRefused
from concours.identity.invitations import Link
from concours.identity.models import Role

LINKS_SHOWN = 200  # links listed on a page; more of them come as a file


def _people_page(errors: Errors | None = None, status: int = 200) -> Response:
    event = current_event()
    role = request.args.get("role", "")
    found = grants.of_event(event.id, role=role, after=request.args.get("after", 0, type=number))
    shown = found[: grants.PAGE]
    page = render_template(
        "events/people.html",
        event=event,
        found=shown,
        more=shown[-1].id if len(found) > grants.PAGE else None,
        role=role if role in grants.GIVEN else "",
        counts=grants.counts(event.id),
        role_names=grants.ROLE_NAMES,
        given=grants.GIVEN,
        typed=request.form,
        errors=errors or {},
    )
    return make_response(page, status)


@bp.get("/events/<event_slug>/people", endpoint="people")
@allow(Role.ORGANISER)
def people_page() -> Response:
    """Who has which role in the event."""
    return _people_page()


@bp.post("/events/<event_slug>/people")
@allow(Role.ORGANISER)
def give_role() -> AnyResponse:
    """Gives `role` to the account `username`; a coordinator with a `department` (code or name)."""
    event, form = current_event(), request.form
    try:
        require_changeable(event)
        account = accounts.find_by_username(form.get("username", ""))
        if account is None or not account.is_active:
            raise Invalid(
                problems=[
                    FieldProblem(
                        "username",
                        msg("There is no account with this staff number. The import below makes new accounts."),
                    )
                ]
            )
        role = form.get("role", "")
        unit = departments.chosen(form.get("department", "")) if role == Role.COORDINATOR else None
        grants.give(account, event.id, role, actor=actor(), now=clock.now(), department=unit)
        name = account.name
    except DomainError as refusal:
        session().rollback()
        return _people_page(*errors_of(refusal, "username"))
    session().commit()
    notify(msg("%(name)s has the role now.", name=name))
    return to(url_for("events.people"), 303)


@bp.post("/events/<event_slug>/people/<int:grant_id>/take")
@allow(Role.ORGANISER)
def take_role(grant_id: int) -> AnyResponse:
    """Takes a role back."""
    try:
        grant = grants.take(grant_id, current_event().id, actor=actor(), now=clock.now())
        name = grant.account.name
    except Conflict as refusal:
        session().rollback()
        return _people_page(*errors_of(refusal, "grant"))
    session().commit()
    notify(msg("%(name)s no longer has the role.", name=name))
    return to(url_for("events.people"), 303)


def _import_page(errors: Errors | None = None, status: int = 200, sentence: Message | None = None) -> Response:
    page = render_template(
        "events/people_import.html",
        sentence=sentence,
        event=current_event(),
        typed=request.form,
        errors=errors or {},
        given=grants.GIVEN,
        role_names=grants.ROLE_NAMES,
        limit=people.ROWS_LIMIT,
    )
    return make_response(page, status)


@bp.route("/events/<event_slug>/people/import", methods=["GET", "POST"])
@allow(Role.ORGANISER)
def import_people() -> AnyResponse:
    """People from `rows` (pasted) or `file` (CSV): staff number, name, department, role; `role` for lines without one.

    Answers 201 with the links of those who have no password yet; with `format` csv as a file.
    """
    if request.method == "GET":
        return _import_page()
    form = request.form
    try:
        text = pasted(request.files.get("file"), form.get("rows", ""))
        done = people.import_people(current_event(), text, role=form.get("role", ""), actor=actor(), now=clock.now())
    except DomainError as refusal:
        session().rollback()
        sentence = refusal.message if isinstance(refusal, ImportRefused) else None
        return _import_page(*errors_of(refusal, "rows"), sentence)
    table = _table(done.links)
    session().commit()
    if form.get("format") == "csv":
        return _csv(table)
    return _links_page(
        table,
        [
            msg("%(count)s accounts made.", count=done.made),
            msg("%(count)s roles given.", count=done.given),
        ],
    )


@bp.get("/events/<event_slug>/invitations", endpoint="invitations")
@allow(Role.ORGANISER, Role.COORDINATOR)
def invitations_page() -> Response:
    """Who of the event has not set a password yet: for coordinators, the members of their departments."""
    event = current_event()
    found = invitations.waiting(actor(), event.id, after=request.args.get("after", 0, type=number))
    shown = found[: invitations.PAGE]
    page = render_template(
        "events/invitations.html",
        event=event,
        found=shown,
        more=shown[-1].id if len(found) > invitations.PAGE else None,
        count=invitations.count_waiting(actor(), event.id),
        at_once=invitations.AT_ONCE,
    )
    return make_response(page)


@bp.post("/events/<event_slug>/invitations/links")
@allow(Role.ORGANISER, Role.COORDINATOR)
def make_links() -> AnyResponse:
    """Fresh links for all who wait, or for each `account` that is named; with `format` csv as a file."""
    event, form = current_event(), request.form
    named = form.getlist("account", type=number)
    if named:
        links = invitations.links_for(actor(), event.id, now=clock.now(), only=named[:1000])
    else:
        links = invitations.links_for(actor(), event.id, now=clock.now())
    if named and not links:
        invitations.may_invite(actor(), named[0], event.id)
    table = _table(links)
    session().commit()
    return _csv(table) if form.get("format") == "csv" else _links_page(table, [])


def _table(links: Sequence[Link]) -> list[tuple[str, str, str, str]]:
    return [
        (
            link.account.username,
            link.account.name,
            link.account.department.name if link.account.department else "",
            invitation_url(link.secret),
        )
        for link in links
    ]


def _csv_bytes(table: Sequence[Sequence[str]]) -> bytes:
    return sheets.write_csv([_("Staff number"), _("Full name"), _("Department"), _("Invitation link")], table)


def _csv(table: Sequence[Sequence[str]]) -> Response:
    response = make_response(_csv_bytes(table), 201)
    response.mimetype = "text/csv"
    response.headers["Content-Disposition"] = f'attachment; filename="invitations-{current_event().slug}.csv"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _links_page(table: list[tuple[str, str, str, str]], said: list[object]) -> Response:
    import base64

    page = render_template(
        "events/links.html",
        event=current_event(),
        table=table[:LINKS_SHOWN],
        count=len(table),
        said=said,
        file=base64.b64encode(_csv_bytes(table)).decode(),
    )
    return make_response(page, 201)
