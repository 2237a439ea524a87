"""The page where a voter pastes a receipt and reads what it proves and what it does not."""

import importlib.util

from flask import Blueprint, make_response, render_template, request, send_file
from werkzeug.wrappers import Response

from concours.base import clock
from concours.base.errors import Invalid, NotFound
from concours.base.messages import msg
from concours.events.context import current_event
from concours.identity.access import PUBLIC, allow
from concours.identity.addresses import whole
from concours.voting import polls
from concours.voting.booth import booth
from concours.voting.log import checking
from concours.voting.log.checking import Checked
from concours.voting.models import Poll
from concours.voting.pages.public import showcase

bp = Blueprint(
    "voting_check", __name__, url_prefix="/events/<event_slug>/polls/<poll_slug>", template_folder="templates"
)


@bp.get("/check")
@allow(PUBLIC)
def form(poll_slug: str) -> Response:
    """The empty form."""
    return _page(polls.published_poll(current_event(), poll_slug), "")


@bp.post("/check")
@allow(PUBLIC)
def check(poll_slug: str) -> Response:
    """What the pasted receipt proves. By POST, because tag and nonce must not stand in an address."""
    poll = polls.published_poll(current_event(), poll_slug)
    typed = request.form.get("receipt", "")
    try:
        given = checking.read(typed)
        return _page(poll, typed, checking.check(booth(), booth().facts(poll.id), given))
    except (Invalid, NotFound) as refused:
        return _page(poll, typed[: checking.TEXT_LIMIT], refused=refused)


@bp.get("/check/concours_verify.py")
@allow(PUBLIC)
def program(poll_slug: str) -> Response:
    """The verifier's one file, as this site runs it; who trusts nobody compares it with the one of the project."""
    polls.published_poll(current_event(), poll_slug)
    found = importlib.util.find_spec("concours_verify")
    if found is None or found.origin is None:
        raise NotFound(msg("This installation comes without the program; the project's source has it."))
    return send_file(found.origin, "text/x-python", as_attachment=True, download_name="concours_verify.py", max_age=0)


def _page(
    poll: Poll, typed: str, checked: Checked | None = None, refused: Invalid | NotFound | None = None
) -> Response:
    number = checked.receipt["candidate"] if checked else None
    cards = showcase().cards(poll, current_event(), [number], clock.now()) if number is not None else {}
    page = render_template(
        "voting/check.html",
        poll=poll,
        typed=typed,
        checked=checked,
        refused=refused,
        card=cards.get(number) if number is not None else None,
        limit=checking.TEXT_LIMIT,
        log=whole("voting_log.checkpoint", poll_name=poll.slug).removesuffix("/checkpoint"),
        key=checking.current_key(booth(), poll.id),
    )
    response = make_response(page, 422 if refused else 200)
    response.headers["Cache-Control"] = "private, no-store"
    return response
