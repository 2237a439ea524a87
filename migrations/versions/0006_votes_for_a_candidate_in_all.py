"""Votes for a candidate in all

Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("vote", schema=None) as batch_op:
        batch_op.add_column(sa.Column("nth", sa.Integer(), nullable=False, server_default="1"))
    op.execute(
        "UPDATE vote SET nth = numbered.nth FROM (SELECT id, row_number() OVER"
        " (PARTITION BY poll_id, tag, candidate_id ORDER BY leaf) AS nth FROM vote) AS numbered"
        " WHERE vote.id = numbered.id AND numbered.nth <> 1"
    )
    with op.batch_alter_table("vote", schema=None) as batch_op:
        batch_op.alter_column("nth", server_default=None)
        batch_op.create_unique_constraint(
            batch_op.f("uq_vote_poll_id_tag_candidate_id_nth"), ["poll_id", "tag", "candidate_id", "nth"]
        )


def downgrade() -> None:
    with op.batch_alter_table("vote", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_vote_poll_id_tag_candidate_id_nth"), type_="unique")
        batch_op.drop_column("nth")
