"""The organiser's desk: the list, one entry after the other, decisions; and what a department's coordinator sees."""

from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, render_template, request, url_for

from concours.base import clock
from concours.base.db import session
from concours.base.errors import Closed, Conflict, DomainError, Invalid
from concours.base.messages import msg, nmsg
from concours.base.notices import notify
from concours.entries import screening
from concours.entries.answers import asks_json, done, onward, status_of, whole
from concours.entries.author_routes import language
from concours.entries.authors import find_entry, no_such_entry
from concours.entries.blueprint import bp
from concours.entries.form_page import labels
from concours.entries.history import changed_since_decision, history_of, last_decisions
from concours.entries.limits import department_limit
from concours.entries.lists import (
    DESK_STATUSES,
    TITLE_SEARCH_LIMIT,
    Counts,
    DeskFilter,
    departments_named,
    desk_page,
    neighbours,
    next_entry_id,
    read_counts,
    same_files,
)
from concours.entries.models import Entry, EntryStatus
from concours.entries.screening import REASON_LIMIT, SCREENABLE, Verdict
from concours.entries.times import require_screening
from concours.events.context import current_event
from concours.events.models import Event
from concours.events.rules import read_fields
from concours.identity.access import actor, allow, departments_of, my_roles
from concours.identity.models import Role


def read_filter(args: Mapping[str, str], event: Event) -> DeskFilter:
    """The filter of an address: `status` (`all` for every one), `category` (code), `department` (number), `q`."""
    status = args.get("status", EntryStatus.SUBMITTED)
    category = next((c for c in event.categories if c.code == args.get("category")), None)
    return DeskFilter(
        status="" if status == "all" else (status if status in DESK_STATUSES else EntryStatus.SUBMITTED),
        category_id=category.id if category is not None else None,
        department_id=whole(args.get("department")) or None,
        search=args.get("q", "").strip().replace("\x00", "")[:TITLE_SEARCH_LIMIT],
    )


