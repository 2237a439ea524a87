"""Pages of rosters: uploading, the dry run with every row's fate, confirming; the template; the same for programs.

A program says `Accept: application/json` to the acts and gets the import's status (201, 202) or problem details.
"""

import secrets
from typing import Any

from flask import Response, current_app, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from redis.exceptions import RedisError
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from concours.base import clock, tables, typed
from concours.base.db import session
from concours.base.errors import DomainError, Invalid, NotFound, TooLarge
from concours.base.messages import Message, msg
from concours.base.notices import notify
from concours.base.queue import enqueue
from concours.base.redis import client
from concours.base.storage import storage
from concours.base.typed import number
from concours.events.context import current_event
from concours.events.rules import read_settings
from concours.identity.access import actor, allow
from concours.identity.models import Role
from concours.teams import api, export, imports, jobs, lists, progress
from concours.teams.blueprint import asks_json, bp, download, is_fragment, language, my_reach, rights
from concours.teams.models import ImportStatus, RosterImport, RosterRow
from concours.teams.roster import ANSWERS, HEADINGS
from concours.teams.words import APPLIED_NAMES, VERDICT_NAMES

MIB = 1024 * 1024


@bp.get("/rosters")
@allow(Role.COORDINATOR, Role.ORGANISER, Role.AUDITOR)
def rosters() -> str:
    """Where a roster is uploaded, and those that were."""
    return _list_page(None)


@bp.post("/rosters")
@allow(Role.COORDINATOR, Role.ORGANISER)
def upload_roster() -> AnyResponse:
    """Takes a file (field `file`) in for its dry run."""
    event, account, now = current_event(), actor(), clock.now()
    try:
        imports.require_may_start(event, actor=account, now=now)
        data, filename = _sent(request.files.get("file"))
    except (Invalid, TooLarge) as refused:
        session().rollback()
        if asks_json():
            raise
        return make_response(_list_page(refused), 413 if isinstance(refused, TooLarge) else 422)
    name = f"rosters/{event.id}/{secrets.token_hex(16)}"
    storage().put(name, data)
    try:
        roster = imports.start(event, actor=account, now=now, filename=filename, storage_name=name, size=len(data))
        session().commit()
    except BaseException:
        session().rollback()
        storage().delete(name)
        raise
    _enqueue(roster)
    return _done(roster, 201)


@bp.get("/rosters/<int:import_id>")
@allow(Role.COORDINATOR, Role.ORGANISER, Role.AUDITOR)
def roster(import_id: int) -> AnyResponse:
    """Where a roster stands, with every row's fate; asked by htmx, only the part that refreshes itself."""
    event, account = current_event(), actor()
    found = imports.to_see(account, event, import_id)
    values = {"roster": found, "percent": _percent(found), "stale": imports.is_stale(found, clock.now())}
    if is_fragment():
        response = make_response(render_template("teams/_progress.html", event=event, **values))
        if found.status not in imports.RUNNING:
            response.headers["HX-Refresh"] = "true"
        return response
    verdict, rows, onward = _rows(found)
    names = APPLIED_NAMES if found.status == ImportStatus.APPLIED else VERDICT_NAMES
    return make_response(
        render_template(
            "teams/roster.html",
            rows=rows,
            verdict=verdict,
            next_after=onward,
            after=request.args.get("after"),
            verdicts=[(key, name, found.counts[key]) for key, name in names.items() if found.counts.get(key)],
            names=names,
            may_decide=found.actor_id == account.id or my_reach().changes is None,
            settings=read_settings(event),
            **values,
            **rights(),
        )
    )


@bp.get("/rosters/<int:import_id>.json")
@allow(Role.COORDINATOR, Role.ORGANISER, Role.AUDITOR)
def roster_json(import_id: int) -> Response:
    """Where a roster stands, for programs: {status, progress, counts, fates_url, …}."""
    return jsonify(_out(imports.to_see(actor(), current_event(), import_id)))


