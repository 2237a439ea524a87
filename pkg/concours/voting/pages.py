"""The public's pages: an event's polls, the gallery, a candidate, standings, receipts. They work without script."""

import secrets as random
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale
from redis.exceptions import RedisError
from werkzeug.wrappers import Response as AnyResponse

from concours.base import clock, typed
from concours.base.db import session
from concours.base.errors import Closed, Conflict, DomainError, Forbidden, NotFound, RateLimited
from concours.base.messages import Message, msg, nmsg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.identity.access import PUBLIC, NotSignedIn, allow, my_roles, signed_in
from concours.identity.addresses import whole
from concours.identity.models import Role
from concours.voting import doorway, entrance, exposure, history, polls, refusals, shown, standing
from concours.voting.amendments import voided
from concours.voting.booth import booth
from concours.voting.cast import Cast, cast
from concours.voting.gallery import Card, Showcase, neighbours, order_of, page_of, search
from concours.voting.ladder import ways
from concours.voting.log import closing
from concours.voting.models import Poll
from concours.voting.network import network_of
from concours.voting.rules import DELAYED, HIDDEN, Rules, in_words
from concours.voting.secrets import NONCE_BYTES
from concours.voting.tally import Standings

bp = Blueprint("voting", __name__, url_prefix="/events/<event_slug>/polls", template_folder="templates")

SEED_COOKIE = "concours_order"
SEED_LENGTH = 16
SEED_DAYS = 365
QUERY_LENGTH = 60
STANDINGS_PAGE = 60
NUMBER = "<int(max=9007199254740991):candidate_id>"
REFUSED_ON_THE_PAGE = (Closed, Conflict, Forbidden, RateLimited)


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


def _conditional(response: Response) -> AnyResponse:
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
    return response if is_new else _conditional(response)


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
        left=_left(found),
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


def _left(found: Poll) -> dict[str, Any] | None:
    """What the visitor has left today; None where that is not known (no voter yet, Redis away)."""
    try:
        facts = booth().facts(found.id)
        voter = entrance.known_voter(facts)
        return standing.of_voter(booth(), facts, voter) if voter is not None else None
    except DomainError:
        return None


@bp.post(f"/<poll_slug>/candidates/{NUMBER}/vote")
@allow(PUBLIC)
def vote(poll_slug: str, candidate_id: int) -> AnyResponse:
    """Votes by a form, for browsers without script: the same path as the API's."""
    event = current_event()
    found = polls.published_poll(event, poll_slug)
    here = url_for("voting.candidate", poll_slug=found.slug, candidate_id=candidate_id)
    came, facts = None, booth().facts(found.id)
    try:
        try:
            came = entrance.enter(facts)
        except RedisError as away:
            raise refusals.redis_away() from away
        network = network_of(request.remote_addr or "")
        session().commit()  # on SQLite the sequencer could not record it while this request has the write lock
        done = booth().run(
            cast(booth(), found.id, token=came.token, network=network, candidates=(candidate_id,), nonce=nonce_sent())
        )
        notify(counted(done), "success" if done.recorded else "info")
        answer = redirect(url_for("voting.receipt", poll_slug=found.slug, receipt_id=done.receipts[0]["id"]), 303)
    except NotSignedIn:
        return redirect(url_for("identity.sign_in", next=here), 303)
    except entrance.WayRequired:
        return redirect(url_for("voting_ladder.enter", poll_slug=found.slug), 303)
    except REFUSED_ON_THE_PAGE as refused:
        notify(refused.message, "warning")
        if refused.hint is not None:
            notify(refused.hint, "info")
        answer = redirect(here, 303)
    if came is not None:
        entrance.remember(answer, facts, came)
    return answer


def nonce_sent() -> bytes:
    """The nonce of the form, or a new one."""
    try:
        given = bytes.fromhex(request.form.get("nonce", ""))
    except ValueError:
        given = b""
    return given if len(given) == NONCE_BYTES else random.token_bytes(NONCE_BYTES)


def counted(done: Cast) -> Message:
    """What a voter is told of a vote that was taken."""
    if not done.recorded:
        return msg("Your vote is taken and will be recorded in a moment. This page says when it is.")
    if done.left_today is None:
        return msg("Your vote is counted.")
    return nmsg(
        "Your vote is counted. You have %(count)s vote left today.",
        "Your vote is counted. You have %(count)s votes left today.",
        done.left_today,
    )


