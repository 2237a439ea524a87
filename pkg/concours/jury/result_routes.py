"""The organiser's pages after a round: scores, the cut with its ties, the selection, the protocol, exports."""

from flask import Blueprint, current_app, render_template, request, url_for
from werkzeug.wrappers import Response

from concours.base import clock
from concours.base.db import session
from concours.base.errors import Conflict, DomainError, Invalid
from concours.base.messages import Message, msg, nmsg
from concours.base.notices import notify
from concours.base.sheets import write_csv
from concours.events.context import current_event
from concours.identity.access import actor, allow
from concours.identity.models import Role
from concours.jury import forms, limits
from concours.jury.cut import near_cut, one_more_review
from concours.jury.desk_routes import may_act, rules_of
from concours.jury.lookup import find_round, require
from concours.jury.models import Round, RoundKind, RoundStatus
from concours.jury.pages import ROUND, onward, refused, told
from concours.jury.protocol import HEADINGS, named_entries, read_protocol, table_rows
from concours.jury.selection import Chosen
from concours.jury.shortlist import Outcome, choose, outcome, withdraw_selection
from concours.jury.standing_scores import moved
from concours.jury.words import STEP_NAMES

bp = Blueprint("jury_results", __name__, url_prefix="/events/<event_slug>/jury/rounds", template_folder="templates")


@bp.get(f"/{ROUND}/results")
@allow(Role.ORGANISER, Role.AUDITOR)
def results_page(round_id: int) -> str:
    """Scores and the cut of a closed round: `count` previews another number, `after` pages by rank."""
    found = find_round(current_event().id, round_id)
    require(found, RoundStatus.CLOSED, RoundStatus.SELECTED)
    return _results(found, forms.whole(request.args.get("count")) or None)


@bp.post(f"/{ROUND}/select")
@allow(Role.ORGANISER)
def select_entries(round_id: int) -> Response:
    """Selects exactly `count` entries."""
    event = current_event()
    count = forms.whole(request.form.get("count"))
    try:
        choose(event, round_id, count, actor=actor(), now=clock.now())
    except Invalid as reason:
        found = find_round(event.id, round_id)
        return refused(reason, lambda why: _results(found, None, why))
    except Conflict as clash:
        if clash.code != "cannot_select":
            raise
        found = find_round(event.id, round_id)
        return refused(clash, lambda _why: _results(found, count))
    session().commit()
    notify(nmsg("One entry is selected.", "Exactly %(count)s entries are selected.", count))
    return onward(url_for("jury_results.results_page", round_id=round_id))


@bp.post(f"/{ROUND}/review-cut")
@allow(Role.ORGANISER)
def review_cut(round_id: int) -> Response:
    """Opens the round again for one more review of the entries near the cut at `count` places."""
    event = current_event()
    count = forms.whole(request.form.get("count")) or None
    asked, left = one_more_review(event, round_id, count, actor=actor(), now=clock.now())
    session().commit()
    notify(
        nmsg(
            "The round is open again: one entry is reviewed once more.",
            "The round is open again: %(count)s entries are reviewed once more.",
            asked,
        )
    )
    if left:
        notify(nmsg("For one entry no judge is free.", "For %(count)s entries no judge is free.", left), "info")
    return onward(url_for("jury.round_page", round_id=round_id))


@bp.post(f"/{ROUND}/withdraw-selection")
@allow(Role.ORGANISER)
def take_back(round_id: int) -> Response:
    """Takes the selection back; the round is closed again."""
    withdraw_selection(current_event(), round_id, actor=actor(), now=clock.now())
    session().commit()
    notify(msg("The selection is taken back."), "info")
    return onward(url_for("jury_results.results_page", round_id=round_id))


@bp.get(f"/{ROUND}/protocol")
@allow(Role.ORGANISER, Role.AUDITOR)
def protocol_page(round_id: int) -> str:
    """The protocol of the jury, to be printed and signed."""
    event = current_event()
    found = find_round(event.id, round_id)
    require(found, RoundStatus.CLOSED, RoundStatus.SELECTED)
    return render_template(
        "jury/protocol.html",
        event=event,
        round=found,
        rules=rules_of(found),
        protocol=read_protocol(event, found),
        steps=STEP_NAMES,
        printed=clock.now(),
    )


@bp.get(f"/{ROUND}/results.csv")
@allow(Role.ORGANISER, Role.AUDITOR)
def results_csv(round_id: int) -> Response:
    """All entries of the round with their figures, as CSV."""
    event = current_event()
    found = find_round(event.id, round_id)
    require(found, RoundStatus.CLOSED, RoundStatus.SELECTED)
    rows = table_rows(outcome(event, found))
    content = write_csv([told(heading) for heading in HEADINGS], rows)
    response = current_app.response_class(content, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="round-{found.id}-results.csv"'
    return response


def _results(found: Round, count: int | None, wrong: DomainError | None = None) -> str:
    event = current_event()
    result = outcome(event, found, count)
    after = max(0, forms.whole(request.args.get("after")))
    ranked = _ranked(result)
    near = near_cut(found, result)
    page = ranked[after : after + limits.RESULTS_PAGE]
    shown = {fate.candidate.entry for fate in (*page, *near[: limits.RESULTS_PAGE])}
    if result.selection is not None:
        for tie in result.selection.ties:
            shown.update(member.candidate.entry for member in tie.members[: limits.RESULTS_PAGE])
    shown.update(result.unscored[: limits.RESULTS_PAGE])
    return render_template(
        "jury/results.html",
        event=event,
        round=found,
        rules=rules_of(found),
        result=result,
        named=named_entries(shown),
        page=page,
        after=after,
        following=after + limits.RESULTS_PAGE if len(ranked) > after + limits.RESULTS_PAGE else None,
        page_size=limits.RESULTS_PAGE,
        steps=STEP_NAMES,
        moved=_moved(result, page),
        near=near,
        yes_no=found.kind == RoundKind.YES_NO,
        errors=wrong.by_field() if isinstance(wrong, Invalid) else {},
        may_act=may_act(),
    )


def _ranked(result: Outcome) -> list[Chosen]:
    selection = result.selection
    return [*selection.selected, *selection.others] if selection is not None else []


def _moved(result: Outcome, page: list[Chosen]) -> dict[int, Message]:
    """By entry, what moved the model's estimate against its raw mean; empty where the mean orders."""
    estimates = result.ordering.estimates
    numbers = [fate.candidate.entry for fate in page if fate.candidate.entry in estimates]
    return {number: moved(estimates[number], result.scores[number].mean) for number in numbers}