@bp.get("/rosters/<int:import_id>/fates.json")
@allow(Role.COORDINATOR, Role.ORGANISER, Role.AUDITOR)
def roster_fates(import_id: int) -> Response:
    """The rows' fates, for programs; `verdict` filters, `after` (rank-row) goes on."""
    found = imports.to_see(actor(), current_event(), import_id)
    verdict, rows, onward = _rows(found)
    url = None
    if onward:
        url = url_for("teams.roster_fates", import_id=found.id, after=onward, verdict=verdict or None)
    return jsonify(api.plain(api.FatesOut(fates=[_fate(row) for row in rows], next_url=url)))


@bp.post("/rosters/<int:import_id>/confirm")
@allow(Role.COORDINATOR, Role.ORGANISER)
def confirm_roster(import_id: int) -> AnyResponse:
    """Applies the checked roster, as a job."""
    event, account = current_event(), actor()
    found = imports.to_change(account, event, import_id)
    imports.confirm(found, event, actor=account, now=clock.now())
    session().commit()
    _enqueue(found)
    return _done(found, 202)


@bp.post("/rosters/<int:import_id>/restart")
@allow(Role.COORDINATOR, Role.ORGANISER)
def restart_roster(import_id: int) -> AnyResponse:
    """Begins the work anew where its job got lost."""
    found = imports.to_change(actor(), current_event(), import_id)
    imports.restart(found, now=clock.now())
    session().commit()
    _enqueue(found)
    return _done(found, 202)


@bp.post("/rosters/<int:import_id>/dismiss")
@allow(Role.COORDINATOR, Role.ORGANISER)
def dismiss_roster(import_id: int) -> AnyResponse:
    """Drops a roster that is not wanted, with its file."""
    event = current_event()
    found = imports.to_change(actor(), event, import_id)
    name = imports.dismiss(found, event, actor=actor(), now=clock.now())
    session().commit()
    storage().delete(name)
    notify(msg("The roster “%(name)s” is dropped; nothing was changed.", name=found.filename))
    return redirect(url_for("teams.rosters"), 303)


@bp.get("/rosters/template.<kind>")
@allow(Role.COORDINATOR, Role.ORGANISER, Role.AUDITOR)
def roster_template(kind: str) -> Response:
    """An empty roster to fill in, as XLSX or CSV."""
    if kind not in tables.CONTENT_TYPES:
        raise NotFound(msg("Rosters are given as XLSX and CSV."))
    headings, (yes, no) = list(HEADINGS[language()].values()), ANSWERS[language()]
    unit, team = _("Example department"), _("Example team")
    examples = [["100001", "王小明", unit, team, "13800000000", yes], ["100002", "欧阳静", unit, team, "", no]]
    notes = [
        _("One row for each person. Delete the two examples; left in, they would be refused."),
        _("Staff number, name, department and team must be filled in; phone and captain may stay empty."),
        _("The department is its code or its full name, as in the system."),
        _("A team that does not exist yet is registered by the import, as far as your department's quota allows."),
        _("Write %(yes)s for the captain; one for each team.", yes=yes),
        _("Do not merge cells. Keep staff numbers as text, so that zeros in front stay."),
        _("Nothing is imported before you have seen what becomes of every row and confirmed it."),
    ]
    data = export.template(kind, _("Roster"), headings, examples, _("What to mind"), notes)
    return download(data, kind, "roster-template")


def _sent(file: FileStorage | None) -> tuple[bytes, str]:
    """The uploaded bytes and the file's name; raises Invalid or TooLarge."""
    if file is None or not file.filename:
        raise Invalid(
            msg("No file was chosen."),
            hint=msg("Choose the roster (XLSX or CSV) on your device."),
            code="roster_missing",
        )
    limit = int(current_app.config["MAX_ROSTER_MIB"])
    data = file.stream.read(limit * MIB + 1)
    if len(data) > limit * MIB:
        raise TooLarge(
            msg("The file is larger than %(limit)s MB.", limit=limit),
            hint=msg("A roster of 20,000 people has about 1 MB: take pictures and other sheets out of the file."),
            code="roster_too_large",
        )
    return data, typed.line(file.filename)


