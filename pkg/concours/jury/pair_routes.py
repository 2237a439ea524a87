"""The judges' page of pairs: two works side by side, with script and without; and comparisons as JSON."""

import secrets
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Blueprint, jsonify, render_template, request, url_for
from flask import Response as Json
from pydantic import BaseModel, ConfigDict, StrictStr, StringConstraints, ValidationError
from werkzeug.wrappers import Response

from concours.base import clock
from concours.base.db import session
from concours.base.errors import DomainError, Invalid, TooLarge
from concours.base.messages import msg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.events.models import PhaseKind
from concours.events.phases import is_open
from concours.identity.access import actor, allow
from concours.identity.models import Role
from concours.jury import comparing, forms, limits, marks
from concours.jury.light_table import seat, works
from concours.jury.models import Round, RoundKind, RoundStatus
from concours.jury.pages import ROUND, address, language, onward, refused, told

bp = Blueprint("jury_pairs", __name__, url_prefix="/events/<event_slug>/jury", template_folder="templates")
api = APIBlueprint("jury_pairs_api", __name__, url_prefix="/events/<event_slug>/jury")

Name = Annotated[StrictStr, StringConstraints(min_length=1)]
Token = Annotated[Name, StringConstraints(max_length=limits.TOKEN_CHARACTERS)]


class ComparisonIn(BaseModel):
    """One comparison: `better` is first, second or equal; null takes what was said of the two back.

    `client_id` is the sender's random name for it; sent again under it, it is the same comparison.
    """

    model_config = ConfigDict(extra="ignore")

    first: Token
    second: Token
    client_id: Annotated[Name, StringConstraints(max_length=limits.CLIENT_ID_CHARACTERS)]
    better: StrictStr | None


@bp.get(f"/{ROUND}/pairs")
@allow(Role.JUDGE)
def pairs_page(round_id: int) -> str:
    """The judge's pairs, one at a time (`at`: its number, from 1; without it the first undecided one)."""
    found = seat(current_event().id, round_id, actor())
    marks.require_kind(found, RoundKind.PAIRWISE)
    return _pairs_page(found, forms.whole(request.args.get("at")))


@bp.post(f"/{ROUND}/pairs")
@allow(Role.JUDGE)
def compare(round_id: int) -> Response:
    """Compares without script: `first`, `second`, `client_id`, `better` (first, second, equal, back), `at`."""
    event = current_event()
    judge = actor()
    at = forms.whole(request.form.get("at"))
    better = request.form.get("better", "")
    said = comparing.Compared(
        request.form.get("first", "")[: limits.TOKEN_CHARACTERS],
        request.form.get("second", "")[: limits.TOKEN_CHARACTERS],
        request.form.get("client_id", "")[: limits.CLIENT_ID_CHARACTERS] or secrets.token_urlsafe(12),
        None if better == "back" else better,
    )
    answer = comparing.compare(event, round_id, [said], actor=judge, now=clock.now())[0]
    if answer.refusal is not None:
        return refused(answer.refusal, lambda why: _pairs_page(seat(event.id, round_id, judge), at, why))
    session().commit()
    notify(msg("Saved."))
    return onward(url_for("jury_pairs.pairs_page", round_id=round_id, at=at if better == "back" else None))


@api.post(f"/{ROUND}/comparisons")
@allow(Role.JUDGE)
@api.doc(summary="Save or take back up to 200 comparisons in their order", tags=["Jury"])
def give_comparisons(round_id: int) -> Json:
    """A list of comparisons → {"results": [{token, client_id, saved, code, message}]}: each stands or falls alone."""
    body = request.get_json(silent=True)
    items = body if isinstance(body, list) else [body]
    if not items or len(items) > limits.MARKS_AT_ONCE:
        raise TooLarge(msg("Send from 1 to %(limit)s marks at once.", limit=limits.MARKS_AT_ONCE))
    read = [_read(item) for item in items]
    given = [one for one in read if one is not None]
    answers = iter(comparing.compare(current_event(), round_id, given, actor=actor(), now=clock.now()))
    results = [_fate(item, next(answers) if one is not None else None) for item, one in zip(items, read, strict=True)]
    session().commit()
    return jsonify({"results": results})


def _read(item: Any) -> comparing.Compared | None:
    try:
        one = ComparisonIn.model_validate(item)
    except ValidationError:
        return None
    return comparing.Compared(one.first, one.second, one.client_id, one.better)


def _fate(item: Any, answer: marks.Answer | None) -> dict[str, Any]:
    if answer is None:
        wrong = Invalid(msg("A comparison needs two tokens, a client_id and what is better."), code="bad_mark")
        named = item if isinstance(item, dict) else {}
        answer = marks.Answer(named.get("first", ""), named.get("client_id", ""), saved=False, refusal=wrong)
    fate: dict[str, Any] = {"token": answer.token, "client_id": answer.client_id, "saved": answer.saved}
    if answer.refusal is not None:
        fate |= {"code": answer.refusal.code, "message": told(answer.refusal.message)}
    return fate


def _pairs_page(found: Round, at: int, reason: DomainError | None = None) -> str:
    judge = actor()
    asked = comparing.asked_of(found, judge)
    listed, _ = works(found, judge, address=address, language=language(), limit=limits.COMPARED_TOGETHER)
    by_token = {work["token"]: work for work in listed}
    undecided = [n for n, pair in enumerate(asked, 1) if pair.better is None]
    if not 1 <= at <= len(asked):
        at = undecided[0] if undecided else len(asked)
    return render_template(
        "jury/pairwise.html",
        round=found,
        seat=f"{found.id}.{judge.id}",
        pairs=[[pair.left, pair.right, pair.better] for pair in asked],
        at=at,
        pair=asked[at - 1] if asked else None,
        works=by_token,
        done=len(asked) - len(undecided),
        is_open=found.status == RoundStatus.OPEN and is_open(current_event(), PhaseKind.JUDGING, clock.now()),
        client_id=secrets.token_urlsafe(12),
        reason=reason,
    )
