"""A roster's way in: started, checked (the dry run), confirmed, applied as a whole or not at all, dismissed.

The dry run keeps every line with its fate. Applying judges the same lines again, of the event as it is then: where a
single fate has changed nothing is applied, and the page shows the new fates.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict, Forbidden, NotFound, RateLimited
from concours.base.messages import Message, msg
from concours.base.notices import kept
from concours.events.models import Event
from concours.identity.models import Account
from concours.teams import scope
from concours.teams.enrol import AT_ONCE, enrol, insert
from concours.teams.fates import Fate, counts, judge, rank_of, staff_number_of
from concours.teams.models import ImportStatus, RosterImport, RosterRow
from concours.teams.roster import Line
from concours.teams.world import snapshot

RUNNING_LIMIT = 5  # imports of one person being read or applied
STALE_AFTER = timedelta(seconds=60)  # a job that has said nothing for so long may be started again
SHOWN = 200  # characters of a cell that are kept
RUNNING = (ImportStatus.READING, ImportStatus.APPLYING)
Step = Callable[[float], None]


def start(event: Event, *, actor: Account, now: datetime, filename: str, storage_name: str, size: int) -> RosterImport:
    """Takes a stored file in; the dry run is a job. Raises Closed, Forbidden, or RateLimited at five running ones."""
    require_may_start(event, actor=actor, now=now)
    roster = RosterImport(
        event_id=event.id,
        actor_id=actor.id,
        filename=filename[-255:] or "roster",
        storage_name=storage_name,
        size=size,
        status=ImportStatus.READING,
        created_at=now,
        started_at=now,
    )
    session().add(roster)
    audit.record(actor, "teams.upload_roster", roster, now=now, event_id=event.id, filename=roster.filename, size=size)
    return roster


def require_may_start(event: Event, *, actor: Account, now: datetime) -> None:
    """Raises what `start` would, before the file is stored."""
    scope.require_registration(event, now)
    if scope.changes(actor, event) == frozenset():
        raise Forbidden(msg("You coordinate no department in this event."))
    running = session().scalar(
        sa.select(sa.func.count()).where(
            RosterImport.event_id == event.id,
            RosterImport.actor_id == actor.id,
            RosterImport.status.in_(RUNNING),
            RosterImport.started_at > now - STALE_AFTER,
        )
    )
    if running and running >= RUNNING_LIMIT:
        raise RateLimited(
            msg("%(count)s of your rosters are still being worked on.", count=running),
            hint=msg("Wait until they are done, then upload the next."),
            retry_after=10,
        )


def to_see(actor: Account, event: Event, import_id: int) -> RosterImport:
    """The import, if the actor may look at it: one's own, or any for organisers and auditors. Raises NotFound."""
    roster = session().scalar(
        sa.select(RosterImport).where(RosterImport.id == import_id, RosterImport.event_id == event.id)
    )
    if roster is None or not (roster.actor_id == actor.id or scope.sees(actor, event) is None):
        raise _gone()
    return roster


def to_change(actor: Account, event: Event, import_id: int) -> RosterImport:
    """The import, locked, if the actor may decide on it: one's own, or any for organisers. Raises NotFound."""
    roster = session().scalar(
        sa.select(RosterImport)
        .where(RosterImport.id == import_id, RosterImport.event_id == event.id)
        .with_for_update(of=RosterImport)
        .execution_options(populate_existing=True)
    )
    may = roster is not None and scope.changes(actor, event) != frozenset()
    if roster is None or not may or not (roster.actor_id == actor.id or scope.changes(actor, event) is None):
        raise _gone()
    return roster


def check(event: Event, lines: Sequence[Line], uploader: Account, step: Step) -> list[Fate]:
    """The dry run: every line's fate for the person who uploaded it. Reads only."""
    world = snapshot(event, _numbers(lines), allowed=scope.changes(uploader, event))
    step(0.5)
    fates = judge(lines, world)
    step(1.0)
    return fates


def keep(roster: RosterImport, fates: Sequence[Fate], step: Step) -> None:
    """Writes the fates down, in place of older ones: the import is `checked`."""
    session().execute(sa.delete(RosterRow).where(RosterRow.import_id == roster.id))
    rows = [_row(roster.id, fate) for fate in fates]
    for start_at in range(0, len(rows), AT_ONCE):
        insert(RosterRow, rows[start_at : start_at + AT_ONCE])
        step(start_at / max(1, len(rows)))
    roster.counts = counts(fates)
    roster.status, roster.problem = ImportStatus.CHECKED, None


def fail(roster: RosterImport, sentence: Message, hint: Message | None) -> None:
    """The file as a whole cannot be used: says why and what to do."""
    roster.status = ImportStatus.FAILED
    roster.problem = _problem(sentence, hint)


