"""The judges' pages of rankings: a line on which works are put in order, with script and without."""

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
from concours.events.phases import is_open
from concours.identity.access import actor, allow
from concours.identity.models import Role
from concours.jury import forms, limits, marks
from concours.jury.kinds import ranking
from concours.jury.light_table import outline, seat, works
from concours.jury.models import Round, RoundKind, RoundStatus
from concours.jury.pages import ROUND, address, language, onward, refused

bp = Blueprint("jury_kinds", __name__, url_prefix="/events/<event_slug>/jury", template_folder="templates")


@bp.get(f"/{ROUND}/ranking")
@allow(Role.JUDGE)
def ranking_page(round_id: int) -> str:
    """The judge's line of one group of works (`group`: its number, from 1; without it the first unfinished one)."""
    found = seat(current_event().id, round_id, actor())
    marks.require_kind(found, RoundKind.RANKING)
    return _ranking_page(found, forms.whole(request.args.get("group")))


@bp.post(f"/{ROUND}/ranking")
@allow(Role.JUDGE)
def rank(round_id: int) -> Response:
    """Moves one work without script: `token`, `client_id`, `act` (up, down, put, out, back) and for put `place`."""
    event = current_event()
    judge = actor()
    found = seat(event.id, round_id, judge)
    marks.require_kind(found, RoundKind.RANKING)
    token = request.form.get("token", "")[: limits.TOKEN_CHARACTERS]
    name = request.form.get("client_id", "")[: limits.CLIENT_ID_CHARACTERS - 4] or secrets.token_urlsafe(12)
    listed = outline(found, judge)
    own = next((work for work in listed if work["token"] == token), None)
    group = ranking.group_of(found, own["position"]) if own else 0
    line = ranking.line_of([work for work in listed if ranking.group_of(found, work["position"]) == group])
    moved = _moved(line, token)
    given = [marks.Given(one, f"{name}-{n}", value) for n, (one, value) in enumerate(moved)]
    answers = marks.record(event, round_id, given, actor=judge, now=clock.now())
    refusal = next((a.refusal for a in answers if a.refusal is not None and a.refusal.code != "client_id_reused"), None)
    if refusal is not None:
        return refused(refusal, lambda why: _ranking_page(seat(event.id, round_id, judge), group, why))
    session().commit()
    notify(msg("Saved."))
    return onward(url_for("jury_kinds.ranking_page", round_id=round_id, group=group, _anchor=f"work-{token}"))


def _moved(line: list[ranking.Place], token: str) -> list[tuple[str, dict[str, Any] | None]]:
    """The marks that the pressed button stands for."""
    act = request.form.get("act", "")
    place = next((n for n, (other, _) in enumerate(line, 1) if other == token), len(line) + 1)
    if act == "back":
        return [(token, None)]
    if act == "out":
        return [(token, {"at": None})]
    if act == "put":
        place = forms.whole(request.form.get("place"), place)
    else:
        place += {"up": -1, "down": 1}.get(act, 0)
    return [(other, {"at": at}) for other, at in ranking.put(line, token, place)]


def _ranking_page(found: Round, group: int, reason: DomainError | None = None) -> str:
    judge = actor()
    listed = outline(found, judge)
    groups: dict[int, list[dict[str, Any]]] = {}
    for work in listed:
        groups.setdefault(ranking.group_of(found, work["position"]), []).append(work)
    unfinished = (number for number, members in groups.items() if any(w["mark"] is None for w in members))
    group = group if group in groups else next(unfinished, next(iter(groups), 1))
    size = int(found.rule.get("group") or limits.RANKED_TOGETHER)
    shown, _ = works(
        found, judge, address=address, language=language(), after=(group - 1) * size if found.rule.get("group") else 0,
        limit=size,
    )  # fmt: skip
    shown = [work for work in shown if ranking.group_of(found, work["position"]) == group]
    by_token = {work["token"]: work for work in shown}
    return render_template(
        "jury/ranking.html",
        round=found,
        seat=f"{found.id}.{judge.id}",
        group=group,
        groups={
            number: (sum(w["mark"] is not None for w in members), len(members)) for number, members in groups.items()
        },
        line=[by_token[token] for token, _ in ranking.line_of(shown)],
        out=[work for work in shown if work["mark"] is not None and work["mark"].get("at") is None],
        rest=[work for work in shown if work["mark"] is None],
        top=ranking.best_of(found),
        is_open=found.status == RoundStatus.OPEN and is_open(current_event(), PhaseKind.JUDGING, clock.now()),
        client_id=secrets.token_urlsafe(12),
        reason=reason,
    )
