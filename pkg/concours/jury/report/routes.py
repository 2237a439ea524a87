"""The page of a round's fairness report, for organisers and auditors."""

from flask import Blueprint, current_app, render_template, url_for
from redis.exceptions import RedisError
from werkzeug.wrappers import Response

from concours.base import clock
from concours.base.db import session
from concours.base.messages import msg
from concours.base.notices import notify
from concours.base.queue import enqueue
from concours.events.context import current_event
from concours.identity.access import actor, allow
from concours.identity.models import Role
from concours.jury.lookup import find_round, require
from concours.jury.models import RoundStatus
from concours.jury.pages import ROUND, onward
from concours.jury.protocol import named_entries
from concours.jury.report import runs, shown
from concours.jury.report.jobs import compute
from concours.jury.report.reading import KINDS, read

bp = Blueprint("jury_report", __name__, url_prefix="/events/<event_slug>/jury/rounds", template_folder="../templates")

LISTED = 60
"""Entries in doubt that the page names."""

CHANGES = 12
"""Entries named of what one judge's absence would change, each way."""


@bp.get(f"/{ROUND}/report")
@allow(Role.ORGANISER, Role.AUDITOR)
def show(round_id: int) -> str:
    """The newest report, and whether the marks are still those it was made from."""
    event = current_event()
    found = find_round(event.id, round_id)
    require(found, RoundStatus.CLOSED, RoundStatus.SELECTED)
    fits = found.kind in KINDS
    given = read(found) if fits else None
    newest = runs.last_of(found) if fits else None
    asked = runs.report_of(found, given.digest) if given is not None else None
    content = newest.content if newest is not None else None
    named = set()
    if content is not None:
        named = {one["entry"] for one in content["in_doubt"][:LISTED]}
        named |= {entry for one in content["without"] for entry in (*one["enters"][:CHANGES], *one["leaves"][:CHANGES])}
    judges = shown.judges(content) if content is not None else []
    waiting = asked is not None and asked.made_at is None and not asked.problem
    return render_template(
        "jury/report.html",
        event=event,
        round=found,
        fits=fits,
        marks=len(given.given) if given is not None else 0,
        newest=newest,
        content=content,
        problem=asked.problem if asked is not None else "",
        waiting=waiting and clock.now() - asked.asked_at < runs.WAITS if asked is not None else False,
        stale=newest is not None and given is not None and newest.digest != given.digest,
        said=shown.in_short(content) if content is not None else [],
        judges=judges,
        curve=shown.curve(content) if content is not None else None,
        in_doubt=shown.chance_bars(content, LISTED) if content is not None else [],
        named=named_entries(named),
        changes=CHANGES,
        names={line.figures["judge"]: line.name for line in judges},
    )


@bp.post(f"/{ROUND}/report")
@allow(Role.ORGANISER, Role.AUDITOR)
def ask(round_id: int) -> Response:
    """Has the report computed in the background."""
    row = runs.ask(current_event(), round_id, actor=actor(), now=clock.now())
    session().commit()
    if row is not None:
        try:
            enqueue(compute, row.id)
        except RedisError as away:
            current_app.logger.warning("report %s waits: %s", row.id, away)
            row.problem = runs.FAILED
            session().commit()
        else:
            notify(msg("The report is being computed. It is here in some seconds."), "info")
    return onward(url_for("jury_report.show", round_id=round_id))
