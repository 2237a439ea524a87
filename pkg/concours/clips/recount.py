"""The kept counters of clips held against the rows they were kept of. Nothing is changed here: a difference is a
fault.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from concours.base.db import session
from concours.clips.models import Clip, ClipDay, ClipStatus
from concours.events.models import Event
from concours.teams.models import Member, Team


@dataclass(frozen=True)
class Difference:
    """A counter that is not what its rows say: which row of which table, what is kept and what was found."""

    table: str
    id: int
    counter: str
    kept: int
    found: int


@dataclass(frozen=True)
class Counts:
    """An event's clips by status, and who takes part."""

    checking: int
    valid: int
    refused: int
    teams: int
    members: int
    active_members: int
    departments: int


def counts(event: Event) -> Counts:
    """The counts from the rows themselves. Two queries."""
    by_status = dict(
        session()
        .execute(sa.select(Clip.status, sa.func.count()).where(Clip.event_id == event.id).group_by(Clip.status))
        .tuples()
        .all()
    )
    teams, members, active, departments = (
        session()
        .execute(
            sa.select(
                sa.func.count(Team.id),
                sa.func.coalesce(sa.func.sum(Team.member_count), 0),
                sa.func.coalesce(sa.func.sum(Team.active_count), 0),
                sa.func.count(sa.distinct(Team.department_id)),
            ).where(Team.event_id == event.id)
        )
        .one()
    )
    return Counts(
        checking=by_status.get(ClipStatus.CHECKING, 0),
        valid=by_status.get(ClipStatus.VALID, 0),
        refused=by_status.get(ClipStatus.REFUSED, 0),
        teams=teams,
        members=members,
        active_members=active,
        departments=departments,
    )


def recount(event: Event) -> list[Difference]:
    """Every counter of the event's clips, members and teams that differs from its rows; empty when all are right."""
    return [*_of_members(event), *_of_days(event), *_of_teams(event)]


def _of_members(event: Event) -> list[Difference]:
    valid = (
        sa.select(
            Clip.member_id,
            sa.func.count().label("clips"),
            sa.func.count(sa.distinct(Clip.day)).label("days"),
        )
        .where(Clip.event_id == event.id, Clip.status == ClipStatus.VALID)
        .group_by(Clip.member_id)
        .subquery()
    )
    clips, days = sa.func.coalesce(valid.c.clips, 0), sa.func.coalesce(valid.c.days, 0)
    rows = session().execute(
        sa.select(Member.id, Member.clip_count, clips, Member.day_count, days)
        .outerjoin(valid, valid.c.member_id == Member.id)
        .where(Member.event_id == event.id, sa.or_(Member.clip_count != clips, Member.day_count != days))
    )
    found: list[Difference] = []
    for number, kept_clips, found_clips, kept_days, found_days in rows:
        found += _differences(
            "member", number, {"clip_count": (kept_clips, found_clips), "day_count": (kept_days, found_days)}
        )
    return found


def _of_days(event: Event) -> list[Difference]:
    valid = (
        sa.select(Clip.member_id, Clip.day, sa.func.count().label("clips"))
        .where(Clip.event_id == event.id, Clip.status == ClipStatus.VALID)
        .group_by(Clip.member_id, Clip.day)
        .subquery()
    )
    counted = sa.func.coalesce(valid.c.clips, 0)
    rows = session().execute(
        sa.select(ClipDay.id, ClipDay.clips, counted)
        .join(Member, Member.id == ClipDay.member_id)
        .outerjoin(valid, sa.and_(valid.c.member_id == ClipDay.member_id, valid.c.day == ClipDay.day))
        .where(Member.event_id == event.id, ClipDay.clips != counted)
    )
    return [Difference("clip_day", number, "clips", kept, found) for number, kept, found in rows]


def _of_teams(event: Event) -> list[Difference]:
    of_members = (
        sa.select(
            Member.team_id,
            sa.func.count().label("members"),
            sa.func.sum(Member.clip_count).label("clips"),
            sa.func.sum(Member.day_count).label("days"),
            sa.func.count().filter(Member.clip_count > 0).label("active"),
        )
        .where(Member.event_id == event.id)
        .group_by(Member.team_id)
        .subquery()
    )
    sums = [sa.func.coalesce(of_members.c[name], 0) for name in ("members", "clips", "days", "active")]
    kept = [Team.member_count, Team.clip_count, Team.day_count, Team.active_count]
    rows = session().execute(
        sa.select(Team.id, *kept, *sums)
        .outerjoin(of_members, of_members.c.team_id == Team.id)
        .where(Team.event_id == event.id, sa.or_(*(k != s for k, s in zip(kept, sums, strict=True))))
    )
    names = ("member_count", "clip_count", "day_count", "active_count")
    found: list[Difference] = []
    for number, *values in rows:
        pairs = dict(zip(names, zip(values[:4], values[4:], strict=True), strict=True))
        found += _differences("team", number, pairs)
    return found


def _differences(table: str, number: int, pairs: dict[str, tuple[int, int]]) -> list[Difference]:
    return [Difference(table, number, name, kept, found) for name, (kept, found) in pairs.items() if kept != found]
