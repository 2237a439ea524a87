"""The organiser's pages: polls of the event, their rules and candidates, and what happens while they are open."""

from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from redis.exceptions import RedisError
from werkzeug.wrappers import Response

from concours.base import clock
from concours.base.db import session
from concours.base.errors import Conflict, Invalid
from concours.base.messages import msg, nmsg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.events.models import PhaseKind
from concours.events.phases import phase_of
from concours.identity.access import actor, allow, my_roles
from concours.identity.departments import everything
from concours.identity.models import Role
from concours.voting import candidates, entrance, polls, reconciliation
from concours.voting.booth import announce, booth
from concours.voting.ladder import form as ladder_form
from concours.voting.ladder import senders, ways
from concours.voting.models import Poll
from concours.voting.pages import exposure, history, poll_form
from concours.voting.pages.cards import Showcase
from concours.voting.pages.figures import figures
from concours.voting.rules import LIVE, Rules, in_words

bp = Blueprint("voting_desk", __name__, url_prefix="/events/<event_slug>/voting", template_folder="../templates")

NUMBER = "<int(max=9007199254740991):poll_id>"
CANDIDATES_PAGE = 60


def _may_change() -> bool:
    return Role.ORGANISER in my_roles() or actor().is_admin


def _poll(poll_id: int) -> Poll:
    return polls.poll_of(current_event(), poll_id)


def _to_overview(poll: Poll) -> Response:
    return redirect(url_for("voting_desk.overview", poll_id=poll.id), 303)


@bp.get("")
@allow(Role.ORGANISER, Role.AUDITOR)
def index() -> str:
    """All polls of the event."""
    now = clock.now()
    found = polls.polls_of(current_event(), published_only=False)
    counts = polls.recorded_in(found)
    shown = [(poll, polls.state_at(poll, now), counts.get(poll.id, 0)) for poll in found]
    return render_template("voting/desk.html", polls=shown, may_change=_may_change())


@bp.route("/new", methods=["GET", "POST"])
@allow(Role.ORGANISER)
def new() -> Response | str | tuple[str, int]:
    """A new poll."""
    event = current_event()
    if request.method == "GET":
        phase = phase_of(event, PhaseKind.VOTING)
        typed: dict[str, Any] = {
            "way_device": "1",
            "challenge": ways.ON_EVIDENCE,
            **Rules(network_per_minute=120).kept(),
        }
        if phase is not None:
            whole = phase.opens_at.replace(second=0, microsecond=0)
            typed |= {"opens_at": whole, "closes_at": phase.closes_at.replace(second=0, microsecond=0)}
        return _form(None, typed)
    try:
        draft = poll_form.read(request.form, event.zone, _departments())
        poll = polls.create(
            event, draft, actor=actor(), now=clock.now(), poll_key_secret=current_app.config["POLL_KEY_SECRET"]
        )
    except (Invalid, Conflict) as refused:
        session().rollback()
        return _form(None, request.form.to_dict(), refused), 422
    session().commit()
    notify(msg("The poll “%(title)s” is made. Now add its candidates.", title=poll.title))
    return _to_overview(poll)


@bp.get(f"/{NUMBER}")
@allow(Role.ORGANISER, Role.AUDITOR)
def overview(poll_id: int) -> str:
    """One poll: figures, rules, candidates."""
    event, poll, now = current_event(), _poll(poll_id), clock.now()
    showcase: Showcase = current_app.extensions["concours_showcase"]
    standing = showcase.field_of(poll)
    after = request.args.get("after", type=int)
    order = tuple(standing.places)
    begin = order.index(after) + 1 if after in order else 0
    ids = order[begin : begin + CANDIDATES_PAGE]
    cards = showcase.cards(poll, event, ids, now)
    return render_template(
        "voting/overview.html",
        poll=poll,
        state=polls.state_at(poll, now),
        recorded=polls.recorded(poll),
        figures=_figures(poll),
        rules=in_words(Rules.read(poll.rules), ways.of_poll(poll)),
        candidates=[(i, cards.get(i), standing.places[i]) for i in ids],
        votes=polls.tallied(poll, ids),
        exposed=exposure.of_candidates(booth().client, poll.id, ids),
        counts_public=now >= poll.closes_at or Rules.read(poll.rules).shown == LIVE,
        running=len(standing.running),
        count=len(order),
        next_after=ids[-1] if begin + CANDIDATES_PAGE < len(order) else None,
        after=after,
        sources=candidates.sources(event) if _may_change() else (),
        may_change=_may_change(),
        was_public=polls.was_public(poll),
    )


