"""Polls, their candidates, and the ledger of votes."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import BigId, Model, Pk
from concours.entries.models import Entry
from concours.events.models import Event
from concours.teams.models import Team
from concours.voting.amendments import models as _amendments  # noqa: F401 (known to SQL with the other tables)
from concours.voting.ladder.ways import who_of


class Poll(Model):
    """One public vote over a set of candidates.

    `rules` is read by `voting.rules`; 0 means no limit. `version` rises with each change, so that caches know.
    `ways`: kind -> weight, as `voting.ladder.ways` reads it. `challenge`: whether newcomers solve a puzzle (`never`,
    `evidence`, `always`), and with `challenge_now` those of a poll on evidence do. The slug never changes: the wrapped
    keys are bound to it. `wrapped_key` is the secret of the voters' pseudonyms, `wrapped_signing_key`
    signs receipts, `signing_public` verifies them.
    """

    __tablename__ = "poll"
    __table_args__ = (
        sa.UniqueConstraint("slug"),
        sa.CheckConstraint("opens_at < closes_at", name="opens_before_it_closes"),
        sa.CheckConstraint("challenge in ('never', 'evidence', 'always')", name="challenge_is_known"),
    )

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"), index=True)
    slug: Mapped[str] = mapped_column(sa.String(60))
    title: Mapped[str] = mapped_column(sa.String(120))
    introduction: Mapped[str] = mapped_column(sa.Text, default="")
    ways: Mapped[dict[str, Any]] = mapped_column(default=dict)
    challenge: Mapped[str] = mapped_column(sa.String(12), default="never")
    challenge_now: Mapped[bool] = mapped_column(default=False)
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=1)
    zone: Mapped[str] = mapped_column(sa.String(48))
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    wrapped_key: Mapped[bytes]
    wrapped_signing_key: Mapped[bytes]
    signing_public: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    published: Mapped[bool] = mapped_column(default=False)
    key_destroyed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    @property
    def who(self) -> str:
        """The ways in one word, for programs that know polls with one way."""
        return who_of(self.ways)

    event: Mapped[Event] = relationship()
    candidates: Mapped[list["Candidate"]] = relationship(order_by="Candidate.position", back_populates="poll")


class Candidate(Model):
    """What can be voted for in a poll: an entry or a team. A withdrawn one keeps its votes and takes no more."""

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
    """One recorded vote: a row of the ledger. Its unique keys and its slots are the last word on what counts.

    `leaf` is the gapless index in the poll's log; `tag` the voter's pseudonym (never public); `nonce` the client's
    16 bytes; `commitment` SHA-256 over both, which names the vote in public. `slot` is its number among the voter's
    votes of that day, `repeat` among those for the same candidate that day, `nth` among those for the same
    candidate in all, `ordinal` among all of the voter's in the poll. `weight` is how many votes it counts.
    `journal_id` is where it stood in the journal. `network` is the pseudonym of the network that the vote came
    from, kept to judge fraud and for nothing else: no part of the leaf, never public.
    """

    __tablename__ = "vote"
    __table_args__ = (
        sa.UniqueConstraint("poll_id", "leaf"),
        sa.UniqueConstraint("poll_id", "commitment"),
    )

    id: Mapped[Pk]
    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"))
    leaf: Mapped[int] = mapped_column(sa.BigInteger)
    candidate_id: Mapped[int] = mapped_column(BigId)
    tag: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    nonce: Mapped[bytes] = mapped_column(sa.LargeBinary(16))
    commitment: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    day: Mapped[date] = mapped_column(sa.Date)
    slot: Mapped[int]
    repeat: Mapped[int] = mapped_column(default=1)
    ordinal: Mapped[int]
    journal_id: Mapped[str] = mapped_column(sa.String(40))
    recorded_at: Mapped[datetime]
    network: Mapped[bytes | None] = mapped_column(sa.LargeBinary(16))
    weight: Mapped[int] = mapped_column(default=1)
    nth: Mapped[int] = mapped_column(default=1)


class VoteSlot(Model):
    """What a recorded vote uses up: four rows of each vote, which no other vote of the voter may take.

    `number` counts the voter's votes for `candidate_id` (0: for any) on `day` (0: on any day; else
    `date.toordinal()`), so the rows are the vote's `slot`, `repeat`, `nth` and `ordinal`. `voter` is the first 16 bytes
    of the tag. They are a table of their own, in the order of its key, because a voter's rows then lie side by
    side: a vote touches one place of a large ledger, where four keys of the vote's own table made it touch four.
    """

    __tablename__ = "vote_slot"
    __table_args__ = ({"sqlite_with_rowid": False},)

    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"), primary_key=True, autoincrement=False)
    voter: Mapped[bytes] = mapped_column(sa.LargeBinary(16), primary_key=True)
    candidate_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    leaf: Mapped[int] = mapped_column(sa.BigInteger)


class StandingsSnapshot(Model):
    """A poll's tally as it was at `taken_at`, with the ledger's size; for polls whose counts are shown with a delay."""

    __tablename__ = "standings_snapshot"

    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"), primary_key=True, autoincrement=False)
    taken_at: Mapped[datetime] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    counts: Mapped[dict[str, Any]]


class RefusedVote(Model):
    """A journal entry that the ledger's unique keys refused, kept so that whoever waited (or asks later) is told."""

    __tablename__ = "refused_vote"
    __table_args__ = (sa.UniqueConstraint("poll_id", "journal_id"),)

    id: Mapped[Pk]
    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"))
    journal_id: Mapped[str] = mapped_column(sa.String(40))
    candidate_id: Mapped[int] = mapped_column(BigId)
    commitment: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    reason: Mapped[str] = mapped_column(sa.String(24))
    refused_at: Mapped[datetime]


