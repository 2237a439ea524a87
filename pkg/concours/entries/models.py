"""Entries: what is judged, voted on and shown."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import BigId, Model, Pk
from concours.events.models import Category, Event, Statement
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
    category's fields by key. `version` rises with each change of the words: a form sent from an older one is told
    so; `files_version` rises with each change of the files. Both together are the `revision` a screener decides on.
    """

    __tablename__ = "entry"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "number"),
        sa.Index("ix_entry_event_id_status_id", "event_id", "status", "id"),
        sa.Index("ix_entry_event_id_id", "event_id", "id"),
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
    files_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]

    event: Mapped[Event] = relationship()
    category: Mapped[Category] = relationship()
    department: Mapped[Department | None] = relationship()
    author: Mapped[Account] = relationship()
    team: Mapped[Team | None] = relationship()
    statement: Mapped[Statement | None] = relationship()
    files: Mapped[list["EntryFile"]] = relationship(
        order_by="(EntryFile.position, EntryFile.id)", back_populates="entry", cascade="all, delete-orphan"
    )

    @property
    def revision(self) -> str:
        """What a screener saw: it changes with every change of the words or the files."""
        return f"{self.version}.{self.files_version}"


class EntryFile(Model):
    """A file of an entry at its place in the order (a series is 4 to 8 of them).

    Where `replaces_id` is set, the file waits for its checks: when they are good, it takes that file's place.
    """

    __tablename__ = "entry_file"
    __table_args__ = (sa.UniqueConstraint("entry_id", "asset_id"), sa.UniqueConstraint("asset_id"))

    id: Mapped[Pk]
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("entry.id", ondelete="CASCADE"))
    asset_id: Mapped[int] = mapped_column(sa.ForeignKey("asset.id"))
    position: Mapped[int] = mapped_column(default=0)
    replaces_id: Mapped[int | None] = mapped_column(sa.ForeignKey("entry_file.id", ondelete="SET NULL"))

    entry: Mapped[Entry] = relationship(back_populates="files")
    asset: Mapped[Asset] = relationship()


class Screening(Model):
    """What the organiser decided about a submitted entry; the last one stands, all are kept.

    `revision` is the one that was looked at.
    """

    __tablename__ = "screening"
    __table_args__ = (sa.Index("ix_screening_actor_id_id", "actor_id", "id"),)

    id: Mapped[Pk]
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("entry.id", ondelete="CASCADE"), index=True)
    actor_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    verdict: Mapped[str] = mapped_column(sa.String(12))
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    revision: Mapped[str] = mapped_column(sa.String(24), default="")
    at: Mapped[datetime]

    actor: Mapped[Account] = relationship()


class StepKind(StrEnum):
    """What an author did with an entry."""

    STARTED = "started"
    SUBMITTED = "submitted"
    CHANGED = "changed"
    FILES = "files"
    WITHDRAWN = "withdrawn"
    REOPENED = "reopened"


class EntryStep(Model):
    """What an author did with an entry, append-only: with the screenings it is the entry's history.

    `detail` of a change after the submission: {field: [before, after]}.
    """

    __tablename__ = "entry_step"

    id: Mapped[Pk]
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("entry.id", ondelete="CASCADE"), index=True)
    actor_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    kind: Mapped[str] = mapped_column(sa.String(12))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime]

    actor: Mapped[Account] = relationship()


class EntryRegister(Model):
    """One row for each event: whoever changes which entries count holds its lock, so that limits and numbers hold."""

    __tablename__ = "entry_register"

    event_id: Mapped[int] = mapped_column(
        sa.ForeignKey("event.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    last_number: Mapped[int] = mapped_column(default=0)


class EntryCount(Model):
    """How many entries of a category and department (0: without one) are in a status: kept, not counted."""

    __tablename__ = "entry_count"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "category_id", "department_id", "status"),
        sa.CheckConstraint("entries >= 0", name="never_below_zero"),
    )

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    category_id: Mapped[int] = mapped_column(sa.ForeignKey("category.id", ondelete="CASCADE"))
    department_id: Mapped[int] = mapped_column(BigId)
    status: Mapped[str] = mapped_column(sa.String(12))
    entries: Mapped[int] = mapped_column(default=0)
