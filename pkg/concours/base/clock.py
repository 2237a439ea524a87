"""The one clock. Verbs take `now` as an argument; only routes, jobs and commands read it here."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def in_zone(moment: datetime, zone: str) -> datetime:
    """`moment` (aware) as the wall clock of the IANA zone `zone` shows it."""
    return moment.astimezone(ZoneInfo(zone))


def from_local(wall: datetime, zone: str) -> datetime:
    """A wall-clock time without zone, as typed into a form, read in `zone`; aware, in UTC.

    In the hour that a clock shows twice the first one is meant (PEP 495, fold=0).
    """
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
