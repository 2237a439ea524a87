"""Until when an author may do what.

A draft's words can be saved at any time, so that nothing typed is lost; what counts is bound to the phases. What was
returned may come back as long as screening goes on, also after the deadline of submission.
"""

from datetime import datetime

import sqlalchemy as sa

from concours.base.db import session
from concours.base.errors import Closed, Conflict
from concours.base.messages import msg
from concours.entries.models import Entry, EntryStatus
from concours.events.models import Event, EventStatus, PhaseKind
from concours.events.phases import PHASE_NAMES, is_open, phase_of, require_open
from concours.media.limits import LATE_END
from concours.media.models import AssetStatus, Upload

DRAFTING = (EntryStatus.DRAFT, EntryStatus.RETURNED)  # not counted in: may be incomplete
STANDING = (EntryStatus.SUBMITTED, EntryStatus.ACCEPTED)  # counted in: must stay whole


def require_running(event: Event) -> None:
    """Raises Closed where the event is not (or no longer) open to anything."""
    if event.status == EventStatus.DRAFT:
        raise Closed(msg("This event is not published yet."), code="not_published")
    if event.status == EventStatus.ARCHIVED:
        raise Closed(msg("This event is over and can only be read."), code="archived")


def require_submission(event: Event, now: datetime, entry: Entry | None = None) -> None:
    """Raises Closed where `entry` (or a new one) cannot be submitted or its files changed at `now`."""
    require_running(event)
    if entry is not None and entry.status == EntryStatus.RETURNED and is_open(event, PhaseKind.SCREENING, now):
        return
    require_open(event, PhaseKind.SUBMISSION, now)


def require_submittable(event: Event, now: datetime, entry: Entry) -> None:
    """Like `require_submission`, but a draft whose file was under way when submission closed has until `late_until`."""
    try:
        require_submission(event, now, entry)
    except Closed:
        until = late_until(event, entry)
        if event.status == EventStatus.ARCHIVED or until is None or now >= until:
            raise


def submittable(event: Event, now: datetime, entry: Entry) -> bool:
    """Whether `require_submittable` would let it pass."""
    try:
        require_submittable(event, now, entry)
    except Closed:
        return False
    return True


def late_until(event: Event, entry: Entry) -> datetime | None:
    """Until when a draft can be submitted because a file of it, begun in time, arrived after the close; else None."""
    phase = phase_of(event, PhaseKind.SUBMISSION)
    if phase is None or entry.status != EntryStatus.DRAFT:
        return None
    arrived = [f.asset for f in entry.files if f.asset.created_at >= phase.closes_at]
    late = [asset.id for asset in arrived if asset.status != AssetStatus.REFUSED]
    begun_in_time = sa.exists().where(Upload.asset_id.in_(late), Upload.created_at < phase.closes_at)
    return phase.closes_at + LATE_END if late and session().scalar(sa.select(begun_in_time)) else None


def submission_open(event: Event, now: datetime, entry: Entry | None = None) -> bool:
    """Whether `require_submission` would let it pass."""
    try:
        require_submission(event, now, entry)
    except Closed:
        return False
    return True


def deadline(event: Event, entry: Entry) -> datetime | None:
    """Until when `entry` can be submitted or changed; None where the event has no such phase."""
    closing = [phase.closes_at for kind in _kinds(entry) if (phase := phase_of(event, kind)) is not None]
    return max(closing, default=None)


def _kinds(entry: Entry) -> tuple[PhaseKind, ...]:
    if entry.status == EntryStatus.RETURNED:
        return PhaseKind.SUBMISSION, PhaseKind.SCREENING
    return (PhaseKind.SUBMISSION,)


def require_withdrawable(event: Event, entry: Entry, now: datetime) -> None:
    """Raises where `entry` can no longer be taken back: once submission is over and judges or voters have begun."""
    require_running(event)
    if entry.status == EntryStatus.WITHDRAWN:
        raise Conflict(msg("This entry is withdrawn already."), code="withdrawn")
    if entry.status == EntryStatus.REJECTED:
        raise Conflict(msg("This entry was rejected; there is nothing to withdraw."), code="rejected")
    if entry.status == EntryStatus.DRAFT or is_open(event, PhaseKind.SUBMISSION, now):
        return
    for kind in (PhaseKind.JUDGING, PhaseKind.VOTING, PhaseKind.RESULTS, PhaseKind.EXHIBITION):
        phase = phase_of(event, kind)
        if phase is not None and phase.opens_at <= now:
            raise Closed(
                msg("“%(phase)s” has begun: entries can no longer be withdrawn.", phase=PHASE_NAMES[kind]),
                hint=msg("If it must not be shown, write to the organiser."),
                code="too_late",
            )


def require_screening(event: Event, now: datetime) -> None:
    """Raises Closed where nothing can be screened at `now`; an event without that phase screens at any time."""
    require_running(event)
    if phase_of(event, PhaseKind.SCREENING) is not None:
        require_open(event, PhaseKind.SCREENING, now)
