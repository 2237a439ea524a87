"""Events, their divisions and their times."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import BigId, Model, Pk
from concours.identity.models import Department


class EventStatus(StrEnum):
    """A draft is seen by its organisers alone; an archived event is read-only."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class EventKind(StrEnum):
    """The template an event was made from."""

    TEAM_CONTEST = "team_contest"
    WORKS_EXHIBITION = "works_exhibition"
    STORY_SESSION = "story_session"


class PhaseKind(StrEnum):
    """The steps of an event, each of which opens and closes."""

    REGISTRATION = "registration"
    SUBMISSION = "submission"
    SCREENING = "screening"
    JUDGING = "judging"
    VOTING = "voting"
    RESULTS = "results"
    EXHIBITION = "exhibition"


class MediaKind(StrEnum):
    """What an entry of a category consists of."""

    IMAGE = "image"
    SERIES = "series"
    VIDEO = "video"
    TEXT = "text"
    AUDIO = "audio"


class Event(Model):
    """One contest, exhibition or sharing session.

    `settings` holds what is the event's alone: `check_in` (bool), `max_teams_per_department`,
    `team_min`, `team_max`, `clips_per_member_day`.
    """

    __tablename__ = "event"
    __table_args__ = (
        sa.UniqueConstraint("slug"),
        sa.CheckConstraint("status in ('draft', 'published', 'archived')", name="status_is_known"),
    )

    id: Mapped[Pk]
    slug: Mapped[str] = mapped_column(sa.String(60))
    title: Mapped[str] = mapped_column(sa.String(120))
    summary: Mapped[str] = mapped_column(sa.Text, default="")
    kind: Mapped[str] = mapped_column(sa.String(24))
    status: Mapped[str] = mapped_column(sa.String(12), default=EventStatus.DRAFT)
    zone: Mapped[str] = mapped_column(sa.String(48), default="Asia/Shanghai")
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_by: Mapped[int | None] = mapped_column(BigId)
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]

    categories: Mapped[list["Category"]] = relationship(order_by="Category.position", back_populates="event")
    phases: Mapped[list["Phase"]] = relationship(order_by="Phase.position")


class Category(Model):
    """A division of an event's entries. `rules` and `fields` are read by `events.rules`."""

    __tablename__ = "category"
    __table_args__ = (sa.UniqueConstraint("event_id", "code"),)

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"), index=True)
    code: Mapped[str] = mapped_column(sa.String(24))
    title: Mapped[str] = mapped_column(sa.String(80))
    media_kind: Mapped[str] = mapped_column(sa.String(12))
    position: Mapped[int] = mapped_column(default=0)
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fields: Mapped[list[dict[str, Any]]] = mapped_column(default=list)

    event: Mapped[Event] = relationship(back_populates="categories")


class Phase(Model):
    """When a step of the event is open: from `opens_at` (included) to `closes_at` (not included)."""

    __tablename__ = "phase"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "kind"),
        sa.CheckConstraint("opens_at < closes_at", name="opens_before_it_closes"),
    )

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(sa.String(16))
    position: Mapped[int] = mapped_column(default=0)
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]


class Statement(Model):
    """The originality and licence statement of an event, in one version; entries keep the version agreed to."""

    __tablename__ = "statement"
    __table_args__ = (sa.UniqueConstraint("event_id", "version"),)

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    version: Mapped[int]
    text: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime]


class Quota(Model):
    """How much a department may register or submit, where it differs from the event's general rule."""

    __tablename__ = "quota"
    __table_args__ = (sa.UniqueConstraint("event_id", "department_id"),)

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("department.id"))
    max_teams: Mapped[int | None]
    max_entries: Mapped[int | None]

    department: Mapped[Department] = relationship()