def _enqueue(roster: RosterImport) -> None:
    """Puts the work into the queue; where Redis is away the page offers to start it again."""
    progress.forget(client(), roster.id)
    function = jobs.check_roster if roster.status == ImportStatus.READING else jobs.apply_roster
    try:
        enqueue(function, roster.id, queue="urgent", job_id=f"{function.__name__}-{roster.id}")
    except RedisError as away:
        current_app.logger.warning("roster %s waits to be started again: %s", roster.id, away)
        notify(msg("The work could not be started now. In a minute you can start it again here."), "warning")


def _done(roster: RosterImport, status: int) -> AnyResponse:
    if asks_json():
        response = jsonify(_out(roster))
        response.status_code = status
        response.headers["Location"] = url_for("teams.roster_json", import_id=roster.id)
        return response
    return redirect(url_for("teams.roster", import_id=roster.id), 303)


def _percent(roster: RosterImport) -> int:
    if roster.status not in imports.RUNNING:
        return 100
    return min(99, progress.read(client(), roster.id))


def _rows(roster: RosterImport) -> tuple[str, list[RosterRow], str | None]:
    """The filter, a page of rows and the key of those after it, as the address asks."""
    verdict = request.args.get("verdict", "")
    verdict = verdict if verdict in VERDICT_NAMES else ""
    rank, _dash, row = request.args.get("after", "").partition("-")
    after = (number(rank) or 0, number(row) or 0) if row else (-1, 0)
    found = lists.fates(roster, after=after, verdict=verdict)
    shown = list(found[: lists.FATES_PAGE])
    return verdict, shown, f"{shown[-1].rank}-{shown[-1].row}" if len(found) > lists.FATES_PAGE else None


def _said(message: dict[str, Any] | None) -> str:
    """A kept sentence in the reader's language."""
    return str(current_app.jinja_env.filters["flashed"](message)) if message else ""


def _out(roster: RosterImport) -> dict[str, Any]:
    checked = roster.status == ImportStatus.CHECKED and not roster.counts.get("refused")
    problem = roster.problem or {}
    return api.plain(
        api.ImportStatusOut(
            id=roster.id,
            status=roster.status,
            progress=_percent(roster),
            filename=roster.filename,
            size=roster.size,
            counts=roster.counts or {},
            problem=_said(problem) or None,
            hint=_said(problem.get("hint")) or None,
            created_at=roster.created_at,
            confirmed_at=roster.confirmed_at,
            applied_at=roster.applied_at,
            fates_url=url_for("teams.roster_fates", import_id=roster.id),
            page_url=url_for("teams.roster", import_id=roster.id),
            confirm_url=url_for("teams.confirm_roster", import_id=roster.id) if checked else None,
        )
    )


def _fate(row: RosterRow) -> api.FateOut:
    return api.FateOut(
        row=row.row,
        verdict=row.verdict,
        refused=row.rank == 0,
        reason=_said(row.reason),
        staff_number=row.staff_number,
        name=row.name,
        department=row.department,
        team=row.team,
        phone=row.phone,
        captain=row.captain,
    )


def _list_page(refused: DomainError | None) -> str:
    event = current_event()
    found = lists.rosters(event, actor(), my_reach().sees, before=number(request.args.get("before")))
    shown = found[: lists.PAGE]
    errors: dict[str, list[Message]] = {}
    if refused is not None:
        errors["file"] = [refused.message, *([refused.hint] if refused.hint else [])]
    return render_template(
        "teams/rosters.html",
        rosters=shown,
        next_before=shown[-1].id if len(found) > lists.PAGE else None,
        before=request.args.get("before"),
        errors=errors,
        limit=int(current_app.config["MAX_ROSTER_MIB"]),
        settings=read_settings(event),
        **rights(),
    )
