"""The organiser's page of a poll's invitation codes: batches, cards to print, a table, and taking codes back."""

from typing import Any

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from redis.exceptions import RedisError
from werkzeug.wrappers import Response

from concours.base import clock, typed
from concours.base.db import session
from concours.base.errors import Conflict, DomainError, FieldProblem, Invalid, NotFound
from concours.base.messages import msg, nmsg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.events.schedule import read_wall
from concours.identity.access import actor, allow, my_roles
from concours.identity.addresses import whole
from concours.identity.models import Role
from concours.voting import polls, refusals, secrets
from concours.voting.booth import announce, booth
from concours.voting.ladder import cards, codes, ways
from concours.voting.ladder.codes import BatchDraft
from concours.voting.ladder.ways import CODE
from concours.voting.models import Poll

bp = Blueprint(
    "voting_codes",
    __name__,
    url_prefix="/events/<event_slug>/voting/<int(max=9007199254740991):poll_id>",
    template_folder="templates",
)

BATCH = "<int(max=9007199254740991):batch_id>"
LABELS = {
    "name": msg("Group"),
    "count": msg("How many codes"),
    "weight": msg("Each vote counts"),
    "expires_at": msg("Can be entered until"),
    "code": msg("Invitation code"),
}


def _poll(poll_id: int) -> Poll:
    return polls.poll_of(current_event(), poll_id)


def _secret() -> str:
    return str(current_app.config["POLL_KEY_SECRET"])


def _key(poll: Poll) -> bytes:
    return secrets.unwrap_key(_secret(), poll.slug, poll.wrapped_key)


def _back(poll: Poll) -> Response:
    return redirect(url_for("voting_codes.show", poll_id=poll.id), 303)


@bp.get("/codes")
@allow(Role.ORGANISER, Role.AUDITOR)
def show(poll_id: int) -> str:
    """The batches with their counts."""
    return _page(_poll(poll_id), {})


@bp.post("/codes")
@allow(Role.ORGANISER)
def make(poll_id: int) -> Response | tuple[str, int]:
    """Makes a batch; its codes can be printed for an hour."""
    poll = _poll(poll_id)
    try:
        draft = _draft(poll)
        if CODE not in poll.ways:
            raise Conflict(
                msg("This poll does not take invitation codes."),
                hint=msg("Open that way in the poll's form first."),
                code="no_codes_here",
            )
        batch, seed = codes.make_batch(poll, draft, key=_key(poll), actor=actor(), now=clock.now())
        cards.keep(booth().client, poll, batch, seed, _secret())
    except (Invalid, Conflict) as refused:
        session().rollback()
        return _page(_poll(poll_id), request.form.to_dict(), refused), 422
    except RedisError:
        session().rollback()
        return _page(_poll(poll_id), request.form.to_dict(), refusals.redis_away()), 503
    session().commit()
    notify(
        nmsg(
            "%(count)s code is made. Print or download it within the hour; after that nobody can read it again.",
            "%(count)s codes are made. Print or download them within the hour; after that nobody can read them again.",
            batch.count,
        )
    )
    return _back(poll)


def _draft(poll: Poll) -> BatchDraft:
    form = request.form
    expires_at, problem = None, None
    if form.get("expires_at", "").strip():
        expires_at, problem = read_wall(form["expires_at"], poll.zone)
    if problem is not None:
        raise Invalid(problems=[FieldProblem("expires_at", problem)])
    return BatchDraft(typed.line(form.get("name", "")), _whole("count"), _whole("weight"), expires_at)


def _whole(name: str) -> int:
    text = request.form.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


@bp.get(f"/codes/{BATCH}/cards")
@allow(Role.ORGANISER)
def sheet(poll_id: int, batch_id: int) -> Response:
    """Cards to print, ten on an A4 page."""
    poll = _poll(poll_id)
    batch, seed = _open(poll, batch_id)
    part = request.args.get("part", 1, type=int)
    parts = cards.parts_of(batch)
    if not 1 <= part <= parts:
        raise NotFound(msg("There is no such part of the cards."))
    address = whole("voting_ladder.code", event_slug=current_event().slug, poll_slug=poll.slug)
    page = render_template(
        "voting/cards.html",
        poll=poll,
        batch=batch,
        sheets=list(cards.cards_of(seed, batch, part, address)),
        address=address,
        part=part,
        parts=parts,
    )
    return _private(make_response(page))