@bp.get(f"/{NUMBER}/figures")
@allow(Role.ORGANISER, Role.AUDITOR)
def live(poll_id: int) -> str:
    """The figures alone, for the page that refreshes them."""
    poll = _poll(poll_id)
    return render_template("voting/_figures.html", poll=poll, recorded=polls.recorded(poll), figures=_figures(poll))


def _figures(poll: Poll) -> Any:
    try:
        return figures(booth().client, poll.id)
    except RedisError:
        return None


@bp.route(f"/{NUMBER}/edit", methods=["GET", "POST"])
@allow(Role.ORGANISER)
def edit(poll_id: int) -> Response | str | tuple[str, int]:
    """The poll's words, times and rules."""
    poll = _poll(poll_id)
    if request.method == "GET":
        return _form(poll, poll_form.typed_of(poll))
    try:
        draft = poll_form.read(_typed(poll), poll.zone, _departments())
        seen = request.form.get("version", type=int) or 0
        polls.edit(poll, draft, version=seen, actor=actor(), now=clock.now())
    except (Invalid, Conflict) as refused:
        session().rollback()
        poll = _poll(poll_id)
        return _form(poll, {**_typed(poll), "version": poll.version}, refused), 422
    session().commit()
    announce(poll.id)
    notify(msg("The poll is changed, from now on."))
    return _to_overview(poll)


def _typed(poll: Poll) -> dict[str, Any]:
    """What was typed; once votes are recorded the ways are the poll's, which the form shows and does not send."""
    given: dict[str, Any] = request.form.to_dict()
    if polls.has_votes(poll):
        kept = ladder_form.typed_of(ways.read(poll.ways), given.get("challenge", ways.NEVER))
        given |= {name: str(value) for name, value in kept.items()}  # as a browser would send it
    return given


@bp.post("/new/preview")
@allow(Role.ORGANISER)
def preview_new() -> str:
    """The rules of the form as voters would read them; the whole form again for browsers without script."""
    return _previewed(None, request.form.to_dict())


@bp.post(f"/{NUMBER}/preview")
@allow(Role.ORGANISER)
def preview(poll_id: int) -> str:
    """Likewise, with what would change."""
    poll = _poll(poll_id)
    return _previewed(poll, _typed(poll))


def _previewed(poll: Poll | None, typed: dict[str, Any]) -> str:
    rules, problems = poll_form.read_rules(typed)
    doors, challenge, wrong = ladder_form.read(typed, _departments())
    said = in_words(rules, ways.in_words(doors, challenge))
    shown: dict[str, Any] = {"rules": said, "problems": bool(problems or wrong)}
    if poll is not None:
        shown["gone"], shown["come"] = history.difference(in_words(Rules.read(poll.rules), ways.of_poll(poll)), said)
        shown["is_open"] = poll.published and polls.state_at(poll, clock.now()) == "open"
    if request.headers.get("HX-Request"):
        return render_template("voting/_rules_preview.html", preview=shown)
    return _form(poll, typed, preview=shown)


def _departments() -> frozenset[int]:
    return frozenset(department.id for department in everything())


