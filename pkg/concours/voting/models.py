"""Polls, their candidates, and the ledger of votes."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import BigId, Model, Pk
from concours.entries.models import Entry
from concours.events.models import Event
from concours.teams.models import Team


class Poll(Model):
    """One public vote over a set of candidates.

    `rules`: {"per_day", "per_candidate_day", "total", "network_per_minute"}; 0 means no limit. `version` rises with
    each change, so that caches know. `who`: `device` or `account`. `wrapped_key` is the poll's secret key, wrapped.
    """

    __tablename__ = "poll"
    __table_args__ = (
        sa.UniqueConstraint("slug"),
        sa.CheckConstraint("opens_at < closes_at", name="opens_before_it_closes"),
        sa.CheckConstraint("who in ('device', 'account')", name="who_is_known"),
    )

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"), index=True)
    slug: Mapped[str] = mapped_column(sa.String(60))
    title: Mapped[str] = mapped_column(sa.String(120))
    who: Mapped[str] = mapped_column(sa.String(12))
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=1)
    zone: Mapped[str] = mapped_column(sa.String(48))
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    wrapped_key: Mapped[bytes]
    published: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]

    event: Mapped[Event] = relationship()
    candidates: Mapped[list["Candidate"]] = relationship(order_by="Candidate.position", back_populates="poll")


class Candidate(Model):
    """What can be voted for in a poll: an entry or a team."""

    __tablename__ = "candidate"
    __table_args__ = (
        sa.UniqueConstraint("poll_id", "entry_id"),
        sa.UniqueConstraint("poll_id", "team_id"),
        sa.CheckConstraint("(entry_id is null) <> (team_id is null)", name="entry_or_team"),
    )

    id: Mapped[Pk]
    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id", ondelete="CASCADE"))
    entry_id: Mapped[int | None] = mapped_column(sa.ForeignKey("entry.id"), index=True)
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("team.id"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    withdrawn: Mapped[bool] = mapped_column(default=False)

    poll: Mapped[Poll] = relationship(back_populates="candidates")
    entry: Mapped[Entry | None] = relationship()
    team: Mapped[Team | None] = relationship()


class Vote(Model):
    """One recorded vote: a row of the ledger. The unique keys are the last word on what counts.

    `tag` is the voter's pseudonym (never public), `slot` its number among the voter's votes of that day, `leaf` the
    gapless index in the poll's log, `nonce` the client's 16 bytes, `journal_id` where it stood in the journal.
    """

    __tablename__ = "vote"
    __table_args__ = (
        sa.UniqueConstraint("poll_id", "leaf"),
        sa.UniqueConstraint("poll_id", "journal_id"),
        sa.UniqueConstraint("poll_id", "tag", "day", "slot"),
        sa.UniqueConstraint("poll_id", "tag", "candidate_id", "day", "repeat", name="uq_vote_once_per_candidate_day"),
    )

    id: Mapped[Pk]
    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"))
    leaf: Mapped[int] = mapped_column(sa.BigInteger)
    candidate_id: Mapped[int] = mapped_column(BigId)
    tag: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    nonce: Mapped[bytes] = mapped_column(sa.LargeBinary(16))
    day: Mapped[date] = mapped_column(sa.Date)
    slot: Mapped[int]
    repeat: Mapped[int] = mapped_column(default=1)
    journal_id: Mapped[str] = mapped_column(sa.String(40))
    recorded_at: Mapped[datetime]


class Tally(Model):
    """Votes per candidate as recorded, kept in the sequencer's own transaction: the truth behind Redis' projection."""

    __tablename__ = "tally"
    __table_args__ = (sa.UniqueConstraint("poll_id", "candidate_id"),)

    id: Mapped[Pk]
    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"))
    candidate_id: Mapped[int] = mapped_column(BigId)
    votes: Mapped[int] = mapped_column(sa.BigInteger, default=0)


class PollProgress(Model):
    """How far a poll's journal has been recorded: the next leaf, the last journal id, and the fencing token of the
    sequencer that wrote it; a sequencer with a lower token cannot commit."""

    __tablename__ = "poll_progress"

    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"), primary_key=True, autoincrement=False)
    next_leaf: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    journal_id: Mapped[str] = mapped_column(sa.String(40), default="0-0")
    fence: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    changed_at: Mapped[datetime]
