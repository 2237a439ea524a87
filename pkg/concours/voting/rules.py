"""What a poll allows: its rules, said in plain words, and the facts a web process keeps of it by version.

A day is a calendar day in the poll's zone. It begins at the first moment whose wall clock reads 00:00 there (or, where
a change of clocks skips midnight, at that change), and lasts until the next one begins: 23, 24 or 25 hours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from concours.base.messages import Message, msg, nmsg
from concours.voting import secrets
from concours.voting.ladder import ways as ladder
from concours.voting.models import Poll

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_PICKS = 50  # of one ballot
LIVE, DELAYED, HIDDEN = "live", "delayed", "hidden"


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits of a poll; 0 means none.

    `per_day`: votes of a voter per day; `per_candidate_day`: for the same candidate per day; `total` and
    `per_candidate_total`: in the whole poll. A ballot has `min_picks` to `max_picks` different candidates; each pick is
    one vote. `shown`: whether the counts are public at once (LIVE), `delay_minutes` later (DELAYED) or after the close.
    `network_per_minute`: attempts from one network (an IPv4 address, an IPv6 /64); `voter_per_minute`: of one voter;
    `new_devices_per_minute`: voters that may come new from one network.
    """

    per_day: int = 5
    per_candidate_day: int = 1
    total: int = 0
    network_per_minute: int = 0
    voter_per_minute: int = 0
    new_devices_per_minute: int = 600
    per_candidate_total: int = 0
    min_picks: int = 1
    max_picks: int = 1
    shown: str = LIVE
    delay_minutes: int = 10

    @property
    def delay(self) -> timedelta:
        """How old the counts are that are shown with a delay."""
        return timedelta(minutes=self.delay_minutes)

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Rules":
        """The rules as kept with the poll; what is not kept has its default."""
        return cls(**{field.name: kept[field.name] for field in fields(cls) if field.name in kept})

    def kept(self) -> dict[str, Any]:
        """For the poll's column."""
        return asdict(self)


LIMITS: dict[str, tuple[int, int]] = {
    "per_day": (0, 1_000),
    "per_candidate_day": (0, 1_000),
    "total": (0, 100_000),
    "network_per_minute": (0, 1_000_000),
    "voter_per_minute": (0, 10_000),
    "new_devices_per_minute": (0, 1_000_000),
    "per_candidate_total": (0, 100_000),
    "min_picks": (1, MOST_PICKS),
    "max_picks": (1, MOST_PICKS),
    "delay_minutes": (1, 1_440),
}
"""The least and the greatest value of each rule."""


def in_words(rules: Rules, who: Sequence[Message]) -> list[Message]:
    """The rules as sentences for voters, in the order in which they matter to them; `who` says who votes."""
    said = list(who)
    if rules.per_day:
        said.append(nmsg("You have %(count)s vote a day.", "You have %(count)s votes a day.", rules.per_day))
    if rules.per_candidate_day:
        said.append(
            nmsg(
                "At most %(count)s of them a day may go to the same candidate.",
                "At most %(count)s of them a day may go to the same candidate.",
                rules.per_candidate_day,
            )
            if rules.per_day
            else nmsg(
                "You may give the same candidate %(count)s vote a day.",
                "You may give the same candidate %(count)s votes a day.",
                rules.per_candidate_day,
            )
        )
    if rules.per_candidate_total:
        said.append(
            nmsg(
                "In the whole poll the same candidate can have %(count)s vote of yours.",
                "In the whole poll the same candidate can have %(count)s votes of yours.",
                rules.per_candidate_total,
            )
        )
    if rules.total:
        said.append(
            nmsg(
                "In the whole poll you have %(count)s vote.", "In the whole poll you have %(count)s votes.", rules.total
            )
        )
    if not (rules.per_day or rules.per_candidate_day or rules.per_candidate_total or rules.total):
        said.append(msg("There is no limit to how often you vote."))
    said += _ballot_in_words(rules)
    if rules.network_per_minute:
        said.append(
            msg(
                "From one network at most %(count)s attempts a minute are taken; beyond that one waits a moment.",
                count=rules.network_per_minute,
            )
        )
    said.append(msg("A vote that was counted cannot be changed or taken back."))
    if rules.shown == HIDDEN:
        said.append(msg("Who has how many votes is shown after the close."))
    elif rules.shown == DELAYED:
        said.append(
            nmsg(
                "The votes of each candidate are shown %(count)s minute later.",
                "The votes of each candidate are shown %(count)s minutes later.",
                rules.delay_minutes,
            )
        )
    else:
        said.append(msg("The votes of each candidate are shown while the poll is open."))
    return said


def _ballot_in_words(rules: Rules) -> list[Message]:
    if rules.max_picks == 1:
        return []
    if rules.min_picks == rules.max_picks:
        first = nmsg(
            "You choose %(count)s candidate and send them together.",
            "You choose %(count)s candidates and send them together.",
            rules.max_picks,
        )
    else:
        first = msg(
            "You choose from %(least)s to %(most)s candidates and send them together.",
            least=rules.min_picks,
            most=rules.max_picks,
        )
    return [first, msg("Each choice is one vote. They count together or, if one cannot count, not at all.")]


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a poll: its proleptic ordinal, and its bounds in ms since 1970 (end not included)."""

    ordinal: int
    begins: int
    ends: int

    @property
    def date(self) -> date:
        """As the calendar names it."""
        return date.fromordinal(self.ordinal)


def milliseconds(moment: datetime) -> int:
    """An aware moment in whole ms since 1970."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def moment_of(ms: int) -> datetime:
    """ms since 1970 as an aware moment in UTC."""
    return EPOCH + timedelta(milliseconds=ms)


def _beginning(day: date, zone: ZoneInfo) -> int:
    return milliseconds(datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC))


def day_at(ms: int, zone: str) -> Day:
    """The day in `zone` in which the moment `ms` lies."""
    where = ZoneInfo(zone)
    found = moment_of(ms).astimezone(where).date()
    while _beginning(found + timedelta(days=1), where) <= ms:  # clocks set back over midnight: the new day goes on
        found += timedelta(days=1)
    return Day(found.toordinal(), _beginning(found, where), _beginning(found + timedelta(days=1), where))


@dataclass(frozen=True, slots=True)
class Facts:
    """What the vote path knows of a published poll, read once per version."""

    id: int
    slug: str
    event_id: int
    version: int
    ways: ladder.Ways
    challenge: str
    challenge_now: bool
    zone: str
    rules: Rules
    opens: int
    closes: int
    key: bytes
    signing_key: Ed25519PrivateKey


def read_facts(connection: sa.Connection, poll_id: int, poll_key_secret: str) -> Facts | None:
    """The facts of a poll as SQL has them now; None where there is no such poll or it is not published."""
    table = Poll.__table__
    row = connection.execute(sa.select(table).where(table.c.id == poll_id, table.c.published.is_(True))).one_or_none()
    if row is None:
        return None
    return Facts(
        id=row.id,
        slug=row.slug,
        event_id=row.event_id,
        version=row.version,
        ways=ladder.read(row.ways),
        challenge=row.challenge,
        challenge_now=row.challenge_now,
        zone=row.zone,
        rules=Rules.read(row.rules),
        opens=milliseconds(row.opens_at),
        closes=milliseconds(row.closes_at),
        key=secrets.unwrap_key(poll_key_secret, row.slug, row.wrapped_key),
        signing_key=secrets.unwrap_signing_key(poll_key_secret, row.slug, row.wrapped_signing_key),
    )
