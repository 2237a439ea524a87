"""What a poll tells: its standings, where a receipt's vote stands, its rules, and what this voter did."""

from datetime import datetime

from flask import Response, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from concours.base import clock
from concours.base.db import session
from concours.base.errors import Closed
from concours.events.context import current_event
from concours.identity.access import PUBLIC, allow, my_roles, signed_in
from concours.identity.addresses import whole
from concours.identity.models import Role
from concours.voting import polls, shown, standing
from concours.voting.amendments import voided
from concours.voting.booth import booth
from concours.voting.ladder import ways
from concours.voting.pages import history
from concours.voting.pages.public import bp, conditional, left_of, showcase
from concours.voting.rules import DELAYED, Rules, in_words
from concours.voting.tally import Standings

STANDINGS_PAGE = 60


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
    return conditional(make_response(page))


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
    left = left_of(found)
    given = [int(number) for number in (left or {}).get("today", {})]
    cards = showcase().cards(found, event, given, clock.now())
    return render_template("voting/mine.html", event=event, poll=found, left=left, cards=list(cards.values()))
