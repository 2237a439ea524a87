"""The phases' times as an organiser sets them: wall clock of the event's zone, to the second."""

import re
from collections.abc import Mapping
from datetime import datetime

from concours import audit
from concours.base.clock import from_local, in_zone
from concours.base.db import session
from concours.base.errors import FieldProblem, Invalid
from concours.base.messages import Message, msg
from concours.events.models import Event, Phase, PhaseKind
from concours.events.phases import phase_of
from concours.events.state import require_changeable
from concours.identity.models import Account

YEARS = (2000, 2100)


def read_wall(raw: str, zone: str) -> tuple[datetime | None, Message | None]:
    """A typed time (`2026-06-09T09:00` or with seconds) as a moment, or the sentence that says what is wrong.

    A time that the clocks of the zone skip is refused; of one that they show twice the first is meant.
    """
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.0+)?)?", raw.strip(), re.ASCII)
    try:
        wall = datetime(*(int(part or 0) for part in found.groups())) if found else None  # type: ignore[arg-type]  # noqa: DTZ001 - the zone is the event's, added below
    except ValueError:
        wall = None
    if wall is None or not YEARS[0] <= wall.year < YEARS[1]:
        return None, msg("Please give date and time, for example 2026-06-09 09:00:00.")
    moment = from_local(wall, zone)
    if in_zone(moment, zone).replace(tzinfo=None) != wall:
        return None, msg("This time does not exist in %(zone)s: the clocks go forward then.", zone=zone)
    return moment, None


def set_phases(event: Event, typed: Mapping[str, str], *, actor: Account, now: datetime) -> None:
    """Sets all phases from a form: `opens_<kind>` and `closes_<kind>` for each kind; both empty: no such phase.

    Raises Invalid with the fields that cannot be; then nothing is changed.
    """
    require_changeable(event)
    problems: list[FieldProblem] = []
    wanted: dict[PhaseKind, tuple[datetime, datetime]] = {}
    for kind in PhaseKind:
        times = _read_pair(kind, typed, event.zone, problems)
        if times is not None:
            wanted[kind] = times
    if problems:
        raise Invalid(problems=problems)
    changed: dict[str, object] = {}
    for position, kind in enumerate(PhaseKind):
        phase, times = phase_of(event, kind), wanted.get(kind)
        before = (phase.opens_at, phase.closes_at) if phase is not None else None
        if phase is not None:
            phase.position = position
        if before == times:
            continue
        changed[kind] = {"before": _plain(before), "after": _plain(times)}
        if times is None:
            event.phases.remove(phase)  # type: ignore[arg-type]
            session().delete(phase)
        elif phase is None:
            event.phases.append(
                Phase(event_id=event.id, kind=kind, position=position, opens_at=times[0], closes_at=times[1])
            )
        else:
            phase.opens_at, phase.closes_at = times
    if changed:
        audit.record(actor, "events.set_phases", event, now=now, event_id=event.id, changed=changed)


def _read_pair(
    kind: PhaseKind, typed: Mapping[str, str], zone: str, problems: list[FieldProblem]
) -> tuple[datetime, datetime] | None:
    raw = {side: typed.get(f"{side}_{kind}", "").strip() for side in ("opens", "closes")}
    if not any(raw.values()):
        return None
    times: dict[str, datetime] = {}
    for side, text in raw.items():
        moment, problem = read_wall(text, zone)
        if moment is None:
            problems.append(FieldProblem(f"{side}_{kind}", problem or msg("Please fill this in.")))
        else:
            times[side] = moment
    if len(times) < 2:
        return None
    if times["opens"] >= times["closes"]:
        problems.append(FieldProblem(f"closes_{kind}", msg("It must close after it opens.")))
        return None
    return times["opens"], times["closes"]


def _plain(times: tuple[datetime, datetime] | None) -> list[str] | None:
    return [time.isoformat(timespec="seconds") for time in times] if times is not None else None
