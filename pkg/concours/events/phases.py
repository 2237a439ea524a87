"""What is open when, by the server's clock, to the second."""

from datetime import datetime

from concours.base.clock import in_zone
from concours.base.errors import Closed
from concours.base.messages import Message, msg
from concours.events.models import Event, EventStatus, Phase, PhaseKind

PHASE_NAMES: dict[PhaseKind, Message] = {
    PhaseKind.REGISTRATION: msg("Registration"),
    PhaseKind.SUBMISSION: msg("Submission"),
    PhaseKind.SCREENING: msg("Screening"),
    PhaseKind.JUDGING: msg("Judging"),
    PhaseKind.VOTING: msg("Voting"),
    PhaseKind.RESULTS: msg("Results"),
    PhaseKind.EXHIBITION: msg("Exhibition"),
}


def phase_of(event: Event, kind: PhaseKind) -> Phase | None:
    """The event's phase of that kind, or None where it has none."""
    return next((phase for phase in event.phases if phase.kind == kind), None)


def is_open(event: Event, kind: PhaseKind, now: datetime) -> bool:
    """Whether that step is open at `now`: from its opening (included) to its close (not included)."""
    phase = phase_of(event, kind)
    return phase is not None and phase.opens_at <= now < phase.closes_at


def require_open(event: Event, kind: PhaseKind, now: datetime) -> None:
    """Raises Closed, saying when it opens or since when it is closed, in the event's zone; always where archived."""
    phase = phase_of(event, kind)
    name = PHASE_NAMES[kind]
    if event.status == EventStatus.ARCHIVED:
        raise Closed(
            msg("“%(title)s” is archived: nothing of it changes any more.", title=event.title), code="event_archived"
        )
    if phase is None:
        raise Closed(msg("This event has no phase “%(phase)s”.", phase=name), code="no_phase")
    if now < phase.opens_at:
        raise Closed(
            msg("“%(phase)s” opens on %(time)s (%(zone)s).", phase=name, **_when(phase.opens_at, event.zone)),
            hint=msg("Please come back then; nothing you saved is lost."),
            code="phase_not_open_yet",
        )
    if now >= phase.closes_at:
        raise Closed(
            msg("“%(phase)s” closed on %(time)s (%(zone)s).", phase=name, **_when(phase.closes_at, event.zone)),
            hint=msg("What was saved before stands. Ask the organiser if you think this is a mistake."),
            code="phase_closed",
        )


def _when(moment: datetime, zone: str) -> dict[str, str]:
    return {"time": in_zone(moment, zone).strftime("%Y-%m-%d %H:%M:%S"), "zone": zone}
