"""The judges' pages: their rounds, the light table, and the plain form for browsers without script."""

import secrets
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from concours.base import clock
from concours.base.db import session
from concours.base.errors import DomainError
from concours.base.messages import msg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.events.models import PhaseKind
from concours.events.phases import phase_of
from concours.identity.access import actor, allow
from concours.identity.models import Role
from concours.jury import forms, limits, marks
from concours.jury.kinds import points, yes_no
from concours.jury.light_table import seat, share, shares, work_at
from concours.jury.models import Round, RoundKind, RoundStatus
from concours.jury.pages import ROUND, address, language, onward, refused
from concours.jury.words import KIND_NAMES, REMARK_NAMES

bp = Blueprint("jury_table", __name__, url_prefix="/events/<event_slug>/jury", template_folder="templates")

KIND_PAGES: dict[str, str] = {
    RoundKind.RANKING: "jury_kinds.ranking_page",
    RoundKind.PAIRWISE: "jury_pairs.pairs_page",
    RoundKind.DISCUSSION: "",
}
"""The pages of the rounds that are judged elsewhere than on the light table; a discussion has none for judges."""


@bp.get("")
@allow(Role.JUDGE)
def my_rounds() -> str:
    """The rounds in which the judge has a seat."""
    event = current_event()
    return render_template(
        "jury/my_rounds.html",
        shares=shares(event.id, actor()),
        kinds=KIND_NAMES,
        judging=phase_of(event, PhaseKind.JUDGING),
    )


@bp.get(f"/{ROUND}/table")
@allow(Role.JUDGE)
def table(round_id: int) -> str | Response:
    """The light table; its works come as JSON. Rounds of other kinds have a page of their own."""
    judge = actor()
    found = seat(current_event().id, round_id, judge)
    if found.kind in KIND_PAGES:
        return _to_its_page(found)
    mine = share(found, judge)
    return render_template(
        "jury/table.html",
        round=found,
        share=mine,
        seat=f"{found.id}.{judge.id}",
        limits=limits,
        remark_names=REMARK_NAMES,
    )


@bp.get(f"/{ROUND}/table/plain")
@allow(Role.JUDGE)
def plain(round_id: int) -> str | Response:
    """One work at a time (`at`: its position), without script."""
    found = seat(current_event().id, round_id, actor())
    if found.kind in KIND_PAGES:
        return _to_its_page(found)
    return _plain_page(found)


@bp.post(f"/{ROUND}/table/plain")
@allow(Role.JUDGE)
def plain_mark(round_id: int) -> Response:
    """Saves the plain form's mark: `token`, `client_id`, and `yes` (1, 0, maybe), `points-<criterion>`, or `undo`."""
    event = current_event()
    judge = actor()
    found = seat(event.id, round_id, judge)
    given = marks.Given(
        request.form.get("token", "")[: limits.TOKEN_CHARACTERS],
        request.form.get("client_id", "")[: limits.CLIENT_ID_CHARACTERS] or secrets.token_urlsafe(12),
        None if "undo" in request.form else _typed_value(found),
    )
    answer = marks.record(event, round_id, [given], actor=judge, now=clock.now())[0]
    if answer.refusal is not None:
        return refused(answer.refusal, lambda why: _plain_page(seat(event.id, round_id, judge), why))
    session().commit()
    at = forms.whole(request.form.get("position"))
    if "undo" in request.form:
        notify(msg("Your mark is taken back."), "info")
        return onward(url_for("jury_table.plain", round_id=round_id, at=at))
    notify(msg("Saved."))
    return onward(url_for("jury_table.plain", round_id=round_id, at=at + 1))


@bp.post(f"/{ROUND}/table/recuse")
@allow(Role.JUDGE)
def plain_recuse(round_id: int) -> Response:
    """Steps aside from a work (`token`, `reason`), without script."""
    event = current_event()
    judge = actor()
    token = request.form.get("token", "")[: limits.TOKEN_CHARACTERS]
    try:
        marks.recuse(event, round_id, token, request.form.get("reason", ""), actor=judge, now=clock.now())
    except DomainError as reason:
        return refused(reason, lambda why: _plain_page(seat(event.id, round_id, judge), why))
    session().commit()
    notify(msg("You stepped aside from this work."), "info")
    return onward(url_for("jury_table.plain", round_id=round_id, at=forms.whole(request.form.get("position"))))


def _to_its_page(found: Round) -> Response:
    page = KIND_PAGES[found.kind]
    return onward(url_for(page, round_id=found.id) if page else url_for("jury_table.my_rounds"))


def _typed_value(found: Round) -> dict[str, Any]:
    if found.kind == RoundKind.YES_NO:
        said = request.form.get("yes")
        return {"yes": said == "1"} if said in {"0", "1"} else {"yes": said} if said == yes_no.MAYBE else {}
    names = [criterion.key for criterion in found.criteria]
    return {key: forms.whole(request.form.get(f"points-{key}"), forms.GREATEST) for key in names}


def _plain_page(found: Round, reason: DomainError | None = None) -> str:
    judge = actor()
    wanted = forms.whole(request.values.get("at") or request.form.get("position")) or None
    work, before, behind = work_at(found, judge, wanted, address=address, language=language())
    if work is None and wanted is not None:
        work, before, behind = work_at(found, judge, None, address=address, language=language())
    return render_template(
        "jury/plain.html",
        round=found,
        share=share(found, judge),
        work=work,
        before=before,
        behind=behind,
        client_id=secrets.token_urlsafe(12),
        meant={criterion.key: points.meant(criterion) for criterion in found.criteria},
        is_open=found.status == RoundStatus.OPEN,
        reason=reason,
        typed=request.form,
        limits=limits,
    )