def confirm(roster: RosterImport, event: Event, *, actor: Account, now: datetime) -> None:
    """The actor wants the checked roster; applying it is a job. `now` is what the registration's end is held against.

    Raises Closed, and Conflict where it cannot be confirmed.
    """
    scope.require_registration(event, now)
    if roster.status != ImportStatus.CHECKED:
        raise Conflict(
            msg("This roster cannot be confirmed any more."),
            hint=msg("Reload the page to see where it stands."),
            code="roster_not_checked",
        )
    if roster.counts.get("refused"):
        raise Conflict(
            msg("%(count)s rows are refused; nothing is half imported.", count=roster.counts["refused"]),
            hint=msg("Correct them in the file and upload it again."),
            code="roster_refused",
        )
    if not roster.counts.get("changes"):
        raise Conflict(msg("Everybody in this roster is in the team already."), code="roster_unchanged")
    roster.status, roster.problem = ImportStatus.APPLYING, None
    roster.confirmed_by, roster.confirmed_at, roster.started_at = actor.id, now, now
    audit.record(actor, "teams.confirm_roster", roster, now=now, event_id=event.id, counts=roster.counts)


def apply(roster: RosterImport, event: Event, *, now: datetime, step: Step) -> bool:
    """Does what was confirmed, all of it, or nothing: returns whether it did. The event is held.

    The confirming person's departments are those of this moment.
    """
    scope.hold(event)
    actor = session().get_one(Account, roster.confirmed_by)
    rows = session().scalars(sa.select(RosterRow).where(RosterRow.import_id == roster.id).order_by(RosterRow.row)).all()
    lines = [Line(r.row, r.staff_number, r.name, r.department, r.team, r.phone, r.captain) for r in rows]
    world = snapshot(event, _numbers(lines), allowed=scope.changes(actor, event))
    fates = judge(lines, world)
    step(0.3)
    changed = [fate.line.row for fate, row in zip(fates, rows, strict=True) if fate.verdict != row.verdict]
    if changed:
        keep(roster, fates, step)
        roster.problem = _problem(
            msg("Since the check something has changed for %(count)s rows; nothing was applied.", count=len(changed)),
            msg("Look at the rows again: they show how it is now."),
        )
        audit.record(None, "teams.refuse_roster", roster, now=now, event_id=event.id, rows=changed[:100])
        return False
    enrol(event, fates, now=now, step=lambda share: step(0.3 + 0.7 * share))
    roster.status, roster.applied_at = ImportStatus.APPLIED, now
    audit.record(actor, "teams.apply_roster", roster, now=now, event_id=event.id, counts=roster.counts)
    return True


def dismiss(roster: RosterImport, event: Event, *, actor: Account, now: datetime) -> str:
    """Drops a roster that is not wanted; returns the name of the stored file, which is to be deleted. Again is no
    error."""
    if roster.status in {ImportStatus.APPLYING, ImportStatus.APPLIED}:
        raise Conflict(
            msg("This roster is applied already."), hint=msg("Change the teams themselves."), code="roster_applied"
        )
    if roster.status == ImportStatus.DISMISSED:
        return roster.storage_name
    session().execute(sa.delete(RosterRow).where(RosterRow.import_id == roster.id))
    roster.status, roster.counts, roster.problem = ImportStatus.DISMISSED, {}, None
    audit.record(actor, "teams.dismiss_roster", roster, now=now, event_id=event.id)
    return roster.storage_name


def restart(roster: RosterImport, *, now: datetime) -> None:
    """Lets a job that got lost begin again. Raises Conflict where none is waited for."""
    if not is_stale(roster, now):
        raise Conflict(msg("This roster is being worked on, or is done."), hint=msg("Reload the page."))
    roster.started_at = now


def is_stale(roster: RosterImport, now: datetime) -> bool:
    """Whether a job should have been done by now."""
    return roster.status in RUNNING and roster.started_at + STALE_AFTER <= now


def _numbers(lines: Sequence[Line]) -> list[str]:
    return [staff_number_of(line.staff_number) for line in lines]


def _row(import_id: int, fate: Fate) -> dict[str, Any]:
    line = fate.line
    return {
        "import_id": import_id,
        "row": line.row,
        "rank": rank_of(fate.verdict),
        "verdict": str(fate.verdict),
        "reason": kept(fate.reason) if fate.reason is not None else None,
        "staff_number": (fate.staff_number or line.staff_number)[:SHOWN],
        "name": line.name[:SHOWN],
        "department": line.department[:SHOWN],
        "team": line.team[:SHOWN],
        "phone": line.phone[:SHOWN],
        "captain": line.captain[:SHOWN],
    }


def _problem(sentence: Message, hint: Message | None) -> dict[str, Any]:
    return {**kept(sentence), "hint": kept(hint) if hint is not None else None}


def _gone() -> NotFound:
    return NotFound(msg("There is no such roster, or it is not yours."))
