"""What is done with a poll that is closed: the auditor's sealed bundle, and the end of its key."""

from flask import Blueprint, Response, redirect, render_template, request, url_for
from redis.exceptions import RedisError
from werkzeug.wrappers import Response as AnyResponse

from concours import audit
from concours.base import clock
from concours.base.db import db, session
from concours.base.errors import Conflict, Invalid
from concours.base.messages import msg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.identity.access import actor, allow, my_roles
from concours.identity.models import Role
from concours.voting import polls
from concours.voting.amendments import bundle, key, sealing
from concours.voting.booth import announce, booth
from concours.voting.log import closing
from concours.voting.models import Poll

bp = Blueprint(
    "voting_closed",
    __name__,
    url_prefix="/events/<event_slug>/voting/<int(max=9007199254740991):poll_id>/closed",
    template_folder="templates",
)

RECIPIENT_LIMIT = 100  # characters


@bp.get("")
@allow(Role.ORGANISER, Role.AUDITOR)
def show(poll_id: int) -> str:
    """What can be done now, and what follows from it."""
    return _page(polls.poll_of(current_event(), poll_id))


@bp.post("/bundle")
@allow(Role.AUDITOR)
def take_bundle(poll_id: int) -> AnyResponse | tuple[str, int]:
    """The bundle, sealed to the auditor's key, as it is read: never as a whole in memory."""
    poll = polls.poll_of(current_event(), poll_id)
    typed = request.form.get("recipient", "")[:RECIPIENT_LIMIT]
    try:
        recipient = sealing.read_recipient(typed)
        head = bundle.head_of(session().connection(), poll, clock.now())
    except (Invalid, Conflict) as refused:
        session().rollback()
        return _page(polls.poll_of(current_event(), poll_id), recipient=typed, refused=refused), 422
    audit.record(actor(), "voting.seal_bundle", poll, now=clock.now(), event_id=poll.event_id, recipient=typed.strip())
    slug = poll.slug
    session().commit()
    response = Response(sealing.seal(recipient, bundle.lines(db.engine, head)), mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{slug}-bundle.age"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@bp.post("/key")
@allow(Role.ORGANISER)
def destroy_key(poll_id: int) -> AnyResponse | tuple[str, int]:
    """Destroys the key, once its consequences were read and the poll's short name was typed."""
    poll = polls.poll_of(current_event(), poll_id)
    typed = request.form.get("typed", "")[:RECIPIENT_LIMIT]
    try:
        key.destroy(poll, typed=typed, actor=actor(), now=clock.now())
    except (Invalid, Conflict) as refused:
        session().rollback()
        return _page(polls.poll_of(current_event(), poll_id), typed=typed, refused=refused), 422
    session().commit()
    announce(poll_id)
    try:
        key.forget(booth().client, poll_id)
    except RedisError:
        notify(msg("Redis is away: it forgets the voters when it is loaded anew."), "warning")
    if not key.scrub(db.engine):
        notify(
            msg("The database was busy: what it has overwritten may stay in its file until it is told to VACUUM."),
            "warning",
        )
    notify(msg("The key is destroyed. Nobody can tell any more which votes an account or a device gave."))
    return redirect(url_for("voting_closed.show", poll_id=poll_id), 303)


def _page(poll: Poll, *, recipient: str = "", typed: str = "", refused: Invalid | Conflict | None = None) -> str:
    roles = my_roles()
    return render_template(
        "voting/closed.html",
        poll=poll,
        settled=bool(closing.settled(session(), [poll.id])),
        auditor=Role.AUDITOR in roles or actor().is_admin,
        organiser=Role.ORGANISER in roles or actor().is_admin,
        sure="sure" in request.args or bool(typed),
        recipient=recipient,
        typed=typed,
        limit=RECIPIENT_LIMIT,
        refused=refused,
        errors=refused.by_field() if isinstance(refused, Invalid) else {},
    )
