"""Ballots of several choices as pages: marking them, sending them together, and the receipts of all of them.

They work without script: what is marked travels with the form while one looks for more.
"""

import secrets as random

from flask import make_response, redirect, render_template, request, url_for
from redis.exceptions import RedisError
from werkzeug.wrappers import Response as AnyResponse

from concours.base import clock, typed
from concours.base.db import session
from concours.base.errors import DomainError, Invalid
from concours.base.notices import notify
from concours.events.context import current_event
from concours.identity.access import PUBLIC, NotSignedIn, allow
from concours.voting import entrance, polls, refusals, standing
from concours.voting.booth import booth
from concours.voting.cast import cast
from concours.voting.models import Poll
from concours.voting.network import network_of
from concours.voting.pages import doorway
from concours.voting.pages.by_form import REFUSED_ON_THE_PAGE, counted, nonce_sent
from concours.voting.pages.cards import order_of, page_of, search
from concours.voting.pages.public import (
    QUERY_LENGTH,
    bp,
    seed_of_visitor,
    showcase,
    with_seed,
)
from concours.voting.rules import MOST_PICKS, Rules
from concours.voting.secrets import NONCE_BYTES

NUMBER_DIGITS = 16


@bp.route("/<poll_slug>/ballot", methods=["GET", "POST"])
@allow(PUBLIC)
def ballot(poll_slug: str) -> AnyResponse:
    """Several choices, marked and sent together; the same path as the API's."""
    found = polls.published_poll(current_event(), poll_slug)
    typed_in = request.args if request.method == "GET" else request.form
    numbers = typed_in.getlist("candidate")[: MOST_PICKS + 1]
    given = dict.fromkeys(int(n) for n in numbers if n.isascii() and n.isdigit() and len(n) < NUMBER_DIGITS)
    if request.method == "GET" or request.form.get("go"):
        return _ballot(found, tuple(given), None)
    came, facts, chosen = None, booth().facts(found.id), tuple(sorted(given))
    try:
        if not chosen:
            raise refusals.refusal("wrong_picks", [0], facts)
        try:
            came = entrance.enter(facts)
        except RedisError as away:
            raise refusals.redis_away() from away
        network = network_of(request.remote_addr or "")
        session().commit()  # on SQLite the sequencer could not record it while this request has the write lock
        done = booth().run(
            cast(booth(), found.id, token=came.token, network=network, candidates=chosen, nonce=nonce_sent())
        )
    except NotSignedIn:
        here = url_for("voting.ballot", poll_slug=found.slug, candidate=chosen)
        return redirect(url_for("identity.sign_in", next=here), 303)
    except entrance.WayRequired:
        return redirect(url_for("voting_ladder.enter", poll_slug=found.slug), 303)
    except (*REFUSED_ON_THE_PAGE, Invalid) as refused:
        shown_again = _ballot(polls.published_poll(current_event(), poll_slug), tuple(given), refused)
        if came is not None:
            entrance.remember(shown_again, facts, came)
        return shown_again
    notify(counted(done), "success" if done.recorded else "info")
    ids = [receipt["id"] for receipt in done.receipts]
    answer = redirect(url_for("voting.receipts", poll_slug=found.slug, id=ids), 303)
    entrance.remember(answer, facts, came)
    return answer


def _ballot(found: Poll, chosen: tuple[int, ...], refused: DomainError | None) -> AnyResponse:
    """What is chosen stands first, then one page of the others."""
    event, now = current_event(), clock.now()
    seed, is_new = seed_of_visitor()
    order = order_of(showcase().field_of(found).running, seed)
    query = typed.line((request.args if request.method == "GET" else request.form).get("q", ""))[:QUERY_LENGTH]
    if query:
        hits = set(search(found, query))
        order = tuple(i for i in order if i in hits)
    go = request.form.get("go", "")
    after = int(go) if go.isascii() and go.isdigit() and len(go) < NUMBER_DIGITS else None
    ids, next_after = page_of(order, after)
    running = set(showcase().field_of(found).running)
    cards = showcase().cards(found, event, [i for i in chosen if i in running] + list(ids), now)
    page = render_template(
        "voting/ballot.html",
        event=event,
        poll=found,
        state=polls.state_at(found, now),
        limits=Rules.read(found.rules),
        chosen=[cards[i] for i in chosen if i in cards],
        others=[cards[i] for i in ids if i in cards and i not in chosen],
        refused=refused,
        query=query,
        after=after,
        next_after=next_after,
        nonce=random.token_hex(NONCE_BYTES),
        door=doorway.of_poll(found),
    )
    response = make_response(page, 200 if refused is None else 422)
    response.headers["Cache-Control"] = "private, no-store"
    return with_seed(response, seed, is_new)


@bp.get("/<poll_slug>/receipts")
@allow(PUBLIC)
def receipts(poll_slug: str) -> AnyResponse:
    """The receipts of all choices of one ballot (`?id=…&id=…`)."""
    event, now = current_event(), clock.now()
    found = polls.published_poll(event, poll_slug)
    told = standing.of_ballot(booth(), booth().facts(found.id), request.args.getlist("id"))
    cards = showcase().cards(found, event, [each["candidate"] for each in told if each["candidate"] is not None], now)
    waiting = [each["id"] for each in told if each["status"] == "provisional"]
    page = render_template(
        "voting/receipts.html",
        event=event,
        poll=found,
        receipts=[(each, cards.get(each["candidate"])) for each in told],
        waiting=waiting[0] if waiting else "",
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "private, no-store"
    return response
