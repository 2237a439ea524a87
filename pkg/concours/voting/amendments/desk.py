"""The pages on which two people decide about recorded votes: propose with a preview, confirm, decline, take back."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from concours.base import clock
from concours.base.db import session, set_reading
from concours.base.errors import Conflict, Invalid
from concours.base.messages import Message, msg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.identity.access import actor, allow, my_roles
from concours.identity.grants import ROLE_NAMES
from concours.identity.models import Role
from concours.voting import polls
from concours.voting.amendments import decisions, form, second
from concours.voting.amendments.effects import Effect, effect_of
from concours.voting.amendments.models import PROPOSED, RESTORE, VOID, Decision, DecisionVote
from concours.voting.models import Poll
from concours.voting.pages.cards import Card, Showcase

bp = Blueprint(
    "voting_decisions",
    __name__,
    url_prefix="/events/<event_slug>/voting/<int(max=9007199254740991):poll_id>/decisions",
    template_folder="templates",
)

NUMBER = "<int(max=2147483647):number>"
REFUSED = (Invalid, Conflict)


@bp.get("")
@allow(Role.ORGANISER, Role.AUDITOR)
def index(poll_id: int) -> str:
    """All proposals of the poll, the newest first."""
    poll = _poll(poll_id)
    found = decisions.decisions_of(poll, before=request.args.get("before", type=int))
    shown = found[: decisions.PAGE]
    return render_template(
        "voting/decisions.html",
        poll=poll,
        decisions=shown,
        next_before=shown[-1].number if len(found) > len(shown) else None,
        first=request.args.get("before") is None,
        may_propose=_may_propose(),
        alone=not decisions.second_person(poll.event_id, actor()),
    )


@bp.route("/new", methods=["GET", "POST"])
@allow(Role.ORGANISER)
def new(poll_id: int) -> Response | str | tuple[str, int]:
    """Chooses votes, shows what the decision would do, and proposes it."""
    poll = _poll(poll_id)
    if request.method == "GET":
        return _form(poll, {"kind": VOID, "by": form.RECEIPTS, **request.args.to_dict()})
    typed = request.form.to_dict()
    try:
        typed.setdefault("before", str(polls.leaves(poll)))
        if typed.get("act") != "propose":
            return _look(poll_id, typed)
        chosen = form.choose(typed, poll)
        decision = decisions.propose(
            poll, chosen.leaves(), typed.get("kind", ""), typed.get("reason", ""), None, actor(), clock.now(),
            note=typed.get("note", ""), chosen=chosen.how,
        )  # fmt: skip
    except REFUSED as refused:
        session().rollback()
        typed.pop("before", None)
        return _form(_poll(poll_id), typed, refused=refused), 422
    session().commit()
    notify(msg("Proposed. Another person of the event confirms or declines it."))
    return _to(poll_id, decision.number)


@bp.get(f"/{NUMBER}")
@allow(Role.ORGANISER, Role.AUDITOR)
def show(poll_id: int, number: int) -> str:
    """One decision: what it covers, what it does, who decides."""
    return _page(_poll(poll_id), number)


@bp.post(f"/{NUMBER}/confirm")
@allow(Role.ORGANISER, Role.AUDITOR)
def confirm(poll_id: int, number: int) -> Response:
    """The second person agrees."""
    poll = _poll(poll_id)
    decisions.confirm(decisions.decision_of(poll, number), poll, actor=actor(), now=clock.now())
    session().commit()
    notify(msg("Confirmed. It is recorded in the ledger within seconds."))
    return _to(poll_id, number)


@bp.post(f"/{NUMBER}/decline")
@allow(Role.ORGANISER, Role.AUDITOR)
def decline(poll_id: int, number: int) -> Response | tuple[str, int]:
    """The second person does not agree."""
    poll = _poll(poll_id)
    answer = request.form.get("answer", "")
    try:
        decision = decisions.decision_of(poll, number)
        decisions.decline(decision, poll, answer=answer, actor=actor(), now=clock.now())
    except Invalid as refused:
        session().rollback()
        return _page(_poll(poll_id), number, answer=answer, refused=refused), 422
    session().commit()
    notify(msg("Declined. Nothing changes in the ledger."))
    return _to(poll_id, number)


@bp.post(f"/{NUMBER}/withdraw")
@allow(Role.ORGANISER)
def withdraw(poll_id: int, number: int) -> Response:
    """The first person takes the proposal back."""
    poll = _poll(poll_id)
    decisions.withdraw(decisions.decision_of(poll, number), poll, actor=actor(), now=clock.now())
    session().commit()
    notify(msg("The proposal is taken back."))
    return _to(poll_id, number)


@bp.post(f"/{NUMBER}/reverse")
@allow(Role.ORGANISER)
def reverse(poll_id: int, number: int) -> Response | tuple[str, int]:
    """Proposes the opposite for the same votes."""
    poll = _poll(poll_id)
    reason = request.form.get("reason", "")
    try:
        before = decisions.decision_of(poll, number)
        leaves = session().scalars(sa.select(DecisionVote.leaf).where(DecisionVote.decision_id == before.id))
        kind = RESTORE if before.kind == VOID else VOID
        decision = decisions.propose(
            poll, leaves, kind, reason, None, actor(), clock.now(), chosen={"by": "decision", "number": number}
        )
    except REFUSED as refused:
        session().rollback()
        return _page(_poll(poll_id), number, reason=reason, refused=refused), 422
    session().commit()
    notify(msg("Proposed. Another person of the event confirms or declines it."))
    return _to(poll_id, decision.number)


def _look(poll_id: int, typed: dict[str, str]) -> str:
    """What would change. It reads only, and in a transaction for reading: votes are recorded meanwhile."""
    session().rollback()
    set_reading(True)
    poll = _poll(poll_id)
    votes = form.choose(typed, poll).votes
    effect = decisions.look(poll, votes, typed.get("kind", ""), typed.get("reason", ""), typed.get("note", ""))
    return _form(poll, typed, effect=effect)


def _poll(poll_id: int) -> Poll:
    return polls.poll_of(current_event(), poll_id)


def _may_propose() -> bool:
    return Role.ORGANISER in my_roles() or actor().is_admin


def _to(poll_id: int, number: int) -> Response:
    return redirect(url_for("voting_decisions.show", poll_id=poll_id, number=number), 303)


def _cards(poll: Poll, numbers: Iterable[int]) -> dict[int, Card]:
    showcase: Showcase = current_app.extensions["concours_showcase"]
    return showcase.cards(poll, current_event(), numbers, clock.now())


def _form(
    poll: Poll,
    typed: Mapping[str, Any],
    *,
    effect: Effect | None = None,
    refused: Invalid | Conflict | None = None,
) -> str:
    showcase: Showcase = current_app.extensions["concours_showcase"]
    places = list(showcase.field_of(poll).places)
    cards = _cards(poll, places)
    return render_template(
        "voting/decision_form.html",
        poll=poll,
        typed=typed,
        effect=effect,
        cards=cards,
        choices=[(number, _named(cards[number])) for number in places if number in cards],
        kinds=form.KINDS,
        ways=form.WAYS,
        labels=form.LABELS,
        limits=(form.TYPED_LIMIT, decisions.REASON_LIMIT, decisions.NOTE_LIMIT),
        errors=refused.by_field() if isinstance(refused, Invalid) else {},
        refused=refused,
        alone=not decisions.second_person(poll.event_id, actor()),
    )


def _named(card: Card) -> Message | str:
    """By title and number: several works may have the same title, and the wrong one's votes must not be taken out."""
    return msg("%(title)s (no. %(number)s)", title=card.title, number=card.number) if card.number else card.title


