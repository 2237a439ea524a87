"""The audit record."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from concours.base.db import BigId, Model, Pk


class AuditRecord(Model):
    """One act that changed something.

    `verb` is dotted, room first (`entries.submit`); `detail` holds what a reader needs to understand it
    (old and new values), never a password, token or voter.
    """

    __tablename__ = "audit_record"

    id: Mapped[Pk]
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(BigId, index=True)
    verb: Mapped[str] = mapped_column(sa.String(60), index=True)
    subject_type: Mapped[str] = mapped_column(sa.String(40))
    subject_id: Mapped[str] = mapped_column(sa.String(64))
    event_id: Mapped[int | None] = mapped_column(BigId, index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
