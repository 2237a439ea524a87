"""Pages of declared conflicts: the organiser's for all judges, and each judge's own."""

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from concours.base import clock
from concours.base.db import session
from concours.base.errors import Conflict, DomainError, Invalid
from concours.base.messages import msg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.identity.access import actor, allow
from concours.identity.departments import everything as departments
from concours.identity.models import Role
from concours.jury import conflicts, declaring, forms
from concours.jury.desk_routes import may_act
from concours.jury.pages import onward, refused
from concours.jury.panel import eligible

bp = Blueprint("jury_conflicts", __name__, url_prefix="/events/<event_slug>/jury", template_folder="templates")
CONFLICT = "<int(max=9223372036854775807):conflict_id>"


@bp.get("/rounds/conflicts")
@allow(Role.ORGANISER, Role.AUDITOR)
def conflicts_page() -> str:
    """All declared conflicts of the event."""
    return _page(organiser=True)


@bp.post("/rounds/conflicts")
@allow(Role.ORGANISER)
def declare() -> Response:
    """Declares a conflict of a judge (`judge`, and one of `department`, `entry`, `author`; `reason`)."""
    return _declare(forms.whole(request.form.get("judge"), -1), organiser=True)


@bp.post(f"/rounds/conflicts/{CONFLICT}/withdraw")
@allow(Role.ORGANISER)
def withdraw(conflict_id: int) -> Response:
    """Withdraws a declared conflict."""
    return _withdraw(conflict_id, organiser=True)


@bp.get("/conflicts")
@allow(Role.JUDGE)
def own_page() -> str:
    """The judge's own declared conflicts."""
    return _page(organiser=False)


@bp.post("/conflicts")
@allow(Role.JUDGE)
def declare_own() -> Response:
    """Declares a conflict of the judge's own."""
    return _declare(actor().id, organiser=False)


@bp.post(f"/conflicts/{CONFLICT}/withdraw")
@allow(Role.JUDGE)
def withdraw_own(conflict_id: int) -> Response:
    """Withdraws a conflict of the judge's own."""
    return _withdraw(conflict_id, organiser=False)


def _declare(judge: int, *, organiser: bool) -> Response:
    form = request.form
    try:
        declaring.declare(
            current_event(),
            judge,
            department=forms.whole(form.get("department"), -1) if form.get("department", "").strip() else None,
            entry=forms.whole(form.get("entry"), -1) if form.get("entry", "").strip() else None,
            author=form.get("author", ""),
            reason=form.get("reason", ""),
            actor=actor(),
            now=clock.now(),
            organiser=organiser,
        )
    except (Invalid, Conflict) as reason:
        return refused(reason, lambda why: _page(why, organiser=organiser))
    session().commit()
    notify(msg("Declared. Works concerned that are not marked yet go to other judges."))
    return onward(_address(organiser=organiser))


def _withdraw(conflict_id: int, *, organiser: bool) -> Response:
    declaring.withdraw(current_event(), conflict_id, actor=actor(), now=clock.now(), organiser=organiser)
    session().commit()
    notify(msg("The conflict is withdrawn."), "info")
    return onward(_address(organiser=organiser))


def _address(*, organiser: bool) -> str:
    return url_for("jury_conflicts.conflicts_page" if organiser else "jury_conflicts.own_page")


def _page(wrong: DomainError | None = None, *, organiser: bool) -> str:
    event = current_event()
    return render_template(
        "jury/conflicts.html",
        organiser=organiser,
        listed=conflicts.listed(event.id, None if organiser else actor().id),
        judges={judge.id: judge.name for judge in eligible(event)} if organiser else {},
        departments={department.id: department.name for department in departments()},
        errors=wrong.by_field() if isinstance(wrong, Invalid) else {},
        sentence=wrong.message if isinstance(wrong, Conflict) else None,
        typed=request.form,
        may_act=may_act() if organiser else True,
    )
