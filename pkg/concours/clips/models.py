"""Check-in clips and the counters kept of them."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import Model, Pk
from concours.media.models import Asset
from concours.teams.models import Member


class ClipStatus(StrEnum):
    """`CHECKING` until the file was looked into, then `VALID` or `REFUSED` (with the reason on the asset)."""

    CHECKING = "checking"
    VALID = "valid"
    REFUSED = "refused"


class Clip(Model):
    """One check-in video of a member; `day` is the day in the event's zone on which its upload began.

    A member or a team that has clips cannot be deleted: only the event as a whole takes them along.
    """

    __tablename__ = "clip"
    __table_args__ = (
        sa.UniqueConstraint("asset_id"),
        sa.CheckConstraint("status in ('checking', 'valid', 'refused')", name="status_is_known"),
        sa.Index("ix_clip_member_id_day", "member_id", "day"),
        sa.Index("ix_clip_team_id_id", "team_id", "id"),
        sa.Index("ix_clip_event_id_status", "event_id", "status"),
    )

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    team_id: Mapped[int] = mapped_column(sa.ForeignKey("team.id"))
    member_id: Mapped[int] = mapped_column(sa.ForeignKey("member.id"))
    asset_id: Mapped[int] = mapped_column(sa.ForeignKey("asset.id"))
    day: Mapped[date] = mapped_column(sa.Date)
    status: Mapped[str] = mapped_column(sa.String(12), default=ClipStatus.CHECKING)
    created_at: Mapped[datetime]

    asset: Mapped[Asset] = relationship()
    member: Mapped[Member] = relationship()


class ClipDay(Model):
    """How many valid clips a member has on a day: kept in the transaction that makes a clip valid."""

    __tablename__ = "clip_day"
    __table_args__ = (sa.UniqueConstraint("member_id", "day"),)

    id: Mapped[Pk]
    member_id: Mapped[int] = mapped_column(sa.ForeignKey("member.id", ondelete="CASCADE"))
    day: Mapped[date] = mapped_column(sa.Date)
    clips: Mapped[int] = mapped_column(default=0)