def _page(poll: Poll, number: int, *, answer: str = "", reason: str = "", refused: Any = None) -> str:
    decision = decisions.decision_of(poll, number)
    effect = effect_of(decision) if decision.status == PROPOSED else None
    told = {int(candidate): pair for candidate, pair in decision.standings.items()}
    cards = _cards(poll, [line.candidate for line in effect.lines] if effect else list(told))
    mine = decision.proposed_by_id == actor().id
    waits = effect is not None and not mine
    until = second.free_from(decision, poll, actor()) if waits else None
    return render_template(
        "voting/decision.html",
        poll=poll,
        decision=decision,
        effect=effect,
        told=told,
        cards=cards,
        chosen_card=_chosen_card(poll, decision),
        times=tuple(datetime.fromisoformat(at) if (at := decision.chosen.get(n)) else None for n in ("since", "until")),
        mine=mine,
        held=second.standing_of(actor(), poll.event_id) if waits else second.decided_by(decision, poll),
        role_names=ROLE_NAMES,
        until=until if until is not None and clock.now() < until else None,
        may_propose=_may_propose(),
        stands=decisions.stands(decision),
        alone=not decisions.second_person(poll.event_id, actor()),
        answer=answer,
        reason=reason,
        limits=(decisions.REASON_LIMIT, decisions.NOTE_LIMIT),
        errors=refused.by_field() if isinstance(refused, Invalid) else {},
        refused=refused,
    )


def _chosen_card(poll: Poll, decision: Decision) -> Card | None:
    number = decision.chosen.get("candidate")
    return _cards(poll, [number]).get(number) if number is not None else None
