"""The pages on which people judge the evidence: what was found in a poll's votes, group by group."""

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from concours.base import clock
from concours.base.db import session
from concours.base.errors import Conflict, Invalid
from concours.base.messages import msg
from concours.base.notices import kept, notify
from concours.base.queue import enqueue
from concours.events.context import current_event
from concours.identity.access import actor, allow, my_roles
from concours.identity.models import Role
from concours.voting import polls
from concours.voting.amendments import decisions
from concours.voting.amendments.models import VOID, VoidedVote
from concours.voting.evidence import plots, runs, words
from concours.voting.evidence.jobs import look_through
from concours.voting.evidence.models import WAITING, EvidenceGroup
from concours.voting.evidence.reading import admitted_ms
from concours.voting.models import Poll, Vote
from concours.voting.pages.cards import Card, Showcase
from concours.voting.rules import moment_of

bp = Blueprint(
    "voting_evidence",
    __name__,
    url_prefix="/events/<event_slug>/voting/<int(max=9007199254740991):poll_id>/evidence",
    template_folder="templates",
)

GROUP = "<int(max=9007199254740991):group_id>"
VOTES_PAGE = 30
LARGEST = 2**53 - 1
QUEUE = "bulk"


def _poll(poll_id: int) -> Poll:
    return polls.poll_of(current_event(), poll_id)


def _may_change() -> bool:
    return Role.ORGANISER in my_roles() or actor().is_admin


def _number(text: str) -> int:
    number = int(text)
    if not 0 < number <= LARGEST:
        raise ValueError
    return number


def _cards(poll: Poll, wanted: list[int]) -> dict[int, Card]:
    showcase: Showcase = current_app.extensions["concours_showcase"]
    return showcase.cards(poll, current_event(), list(dict.fromkeys(wanted)), clock.now()) if wanted else {}


@bp.get("")
@allow(Role.ORGANISER, Role.AUDITOR)
def index(poll_id: int) -> str:
    """What the last look found: the plots, and the groups."""
    poll = _poll(poll_id)
    run, newest = runs.last_run(poll), runs.last_run(poll, done=False)
    wanted = runs.Wanted(
        strong="strong" in request.args,
        new="new" in request.args,
        candidate=request.args.get("candidate", type=_number),
        kind=request.args.get("kind", "") if request.args.get("kind") in words.KINDS else "",
    )
    after = max(0, request.args.get("after", 0, type=int) or 0)
    found, more = runs.groups_of(run, wanted, after=min(after, runs.GROUPS)) if run is not None else ([], False)
    figures = run.figures if run is not None else {}
    order = [int(number) for number in figures.get("order", [])]
    places = figures.get("places", [])
    cards = _cards(poll, [*order, *(g.candidate_id for g in found), *(p["candidate"] for p in places)])
    pace = figures.get("pace")
    return render_template(
        "voting/evidence.html",
        poll=poll,
        run=run,
        waiting=newest is not None and newest.status == WAITING,
        failed=newest is not None and newest.status == "failed",
        groups=[(group, words.sentences(group), words.place_of(group)) for group in found],
        wanted=wanted,
        kinds=words.KINDS,
        cards=cards,
        pace=[(number, plots.over_time(pace, str(number))) for number in order] if pace else [],
        whole=plots.over_time(pace, "all") if pace else None,
        intervals=plots.intervals(figures["intervals"]) if figures.get("intervals") else None,
        origins=places,
        next_after=found[-1].number if more else None,
        after=after,
        may_change=_may_change(),
        percent=words.percent,
        duration=words.duration,
    )


@bp.post("")
@allow(Role.ORGANISER, Role.AUDITOR)
def ask(poll_id: int) -> Response:
    """Has the votes looked through in the background."""
    poll = _poll(poll_id)
    run = runs.ask(poll, actor=actor(), now=clock.now())
    session().commit()
    enqueue(look_through, run.id, queue=QUEUE)
    notify(msg("The votes are being looked through. This page shows what was found in about a minute."))
    return redirect(url_for("voting_evidence.index", poll_id=poll_id), 303)


@bp.get(f"/{GROUP}")
@allow(Role.ORGANISER, Role.AUDITOR)
def show(poll_id: int, group_id: int) -> str:
    """One group: its evidence, its plots, its votes."""
    poll = _poll(poll_id)
    return _page(poll, runs.group_of(poll, group_id))


