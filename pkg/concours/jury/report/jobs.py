"""Computing a report in the background. It can run twice without harm: a report that is there is left alone."""

import logging

from rq import get_current_job

from concours.base import clock
from concours.base.db import session
from concours.jury.analysis.fairness import report
from concours.jury.models import RoundReport
from concours.jury.report import runs
from concours.jury.report.kept import kept
from concours.jury.selection import CannotSelect

log = logging.getLogger(__name__)


def compute(report_id: int) -> None:
    """Reads, computes without a transaction, keeps."""
    try:
        waiting = runs.input_of(report_id)
        session().rollback()
        if waiting is None:
            return
        _, given = waiting
        problem, content = "", None
        try:
            content = kept(report(given.given, given.known, given.rule, metric=given.metric, seed=given.seed))
        except CannotSelect:
            problem = runs.IMPOSSIBLE
        runs.keep(report_id, given.digest, content, problem, now=clock.now())
        session().commit()
    except Exception:
        _give_up_at_the_last_try(report_id)
        raise


def _give_up_at_the_last_try(report_id: int) -> None:
    session().rollback()
    job = get_current_job()
    if job is None or job.retries_left:
        return
    log.exception("the report %s could not be computed", report_id)
    row = session().get(RoundReport, report_id, with_for_update=True)
    if row is not None and row.content is None:
        row.problem = runs.FAILED
    session().commit()
