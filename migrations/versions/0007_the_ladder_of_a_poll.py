"""The ladder of a poll: its ways in, the challenge, invitation codes

Revision 0007, after 0006. A poll with one way in keeps it, as `ways`. Back again, a poll that is open to accounts alone
is one for accounts, any other one for devices.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
POLL = sa.table("poll", sa.column("id", NUMBER), sa.column("who", sa.String), sa.column("ways", JSON))


def upgrade() -> None:
    with op.batch_alter_table("poll") as poll:
        poll.add_column(sa.Column("ways", JSON, nullable=True))
        poll.add_column(sa.Column("challenge", sa.String(length=12), nullable=False, server_default="never"))
        poll.add_column(sa.Column("challenge_now", sa.Boolean(), nullable=False, server_default=sa.false()))
    for who in ("device", "account"):
        op.get_bind().execute(POLL.update().where(POLL.c.who == who).values(ways={who: {"weight": 1}}))
    with op.batch_alter_table("poll") as poll:
        poll.drop_constraint(op.f("ck_poll_who_is_known"), type_="check")
        poll.drop_column("who")
        poll.alter_column("ways", existing_type=JSON, nullable=False)
        poll.alter_column("challenge", existing_type=sa.String(length=12), server_default=None)
        poll.alter_column("challenge_now", existing_type=sa.Boolean(), server_default=None)
        poll.create_check_constraint(op.f("ck_poll_challenge_is_known"), "challenge in ('never', 'evidence', 'always')")
    op.create_table(
        "code_batch",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("poll_id", NUMBER, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("revoked", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("used + revoked <= count", name=op.f("ck_code_batch_no_more_used_than_made")),
        sa.CheckConstraint("weight between 1 and 1000", name=op.f("ck_code_batch_weight_in_range")),
        sa.ForeignKeyConstraint(["poll_id"], ["poll.id"], name=op.f("fk_code_batch_poll_id_poll"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_batch")),
    )
    op.create_index(op.f("ix_code_batch_poll_id"), "code_batch", ["poll_id"], unique=False)
    op.create_table(
        "vote_code",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("poll_id", NUMBER, nullable=False),
        sa.Column("batch_id", NUMBER, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("used", sa.Boolean(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["code_batch.id"], name=op.f("fk_vote_code_batch_id_code_batch"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["poll_id"], ["poll.id"], name=op.f("fk_vote_code_poll_id_poll"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote_code")),
        sa.UniqueConstraint("poll_id", "digest", name=op.f("uq_vote_code_poll_id_digest")),
    )
    op.create_index(op.f("ix_vote_code_batch_id"), "vote_code", ["batch_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_vote_code_batch_id"), table_name="vote_code")
    op.drop_table("vote_code")
    op.drop_index(op.f("ix_code_batch_poll_id"), table_name="code_batch")
    op.drop_table("code_batch")
    with op.batch_alter_table("poll") as poll:
        poll.add_column(sa.Column("who", sa.String(length=12), nullable=False, server_default="device"))
    bind = op.get_bind()
    for number, ways in bind.execute(sa.select(POLL.c.id, POLL.c.ways)).all():
        if set(ways) == {"account"}:
            bind.execute(POLL.update().where(POLL.c.id == number).values(who="account"))
    with op.batch_alter_table("poll") as poll:
        poll.drop_constraint(op.f("ck_poll_challenge_is_known"), type_="check")
        poll.drop_column("challenge_now")
        poll.drop_column("challenge")
        poll.drop_column("ways")
        poll.alter_column("who", existing_type=sa.String(length=12), server_default=None)
        poll.create_check_constraint(op.f("ck_poll_who_is_known"), "who in ('device', 'account')")