@bp.post(f"/{GROUP}/dismiss")
@allow(Role.ORGANISER, Role.AUDITOR)
def dismiss(poll_id: int, group_id: int) -> Response | tuple[str, int]:
    """Looked at: not suspicious."""
    poll = _poll(poll_id)
    note = request.form.get("note", "")
    try:
        runs.dismiss(runs.group_of(poll, group_id), poll, note, actor=actor(), now=clock.now())
    except Invalid as refused:
        session().rollback()
        return _page(poll, runs.group_of(poll, group_id), note=note[:2_000], refused=refused), 422
    session().commit()
    notify(msg("Noted: looked at, not suspicious. Nothing changes about the votes."))
    return _back(poll_id, group_id)


@bp.post(f"/{GROUP}/take-up")
@allow(Role.ORGANISER, Role.AUDITOR)
def take_up(poll_id: int, group_id: int) -> Response:
    """Opens the group again."""
    poll = _poll(poll_id)
    runs.take_up(runs.group_of(poll, group_id), poll, actor=actor(), now=clock.now())
    session().commit()
    return _back(poll_id, group_id)


@bp.post(f"/{GROUP}/propose")
@allow(Role.ORGANISER)
def propose(poll_id: int, group_id: int) -> Response | tuple[str, int]:
    """Proposes to void the group's votes; another person decides."""
    poll = _poll(poll_id)
    group = runs.group_of(poll, group_id)
    reason = request.form.get("reason", "")
    evidence = {"group": group.id, "number": group.number, "said": [kept(said) for said in words.sentences(group)]}
    try:
        decision = decisions.propose(
            poll, runs.leaves_of(group), VOID, reason, evidence, actor(), clock.now(),
            chosen={"by": "evidence", "group": group.id, "number": group.number},
        )  # fmt: skip
    except (Invalid, Conflict) as refused:
        session().rollback()
        return _page(poll, runs.group_of(poll, group_id), reason=reason[:2_000], refused=refused), 422
    session().commit()
    notify(msg("Proposed. Another person of the event confirms or declines it."))
    return redirect(url_for("voting_decisions.show", poll_id=poll_id, number=decision.number), 303)


def _back(poll_id: int, group_id: int) -> Response:
    return redirect(url_for("voting_evidence.show", poll_id=poll_id, group_id=group_id), 303)


def _page(poll: Poll, group: EvidenceGroup, **typed: Any) -> str:
    after = request.args.get("after", -1, type=int)
    after = -1 if after is None else max(-1, min(after, 2**62))
    leaves = runs.leaves_of(group, after=after, count=VOTES_PAGE + 1)
    shown = leaves[:VOTES_PAGE]
    votes = session().execute(
        sa.select(Vote.leaf, Vote.candidate_id, Vote.tag, Vote.network, Vote.journal_id, Vote.ordinal, VoidedVote.leaf)
        .outerjoin(VoidedVote, sa.and_(VoidedVote.poll_id == Vote.poll_id, VoidedVote.leaf == Vote.leaf))
        .where(Vote.poll_id == poll.id, Vote.leaf.in_(shown))
        .order_by(Vote.leaf)
    )
    rows = votes.all()
    refused: Invalid | Conflict | None = typed.get("refused")
    return render_template(
        "voting/evidence_group.html",
        poll=poll,
        group=group,
        said=words.sentences(group),
        place=words.place_of(group),
        kinds=[words.KINDS[k] for k in group.kinds.strip(",").split(",") if k in words.KINDS],
        cards=_cards(poll, [group.candidate_id, *(row.candidate_id for row in rows)]),
        pace=plots.over_time(group.facts["pace"], "all", "group"),
        intervals=plots.intervals(group.facts["intervals"]),
        origins=group.facts["places"],
        votes=[(row, moment_of(admitted_ms(row.journal_id))) for row in rows],
        next_after=shown[-1] if len(leaves) > VOTES_PAGE else None,
        first=after < 0,
        percent=words.percent,
        duration=words.duration,
        may_propose=_may_change(),
        errors=refused.by_field() if isinstance(refused, Invalid) else {},
        refused=refused,
        note=typed.get("note", ""),
        reason=typed.get("reason", ""),
    )
