"""Where voters come in: the page of all ways, of a code, of a number; and to the identity provider and back again.

Everything works without script but the puzzle. A code stands in no address that a server sees: the link of a card has
it behind the #, a script moves it into the form; without script it is typed.
"""

from typing import Any

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask import session as browser
from redis.exceptions import RedisError
from werkzeug.wrappers import Response

from concours.base import clock
from concours.base.db import session
from concours.base.errors import Closed, DomainError, Forbidden, Invalid, NotFound, RateLimited, Unavailable
from concours.base.messages import msg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.events.models import Event
from concours.identity.access import PUBLIC, allow
from concours.identity.addresses import whole
from concours.voting import entrance, polls, refusals, voters
from concours.voting.booth import booth
from concours.voting.ladder import senders
from concours.voting.ladder.provider import Begun
from concours.voting.ladder.ways import CODE, PHONE
from concours.voting.models import Poll
from concours.voting.pages import doorway
from concours.voting.rules import Facts

bp = Blueprint(
    "voting_ladder", __name__, url_prefix="/events/<event_slug>/polls/<poll_slug>", template_folder="templates"
)
back_bp = Blueprint("voting_back", __name__, url_prefix="/voting")

SHOWN_AGAIN = (Invalid, Forbidden, RateLimited, Closed, Unavailable)
BEGUN = "voting_sign_in"


def _poll(poll_slug: str) -> tuple[Poll, Facts]:
    found = polls.published_poll(current_event(), poll_slug)
    return found, booth().facts(found.id)


def _page(template: str, found: Poll, status: int = 200, **more: Any) -> Response:
    page = render_template(
        f"voting/{template}.html",
        event=current_event(),
        poll=found,
        state=polls.state_at(found, clock.now()),
        door=doorway.of_poll(found),
        **more,
    )
    response = make_response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _into(found: Poll, facts: Facts, came: entrance.Came) -> Response:
    """To the gallery, as the voter who came in."""
    notify(msg("Welcome. Now choose whom you vote for."), "success")
    answer = redirect(url_for("voting.poll", poll_slug=found.slug), 303)
    entrance.remember(answer, facts, came)
    return answer


@bp.get("/enter")
@allow(PUBLIC)
def enter(poll_slug: str) -> Response:
    """The ways in, side by side."""
    found, _ = _poll(poll_slug)
    return _page("enter", found)


@bp.route("/code", methods=["GET", "POST"])
@allow(PUBLIC)
def code(poll_slug: str) -> Response:
    """Enters an invitation code."""
    found, facts = _poll(poll_slug)
    if CODE not in facts.ways:
        raise NotFound(msg("This poll has no invitation codes."))
    if request.method == "GET":
        return _page("code", found)
    typed = request.form.get("code", "")
    try:
        came = entrance.by_code(facts, typed)
        session().commit()
        return _into(found, facts, came)
    except SHOWN_AGAIN as refused:
        session().rollback()
        return _refused("code", poll_slug, refused, code=typed[:60])
    except RedisError:
        return _refused("code", poll_slug, refusals.redis_away(), code=typed[:60])


@bp.route("/phone", methods=["GET", "POST"])
@allow(PUBLIC)
def phone(poll_slug: str) -> Response:
    """Confirms a mobile number: the number first, then the digits that were sent to it."""
    found, facts = _poll(poll_slug)
    if PHONE not in facts.ways:
        raise NotFound(msg("This poll takes no mobile numbers."))
    shown: dict[str, Any] = {
        "puzzle": voters.asks_everybody(facts),
        "trying_out": current_app.config["SMS_SENDER"] == senders.CONSOLE,
    }
    if request.method == "GET":
        return _page("phone", found, **shown)
    typed, password = request.form.get("phone", ""), request.form.get("password", "")
    shown |= {"phone": typed[:60], "sent": request.form.get("sent") == "1"}
    try:
        if shown["sent"] and request.form.get("again") != "1":
            return _into(found, facts, entrance.by_phone(facts, typed, password))
        number, sent = entrance.send_password(facts, typed, request.form.get("challenge", ""))
        page = _page("phone", found, **{**shown, "phone": number, "sent": True, "fresh": sent})
        entrance.keep_handle(page, facts, sent)
        return page
    except SHOWN_AGAIN as refused:
        return _refused("phone", poll_slug, refused, **shown)
    except RedisError:
        return _refused("phone", poll_slug, refusals.redis_away(), **shown)


def _refused(template: str, poll_slug: str, refused: DomainError, **shown: Any) -> Response:
    status = 422 if isinstance(refused, Invalid) else 429 if isinstance(refused, RateLimited) else 403
    errors = refused.by_field() if isinstance(refused, Invalid) else {}
    found = polls.published_poll(current_event(), poll_slug)
    response = _page(
        template, found, 503 if isinstance(refused, Unavailable) else status, refused=refused, errors=errors, **shown
    )
    if refused.retry_after is not None:
        response.headers["Retry-After"] = str(refused.retry_after)
    return response


@bp.post("/leave")
@allow(PUBLIC)
def leave(poll_slug: str) -> Response:
    """Lets this browser choose its way anew; votes that were counted stand."""
    found, _ = _poll(poll_slug)
    answer = redirect(url_for("voting.poll", poll_slug=found.slug), 303)
    entrance.forget(answer, found.id)
    return answer


@bp.get("/sign-in")
@allow(PUBLIC)
def sign_in(poll_slug: str) -> Response:
    """To the identity provider."""
    found, facts = _poll(poll_slug)
    provider = entrance.provider()
    if provider is None or "oidc" not in facts.ways:
        raise NotFound(msg("This poll knows no sign-in elsewhere."))
    where, begun = provider.begin(found.id, whole("voting_back.signed_in"))
    browser[BEGUN] = begun.kept()
    answer = redirect(where, 303)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@back_bp.get("/signed-in")
@allow(PUBLIC)
def signed_in() -> Response:
    """Back from the identity provider."""
    begun = Begun.read(browser.pop(BEGUN, None))
    provider = entrance.provider()
    if begun is None or provider is None:
        raise NotFound(
            msg("No sign-in was begun in this browser."), hint=msg("Begin again on the page of the poll, please.")
        )
    facts = booth().facts(begun.poll_id)
    found = session().get(Poll, begun.poll_id)
    if found is None:
        raise refusals.no_such_poll()
    event = session().get_one(Event, found.event_id)
    try:
        came = entrance.by_person(facts, provider.finish(request.args, begun, whole("voting_back.signed_in")))
    except (Forbidden, Closed, Unavailable) as refused:
        notify(refused.message, "warning")
        if refused.hint is not None:
            notify(refused.hint, "info")
        return redirect(url_for("voting.poll", event_slug=event.slug, poll_slug=found.slug), 303)
    notify(msg("Welcome. Now choose whom you vote for."), "success")
    answer = redirect(url_for("voting.poll", event_slug=event.slug, poll_slug=found.slug), 303)
    entrance.remember(answer, facts, came)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