@bp.get(f"/codes/{BATCH}/table.csv")
@allow(Role.ORGANISER)
def table(poll_id: int, batch_id: int) -> Response:
    """The codes as CSV."""
    poll = _poll(poll_id)
    batch, seed = _open(poll, batch_id)
    address = whole("voting_ladder.code", event_slug=current_event().slug, poll_slug=poll.slug)
    headings = (gettext("Number"), gettext("Group"), gettext("Invitation code"), gettext("Address"))
    response = make_response(cards.table_of(seed, batch, address, headings))
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="codes-{poll.slug}-{batch.id}.csv"'
    return _private(response)


def _open(poll: Poll, batch_id: int) -> tuple[Any, bytes]:
    batch = codes.batch_of(poll, batch_id)
    seed = cards.seed_of(booth().client, poll, batch, _secret())
    if seed is None:
        raise NotFound(
            msg("These codes can no longer be read: only their seals are kept."),
            hint=msg("If the cards are lost, take this batch back and make another."),
        )
    return batch, seed


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp.post(f"/codes/{BATCH}/forget")
@allow(Role.ORGANISER)
def forget(poll_id: int, batch_id: int) -> Response:
    """The cards are printed: nobody reads the codes again."""
    poll = _poll(poll_id)
    cards.forget(booth().client, poll, codes.batch_of(poll, batch_id))
    notify(msg("These codes are forgotten here; they stay good for whoever holds them."))
    return _back(poll)


@bp.post(f"/codes/{BATCH}/revoke")
@allow(Role.ORGANISER)
def revoke(poll_id: int, batch_id: int) -> Response:
    """Takes back what was not used of a batch."""
    poll = _poll(poll_id)
    batch = codes.batch_of(poll, batch_id)
    codes.revoke_batch(poll, batch, actor=actor(), now=clock.now())
    session().commit()
    cards.forget(booth().client, poll, batch)
    notify(msg("The unused codes of “%(group)s” are taken back.", group=batch.name))
    return _back(poll)


@bp.post("/codes/revoke-one")
@allow(Role.ORGANISER)
def revoke_one(poll_id: int) -> Response | tuple[str, int]:
    """Takes one code back, as typed."""
    poll = _poll(poll_id)
    try:
        batch = codes.revoke_code(poll, request.form.get("code", ""), key=_key(poll), actor=actor(), now=clock.now())
    except (Invalid, Conflict, NotFound) as refused:
        session().rollback()
        return _page(_poll(poll_id), {"code": request.form.get("code", "")[:60]}, refused), 422
    session().commit()
    notify(msg("The code is taken back; it was one of “%(group)s”.", group=batch.name))
    return _back(poll)


@bp.post("/challenge")
@allow(Role.ORGANISER)
def ask(poll_id: int) -> Response:
    """Every newcomer solves a puzzle from now on, or no longer."""
    poll = _poll(poll_id)
    asked = request.form.get("asked") == "1"
    polls.ask_everybody(poll, asked, actor=actor(), now=clock.now())
    session().commit()
    announce(poll.id)
    notify(
        msg("From now on every newcomer's device solves a puzzle first.")
        if asked
        else msg("Newcomers solve a puzzle only where their network brings very many of them.")
    )
    return redirect(url_for("voting_desk.overview", poll_id=poll.id), 303)


def _page(poll: Poll, given: dict[str, Any], refused: DomainError | None = None) -> str:
    here = booth().client
    found = codes.batches_of(poll)
    try:
        readable = cards.readable(here, poll, found)
    except RedisError:
        readable = [False] * len(found)
    may_change = Role.ORGANISER in my_roles() or actor().is_admin
    way = ways.read(poll.ways).get(CODE)
    return render_template(
        "voting/codes.html",
        poll=poll,
        batches=list(zip(found, readable, strict=True)),
        typed={"weight": way.weight if way is not None else 1, **given},
        takes_codes=way is not None,
        errors=refused.by_field() if isinstance(refused, Invalid) else {},
        refused=refused,
        labels=LABELS,
        now=clock.now(),
        may_change=may_change,
    )
