"""Rounds of a jury and what its judges said."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import Model, Pk
from concours.entries.models import Entry
from concours.identity.models import Account


class RoundKind(StrEnum):
    """How judges speak in a round."""

    YES_NO = "yes_no"
    POINTS = "points"


class RoundStatus(StrEnum):
    """`DRAFT` until it opens, `OPEN` while judges mark, `CLOSED` to marks, `SELECTED` when N are chosen."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    SELECTED = "selected"


class Round(Model):
    """One step of a jury over the entries of an event (or of some of its categories).

    `input` says where its entries come from: {"categories": [ids], "round": id or None}; the accepted entries of these
    categories (of all for an empty list), or those on that round's shortlist. `rule` is fixed before the round opens:
    {"ties": ["median", "lottery"], "quotas": {"category id": {"min": n, "max": n}}, "titles": true}; closing adds
    {"missing": "available"}, what becomes of missing marks. `seed` (hex, drawn when the round opens, "" before) drives
    the assignment; the lottery's published seed is its hash (`selection.lottery_seed`). `outcome` says what a shortlist
    was made from: {"count": N, "entries": [all entries it was chosen from]}.
    """

    __tablename__ = "round"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "position"),
        sa.CheckConstraint("kind in ('yes_no', 'points')", name="kind_is_known"),
        sa.CheckConstraint("status in ('draft', 'open', 'closed', 'selected')", name="status_is_known"),
        sa.CheckConstraint("reviews >= 1", name="at_least_one_review"),
        sa.CheckConstraint("select_count >= 1", name="selects_at_least_one"),
    )

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    position: Mapped[int]
    title: Mapped[str] = mapped_column(sa.String(80))
    kind: Mapped[str] = mapped_column(sa.String(12))
    status: Mapped[str] = mapped_column(sa.String(12), default=RoundStatus.DRAFT)
    reviews: Mapped[int]
    select_count: Mapped[int]
    input: Mapped[dict[str, Any]] = mapped_column(default=dict)
    rule: Mapped[dict[str, Any]] = mapped_column(default=dict)
    seed: Mapped[str] = mapped_column(sa.String(64), default="")
    outcome: Mapped[dict[str, Any]] = mapped_column(default=dict)
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    selected_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    criteria: Mapped[list["Criterion"]] = relationship(
        order_by="Criterion.position", back_populates="round", cascade="all, delete-orphan"
    )
    judges: Mapped[list["Panelist"]] = relationship(back_populates="round", order_by="Panelist.id")


class Criterion(Model):
    """One criterion of a points round: whole points from `lowest` to `highest`, weighted."""

    __tablename__ = "criterion"
    __table_args__ = (
        sa.UniqueConstraint("round_id", "key"),
        sa.CheckConstraint("lowest < highest", name="scale_has_room"),
        sa.CheckConstraint("weight > 0", name="weight_is_positive"),
    )

    id: Mapped[Pk]
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(sa.String(24))
    title: Mapped[str] = mapped_column(sa.String(80))
    weight: Mapped[float]
    lowest: Mapped[int] = mapped_column(default=1)
    highest: Mapped[int] = mapped_column(default=9)
    position: Mapped[int] = mapped_column(default=0)

    round: Mapped[Round] = relationship(back_populates="criteria")


class Panelist(Model):
    """A judge in a round's panel. `dropped_at` says since when no more: what they marked before still counts."""

    __tablename__ = "panelist"
    __table_args__ = (sa.UniqueConstraint("round_id", "account_id"),)

    id: Mapped[Pk]
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    added_at: Mapped[datetime]
    dropped_at: Mapped[datetime | None]

    round: Mapped[Round] = relationship(back_populates="judges")
    account: Mapped[Account] = relationship()


class RoundEntry(Model):
    """An entry that the round is about, since it opened (or since it was added while the round was open)."""

    __tablename__ = "round_entry"
    __table_args__ = (sa.UniqueConstraint("round_id", "entry_id"),)

    id: Mapped[Pk]
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id", ondelete="CASCADE"))
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("entry.id"), index=True)

    entry: Mapped[Entry] = relationship()


class Assignment(Model):
    """This judge reviews this entry in this round; rows are never deleted, so that no mark is.

    `token` is all a judge sees of the entry's identity: random per judge; `position` is the random place in this
    judge's order. `recused_at` says the judge stepped aside, `withdrawn_at` that the work went to somebody else before
    it was marked. `value` and `marked_at` repeat the last mark (None: none, or taken back), so that nothing has to be
    searched in the history.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        sa.UniqueConstraint("round_id", "entry_id", "account_id"),
        sa.UniqueConstraint("token"),
        sa.Index("ix_assignment_round_id_account_id_position", "round_id", "account_id", "position"),
    )

    id: Mapped[Pk]
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id", ondelete="CASCADE"))
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("entry.id"), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    token: Mapped[str] = mapped_column(sa.String(24))
    position: Mapped[int]
    recused_at: Mapped[datetime | None]
    recusal_reason: Mapped[str] = mapped_column(sa.String(300), default="")
    withdrawn_at: Mapped[datetime | None]
    value: Mapped[dict[str, Any] | None]
    marked_at: Mapped[datetime | None]

    entry: Mapped[Entry] = relationship()
    round: Mapped[Round] = relationship()


class Mark(Model):
    """What a judge said of an entry; append-only, the last one stands. `value` is {"yes": bool} or
    {criterion key: points}; None takes the mark back (undo). `client_id` makes a repeated sending the same mark."""

    __tablename__ = "mark"
    __table_args__ = (
        sa.UniqueConstraint("assignment_id", "client_id"),
        sa.Index("ix_mark_round_id_assignment_id_id", "round_id", "assignment_id", "id"),
    )

    id: Mapped[Pk]
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id", ondelete="CASCADE"))
    assignment_id: Mapped[int] = mapped_column(sa.ForeignKey("assignment.id", ondelete="CASCADE"))
    client_id: Mapped[str] = mapped_column(sa.String(40))
    value: Mapped[dict[str, Any] | None]
    at: Mapped[datetime]


class Selected(Model):
    """An entry on a round's shortlist: its place, score (0 to 100), and what decided that it is in:
    `score`, `median`, `reviews`, `lottery` or `quota`."""

    __tablename__ = "selected"
    __table_args__ = (sa.UniqueConstraint("round_id", "entry_id"), sa.UniqueConstraint("round_id", "place"))

    id: Mapped[Pk]
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id", ondelete="CASCADE"))
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("entry.id"), index=True)
    place: Mapped[int]
    score: Mapped[float]
    decided_by: Mapped[str] = mapped_column(sa.String(16))

    entry: Mapped[Entry] = relationship()
