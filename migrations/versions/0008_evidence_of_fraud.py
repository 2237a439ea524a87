"""Evidence of fraud

Revision 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evidence_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("poll_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("asked_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leaves", sa.BigInteger(), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.Column("figures", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.CheckConstraint("status in ('waiting', 'done', 'failed')", name=op.f("ck_evidence_run_status_is_known")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["account.id"], name=op.f("fk_evidence_run_asked_by_id_account")),
        sa.ForeignKeyConstraint(
            ["poll_id"], ["poll.id"], name=op.f("fk_evidence_run_poll_id_poll"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_run")),
    )
    with op.batch_alter_table("evidence_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_run_poll_id"), ["poll_id"], unique=False)

    op.create_table(
        "evidence_group",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kinds", sa.String(length=80), nullable=False),
        sa.Column("strong", sa.Boolean(), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.Column("voters", sa.Integer(), nullable=False),
        sa.Column("networks", sa.Integer(), nullable=False),
        sa.Column("q", sa.Double(), nullable=False),
        sa.Column("honest", sa.Double(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("ranges", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["looked_by_id"], ["account.id"], name=op.f("fk_evidence_group_looked_by_id_account")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["evidence_run.id"], name=op.f("fk_evidence_group_run_id_evidence_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_group")),
        sa.UniqueConstraint("run_id", "number", name=op.f("uq_evidence_group_run_id_number")),
    )


def downgrade() -> None:
    op.drop_table("evidence_group")
    with op.batch_alter_table("evidence_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evidence_run_poll_id"))

    op.drop_table("evidence_run")
