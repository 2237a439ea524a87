"""What everybody can read of the decisions about a poll's votes: which, why, and where counts are shown, the change."""

from datetime import datetime

from flask import Blueprint, current_app, render_template, request

from concours.base import clock
from concours.base.db import session
from concours.events.context import current_event
from concours.identity.access import PUBLIC, allow
from concours.voting import polls
from concours.voting.amendments import decisions, voided
from concours.voting.log import closing
from concours.voting.models import Poll
from concours.voting.pages.cards import Showcase

bp = Blueprint(
    "voting_judged", __name__, url_prefix="/events/<event_slug>/polls/<poll_slug>", template_folder="templates"
)


@bp.get("/decisions")
@allow(PUBLIC)
def index(poll_slug: str) -> str:
    """The recorded decisions, the newest first."""
    event, now = current_event(), clock.now()
    poll = polls.published_poll(event, poll_slug)
    found = decisions.decisions_of(poll, recorded_only=True, before=request.args.get("before", type=int))
    shown = found[: decisions.PAGE]
    counts = _counts_are_told(poll, now)
    numbers = {int(candidate) for decision in shown for candidate in decision.standings} if counts else set()
    showcase: Showcase = current_app.extensions["concours_showcase"]
    return render_template(
        "voting/judged.html",
        poll=poll,
        state=polls.state_at(poll, now),
        decisions=shown,
        cards=showcase.cards(poll, event, sorted(numbers), now),
        counts=counts,
        told={d.number: {int(candidate): pair for candidate, pair in d.standings.items()} for d in shown},
        closings=voided.closings(session().connection(), poll.id),
        leaves=voided.leaves_of(session().connection(), [decision.id for decision in shown]),
        next_before=shown[-1].number if len(found) > len(shown) else None,
        first=request.args.get("before") is None,
    )


def _counts_are_told(poll: Poll, now: datetime) -> bool:
    """Whether everybody may see counts: live ones while the poll is open, final ones when it is closed."""
    if now >= poll.closes_at:
        return bool(closing.settled(session(), [poll.id]))
    return bool(poll.rules.get("shown", "live") == "live")
