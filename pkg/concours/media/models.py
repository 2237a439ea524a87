"""Uploads under way, the files that came of them and the renditions made of those."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from concours.base.db import BigId, Model, Pk


class AssetStatus(StrEnum):
    """`CHECKING` until the worker has looked inside, then `READY` or `REFUSED`."""

    CHECKING = "checking"
    READY = "ready"
    REFUSED = "refused"


class Upload(Model):
    """A tus upload of `size` bytes. `id` is the random name in its address.

    How many bytes have arrived is the length of its part file (`media.parts`) and is kept nowhere else: one truth, so
    nothing has to be reconciled after a crash, and no piece of a slow upload takes the database's write lock.
    `asset_id` is set when the last byte is in and the file is stored: the upload is finished then.
    `purpose` says which room asked for it (`entry`, `clip`) and `purpose_id` for which row; that room
    authorised it when the upload was created.
    """

    __tablename__ = "upload"
    __table_args__ = (sa.CheckConstraint("size > 0", name="size_is_positive"),)

    id: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    purpose: Mapped[str] = mapped_column(sa.String(16))
    purpose_id: Mapped[int] = mapped_column(BigId)
    filename: Mapped[str] = mapped_column(sa.String(255), default="")
    size: Mapped[int] = mapped_column(sa.BigInteger)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    metadata_header: Mapped[str] = mapped_column(sa.Text, default="")
    asset_id: Mapped[int | None] = mapped_column(sa.ForeignKey("asset.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Asset(Model):
    """One stored original with what its checks found.

    `facts` holds what is known of the content: `frames`, `codec`, `exif` (bool), `icc` (bool), …;
    `duration` is in seconds, `width` and `height` in pixels after orientation is applied, `size` in bytes.
    `refusal` is a Message as {text, values} when the status is `refused`.
    """

    __tablename__ = "asset"
    __table_args__ = (
        sa.CheckConstraint("status in ('checking', 'ready', 'refused')", name="status_is_known"),
        sa.Index("ix_asset_sha256", "sha256"),
        sa.Index(
            "ix_asset_waiting",
            "created_at",
            sqlite_where=sa.text("status = 'checking'"),
            postgresql_where=sa.text("status = 'checking'"),
        ),
    )

    id: Mapped[Pk]
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    purpose: Mapped[str] = mapped_column(sa.String(16))
    purpose_id: Mapped[int] = mapped_column(BigId)
    filename: Mapped[str] = mapped_column(sa.String(255), default="")
    storage_name: Mapped[str] = mapped_column(sa.String(120))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    size: Mapped[int] = mapped_column(sa.BigInteger)
    status: Mapped[str] = mapped_column(sa.String(12), default=AssetStatus.CHECKING)
    refusal: Mapped[dict[str, Any] | None] = mapped_column()
    kind: Mapped[str] = mapped_column(sa.String(12), default="")
    format: Mapped[str] = mapped_column(sa.String(16), default="")
    width: Mapped[int | None]
    height: Mapped[int | None]
    duration: Mapped[float | None]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]

    renditions: Mapped[list["Rendition"]] = relationship(
        order_by="Rendition.width", back_populates="asset", lazy="selectin", cascade="all, delete-orphan"
    )


class Rendition(Model):
    """A form of an asset that may be shown, free of its metadata.

    `w400`, `w800`, `w1600`: an image by its width in pixels. `poster`, `poster400`: a still of a video, `poster` the
    wider. `video`, `sound`: the film or recording itself for public playback (the same frames, newly wrapped; `width`
    and `height` as shown, 0 for sound). `storage_name` is the public name, `/media/<storage_name>`: it is made of the
    content's hash and a secret, can be cached for ever, and knowing it is the right to see it.
    """

    __tablename__ = "rendition"
    __table_args__ = (sa.UniqueConstraint("asset_id", "name"),)

    id: Mapped[Pk]
    asset_id: Mapped[int] = mapped_column(sa.ForeignKey("asset.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(sa.String(16))
    storage_name: Mapped[str] = mapped_column(sa.String(120), index=True)
    content_type: Mapped[str] = mapped_column(sa.String(40))
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int] = mapped_column(sa.BigInteger)

    asset: Mapped[Asset] = relationship(back_populates="renditions")
