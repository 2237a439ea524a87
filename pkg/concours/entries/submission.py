"""Submitting an entry, taking it back, bringing it back again."""

from datetime import datetime

from concours import audit
from concours.base.errors import Conflict, FieldProblem, Invalid
from concours.base.messages import msg
from concours.entries import register
from concours.entries.authors import require_author
from concours.entries.drafts import cannot_change, changed_elsewhere
from concours.entries.files import files_problems
from concours.entries.history import note
from concours.entries.limits import places_problems
from concours.entries.models import Entry, EntryStatus, StepKind
from concours.entries.times import DRAFTING, STANDING, require_submission, require_submittable, require_withdrawable
from concours.entries.words import as_typed, current_statement, read_words
from concours.events.models import Event
from concours.identity.models import Account


def problems_of(entry: Entry, event: Event) -> list[FieldProblem]:
    """Everything that keeps `entry` from being submitted, at once: its words, files, statement and place.

    The fields are those of the form, `files`, and `limits` where others of the author or department are in the way.
    """
    _, problems = read_words(entry.category, current_statement(event.id), as_typed(entry), complete=True)
    problems += [FieldProblem("files", problem) for problem in files_problems(entry)]
    problems += [FieldProblem("limits", problem) for problem in places_problems(entry, event, entry.category)]
    return problems


def submit(entry: Entry, event: Event, *, actor: Account, now: datetime, version: int | None = None) -> None:
    """Submits a draft or a returned entry; the first time it gets its public number. Submitting twice is no error.

    Raises Closed out of the phase, Invalid with all problems, Conflict where the form was of another `version` or
    the status does not allow it.
    """
    held = register.hold(event.id)
    register.lock(entry)
    if entry.status in STANDING and version in {None, entry.version}:
        return
    if version is not None and version != entry.version:
        raise changed_elsewhere()
    if entry.status not in DRAFTING:
        raise cannot_change(entry)
    require_submittable(event, now, entry)
    if entry.team_id is None:
        require_author(entry.author, event)
    problems = problems_of(entry, event)
    if problems:
        raise Invalid(msg("Not submitted yet: a few things are missing."), problems=problems, code="incomplete")
    register.give_number(entry, held)
    register.move(entry, EntryStatus.SUBMITTED)
    entry.submitted_at = now
    entry.changed_at = now
    note(entry, StepKind.SUBMITTED, actor=actor, now=now)
    audit.record(actor, "entries.submit", entry, now=now, event_id=event.id, number=entry.number)


def withdraw(entry: Entry, event: Event, *, actor: Account, now: datetime) -> None:
    """Takes `entry` back (a draft is discarded); its place is free again, its number stays its own.

    Raises Closed once submission is over and judges or voters have begun, Conflict where there is nothing to take back.
    """
    register.hold(event.id)
    register.lock(entry)
    require_withdrawable(event, entry, now)
    before = entry.status
    register.move(entry, EntryStatus.WITHDRAWN)
    entry.changed_at = now
    note(entry, StepKind.WITHDRAWN, actor=actor, now=now)
    audit.record(actor, "entries.withdraw", entry, now=now, event_id=event.id, before=str(before))


def reopen(entry: Entry, event: Event, *, actor: Account, now: datetime) -> None:
    """Brings a withdrawn entry back as a draft, while submission is open.

    Raises Closed out of the phase, Conflict where it is not withdrawn.
    """
    register.hold(event.id)
    register.lock(entry)
    if entry.status != EntryStatus.WITHDRAWN:
        raise Conflict(msg("This entry is not withdrawn."), code="not_withdrawn")
    require_submission(event, now)
    register.move(entry, EntryStatus.DRAFT)
    entry.changed_at = now
    note(entry, StepKind.REOPENED, actor=actor, now=now)
    audit.record(actor, "entries.reopen", entry, now=now, event_id=event.id)
