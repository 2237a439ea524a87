"""Decisions about votes

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "closing_note",
        sa.Column("poll_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["poll_id"], ["poll.id"], name=op.f("fk_closing_note_poll_id_poll")),
        sa.PrimaryKeyConstraint("poll_id", "number", name=op.f("pk_closing_note")),
    )
    op.execute(  # what was closed before has its first closing note
        "INSERT INTO closing_note (poll_id, number, size, root, note, signed_at)"
        " SELECT l.poll_id, 0, c.size, c.root, l.closing, l.closed_at FROM poll_log l"
        " JOIN checkpoint c ON c.poll_id = l.poll_id AND c.size = l.published WHERE l.closed_at IS NOT NULL"
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("poll_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("chosen", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("evidence", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.Column("voters", sa.Integer(), nullable=False),
        sa.Column("proposed_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("reached", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("standings", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'proposed' and decided_by_id is null)"
            " or (status = 'withdrawn' and decided_by_id = proposed_by_id)"
            " or (status in ('confirmed', 'recorded', 'declined') and decided_by_id is not null"
            " and decided_by_id <> proposed_by_id)",
            name=op.f("ck_decision_two_people"),
        ),
        sa.CheckConstraint("kind in ('void', 'restore')", name=op.f("ck_decision_kind_is_known")),
        sa.CheckConstraint(
            "status in ('proposed', 'confirmed', 'recorded', 'declined', 'withdrawn')",
            name=op.f("ck_decision_status_is_known"),
        ),
        sa.ForeignKeyConstraint(["decided_by_id"], ["account.id"], name=op.f("fk_decision_decided_by_id_account")),
        sa.ForeignKeyConstraint(["poll_id"], ["poll.id"], name=op.f("fk_decision_poll_id_poll")),
        sa.ForeignKeyConstraint(["proposed_by_id"], ["account.id"], name=op.f("fk_decision_proposed_by_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("poll_id", "number", name=op.f("uq_decision_poll_id_number")),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decision_status"), ["status"], unique=False)

    op.create_table(
        "amendment",
        sa.Column("poll_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("leaf", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("decision_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_amendment_decision_id_decision")),
        sa.ForeignKeyConstraint(["poll_id"], ["poll.id"], name=op.f("fk_amendment_poll_id_poll")),
        sa.PrimaryKeyConstraint("poll_id", "leaf", name=op.f("pk_amendment")),
    )
    with op.batch_alter_table("amendment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_amendment_decision_id"), ["decision_id"], unique=False)

    op.create_table(
        "decision_vote",
        sa.Column(
            "decision_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("leaf", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decision.id"], name=op.f("fk_decision_vote_decision_id_decision"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("decision_id", "leaf", name=op.f("pk_decision_vote")),
    )
    op.create_table(
        "voided_vote",
        sa.Column("poll_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("leaf", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("decision_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_voided_vote_decision_id_decision")),
        sa.ForeignKeyConstraint(["poll_id"], ["poll.id"], name=op.f("fk_voided_vote_poll_id_poll")),
        sa.PrimaryKeyConstraint("poll_id", "leaf", name=op.f("pk_voided_vote")),
    )
    with op.batch_alter_table("voided_vote", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_voided_vote_decision_id"), ["decision_id"], unique=False)

    with op.batch_alter_table("poll", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key_destroyed_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("poll_progress", schema=None) as batch_op:
        batch_op.add_column(sa.Column("amendments", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("voided", sa.BigInteger(), server_default="0", nullable=False))

    with op.batch_alter_table("tally", schema=None) as batch_op:
        batch_op.add_column(sa.Column("voided", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("tally", schema=None) as batch_op:
        batch_op.drop_column("voided")

    with op.batch_alter_table("poll_progress", schema=None) as batch_op:
        batch_op.drop_column("voided")
        batch_op.drop_column("amendments")

    with op.batch_alter_table("poll", schema=None) as batch_op:
        batch_op.drop_column("key_destroyed_at")

    with op.batch_alter_table("voided_vote", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_voided_vote_decision_id"))

    op.drop_table("voided_vote")
    op.drop_table("decision_vote")
    with op.batch_alter_table("amendment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_amendment_decision_id"))

    op.drop_table("amendment")
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_decision_status"))

    op.drop_table("decision")
    op.drop_table("closing_note")
