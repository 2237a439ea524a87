"""Juries of five kinds

Rankings, pairs and discussions, panels per category with capacities, conflicts declared beforehand, remarks, reports.

Revision 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
KINDS = "kind in ('yes_no', 'points', 'ranking', 'pairwise', 'discussion')"


def upgrade() -> None:
    op.create_table(
        "round_report",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("round_id", WHOLE, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("content", JSON, nullable=True),
        sa.Column("problem", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id"], ["round.id"], name=op.f("fk_round_report_round_id_round"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_report")),
        sa.UniqueConstraint("round_id", "digest", name=op.f("uq_round_report_round_id_digest")),
    )
    op.create_table(
        "declared_conflict",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("event_id", WHOLE, nullable=False),
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("department_id", WHOLE, nullable=True),
        sa.Column("entry_id", WHOLE, nullable=True),
        sa.Column("author_id", WHOLE, nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("declared_by", WHOLE, nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(case when department_id is null then 0 else 1 end) + (case when entry_id is null then 0 else 1 end) + (case when author_id is null then 0 else 1 end) = 1",
            name=op.f("ck_declared_conflict_is_about_one_thing"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_declared_conflict_account_id_account")),
        sa.ForeignKeyConstraint(["author_id"], ["account.id"], name=op.f("fk_declared_conflict_author_id_account")),
        sa.ForeignKeyConstraint(["declared_by"], ["account.id"], name=op.f("fk_declared_conflict_declared_by_account")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_declared_conflict_department_id_department")
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_declared_conflict_entry_id_entry")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name=op.f("fk_declared_conflict_event_id_event"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declared_conflict")),
    )
    with op.batch_alter_table("declared_conflict", schema=None) as batch_op:
        batch_op.create_index("ix_declared_conflict_event_id_account_id", ["event_id", "account_id"], unique=False)

    op.create_table(
        "show_of_hands",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("round_id", WHOLE, nullable=False),
        sa.Column("entry_id", WHOLE, nullable=False),
        sa.Column("in_favour", sa.Integer(), nullable=False),
        sa.Column("against", sa.Integer(), nullable=False),
        sa.Column("abstaining", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column("recorded_by", WHOLE, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "in_favour >= 0 and against >= 0 and abstaining >= 0", name=op.f("ck_show_of_hands_hands_are_counted")
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_show_of_hands_entry_id_entry")),
        sa.ForeignKeyConstraint(["recorded_by"], ["account.id"], name=op.f("fk_show_of_hands_recorded_by_account")),
        sa.ForeignKeyConstraint(
            ["round_id"], ["round.id"], name=op.f("fk_show_of_hands_round_id_round"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_show_of_hands")),
    )
    with op.batch_alter_table("show_of_hands", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_show_of_hands_entry_id"), ["entry_id"], unique=False)
        batch_op.create_index("ix_show_of_hands_round_id_entry_id_id", ["round_id", "entry_id", "id"], unique=False)

    op.create_table(
        "comparison",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("round_id", WHOLE, nullable=False),
        sa.Column("first_id", WHOLE, nullable=False),
        sa.Column("second_id", WHOLE, nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("better", sa.String(length=8), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("better in ('first', 'second', 'equal')", name=op.f("ck_comparison_better_is_known")),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_comparison_pair_has_one_spelling")),
        sa.ForeignKeyConstraint(
            ["first_id"], ["assignment.id"], name=op.f("fk_comparison_first_id_assignment"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["round_id"], ["round.id"], name=op.f("fk_comparison_round_id_round"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["assignment.id"], name=op.f("fk_comparison_second_id_assignment"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparison")),
        sa.UniqueConstraint(
            "first_id", "second_id", "client_id", name=op.f("uq_comparison_first_id_second_id_client_id")
        ),
    )
    with op.batch_alter_table("comparison", schema=None) as batch_op:
        batch_op.create_index("ix_comparison_round_id_id", ["round_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_comparison_second_id"), ["second_id"], unique=False)

    op.create_table(
        "remark",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("round_id", WHOLE, nullable=False),
        sa.Column("assignment_id", WHOLE, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled", sa.String(length=8), nullable=False),
        sa.Column("handled_by", WHOLE, nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(length=1000), nullable=False),
        sa.CheckConstraint("handled in ('', 'seen', 'released', 'withheld')", name=op.f("ck_remark_handled_is_known")),
        sa.CheckConstraint(
            "kind in ('copy', 'rule', 'discuss', 'note', 'own', 'comment')", name=op.f("ck_remark_kind_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignment.id"], name=op.f("fk_remark_assignment_id_assignment"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["handled_by"], ["account.id"], name=op.f("fk_remark_handled_by_account")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_remark_round_id_round"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remark")),
        sa.UniqueConstraint("assignment_id", "kind", name=op.f("uq_remark_assignment_id_kind")),
    )
    with op.batch_alter_table("remark", schema=None) as batch_op:
        batch_op.create_index("ix_remark_round_id_kind_id", ["round_id", "kind", "id"], unique=False)

    with op.batch_alter_table("criterion", schema=None) as batch_op:
        batch_op.add_column(sa.Column("step", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("anchors", JSON, nullable=False, server_default="{}"))

    with op.batch_alter_table("panelist", schema=None) as batch_op:
        batch_op.add_column(sa.Column("categories", JSON, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("capacity", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("in_place_of", WHOLE, nullable=True))
        batch_op.add_column(sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_panelist_in_place_of_account"), "account", ["in_place_of"], ["id"])

    with op.batch_alter_table("round", schema=None) as batch_op:
        batch_op.add_column(sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("round_entry", schema=None) as batch_op:
        batch_op.add_column(sa.Column("anchor", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("extra_reviews", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("reason", sa.String(length=300), nullable=False, server_default=""))
    with op.batch_alter_table("criterion", schema=None) as batch_op:
        batch_op.alter_column("step", server_default=None)
        batch_op.alter_column("anchors", server_default=None)
    with op.batch_alter_table("panelist", schema=None) as batch_op:
        batch_op.alter_column("categories", server_default=None)
    with op.batch_alter_table("round_entry", schema=None) as batch_op:
        batch_op.alter_column("anchor", server_default=None)
        batch_op.alter_column("extra_reviews", server_default=None)
        batch_op.alter_column("reason", server_default=None)
    with op.batch_alter_table("round", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_round_kind_is_known"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_round_kind_is_known"), KINDS)
    with op.batch_alter_table("criterion", schema=None) as batch_op:
        batch_op.create_check_constraint(batch_op.f("ck_criterion_step_is_positive"), "step >= 1")


def downgrade() -> None:
    for kind in (
        "ranking",
        "pairwise",
        "discussion",
    ):  # what the older code cannot show stays as a round without a form
        op.execute(sa.text("UPDATE round SET kind = 'yes_no' WHERE kind = :kind").bindparams(kind=kind))
    with op.batch_alter_table("criterion", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_criterion_step_is_positive"), type_="check")
    with op.batch_alter_table("round", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_round_kind_is_known"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_round_kind_is_known"), "kind in ('yes_no', 'points')")
    with op.batch_alter_table("round_entry", schema=None) as batch_op:
        batch_op.drop_column("reason")
        batch_op.drop_column("extra_reviews")
        batch_op.drop_column("anchor")

    with op.batch_alter_table("round", schema=None) as batch_op:
        batch_op.drop_column("closes_at")

    with op.batch_alter_table("panelist", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_panelist_in_place_of_account"), type_="foreignkey")
        batch_op.drop_column("paused_at")
        batch_op.drop_column("in_place_of")
        batch_op.drop_column("capacity")
        batch_op.drop_column("categories")

    with op.batch_alter_table("criterion", schema=None) as batch_op:
        batch_op.drop_column("anchors")
        batch_op.drop_column("step")

    with op.batch_alter_table("remark", schema=None) as batch_op:
        batch_op.drop_index("ix_remark_round_id_kind_id")

    op.drop_table("remark")
    with op.batch_alter_table("comparison", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_comparison_second_id"))
        batch_op.drop_index("ix_comparison_round_id_id")

    op.drop_table("comparison")
    with op.batch_alter_table("show_of_hands", schema=None) as batch_op:
        batch_op.drop_index("ix_show_of_hands_round_id_entry_id_id")
        batch_op.drop_index(batch_op.f("ix_show_of_hands_entry_id"))

    op.drop_table("show_of_hands")
    with op.batch_alter_table("declared_conflict", schema=None) as batch_op:
        batch_op.drop_index("ix_declared_conflict_event_id_account_id")

    op.drop_table("declared_conflict")
    op.drop_table("round_report")
