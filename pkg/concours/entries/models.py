"""Entries: what is judged, voted on and shown."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import BigId, Model, Pk
from concours.events.models import Category, Event
from concours.identity.models import Account, Department
from concours.media.models import Asset
from concours.teams.models import Team


class EntryStatus(StrEnum):
    """draft -> submitted -> accepted | returned | rejected; returned -> submitted; any before judging -> withdrawn."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Entry(Model):
    """One work, series, team video or story.

    `number` is the public number (统一编号) within the event, given at the first submission. `values` holds the
    category's fields by key. `version` rises with each change: a form sent from an older one is told so.
    """

    __tablename__ = "entry"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "number"),
        sa.Index("ix_entry_event_id_status_id", "event_id", "status", "id"),
        sa.Index("ix_entry_author_id_event_id", "author_id", "event_id"),
        sa.Index("ix_entry_department_id_event_id", "department_id", "event_id"),
        sa.CheckConstraint(
            "status in ('draft', 'submitted', 'returned', 'accepted', 'rejected', 'withdrawn')",
            name="status_is_known",
        ),
    )

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    category_id: Mapped[int] = mapped_column(sa.ForeignKey("category.id"), index=True)
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"))
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("team.id"), index=True)
    number: Mapped[int | None]
    title: Mapped[str] = mapped_column(sa.String(120), default="")
    authors: Mapped[str] = mapped_column(sa.String(200), default="")
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status: Mapped[str] = mapped_column(sa.String(12), default=EntryStatus.DRAFT)
    statement_id: Mapped[int | None] = mapped_column(sa.ForeignKey("statement.id"))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]

    event: Mapped[Event] = relationship()
    category: Mapped[Category] = relationship()
    department: Mapped[Department | None] = relationship()
    author: Mapped[Account] = relationship()
    team: Mapped[Team | None] = relationship()
    files: Mapped[list["EntryFile"]] = relationship(order_by="EntryFile.position", back_populates="entry")


class EntryFile(Model):
    """A file of an entry at its place in the order (a series is 4 to 8 of them)."""

    __tablename__ = "entry_file"
    __table_args__ = (sa.UniqueConstraint("entry_id", "asset_id"),)

    id: Mapped[Pk]
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("entry.id", ondelete="CASCADE"))
    asset_id: Mapped[int] = mapped_column(sa.ForeignKey("asset.id"), index=True)
    position: Mapped[int] = mapped_column(default=0)

    entry: Mapped[Entry] = relationship(back_populates="files")
    asset: Mapped[Asset] = relationship()


class Screening(Model):
    """What the organiser decided about a submitted entry; the last one stands, all are kept."""

    __tablename__ = "screening"

    id: Mapped[Pk]
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("entry.id", ondelete="CASCADE"), index=True)
    actor_id: Mapped[int] = mapped_column(BigId)
    verdict: Mapped[str] = mapped_column(sa.String(12))
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    at: Mapped[datetime]
