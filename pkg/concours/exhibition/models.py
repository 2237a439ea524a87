"""The exhibition of an event: a hall and what hangs in it."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import Model, Pk
from concours.entries.models import Entry


class Hall(Model):
    """A part of an exhibition with its introduction; the public sees it from `opened_at` on."""

    __tablename__ = "hall"
    __table_args__ = (sa.UniqueConstraint("event_id", "position"),)

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=0)
    title: Mapped[str] = mapped_column(sa.String(120))
    introduction: Mapped[str] = mapped_column(sa.Text, default="")
    opened_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Placement(Model):
    """A work's place in a hall."""

    __tablename__ = "placement"
    __table_args__ = (sa.UniqueConstraint("hall_id", "entry_id"),)

    id: Mapped[Pk]
    hall_id: Mapped[int] = mapped_column(sa.ForeignKey("hall.id", ondelete="CASCADE"))
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("entry.id"), index=True)
    position: Mapped[int]

    entry: Mapped[Entry] = relationship()
