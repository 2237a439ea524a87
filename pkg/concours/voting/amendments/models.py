"""Decisions about recorded votes, the leaves they have become, and which votes are void now."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import Model, Pk
from concours.identity.models import Account

VOID, RESTORE = "void", "restore"
PROPOSED, CONFIRMED, RECORDED, DECLINED, WITHDRAWN = "proposed", "confirmed", "recorded", "declined", "withdrawn"


class Decision(Model):
    """A void or a restore of recorded votes, proposed by one person and decided by another.

    `number` counts the poll's proposals from 1. `reason` is public, `note` and `answer` (why it was declined) are not;
    `chosen` and `evidence` say how the votes were found. Which votes it covers is in DecisionVote, frozen at the
    proposal: `votes` of them, of `voters` voters. Written by the sequencer alone: `reached`, the last vote's leaf that
    its amendments cover so far; `changed`, how many votes' standing changed; `standings`, per candidate the votes
    before and what was added or taken; `recorded_at`, when its last amendment was recorded.
    """

    __tablename__ = "decision"
    __table_args__ = (
        sa.UniqueConstraint("poll_id", "number"),
        sa.CheckConstraint("kind in ('void', 'restore')", name="kind_is_known"),
        sa.CheckConstraint(
            "status in ('proposed', 'confirmed', 'recorded', 'declined', 'withdrawn')", name="status_is_known"
        ),
        sa.CheckConstraint(
            "(status = 'proposed' and decided_by_id is null)"
            " or (status = 'withdrawn' and decided_by_id = proposed_by_id)"
            " or (status in ('confirmed', 'recorded', 'declined') and decided_by_id is not null"
            " and decided_by_id <> proposed_by_id)",
            name="two_people",
        ),
    )

    id: Mapped[Pk]
    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(sa.String(8))
    status: Mapped[str] = mapped_column(sa.String(10), default=PROPOSED, index=True)
    reason: Mapped[str] = mapped_column(sa.Text)
    note: Mapped[str] = mapped_column(sa.Text, default="")
    chosen: Mapped[dict[str, Any]] = mapped_column(default=dict)
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    votes: Mapped[int]
    voters: Mapped[int]
    proposed_by_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    proposed_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    decided_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(sa.Text, default="")
    reached: Mapped[int] = mapped_column(sa.BigInteger, default=-1)
    changed: Mapped[int] = mapped_column(default=0)
    standings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    recorded_at: Mapped[datetime | None]

    proposed_by: Mapped[Account] = relationship(foreign_keys=proposed_by_id)
    decided_by: Mapped[Account | None] = relationship(foreign_keys=decided_by_id)


class DecisionVote(Model):
    """A vote that a decision covers, by its leaf."""

    __tablename__ = "decision_vote"

    decision_id: Mapped[int] = mapped_column(
        sa.ForeignKey("decision.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    leaf: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)


class Amendment(Model):
    """A leaf of the log that is no vote: a decision, or a part of a large one. `data` is what is hashed; `votes` of
    the log's earlier leaves are in it."""

    __tablename__ = "amendment"

    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"), primary_key=True, autoincrement=False)
    leaf: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    decision_id: Mapped[int] = mapped_column(sa.ForeignKey("decision.id"), index=True)
    data: Mapped[bytes]
    votes: Mapped[int]
    recorded_at: Mapped[datetime]


class VoidedVote(Model):
    """A vote that does not count now: the last amendment about it is a void, that of `decision_id`. It follows from the
    amendments; kept, because a tally must not read them all."""

    __tablename__ = "voided_vote"

    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"), primary_key=True, autoincrement=False)
    leaf: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    decision_id: Mapped[int] = mapped_column(sa.ForeignKey("decision.id"), index=True)


class ClosingNote(Model):
    """A closing note of a poll's log: the first at its close, another for each correction after it."""

    __tablename__ = "closing_note"

    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"), primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    root: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    note: Mapped[str] = mapped_column(sa.Text)
    signed_at: Mapped[datetime]
