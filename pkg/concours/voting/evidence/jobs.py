"""Looking through a poll's votes in the background. It can run twice without harm: a run that is finished is left
alone."""

import logging

import sqlalchemy as sa
from rq import get_current_job

from concours.base import clock
from concours.base.db import db, reading, session
from concours.voting.booth import booth
from concours.voting.evidence import runs
from concours.voting.evidence.models import WAITING, EvidenceRun

log = logging.getLogger(__name__)


def look_through(run_id: int) -> None:
    """Reads and scores without a lock; only keeping what was found writes."""
    try:
        run = _waiting(run_id)
        poll_id = run.poll_id if run is not None else None
        session().rollback()
        if poll_id is None:
            return
        with reading(), db.engine.connect() as connection:
            found = runs.look(connection, poll_id, booth().client)
        run = _waiting(run_id)
        if run is not None:
            runs.keep(run, found, now=clock.now())
        session().commit()
    except Exception:
        _give_up_at_the_last_try(run_id)
        raise


def _waiting(run_id: int) -> EvidenceRun | None:
    return session().scalar(
        sa.select(EvidenceRun)
        .where(EvidenceRun.id == run_id, EvidenceRun.status == WAITING)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _give_up_at_the_last_try(run_id: int) -> None:
    session().rollback()
    job = get_current_job()
    if job is None or job.retries_left:
        return
    log.exception("the votes could not be looked through (run %s)", run_id)
    run = _waiting(run_id)
    if run is not None:
        runs.fail(run, now=clock.now())
    session().commit()
