"""A department's teams in an event and their people."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import Model, Pk
from concours.identity.models import Account, Department


class Team(Model):
    """A department's team. `clip_count` and `member_count` are kept, not counted on a page."""

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
    created_at: Mapped[datetime]

    department: Mapped[Department] = relationship()
    captain: Mapped[Account | None] = relationship()
    members: Mapped[list["Member"]] = relationship(back_populates="team", order_by="Member.id")


class Member(Model):
    """A person in a team. The staff number is the key: names repeat. One team per person and event."""

    __tablename__ = "member"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "staff_number"),
        sa.UniqueConstraint("event_id", "account_id"),
    )

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    team_id: Mapped[int] = mapped_column(sa.ForeignKey("team.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    staff_number: Mapped[str] = mapped_column(sa.String(32))
    name: Mapped[str] = mapped_column(sa.String(80))
    clip_count: Mapped[int] = mapped_column(default=0)
    day_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]

    team: Mapped[Team] = relationship(back_populates="members")
    account: Mapped[Account] = relationship()


class RosterImport(Model):
    """A roster file on its way in: first a dry run with every row's fate, then, if confirmed, all of it or nothing.

    `status`: `reading`, `checked`, `applying`, `applied`, `failed`, `dismissed`. `progress` is 0 to 100.
    `fates`: list of {row, verdict, staff_number, name, team, reason: {text, values}}; `row` is its number in the file.
    """

    __tablename__ = "roster_import"

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"), index=True)
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"))
    actor_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    filename: Mapped[str] = mapped_column(sa.String(255))
    storage_name: Mapped[str] = mapped_column(sa.String(120))
    status: Mapped[str] = mapped_column(sa.String(12), default="reading")
    progress: Mapped[int] = mapped_column(default=0)
    problem: Mapped[dict[str, Any] | None]
    fates: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
