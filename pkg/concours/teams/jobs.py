"""Work on rosters in the background. Each can run twice without harm: what a roster's status says is done is done."""

import logging

import sqlalchemy as sa
from rq import get_current_job

from concours.base import clock
from concours.base.db import reading, session
from concours.base.errors import DomainError
from concours.base.messages import msg
from concours.base.redis import client
from concours.base.storage import storage
from concours.events.models import Event
from concours.identity.models import Account
from concours.teams import imports, progress
from concours.teams.fates import Fate
from concours.teams.models import ImportStatus, RosterImport
from concours.teams.roster import read_roster

log = logging.getLogger(__name__)


def check_roster(import_id: int) -> None:
    """The dry run of an uploaded roster. Nobody is kept from writing while the file is read."""
    try:
        with reading():
            fates = _judged(import_id)
            session().rollback()
        if fates is None:
            return
        roster = _in_status(import_id, ImportStatus.READING)
        if roster is not None:
            imports.keep(roster, fates, lambda share: _note(import_id, 60 + 39 * share))
        session().commit()
        _note(import_id, 100)
    except DomainError as refusal:
        session().rollback()
        roster = _in_status(import_id, ImportStatus.READING)
        if roster is not None:
            imports.fail(roster, refusal.message, refusal.hint)
        session().commit()
    except Exception:
        _give_up_at_the_last_try(import_id, ImportStatus.READING)
        raise


def apply_roster(import_id: int) -> None:
    """Applies a confirmed roster in one transaction."""
    try:
        roster = _in_status(import_id, ImportStatus.APPLYING)
        if roster is None:
            session().rollback()
            return
        event = session().get_one(Event, roster.event_id)
        _note(import_id, 1)
        imports.apply(roster, event, now=clock.now(), step=lambda share: _note(import_id, 1 + 98 * share))
        session().commit()
        _note(import_id, 100)
    except Exception:
        _give_up_at_the_last_try(import_id, ImportStatus.APPLYING)
        raise


def _judged(import_id: int) -> list[Fate] | None:
    roster = session().get(RosterImport, import_id)
    if roster is None or roster.status != ImportStatus.READING:
        return None
    _note(import_id, 2)
    lines = read_roster(storage().read(roster.storage_name))
    _note(import_id, 40)
    event = session().get_one(Event, roster.event_id)
    uploader = session().get_one(Account, roster.actor_id)
    return imports.check(event, lines, uploader, lambda share: _note(import_id, 40 + 20 * share))


def _in_status(import_id: int, status: ImportStatus) -> RosterImport | None:
    return session().scalar(
        sa.select(RosterImport)
        .where(RosterImport.id == import_id, RosterImport.status == status)
        .with_for_update(of=RosterImport)
        .execution_options(populate_existing=True)
    )


def _give_up_at_the_last_try(import_id: int, status: ImportStatus) -> None:
    """The queue tries again by itself; after the last time the page must not wait for ever."""
    session().rollback()
    job = get_current_job()
    if job is None or job.retries_left:
        return
    log.exception("roster %s could not be worked on", import_id)
    roster = _in_status(import_id, status)
    if roster is not None:
        imports.fail(
            roster,
            msg("Something went wrong on our side; nothing was changed."),
            msg("The fault has been noted. Please upload the file again."),
        )
    session().commit()


def _note(import_id: int, percent: float) -> None:
    progress.note(client(), import_id, percent)
