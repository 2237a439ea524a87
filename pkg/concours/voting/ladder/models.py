"""Invitation codes, of which only keyed digests are kept."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from concours.base.db import Model, Pk


class CodeBatch(Model):
    """Codes made together for one group of voters.

    `weight` is what each vote with one of them counts. `count` were made, of which `used` have been entered by
    somebody and `revoked` were taken back one by one; the counts are kept, not counted. A batch that was revoked or
    has expired lets nobody in whose code was not used before.
    """

    __tablename__ = "code_batch"
    __table_args__ = (
        sa.CheckConstraint("weight between 1 and 1000", name="weight_in_range"),
        sa.CheckConstraint("used + revoked <= count", name="no_more_used_than_made"),
    )

    id: Mapped[Pk]
    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    weight: Mapped[int]
    count: Mapped[int]
    used: Mapped[int] = mapped_column(default=0)
    revoked: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class VoteCode(Model):
    """One code: its HMAC under the poll's key, and whether it was used. When is not kept: the time of a code beside the
    time of a vote would tell whose vote it is."""

    __tablename__ = "vote_code"
    __table_args__ = (sa.UniqueConstraint("poll_id", "digest"),)

    id: Mapped[Pk]
    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("poll.id", ondelete="CASCADE"))
    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("code_batch.id", ondelete="CASCADE"), index=True)
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    used: Mapped[bool] = mapped_column(default=False)
    revoked: Mapped[bool] = mapped_column(default=False)
