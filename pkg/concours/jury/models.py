"""Rounds of a jury, who judges in them, and what its judges said."""

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
    RANKING = "ranking"
    PAIRWISE = "pairwise"
    DISCUSSION = "discussion"


class RoundStatus(StrEnum):
    """`DRAFT` until it opens, `OPEN` while judges mark, `CLOSED` to marks, `SELECTED` when N are chosen."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    SELECTED = "selected"


class Round(Model):
    """One step of a jury over the entries of an event (or of some of its categories).

    `input` says where its entries come from: {"categories": [ids], "round": id or None, "picked": {"entry id":
    reason}}; the accepted entries of these categories (of all for an empty list), those on that round's shortlist, or
    those picked by hand. `rule` is fixed before the round opens: {"ties": ["median", "lottery"], "quotas": {"category
    id": {"min": n, "max": n}}, "department_quotas": the same by department, "titles": true, "score": "mean" or "model",
    "maybe": true, "top": k, "group": n, "comparisons": n, "overlap": n}; closing adds {"missing": "available"}, what
    becomes of missing marks. `seed` (hex, drawn when the round opens, "" before) drives the assignment; the lottery's
    published seed is its hash (`selection.lottery_seed`). `outcome` says what a shortlist was made from: {"count": N,
    "entries": [all entries it was chosen from]}. `closes_at`: from then on no mark is taken, until it is extended.
    """

    __tablename__ = "round"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "position"),
        sa.CheckConstraint("kind in ('yes_no', 'points', 'ranking', 'pairwise', 'discussion')", name="kind_is_known"),
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
    closes_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    selected_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    criteria: Mapped[list["Criterion"]] = relationship(
        order_by="Criterion.position", back_populates="round", cascade="all, delete-orphan"
    )
    judges: Mapped[list["Panelist"]] = relationship(back_populates="round", order_by="Panelist.id")


class Criterion(Model):
    """One criterion of a points round: points from `lowest` to `highest` in whole multiples of `step`, weighted.

    `anchors` describes what some of the points mean: {"9": "sentence"}.
    """

    __tablename__ = "criterion"
    __table_args__ = (
        sa.UniqueConstraint("round_id", "key"),
        sa.CheckConstraint("lowest < highest", name="scale_has_room"),
        sa.CheckConstraint("weight > 0", name="weight_is_positive"),
        sa.CheckConstraint("step >= 1", name="step_is_positive"),
    )

    id: Mapped[Pk]
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(sa.String(24))
    title: Mapped[str] = mapped_column(sa.String(80))
    weight: Mapped[float]
    lowest: Mapped[int] = mapped_column(default=1)
    highest: Mapped[int] = mapped_column(default=9)
    step: Mapped[int] = mapped_column(default=1)
    anchors: Mapped[dict[str, Any]] = mapped_column(default=dict)
    position: Mapped[int] = mapped_column(default=0)

    round: Mapped[Round] = relationship(back_populates="criteria")


class Panelist(Model):
    """A judge in a round's panel. `dropped_at` says since when no more: what they marked before still counts.

    `categories`: numbers of those they judge, empty for all of the round's. `capacity`: at most so many works, None for
    no limit. `paused_at`: since when they are given nothing new and what they have not marked is lent to others.
    `in_place_of`: the judge whose place they took.
    """

    __tablename__ = "panelist"
    __table_args__ = (sa.UniqueConstraint("round_id", "account_id"),)

    id: Mapped[Pk]
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    categories: Mapped[list[Any]] = mapped_column(default=list)
    capacity: Mapped[int | None]
    in_place_of: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    added_at: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]

    round: Mapped[Round] = relationship(back_populates="judges")
    account: Mapped[Account] = relationship(foreign_keys="Panelist.account_id")


class DeclaredConflict(Model):
    """Why a judge must not review something, known beforehand: a department's works, one work, or a person's works.

    `withdrawn_at` says since when it holds no more.
    """

    __tablename__ = "declared_conflict"
    __table_args__ = (
        sa.Index("ix_declared_conflict_event_id_account_id", "event_id", "account_id"),
        sa.CheckConstraint(
            "(case when department_id is null then 0 else 1 end) + (case when entry_id is null then 0 else 1 end)"
            " + (case when author_id is null then 0 else 1 end) = 1",
            name="is_about_one_thing",
        ),
    )

    id: Mapped[Pk]
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"))
    entry_id: Mapped[int | None] = mapped_column(sa.ForeignKey("entry.id"))
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    reason: Mapped[str] = mapped_column(sa.String(300), default="")
    declared_by: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    declared_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class RoundEntry(Model):
    """An entry that the round is about, since it opened (or since it was added while the round was open).

    `anchor`: every judge of the panel reviews it. `extra_reviews`: asked for beyond the round's number, at the cut.
    `reason`: why it was picked by hand.
    """

    __tablename__ = "round_entry"
    __table_args__ = (sa.UniqueConstraint("round_id", "entry_id"),)

    id: Mapped[Pk]
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id", ondelete="CASCADE"))
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("entry.id"), index=True)
    anchor: Mapped[bool] = mapped_column(default=False)
    extra_reviews: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(sa.String(300), default="")

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
    """What a judge said of an entry; append-only, the last one stands.

    `value` is {"yes": true, false or "maybe"}, {criterion key: points}, or {"at": number}: the entry's place on the
    judge's own line, the smallest is the best; None takes the mark back (undo). `client_id` makes a repeated sending
    the same mark.
    """

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


class Comparison(Model):
    """Which of two of a judge's works is the better; append-only, the last one of a pair stands.

    `first_id` < `second_id` are assignments of one judge. `better`: `first`, `second` or `equal`; None takes it back.
    """

    __tablename__ = "comparison"
    __table_args__ = (
        sa.UniqueConstraint("first_id", "second_id", "client_id"),
        sa.Index("ix_comparison_round_id_id", "round_id", "id"),
        sa.CheckConstraint("first_id < second_id", name="pair_has_one_spelling"),
        sa.CheckConstraint("better in ('first', 'second', 'equal')", name="better_is_known"),
    )

    id: Mapped[Pk]
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id", ondelete="CASCADE"))
    first_id: Mapped[int] = mapped_column(sa.ForeignKey("assignment.id", ondelete="CASCADE"))
    second_id: Mapped[int] = mapped_column(sa.ForeignKey("assignment.id", ondelete="CASCADE"), index=True)
    client_id: Mapped[str] = mapped_column(sa.String(40))
    better: Mapped[str | None] = mapped_column(sa.String(8))
    at: Mapped[datetime]


class ShowOfHands(Model):
    """How the jury voted on an entry in a discussion, as the organiser recorded it; append-only, the last stands."""

    __tablename__ = "show_of_hands"
    __table_args__ = (
        sa.Index("ix_show_of_hands_round_id_entry_id_id", "round_id", "entry_id", "id"),
        sa.CheckConstraint("in_favour >= 0 and against >= 0 and abstaining >= 0", name="hands_are_counted"),
    )

    id: Mapped[Pk]
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id", ondelete="CASCADE"))
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("entry.id"), index=True)
    in_favour: Mapped[int]
    against: Mapped[int]
    abstaining: Mapped[int]
    note: Mapped[str] = mapped_column(sa.String(1000), default="")
    recorded_by: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    at: Mapped[datetime]


class RemarkKind(StrEnum):
    """`COPY` (suspected), `RULE` (broken) and `DISCUSS` are flags to the organiser, `NOTE` is a note to the organiser,
    `OWN` a note for the judge alone, `COMMENT` a comment to the author, which the organiser reviews."""

    COPY = "copy"
    RULE = "rule"
    DISCUSS = "discuss"
    NOTE = "note"
    OWN = "own"
    COMMENT = "comment"


FLAGS = frozenset({RemarkKind.COPY, RemarkKind.RULE, RemarkKind.DISCUSS})
"""The kinds of remarks that mark an entry for the organiser."""


class Remark(Model):
    """What a judge says of an entry besides the mark. One of a kind per judge and entry; a flag needs no text.

    `withdrawn_at`: the judge took it back. `handled`: what the organiser did with it: "" (nothing yet), `seen`,
    `released` (a comment the author reads) or `withheld`, with `answer` for the organisers' own record.
    """

    __tablename__ = "remark"
    __table_args__ = (
        sa.UniqueConstraint("assignment_id", "kind"),
        sa.Index("ix_remark_round_id_kind_id", "round_id", "kind", "id"),
        sa.CheckConstraint("kind in ('copy', 'rule', 'discuss', 'note', 'own', 'comment')", name="kind_is_known"),
        sa.CheckConstraint("handled in ('', 'seen', 'released', 'withheld')", name="handled_is_known"),
    )

    id: Mapped[Pk]
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id", ondelete="CASCADE"))
    assignment_id: Mapped[int] = mapped_column(sa.ForeignKey("assignment.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(sa.String(8))
    text: Mapped[str] = mapped_column(sa.String(2000), default="")
    at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    handled: Mapped[str] = mapped_column(sa.String(8), default="")
    handled_by: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    handled_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(sa.String(1000), default="")

    assignment: Mapped[Assignment] = relationship()


class RoundReport(Model):
    """The fairness report of a round for one state of its marks: `digest` is the input's (SHA-256, hex).

    `content` is None while the job is at work, or where it failed (`problem` says why).
    """

    __tablename__ = "round_report"
    __table_args__ = (sa.UniqueConstraint("round_id", "digest"),)

    id: Mapped[Pk]
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(sa.String(64))
    code: Mapped[str] = mapped_column(sa.String(40), default="")
    asked_at: Mapped[datetime]
    made_at: Mapped[datetime | None]
    content: Mapped[dict[str, Any] | None]
    problem: Mapped[str] = mapped_column(sa.String(300), default="")
