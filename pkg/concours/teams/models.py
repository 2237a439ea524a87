"""A department's teams in an event and their people."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import Model, Pk
from concours.events.models import Category
from concours.identity.models import Account, Department


class Team(Model):
    """A department's team. Its counts are kept, not counted on a page; all but `member_count` are the clips room's:
    `clip_count` valid clips, `active_count` members who have one, `day_count` the sum of its members' days with one.
    """

    __tablename__ = "team"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "name"),
        sa.Index("ix_team_event_id_department_id", "event_id", "department_id"),
        sa.Index("ix_team_event_id_clip_count", "event_id", "clip_count"),
    )

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("department.id"))
    category_id: Mapped[int | None] = mapped_column(sa.ForeignKey("category.id"))
    name: Mapped[str] = mapped_column(sa.String(80))
    captain_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    member_count: Mapped[int] = mapped_column(default=0)
    clip_count: Mapped[int] = mapped_column(default=0)
    active_count: Mapped[int] = mapped_column(default=0)
    day_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]

    department: Mapped[Department] = relationship()
    category: Mapped[Category | None] = relationship()
    captain: Mapped[Account | None] = relationship()
    members: Mapped[list["Member"]] = relationship(back_populates="team", order_by="Member.id", passive_deletes=True)


class Member(Model):
    """A person in a team. The staff number is the key: names repeat. One team per person and event.

    `clip_count` are valid clips, `day_count` the days that have one.
    """

    __tablename__ = "member"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "staff_number"),
        sa.UniqueConstraint("event_id", "account_id"),
        sa.Index("ix_member_team_id_id", "team_id", "id"),
    )

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    team_id: Mapped[int] = mapped_column(sa.ForeignKey("team.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    staff_number: Mapped[str] = mapped_column(sa.String(32))
    name: Mapped[str] = mapped_column(sa.String(80))
    clip_count: Mapped[int] = mapped_column(default=0)
    day_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]

    team: Mapped[Team] = relationship(back_populates="members")
    account: Mapped[Account] = relationship()


class ImportStatus(StrEnum):
    """Where a roster's import stands."""

    READING = "reading"
    CHECKED = "checked"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    DISMISSED = "dismissed"


class RosterImport(Model):
    """A roster file on its way in: first a dry run with every row's fate, then, if confirmed, all of it or nothing.

    `problem` is a kept Message where the file as a whole cannot be used (`failed`), or says why applying it was refused
    (`checked` again). `counts`: how many rows have each verdict, beside `rows`, `refused`, `changes`, `teams` (that
    will be new) and `accounts` (likewise). How far a running job is, is in Redis (`progress`).
    """

    __tablename__ = "roster_import"
    __table_args__ = (
        sa.CheckConstraint(
            "status in ('reading', 'checked', 'applying', 'applied', 'failed', 'dismissed')", name="status_is_known"
        ),
        sa.Index("ix_roster_import_event_id_id", "event_id", "id"),
    )

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    actor_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    filename: Mapped[str] = mapped_column(sa.String(255))
    storage_name: Mapped[str] = mapped_column(sa.String(120))
    size: Mapped[int]
    status: Mapped[str] = mapped_column(sa.String(12), default=ImportStatus.READING)
    problem: Mapped[dict[str, Any] | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime]
    confirmed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    confirmed_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]

    actor: Mapped[Account] = relationship(foreign_keys=[actor_id])


class RosterRow(Model):
    """One person's row of an uploaded roster and its fate: `row` is its number in the file.

    `rank` puts what needs attention first: 0 refused, 1 something will change, 2 nothing will. `reason` is a kept
    Message. The columns hold what the file said, cut to what can be shown.
    """

    __tablename__ = "roster_row"
    __table_args__ = (
        sa.Index("ix_roster_row_import_id_rank_row", "import_id", "rank", "row"),
        sa.Index("ix_roster_row_import_id_verdict_rank_row", "import_id", "verdict", "rank", "row"),
    )

    id: Mapped[Pk]
    import_id: Mapped[int] = mapped_column(sa.ForeignKey("roster_import.id", ondelete="CASCADE"))
    row: Mapped[int]
    rank: Mapped[int]
    verdict: Mapped[str] = mapped_column(sa.String(24))
    reason: Mapped[dict[str, Any] | None]
    staff_number: Mapped[str] = mapped_column(sa.String(200))
    name: Mapped[str] = mapped_column(sa.String(200))
    department: Mapped[str] = mapped_column(sa.String(200))
    team: Mapped[str] = mapped_column(sa.String(200))
    phone: Mapped[str] = mapped_column(sa.String(200))
    captain: Mapped[str] = mapped_column(sa.String(200))
