"""A vote by a form, for browsers without script: the same path as the API's."""

import secrets as random

from flask import redirect, request, url_for
from redis.exceptions import RedisError
from werkzeug.wrappers import Response as AnyResponse

from concours.base.db import session
from concours.base.errors import Closed, Conflict, Forbidden, RateLimited
from concours.base.messages import Message, msg, nmsg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.identity.access import PUBLIC, NotSignedIn, allow
from concours.voting import entrance, polls, refusals
from concours.voting.booth import booth
from concours.voting.cast import Cast, cast
from concours.voting.network import network_of
from concours.voting.pages.public import NUMBER, bp
from concours.voting.secrets import NONCE_BYTES

REFUSED_ON_THE_PAGE = (Closed, Conflict, Forbidden, RateLimited)


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