def _form(
    poll: Poll | None,
    typed: dict[str, Any],
    refused: Invalid | Conflict | None = None,
    preview: dict[str, Any] | None = None,
) -> str:
    return render_template(
        "voting/form.html",
        poll=poll,
        typed=typed,
        errors=refused.by_field() if isinstance(refused, Invalid) else {},
        refused=refused,
        preview=preview,
        labels=poll_form.LABELS,
        shown=poll_form.SHOWN,
        ladder=ladder_form,
        provider=entrance.provider(),
        trying_out=current_app.config["SMS_SENDER"] == senders.CONSOLE,
        departments=everything(),
        zone=poll.zone if poll is not None else current_event().zone,
        ways_fixed=poll is not None and polls.has_votes(poll),
    )


@bp.post(f"/{NUMBER}/publish")
@allow(Role.ORGANISER)
def publish(poll_id: int) -> Response:
    """Opens the poll's pages to all."""
    poll = _poll(poll_id)
    polls.publish(poll, current_event(), actor=actor(), now=clock.now())
    session().commit()
    notify(msg("The poll is published. Votes are taken while it is open."))
    return _to_overview(poll)


@bp.post(f"/{NUMBER}/unpublish")
@allow(Role.ORGANISER)
def unpublish(poll_id: int) -> Response:
    """Takes the poll back before its first vote."""
    poll = _poll(poll_id)
    polls.unpublish(poll, actor=actor(), now=clock.now())
    session().commit()
    announce(poll.id)
    notify(msg("The poll is taken back; only organisers see it now."))
    return _to_overview(poll)


@bp.post(f"/{NUMBER}/discard")
@allow(Role.ORGANISER)
def discard(poll_id: int) -> Response:
    """Removes a poll that was never public."""
    poll = _poll(poll_id)
    title = poll.title
    polls.discard(poll, actor=actor(), now=clock.now())
    session().commit()
    notify(msg("The poll “%(title)s” is deleted.", title=title))
    return redirect(url_for("voting_desk.index"), 303)


@bp.post(f"/{NUMBER}/candidates")
@allow(Role.ORGANISER)
def add_candidates(poll_id: int) -> Response:
    """Puts up a group."""
    poll = _poll(poll_id)
    count = candidates.add(poll, current_event(), request.form.get("group", ""), actor=actor(), now=clock.now())
    session().commit()
    announce(poll.id)
    if count:
        notify(nmsg("%(count)s candidate was added.", "%(count)s candidates were added.", count))
    else:
        notify(msg("All of them stand already."), "info")
    return _to_overview(poll)


@bp.post(f"/{NUMBER}/candidates/<int(max=9007199254740991):candidate_id>/withdraw")
@allow(Role.ORGANISER)
def withdraw(poll_id: int, candidate_id: int) -> Response:
    """Takes a candidate out of the running."""
    poll = _poll(poll_id)
    candidates.withdraw(poll, candidate_id, actor=actor(), now=clock.now())
    session().commit()
    announce(poll.id)
    notify(msg("The candidate takes no more votes; those it has stay in the ledger."))
    return _to_overview(poll)


@bp.post(f"/{NUMBER}/candidates/<int(max=9007199254740991):candidate_id>/reinstate")
@allow(Role.ORGANISER)
def reinstate(poll_id: int, candidate_id: int) -> Response:
    """Lets a candidate take votes again."""
    poll = _poll(poll_id)
    candidates.reinstate(poll, candidate_id, actor=actor(), now=clock.now())
    session().commit()
    announce(poll.id)
    notify(msg("The candidate takes votes again."))
    return _to_overview(poll)


@bp.get(f"/{NUMBER}/reconciliation")
@allow(Role.ORGANISER, Role.AUDITOR)
def reconcile(poll_id: int) -> str:
    """Receipts, ledger and Redis side by side."""
    event, poll = current_event(), _poll(poll_id)
    found = reconciliation.reconcile(booth(), poll.id)
    showcase: Showcase = current_app.extensions["concours_showcase"]
    cards = showcase.cards(poll, event, [line.candidate for line in found.lines], clock.now())
    return render_template("voting/reconciliation.html", poll=poll, found=found, cards=cards)
