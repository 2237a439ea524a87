"""Slots of votes

Four unique keys of the votes become one table in the order of its key; the journal's id was unique by the commitment.

Revision 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEYS = {
    "uq_vote_poll_id_journal_id": ["poll_id", "journal_id"],
    "uq_vote_poll_id_tag_day_slot": ["poll_id", "tag", "day", "slot"],
    "uq_vote_once_per_candidate_day": ["poll_id", "tag", "candidate_id", "day", "repeat"],
    "uq_vote_poll_id_tag_candidate_id_nth": ["poll_id", "tag", "candidate_id", "nth"],
    "uq_vote_poll_id_tag_ordinal": ["poll_id", "tag", "ordinal"],
}
ORDINAL = {"sqlite": "CAST(julianday(day) - 1721424.5 AS INTEGER)", "postgresql": "day - DATE '0001-01-01' + 1"}


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "vote_slot",
        sa.Column("poll_id", whole, autoincrement=False, nullable=False),
        sa.Column("voter", sa.LargeBinary(length=16), nullable=False),
        sa.Column("candidate_id", whole, autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["poll_id"], ["poll.id"], name=op.f("fk_vote_slot_poll_id_poll")),
        sa.PrimaryKeyConstraint("poll_id", "voter", "candidate_id", "day", "number", name=op.f("pk_vote_slot")),
        sqlite_with_rowid=False,
    )
    day = ORDINAL[op.get_bind().dialect.name]
    for candidate, on, number in (("0", day, "slot"), ("candidate_id", day, "repeat"),
                                  ("candidate_id", "0", "nth"), ("0", "0", "ordinal")):  # fmt: skip
        op.execute(
            "INSERT INTO vote_slot (poll_id, voter, candidate_id, day, number, leaf)"  # noqa: S608 (our own names)
            f" SELECT poll_id, substr(tag, 1, 16), {candidate}, {on}, {number}, leaf FROM vote"
        )
    with op.batch_alter_table("vote", schema=None) as batch_op:
        for name in KEYS:
            batch_op.drop_constraint(batch_op.f(name), type_="unique")


def downgrade() -> None:
    with op.batch_alter_table("vote", schema=None) as batch_op:
        for name, columns in KEYS.items():
            batch_op.create_unique_constraint(batch_op.f(name), columns)
    op.drop_table("vote_slot")
