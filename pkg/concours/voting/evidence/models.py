"""Kept evidence: each time a poll's ledger was looked through, and the groups of votes that were found."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import BigId, Json, Model, Pk
from concours.identity.models import Account

WAITING, DONE, FAILED = "waiting", "done", "failed"


class EvidenceRun(Model):
    """One look through a poll's ledger. `leaves`: its size then; `votes`: how many were looked at (void ones are not);
    `figures`: what the page shows of the poll as a whole (`shown.figures_of`); `asked_by_id` is empty for a command."""

    __tablename__ = "evidence_run"
    __table_args__ = (sa.CheckConstraint("status in ('waiting', 'done', 'failed')", name="status_is_known"),)

    id: Mapped[Pk]
    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id", ondelete="CASCADE"), index=True)
    status: Mapped[str] = mapped_column(sa.String(8))
    asked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    asked_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    leaves: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    votes: Mapped[int] = mapped_column(default=0)
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)


class EvidenceGroup(Model):
    """A group of votes that look arranged. `number` counts from 1, the strongest first; `candidate_id` has most of its
    votes; `kinds` are the kinds of its findings, a comma before, between and after; `q`, `honest`, `strong` as in
    `groups.Group`; `facts` what its page shows; `ranges` its leaves, as [first, last] in order.

    `looked_at`, `looked_by_id`, `note`: somebody looked at it and found it not suspicious.
    """

    __tablename__ = "evidence_group"
    __table_args__ = (sa.UniqueConstraint("run_id", "number"),)

    id: Mapped[Pk]
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("evidence_run.id", ondelete="CASCADE"))
    number: Mapped[int]
    candidate_id: Mapped[int] = mapped_column(BigId)
    kinds: Mapped[str] = mapped_column(sa.String(80))
    strong: Mapped[bool]
    votes: Mapped[int]
    voters: Mapped[int]
    networks: Mapped[int]
    q: Mapped[float]
    honest: Mapped[float]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    ranges: Mapped[list[list[int]]] = mapped_column(Json, default=list)
    looked_at: Mapped[datetime | None]
    looked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    note: Mapped[str] = mapped_column(sa.Text, default="")

    looked_by: Mapped[Account | None] = relationship()
