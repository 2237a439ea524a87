"""What the pages of clips show. Lists are paged by key; the number of queries does not grow with the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from concours.base.db import session
from concours.clips.models import Clip, ClipDay, ClipStatus
from concours.events.models import Event
from concours.identity.models import Account
from concours.media.models import Asset
from concours.teams.models import Member, Team

PAGE = 24
WEEK = 7
WEEKS_SHOWN = 26


@dataclass(frozen=True)
class Cell:
    """A day of the calendar with its valid clips; `open`: clips could be sent on it, `today` is it."""

    day: date
    clips: int
    open: bool
    today: bool


def member_of(event: Event, account: Account) -> Member | None:
    """The account's own place in a team of the event, with the team."""
    return session().scalar(
        sa.select(Member)
        .options(joinedload(Member.team).joinedload(Team.captain), joinedload(Member.team).joinedload(Team.department))
        .where(Member.event_id == event.id, Member.account_id == account.id)
    )


def team_mates(team: Team) -> Sequence[Member]:
    """All members of the team, by number."""
    return session().scalars(sa.select(Member).where(Member.team_id == team.id).order_by(Member.id)).all()


def clips_of(member: Member, *, before: int | None = None) -> Sequence[Clip]:
    """Up to 25 clips of the member, the newest first, from the number `before` on, with their files and posters."""
    return _page(Clip.member_id == member.id, before)


def clips_of_team(team: Team, *, before: int | None = None, member_id: int | None = None) -> Sequence[Clip]:
    """Up to 25 clips of the team (or of one of its members), the newest first, with members, files and posters."""
    where = Clip.team_id == team.id
    return _page(where if member_id is None else sa.and_(where, Clip.member_id == member_id), before)


def _page(where: "sa.ColumnElement[bool]", before: int | None) -> Sequence[Clip]:
    query = (
        sa.select(Clip)
        .where(where)
        .options(joinedload(Clip.asset).selectinload(Asset.renditions), joinedload(Clip.member))
        .order_by(Clip.id.desc())
        .limit(PAGE + 1)
    )
    return session().scalars(query if before is None else query.where(Clip.id < before)).all()


def days_of(member: Member) -> dict[date, int]:
    """How many valid clips the member has on each day that has one."""
    rows = session().execute(sa.select(ClipDay.day, ClipDay.clips).where(ClipDay.member_id == member.id))
    return dict(rows.tuples().all())


def streak(days: dict[date, int], today: date) -> int:
    """Days in a row that have a clip, up to today, or up to yesterday while today has none yet."""
    day = today if today in days else today - timedelta(days=1)
    length = 0
    while day in days:
        length, day = length + 1, day - timedelta(days=1)
    return length


def calendar(days: dict[date, int], first: date, last: date, today: date) -> list[list[Cell]]:
    """Weeks from Monday to Sunday that cover `first` to `last`, or the end of that where it is long."""
    begin = first - timedelta(days=first.weekday())
    begin = max(begin, last - timedelta(days=last.weekday() + WEEK * (WEEKS_SHOWN - 1)))
    weeks: list[list[Cell]] = []
    while begin <= last:
        week = [begin + timedelta(days=n) for n in range(WEEK)]
        weeks.append([Cell(day, days.get(day, 0), first <= day <= last, day == today) for day in week])
        begin += timedelta(days=WEEK)
    return weeks


def waiting(clips: Sequence[Clip]) -> int:
    """How many of these are still being looked into."""
    return sum(clip.status == ClipStatus.CHECKING for clip in clips)
