"""The organiser's page for changing a round: each act is previewed first; and the declared conflicts of its judges."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from concours.base import clock
from concours.base.db import session
from concours.base.errors import DomainError, FieldProblem, Invalid
from concours.base.messages import Message, msg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.identity.access import actor, allow
from concours.identity.models import Role
from concours.jury import closing, forms, panel, reopening, splitting
from concours.jury.lookup import find_round, panel_of
from concours.jury.models import Round, RoundStatus
from concours.jury.pages import ROUND, onward, refused
from concours.jury.preview import Preview, preview
from concours.jury.scoring import Missing
from concours.jury.words import MISSING_NAMES

bp = Blueprint("jury_panel", __name__, url_prefix="/events/<event_slug>/jury/rounds", template_folder="templates")

Act = Callable[[], object]


@bp.get(f"/{ROUND}/change")
@allow(Role.ORGANISER)
def change_page(round_id: int) -> str:
    """What can be changed in a round as it stands."""
    return _page(find_round(current_event().id, round_id))


@bp.post(
    f"/{ROUND}/change/<any(pause, resume, drop, replace, share, sharing, reviews, extend, split, close, reopen):verb>"
)
@allow(Role.ORGANISER)
def change_it(round_id: int, verb: str) -> Response | str:
    """Shows what an act would do (`preview`), or does it."""
    event = current_event()
    title = find_round(event.id, round_id).title
    try:
        act = _act(verb, round_id)
        if "preview" in request.form:
            return _page(find_round(event.id, round_id), verb, shown=preview(event, round_id, act))
        made = act()
    except Invalid as reason:
        return refused(reason, lambda why: _page(find_round(event.id, round_id), verb, why))
    session().commit()
    if verb == "split" and isinstance(made, Round):
        notify(msg("“%(round)s” is a round of its own now; all marks went with it.", round=made.title))
        return onward(url_for("jury.round_page", round_id=made.id))
    notify(msg("“%(round)s” is changed. All marks are kept.", round=title))
    return onward(url_for("jury.round_page", round_id=round_id))


def _act(verb: str, round_id: int) -> Act:
    """The verb with what was typed for it."""
    event, form = current_event(), request.form
    common: dict[str, Any] = {"actor": actor(), "now": clock.now()}
    judge, successor, reviews, count, overlap, anchors = (
        forms.whole(form.get(name), -1) for name in ("judge", "successor", "reviews", "count", "overlap", "anchors")
    )
    capacity = forms.whole(form.get("capacity"), -1) if form.get("capacity", "").strip() else None
    chosen = {forms.whole(value, -1) for value in form.getlist("categories")}
    acts: dict[str, tuple[Callable[..., object], tuple[object, ...], dict[str, object]]] = {
        "pause": (panel.pause_judge, (judge,), {}),
        "resume": (panel.resume_judge, (judge,), {}),
        "drop": (panel.drop_judge, (judge,), {}),
        "replace": (panel.replace_judge, (judge, successor), {}),
        "share": (panel.set_share, (judge,), {"categories": chosen, "capacity": capacity}),
        "sharing": (panel.set_sharing, (), {"overlap": overlap, "anchors": anchors}),
        "reviews": (panel.change_reviews, (reviews,), {}),
        "split": (splitting.split, (chosen,), {"title": form.get("title", ""), "count": count}),
        "close": (closing.close, (form.get("missing", ""),), {}),
        "reopen": (reopening.reopen, (), {}),
    }
    if verb == "extend":
        acts[verb] = (closing.extend, (_moment(form.get("closes_at", ""), event.zone),), {})
    act, given, more = acts[verb]
    return lambda: act(event, round_id, *given, **more, **common)


def _moment(typed: str, zone: str) -> datetime | None:
    if not typed.strip():
        return None
    try:
        wall = datetime.fromisoformat(typed.strip())
        if wall.tzinfo is None:
            return clock.from_local(wall, zone)
    except (ValueError, OverflowError):
        pass
    sentence = msg("Please choose a moment that is still to come, or leave it empty for none.")
    raise Invalid(problems=[FieldProblem("closes_at", sentence)])


VERB_NAMES: dict[str, Message] = {
    "pause": msg("Pause a judge"),
    "resume": msg("Resume a judge"),
    "drop": msg("Take a judge off the panel"),
    "replace": msg("Replace a judge"),
    "share": msg("A judge's categories and limit"),
    "sharing": msg("What judges share"),
    "reviews": msg("Change the number of reviews"),
    "extend": msg("Until when marks are taken"),
    "split": msg("Split the round"),
    "close": msg("Close the round"),
    "reopen": msg("Open again"),
}


def _page(found: Round, verb: str = "", wrong: DomainError | None = None, shown: Preview | None = None) -> str:
    event = current_event()
    seated = [member for member in panel_of(found) if member.dropped_at is None]
    sitting = {member.account_id for member in seated}
    titles = {category.id: category.title for category in event.categories}
    own = found.input.get("categories") or list(titles)
    kept = [pair for pair in request.form.items(multi=True) if pair[0] not in {"csrf_token", "preview"}]
    return render_template(
        "jury/change.html",
        round=found,
        verb=verb,
        verbs=VERB_NAMES,
        shown=shown,
        kept=kept,
        seated=seated,
        judges={member.account_id: member.account.name for member in seated},
        working={m.account_id: m.account.name for m in seated if m.paused_at is None},
        paused={m.account_id: m.account.name for m in seated if m.paused_at is not None},
        free={judge.id: judge.name for judge in panel.eligible(event) if judge.id not in sitting},
        categories={number: titles[number] for number in own if number in titles},
        missing=closing.missing_reviews(found) if found.status == RoundStatus.OPEN else 0,
        missing_rules={rule: MISSING_NAMES[rule] for rule in Missing if rule is not Missing.NONE},
        errors=wrong.by_field() if isinstance(wrong, Invalid) else {},
        typed=request.form,
    )
