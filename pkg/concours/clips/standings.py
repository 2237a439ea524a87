"""The standings of the check-in race, per team and per department, from kept counters alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from concours.base.db import session
from concours.events.models import Event
from concours.identity.models import Department
from concours.teams.models import Team

LIMIT = 50
LIMIT_GREATEST = 100


@dataclass(frozen=True)
class Standing:
    """A team's or a department's place. `rank`: equal clips, equal rank. `active` of `members` have a valid clip;
    `days` are the days with a clip, summed over the members; `teams` is 1 for a team. `key` pages on from here.
    """

    rank: int
    id: int
    name: str
    department: str
    teams: int
    members: int
    active: int
    clips: int
    days: int

    @property
    def share(self) -> int:
        """Which share of the members has a valid clip, in whole per cent (rounded down)."""
        return 100 * self.active // self.members if self.members else 0

    @property
    def key(self) -> str:
        """Clips and number, the order of the standings."""
        return f"{self.clips}-{self.id}"


def read_key(text: str) -> tuple[int, int] | None:
    """The key of `?after=`; None for anything else."""
    clips, _dash, number = text.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in (clips, number)):
        return None
    return int(clips), int(number)


def of_teams(event: Event, *, after: tuple[int, int] | None = None, limit: int = LIMIT) -> list[Standing]:
    """Up to `limit` + 1 teams by clips (most first), then by number, from the key `after` on. Two queries."""
    mine = Team.event_id == event.id
    query = (
        sa.select(
            Team.id, Team.name, Department.name, Team.member_count, Team.active_count, Team.clip_count, Team.day_count
        )
        .join(Department, Department.id == Team.department_id)
        .where(mine)
        .order_by(Team.clip_count.desc(), Team.id)
        .limit(limit + 1)
    )
    if after is not None:
        clips, number = after
        query = query.where(sa.or_(Team.clip_count < clips, sa.and_(Team.clip_count == clips, Team.id > number)))
    rows = session().execute(query).tuples().all()
    if not rows:
        return []
    first_id, first_clips = rows[0][0], rows[0][5]
    ahead = Team.clip_count > first_clips
    more, level = (
        session()
        .execute(
            sa.select(
                sa.func.count().filter(ahead),
                sa.func.count().filter(sa.and_(Team.clip_count == first_clips, Team.id < first_id)),
            ).where(mine)
        )
        .one()
    )
    found = [
        (number, name, department, 1, members, active, clips, days)
        for number, name, department, members, active, clips, days in rows
    ]
    return _ranked(found, more, more + level)


def of_departments(event: Event, *, after: tuple[int, int] | None = None, limit: int = LIMIT) -> list[Standing]:
    """Up to `limit` + 1 departments, likewise, from the sums over their teams. One query."""
    clips = sa.func.sum(Team.clip_count)
    rows = (
        session()
        .execute(
            sa.select(
                Department.id,
                Department.name,
                sa.func.count(Team.id),
                sa.func.sum(Team.member_count),
                sa.func.sum(Team.active_count),
                clips,
                sa.func.sum(Team.day_count),
            )
            .join(Team, Team.department_id == Department.id)
            .where(Team.event_id == event.id)
            .group_by(Department.id, Department.name)
            .order_by(clips.desc(), Department.id)
        )
        .tuples()
        .all()
    )
    found = [
        (number, name, name, teams, members, active, sent, days)
        for number, name, teams, members, active, sent, days in rows
    ]
    ranked = _ranked(found, 0, 0)
    if after is not None:
        ranked = [s for s in ranked if s.clips < after[0] or (s.clips == after[0] and s.id > after[1])]
    return ranked[: limit + 1]


def _ranked(rows: Sequence[tuple[int, str, str, int, int, int, int, int]], ahead: int, before: int) -> list[Standing]:
    """The rows with their ranks: `ahead` have more clips than the first of them, `before` come before it."""
    found: list[Standing] = []
    rank = ahead + 1
    for index, row in enumerate(rows):
        if found and found[-1].clips != row[6]:
            rank = before + index + 1
        found.append(Standing(rank, *row))
    return found
