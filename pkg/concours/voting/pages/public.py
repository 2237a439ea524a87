"""The public's pages: an event's polls, the gallery, a candidate. They work without script."""

import secrets as random
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale
from werkzeug.wrappers import Response as AnyResponse

from concours.base import clock, typed
from concours.base.db import session
from concours.base.errors import DomainError, NotFound
from concours.base.messages import msg
from concours.events.context import current_event
from concours.identity.access import PUBLIC, allow
from concours.voting import entrance, polls, shown, standing
from concours.voting.booth import booth
from concours.voting.ladder import ways
from concours.voting.log import closing
from concours.voting.models import Poll
from concours.voting.pages import doorway, exposure
from concours.voting.pages.cards import Card, Showcase, neighbours, order_of, page_of, search
from concours.voting.rules import HIDDEN, Rules, in_words
from concours.voting.secrets import NONCE_BYTES

bp = Blueprint("voting", __name__, url_prefix="/events/<event_slug>/polls", template_folder="../templates")

SEED_COOKIE = "concours_order"
SEED_LENGTH = 16
SEED_DAYS = 365
QUERY_LENGTH = 60
NUMBER = "<int(max=9007199254740991):candidate_id>"


def showcase() -> Showcase:
    """The application's memory of candidates."""
    found: Showcase = current_app.extensions["concours_showcase"]
    return found


def seed_of_visitor() -> tuple[str, bool]:
    """What the visitor's own order is made of, and whether it is new."""
    given = request.cookies.get(SEED_COOKIE, "")
    if given.isascii() and given.isalnum() and len(given) <= 2 * SEED_LENGTH:
        return given, False
    return random.token_hex(SEED_LENGTH // 2), True


def with_seed(response: Response, seed: str, is_new: bool) -> Response:
    """Lets the browser keep a new seed."""
    if is_new:
        response.set_cookie(
            SEED_COOKIE,
            seed,
            max_age=SEED_DAYS * 24 * 3600,
            secure=current_app.config["SECURE_COOKIES"],
            httponly=True,
            samesite="Lax",
        )
    return response


def conditional(response: Response) -> AnyResponse:
    """Gives the page an ETag; a visitor who has it already gets 304."""
    response.add_etag()
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Cookie, Accept-Language"
    return response.make_conditional(request)


@bp.get("")
@allow(PUBLIC)
def gallery() -> AnyResponse | str:
    """The polls of the event; where there is but one, its gallery."""
    event, now = current_event(), clock.now()
    found = polls.polls_of(event, published_only=True)
    if len(found) == 1:
        return redirect(url_for("voting.poll", poll_slug=found[0].slug))
    return render_template("voting/polls.html", event=event, polls=[(p, polls.state_at(p, now)) for p in found])


@bp.get("/<poll_slug>")
@allow(PUBLIC)
def poll(poll_slug: str) -> AnyResponse:
    """The gallery of candidates, in an order of the visitor's own."""
    event, now = current_event(), clock.now()
    found = polls.published_poll(event, poll_slug)
    field = showcase().field_of(found)
    seed, is_new = seed_of_visitor()
    order = order_of(field.running, seed)
    query = typed.line(request.args.get("q", ""))[:QUERY_LENGTH]
    category = request.args.get("category", type=int)
    if category is not None:
        order = tuple(i for i in order if field.places[i].category_id == category)
    if query:
        hits = set(search(found, query))
        order = tuple(i for i in order if i in hits)
    ids, next_after = page_of(order, request.args.get("after", type=int))
    cards = showcase().cards(found, event, ids, now)
    categories = {place.category_id for place in field.places.values() if not place.withdrawn}
    page = render_template(
        "voting/poll.html",
        event=event,
        poll=found,
        state=polls.state_at(found, now),
        rules=in_words(Rules.read(found.rules), ways.of_poll(found)),
        cards=list(cards.values()),
        drawn=_drawn,
        counts_shown=_counts_shown(found, now),
        limits=Rules.read(found.rules),
        several=Rules.read(found.rules).max_picks > 1,
        count=len(field.running),
        hits=len(order),
        next_after=next_after,
        after=request.args.get("after", type=int),
        query=query,
        category=category,
        categories=[c for c in event.categories if c.id in categories] if len(categories) > 1 else [],
        door=doorway.of_poll(found),
    )
    if polls.state_at(found, now) == "open":
        exposure.count(booth().client, found.id, cards)
    response = with_seed(make_response(page), seed, is_new)
    return response if is_new else conditional(response)


def _drawn(card: Card, state: str, lazy: bool, counted: bool, several: bool, caller: Callable[[], str]) -> str:
    """For the template: what it draws of a card between `call` and `endcall`, or what it drew of it before."""
    return showcase().drawn(card, (str(get_locale()), state, lazy, counted, several), caller)


@bp.get(f"/<poll_slug>/candidates/{NUMBER}")
@allow(PUBLIC)
def candidate(poll_slug: str, candidate_id: int) -> Response:
    """One candidate, large, with the button that votes."""
    event, now = current_event(), clock.now()
    found = polls.published_poll(event, poll_slug)
    card, withdrawn = _card(found, candidate_id, now)
    seed, is_new = seed_of_visitor()
    before, behind = neighbours(order_of(showcase().field_of(found).running, seed), candidate_id)
    page = render_template(
        "voting/candidate.html",
        event=event,
        poll=found,
        state=polls.state_at(found, now),
        card=card,
        withdrawn=withdrawn,
        before=before,
        behind=behind,
        nonce=random.token_hex(NONCE_BYTES),
        rules=in_words(Rules.read(found.rules), ways.of_poll(found)),
        votes=_votes(found).get(candidate_id),
        limits=Rules.read(found.rules),
        several=Rules.read(found.rules).max_picks > 1,
        door=doorway.of_poll(found),
        left=left_of(found),
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "private, no-store"
    return with_seed(response, seed, is_new)


def _card(found: Poll, candidate_id: int, now: datetime) -> tuple[Card, bool]:
    place = showcase().field_of(found).places.get(candidate_id)
    card = showcase().cards(found, current_event(), [candidate_id], now).get(candidate_id)
    if place is None or card is None:
        raise NotFound(msg("There is no such candidate in this poll."))
    return card, place.withdrawn


def _votes(found: Poll) -> dict[int, int]:
    """Votes per candidate as everybody may see them; nothing where they are not shown, or Redis is away."""
    try:
        return shown.standings(booth(), booth().facts(found.id), clock.now()).votes
    except DomainError:
        return {}


def _counts_shown(found: Poll, now: datetime) -> bool:
    """Whether the gallery may ask for counts: not while they are hidden, nor while a close is being made."""
    if now < found.closes_at:
        return Rules.read(found.rules).shown != HIDDEN
    return bool(closing.settled(session(), [found.id]))


def left_of(found: Poll) -> dict[str, Any] | None:
    """What the visitor has left today; None where that is not known (no voter yet, Redis away)."""
    try:
        facts = booth().facts(found.id)
        voter = entrance.known_voter(facts)
        return standing.of_voter(booth(), facts, voter) if voter is not None else None
    except DomainError:
        return None
