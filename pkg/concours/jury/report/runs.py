"""Asking for a report and keeping it. One for each state of the marks: asked twice, it is the same one."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict
from concours.base.messages import msg
from concours.events.models import Event
from concours.identity.models import Account
from concours.jury.lookup import hold, require
from concours.jury.models import Round, RoundReport, RoundStatus
from concours.jury.report.reading import KINDS, Input, read

WAITS = timedelta(minutes=15)
"""A report that was asked for longer ago and is not there is taken for lost, and can be asked for again."""

KEPT = 5
"""Reports of a round that are kept, the newest."""

FAILED = "failed"
IMPOSSIBLE = "impossible"


def ask(event: Event, round_id: int, *, actor: Account, now: datetime) -> RoundReport | None:
    """Asks for the report of the marks as they are; None where it is there or on its way. Raises Conflict."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.CLOSED, RoundStatus.SELECTED)
    if found.kind not in KINDS:
        raise Conflict(
            msg("This report is for rounds of Yes or No and of points."),
            hint=msg("Rankings, pairs and discussions have no marks that stand for themselves."),
            code="no_report",
        )
    given = read(found)
    if not given.given:
        raise Conflict(msg("Nothing was marked in this round: there is nothing to report."), code="no_marks")
    row = report_of(found, given.digest)
    if row is not None and (row.content is not None or (not row.problem and now - row.asked_at < WAITS)):
        return None
    if row is None:
        row = RoundReport(round_id=found.id, digest=given.digest)
        session().add(row)
    row.asked_at, row.problem = now, ""
    session().flush()
    audit.record(actor, "jury.ask_report", found, now=now, event_id=event.id, digest=given.digest)
    return row


def report_of(found: Round, digest: str) -> RoundReport | None:
    """The report of the round for this state of its marks, if one was asked for."""
    return session().scalar(
        sa.select(RoundReport).where(RoundReport.round_id == found.id, RoundReport.digest == digest)
    )


def last_of(found: Round) -> RoundReport | None:
    """The newest report of the round that is there."""
    return session().scalar(
        sa.select(RoundReport)
        .where(RoundReport.round_id == found.id, RoundReport.made_at.is_not(None), RoundReport.problem == "")
        .order_by(RoundReport.made_at.desc(), RoundReport.id.desc())
        .limit(1)
    )


def input_of(report_id: int) -> tuple[RoundReport, Input] | None:
    """A report that waits, with what it is to be computed from; None where it waits no more."""
    row = session().get(RoundReport, report_id)
    if row is None or row.content is not None:
        return None
    found = session().get_one(Round, row.round_id)
    if found.status not in {RoundStatus.CLOSED, RoundStatus.SELECTED}:
        return None
    return row, read(found)


def keep(report_id: int, digest: str, content: dict[str, object] | None, problem: str, *, now: datetime) -> None:
    """Keeps what was computed from the input of this digest. Where the marks have changed since the report was asked
    for, it is kept under the digest that it is true of. Old ones go."""
    row = session().get(RoundReport, report_id, with_for_update=True)
    if row is None or row.content is not None:
        return
    if row.digest != digest:
        other = session().scalar(
            sa.select(RoundReport).where(RoundReport.round_id == row.round_id, RoundReport.digest == digest)
        )
        if other is not None:
            session().delete(row)
            session().flush()
            row = other
        row.digest = digest
    row.content, row.problem, row.made_at = content, problem, now
    session().flush()
    old = (
        sa.select(RoundReport.id)
        .where(RoundReport.round_id == row.round_id)
        .order_by(RoundReport.id.desc())
        .offset(KEPT)
    )
    session().execute(sa.delete(RoundReport).where(RoundReport.id.in_(list(session().scalars(old)))))