@bp.get("/<poll_slug>/standings")
@allow(PUBLIC)
def standings(poll_slug: str) -> AnyResponse:
    """Who has how many votes."""
    event, now = current_event(), clock.now()
    found = polls.published_poll(event, poll_slug)
    facts, withheld, counts = booth().facts(found.id), None, Standings(0, {})
    try:
        counts = shown.standings(booth(), facts, now)
    except Closed as why:
        withheld = why
    settled = now >= found.closes_at and withheld is None
    amendments, void = polls.judged(found)
    field = showcase().field_of(found)
    ranked = [(i, counts.votes.get(i, 0)) for i in field.places if not field.places[i].withdrawn]
    ranked.sort(key=lambda pair: (-pair[1], pair[0]))
    after = request.args.get("after", type=int)
    begin = next((n for n, (i, _) in enumerate(ranked, start=1) if i == after), 0)
    listed = ranked[begin : begin + STANDINGS_PAGE] if withheld is None else []
    cards = showcase().cards(found, event, [i for i, _ in listed], now)
    places = _places(ranked)
    page = render_template(
        "voting/standings.html",
        event=event,
        poll=found,
        state=polls.state_at(found, now),
        rows=[(places[i], cards[i], votes) for i, votes in listed if i in cards],
        most=ranked[0][1] if ranked else 0,
        size=max(0, counts.size - amendments),
        delay=facts.rules.delay_minutes if facts.rules.shown == DELAYED and not settled else None,
        weighted=ways.weighted(ways.read(found.ways)) or sum(counts.votes.values()) > max(0, counts.size - amendments),
        withheld=withheld,
        voided=void,
        settled=settled,
        corrected=voided.closings(session().connection(), found.id)[1:] if settled else [],
        after=after,
        next_after=listed[-1][0] if listed and begin + STANDINGS_PAGE < len(ranked) else None,
    )
    return _conditional(make_response(page))


def _places(ranked: list[tuple[int, int]]) -> dict[int, int]:
    """The place of each: who has as many votes shares it, and the next one counts on."""
    found: dict[int, int] = {}
    place, last = 0, -1
    for number, (i, votes) in enumerate(ranked, start=1):
        if votes != last:
            place, last = number, votes
        found[i] = place
    return found


@bp.get("/<poll_slug>/receipts/<receipt_id>")
@allow(PUBLIC)
def receipt(poll_slug: str, receipt_id: str) -> Response:
    """Where the vote of a receipt stands, and what that proves."""
    event, now = current_event(), clock.now()
    found = polls.published_poll(event, poll_slug)
    told = standing.of_receipt(booth(), booth().facts(found.id), receipt_id)
    number = told["candidate"]
    cards = showcase().cards(found, event, [number], now) if number is not None else {}
    page = render_template(
        "voting/receipt.html",
        event=event,
        poll=found,
        receipt=told,
        card=cards.get(number) if number is not None else None,
        recorded_at=datetime.fromisoformat(told["recorded_at"]) if told["recorded_at"] else None,
        judged_at=[datetime.fromisoformat(decision["recorded_at"]) for decision in told.get("decisions", ())],
        address=whole("voting.receipt", poll_slug=found.slug, receipt_id=receipt_id),
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@bp.get("/<poll_slug>/rules")
@allow(PUBLIC)
def rules(poll_slug: str) -> str:
    """The rules in plain words, and how they changed since the poll was published."""
    found, visitor = polls.published_poll(current_event(), poll_slug), signed_in()
    return render_template(
        "voting/rules.html",
        event=current_event(),
        poll=found,
        state=polls.state_at(found, clock.now()),
        rules=in_words(Rules.read(found.rules), ways.of_poll(found)),
        changes=history.changes(found),
        by_whom=bool(my_roles() & {Role.ORGANISER, Role.AUDITOR}) or (visitor is not None and visitor.is_admin),
    )


@bp.get("/<poll_slug>/mine")
@allow(PUBLIC)
def mine(poll_slug: str) -> str:
    """The receipts that this browser keeps, and what the voter has left today."""
    event = current_event()
    found = polls.published_poll(event, poll_slug)
    left = _left(found)
    given = [int(number) for number in (left or {}).get("today", {})]
    cards = showcase().cards(found, event, given, clock.now())
    return render_template("voting/mine.html", event=event, poll=found, left=left, cards=list(cards.values()))
