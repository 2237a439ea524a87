"""The organiser's page of a poll's log: how far it is signed, its keys and witnesses, and what the close waits for."""

import sqlalchemy as sa
from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from concours import audit
from concours.base import clock
from concours.base.db import session
from concours.base.errors import Conflict, Invalid
from concours.base.messages import msg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.identity.access import actor, allow, my_roles
from concours.identity.models import Role
from concours.voting import polls
from concours.voting.log import witnesses
from concours.voting.log.notes import COSIGNATURE, ED25519, Verifier
from concours.voting.models import LogKey, Poll, PollLog
from concours.voting.pages.cards import Showcase
from concours.voting.receipts import origin_of

bp = Blueprint(
    "voting_log_desk",
    __name__,
    url_prefix="/events/<event_slug>/voting/<int(max=9007199254740991):poll_id>/ledger",
    template_folder="templates",
)


@bp.get("")
@allow(Role.ORGANISER, Role.AUDITOR)
def show(poll_id: int) -> str:
    """The log as it stands."""
    return _page(polls.poll_of(current_event(), poll_id))


@bp.post("/witnesses")
@allow(Role.ORGANISER)
def add_witness(poll_id: int) -> Response | tuple[str, int]:
    """Takes a witness' cosignatures from now on."""
    poll = polls.poll_of(current_event(), poll_id)
    try:
        witness = witnesses.add(poll, request.form.get("key", ""), actor=actor(), now=clock.now())
    except (Invalid, Conflict) as refused:
        session().rollback()
        return _page(polls.poll_of(current_event(), poll_id), request.form.get("key", "")[:400], refused), 422
    session().commit()
    notify(msg("The signatures of “%(name)s” are taken from now on.", name=witness.name))
    return _back(poll_id)


@bp.post("/rotate")
@allow(Role.ORGANISER)
def rotate(poll_id: int) -> Response:
    """Asks the keeper for a new key."""
    poll = polls.poll_of(current_event(), poll_id)
    log = session().get(PollLog, poll.id)
    if log is None or log.closed_at is not None:
        raise Conflict(msg("Only a log that is being kept gets a new key."), code="log_not_open")
    log.rotate = True
    audit.record(actor(), "voting.rotate_log_key", poll, now=clock.now(), event_id=poll.event_id)
    session().commit()
    notify(msg("The log gets a new key within seconds; the old one signs it."))
    return _back(poll_id)


def _back(poll_id: int) -> Response:
    return redirect(url_for("voting_log_desk.show", poll_id=poll_id), 303)


def _page(poll: Poll, typed: str = "", refused: Invalid | Conflict | None = None) -> str:
    now, origin = clock.now(), origin_of(poll.slug)
    log = session().get(PollLog, poll.id)
    held = session().scalars(sa.select(LogKey).where(LogKey.poll_id == poll.id).order_by(LogKey.number.desc())).all()
    trouble = log.trouble if log else []
    showcase: Showcase = current_app.extensions["concours_showcase"]
    named = [line["candidate"] for line in trouble if "candidate" in line]
    return render_template(
        "voting/ledger.html",
        poll=poll,
        state=polls.state_at(poll, now),
        log=log,
        trouble=trouble,
        cards=showcase.cards(poll, current_event(), named, now) if named else {},
        keys=[(key, str(Verifier(origin, ED25519, key.public))) for key in held],
        witnesses=[(w, str(Verifier(w.name, COSIGNATURE, w.public))) for w in witnesses.witnesses_of(poll)],
        typed=typed,
        refused=refused,
        may_change=Role.ORGANISER in my_roles() or actor().is_admin,
    )