def filter_args(wanted: DeskFilter, event: Event) -> dict[str, Any]:
    """The filter as an address has it."""
    category = next((c for c in event.categories if c.id == wanted.category_id), None)
    found = {
        "status": wanted.status or "all",
        "category": category.code if category is not None else None,
        "department": wanted.department_id,
        "q": wanted.search or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _may_decide() -> bool:
    return actor().is_admin or Role.ORGANISER in my_roles()


@bp.get("/screening")
@allow(Role.ORGANISER, Role.AUDITOR)
def desk() -> str:
    """The list with its counts."""
    event = current_event()
    wanted = read_filter(request.args, event)
    counts = read_counts(event)
    entries, next_after = desk_page(event, wanted, after=whole(request.args.get("after")))
    numbers = sorted({department for _, department, _ in counts.cells if department})
    chosen = filter_args(wanted, event)
    return render_template(
        "entries/desk.html",
        entries=entries,
        next_url=url_for("entries.desk", **chosen, after=next_after) if next_after else None,
        first_url=url_for("entries.desk", **chosen) if request.args.get("after") else None,
        wanted=wanted,
        chosen=chosen,
        tabs=_tabs(event, wanted, counts),
        departments=departments_named(numbers),
        decisions=last_decisions([e.id for e in entries]),
        may_decide=_may_decide(),
        closed=_why_closed(event),
    )


def _tabs(event: Event, wanted: DeskFilter, counts: Counts) -> list[dict[str, Any]]:
    """The statuses with how many there are in the chosen category and department."""
    departments = [wanted.department_id] if wanted.department_id is not None else None
    return [
        {
            "status": status or "all",
            "count": counts.of(status=status, category_id=wanted.category_id, departments=departments),
            "url": url_for("entries.desk", **filter_args(wanted.but(status=status), event)),
            "current": wanted.status == status,
        }
        for status in (*DESK_STATUSES, "")
        if status or not wanted.search
    ]


def _why_closed(event: Event) -> DomainError | None:
    try:
        require_screening(event, clock.now())
    except Closed as closed:
        return closed
    return None


@bp.get("/screening/<int:entry_id>")
@allow(Role.ORGANISER, Role.AUDITOR)
def screen(entry_id: int) -> str:
    """One entry, large, with its author's data, its history, and the decision."""
    event = current_event()
    return _screen_page(_find(event, entry_id), event, read_filter(request.args, event))


def _find(event: Event, entry_id: int) -> Entry:
    entry = find_entry(event, entry_id)
    if entry.number is None:
        raise no_such_entry()  # a draft that was never submitted is its author's alone
    return entry


def _screen_page(
    entry: Entry, event: Event, wanted: DeskFilter, *, refused: DomainError | None = None, reason: str = ""
) -> str:
    before, behind = neighbours(event, wanted, entry.id)
    chosen = filter_args(wanted, event)
    counts = read_counts(event)
    departments = [wanted.department_id] if wanted.department_id is not None else None
    specs = read_fields(entry.category)
    may_decide, closed = _may_decide(), _why_closed(event)
    return render_template(
        "entries/screen.html",
        entry=entry,
        specs=specs,
        labels=labels(specs, language()),
        history=history_of(entry),
        decision=last_decisions([entry.id]).get(entry.id),
        changed=changed_since_decision(entry),
        twins=same_files(entry),
        before=before,
        behind=behind,
        chosen=chosen,
        wanted=wanted,
        waiting=counts.of(status=EntryStatus.SUBMITTED, category_id=wanted.category_id, departments=departments),
        may_decide=may_decide,
        decides=may_decide and closed is None and entry.status in SCREENABLE,
        closed=closed,
        errors=refused.by_field() if isinstance(refused, Invalid) else {},
        refused=refused,
        reason=reason,
        reason_limit=REASON_LIMIT,
        recent=screening.recent_reasons(actor(), event) if may_decide else [],
    )


@bp.post("/screening/<int:entry_id>")
@allow(Role.ORGANISER)
def decide(entry_id: int) -> Response:
    """A decision: `verdict` (`accepted`, `returned`, `rejected`), `reason`, `revision`; then the next of the list."""
    event, person = current_event(), actor()
    wanted = read_filter(request.form, event)
    entry = _find(event, entry_id)
    reason = request.form.get("reason", "")
    try:
        if request.form.get("verdict") not in set(Verdict):
            raise Invalid(msg("Please choose: accept, return or reject."), code="choose_verdict")
        screening.decide(
            entry,
            event,
            Verdict(request.form["verdict"]),
            reason=reason,
            revision=request.form.get("revision", ""),
            actor=person,
            now=clock.now(),
        )
        session().commit()
    except (Invalid, Conflict, Closed) as refused:
        if asks_json():
            raise
        session().rollback()
        page = _screen_page(_find(event, entry_id), event, wanted, refused=refused, reason=reason)
        return make_response(page, status_of(refused))
    said = {
        EntryStatus.ACCEPTED: msg("No. %(number)s is accepted.", number=entry.number),
        EntryStatus.RETURNED: msg("No. %(number)s is returned to its author.", number=entry.number),
        EntryStatus.REJECTED: msg("No. %(number)s is rejected.", number=entry.number),
    }[EntryStatus(entry.status)]
    chosen = filter_args(wanted, event)
    following = next_entry_id(event, wanted, entry.id)
    if following is None:
        return done(entry, url_for("entries.desk", **chosen), said)
    return done(entry, url_for("entries.screen", entry_id=following, **chosen), said)


@bp.post("/screening/accept")
@allow(Role.ORGANISER)
def accept_many() -> Response:
    """Accepts the chosen entries of a page: `entry`, repeated, as `<number in the database>:<revision>`."""
    event, person = current_event(), actor()
    chosen: list[tuple[int, str]] = []
    for given in request.form.getlist("entry"):
        number, _, revision = given.partition(":")
        if entry_id := whole(number):
            chosen.append((entry_id, revision))
    accepted, left = screening.accept_many(chosen, event, actor=person, now=clock.now())
    session().commit()
    if asks_json():
        response = make_response({"accepted": [e.id for e in accepted], "left": [e.id for e in left]})
        assert isinstance(response, Response)
        return response
    if accepted:
        notify(nmsg("One entry is accepted.", "%(count)s entries are accepted.", len(accepted)))
    if left:
        said = nmsg(
            "One entry was changed or decided in the meantime and is left as it is.",
            "%(count)s entries were changed or decided in the meantime and are left as they are.",
            len(left),
        )
        notify(said, "warning")
    if not chosen:
        notify(msg("Tick the entries to accept first."), "info")
    wanted = read_filter(request.form, event)
    return onward(url_for("entries.desk", **filter_args(wanted, event)))


@bp.get("/entries/department")
@allow(Role.COORDINATOR)
def department() -> str:
    """The entries of the departments one coordinates, to read; and how much of the quota is taken."""
    event = current_event()
    numbers = sorted(departments_of(actor(), event.id))
    departments = departments_named(numbers)
    asked = whole(request.args.get("department"))
    one = next((d for d in departments if d.id == asked), departments[0] if departments else None)
    wanted = read_filter({"status": "all", **request.args}, event).but(
        department_id=one.id if one is not None else 0, search=""
    )
    entries, next_after = desk_page(event, wanted, after=whole(request.args.get("after")))
    counts = read_counts(event, departments=numbers)
    chosen = filter_args(wanted, event)
    of_one = [one.id] if one is not None else []
    return render_template(
        "entries/department.html",
        entries=entries,
        departments=departments,
        one=one,
        limit=department_limit(event, one.id) if one is not None else None,
        taken=sum(counts.of(status=s, departments=of_one) for s in ("submitted", "accepted", "returned")),
        figures=[(s, counts.of(status=s, departments=of_one)) for s in DESK_STATUSES],
        wanted=wanted,
        next_url=url_for("entries.department", **chosen, after=next_after) if next_after else None,
        first_url=url_for("entries.department", **chosen) if request.args.get("after") else None,
        decisions=last_decisions([e.id for e in entries]),
    )