class Tally(Model):
    """Votes per candidate as recorded, each by its weight, kept in the sequencer's own transaction: the truth behind
    Redis' projection. `votes` are those that count, `voided` those that were taken out."""

    __tablename__ = "tally"
    __table_args__ = (sa.UniqueConstraint("poll_id", "candidate_id"),)

    id: Mapped[Pk]
    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"))
    candidate_id: Mapped[int] = mapped_column(BigId)
    votes: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    voided: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")


class PollProgress(Model):
    """How far a poll's journal has been recorded: the next leaf, the last journal id, and the fencing token of the
    sequencer that wrote it; a sequencer with a lower token cannot commit. `amendments` of the leaves are no votes;
    `voided` of the votes do not count now."""

    __tablename__ = "poll_progress"

    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"), primary_key=True, autoincrement=False)
    next_leaf: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    amendments: Mapped[int] = mapped_column(default=0, server_default="0")
    voided: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")
    journal_id: Mapped[str] = mapped_column(sa.String(40), default="0-0")
    fence: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    changed_at: Mapped[datetime]


class SequencerTerm(Model):
    """One row: how often the lease was taken. Each taking raises `fence`, which is the new holder's fencing token;
    it lives in SQL because a wiped Redis must not start it again from 1."""

    __tablename__ = "sequencer_term"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fence: Mapped[int] = mapped_column(sa.BigInteger)
    taken_at: Mapped[datetime]


class PollLog(Model):
    """A poll's public log: how far the tiles go, and whether it is closed. Written by the log's keeper alone.

    `size`: leaves in the tiles; `published`, `signed_at`: size and time of the newest checkpoint; `fence` as in
    PollProgress. `rotate`: an organiser asks for a new key. `trouble`: what differed at the last attempt to close, at
    `checked_at` (empty: nothing). `closed_at`, `closing`: when the final checkpoint was signed, and the closing note.
    """

    __tablename__ = "poll_log"

    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"), primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    published: Mapped[int | None] = mapped_column(sa.BigInteger)
    signed_at: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    rotate: Mapped[bool] = mapped_column(default=False)
    trouble: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    checked_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closing: Mapped[str] = mapped_column(sa.Text, default="")


class LogTile(Model):
    """A tile of a poll's log (c2sp.org/tlog-tiles): up to 256 hashes of 32 bytes, side by side. A full one never
    changes; the last of each level grows."""

    __tablename__ = "log_tile"

    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"), primary_key=True, autoincrement=False)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes]


class LogKey(Model):
    """A key that signs a poll's checkpoints. `wrapped` is empty once another has followed; `note` is what its
    predecessor signed to hand over (of the first: empty)."""

    __tablename__ = "log_key"
    __table_args__ = (sa.UniqueConstraint("poll_id", "number"),)

    id: Mapped[Pk]
    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"))
    number: Mapped[int]
    public: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    wrapped: Mapped[bytes]
    note: Mapped[str] = mapped_column(sa.Text, default="")
    since: Mapped[datetime]


class Checkpoint(Model):
    """A signed checkpoint; `note` without the witnesses' lines."""

    __tablename__ = "checkpoint"
    __table_args__ = (sa.UniqueConstraint("poll_id", "size"),)

    id: Mapped[Pk]
    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id"))
    size: Mapped[int] = mapped_column(sa.BigInteger)
    root: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    note: Mapped[str] = mapped_column(sa.Text)
    signed_at: Mapped[datetime]


class Witness(Model):
    """Another party whose cosignatures of a poll's checkpoints are taken."""

    __tablename__ = "witness"
    __table_args__ = (sa.UniqueConstraint("poll_id", "name"),)

    id: Mapped[Pk]
    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(sa.String(120))
    public: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    added_at: Mapped[datetime]


class Cosignature(Model):
    """A witness' signature under a checkpoint: its line of the note, and the time it signed."""

    __tablename__ = "cosignature"
    __table_args__ = (sa.UniqueConstraint("checkpoint_id", "witness_id"),)

    id: Mapped[Pk]
    checkpoint_id: Mapped[int] = mapped_column(sa.ForeignKey("checkpoint.id", ondelete="CASCADE"))
    witness_id: Mapped[int] = mapped_column(sa.ForeignKey("witness.id", ondelete="CASCADE"), index=True)
    line: Mapped[str] = mapped_column(sa.String(300))
    made_at: Mapped[datetime]
