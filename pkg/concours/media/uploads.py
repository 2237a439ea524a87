"""What happens to an upload: begun, fed with bytes, finished as an asset, cancelled, expired.

Bytes go to the part file while no transaction is open, so a slow phone keeps nobody from the database. The row is
written once when it begins and once when it ends.
"""

import errno
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import sqlalchemy as sa

from concours.audit import verbs as audit
from concours.base.db import session
from concours.base.errors import Closed, Forbidden, Invalid, NotFound, RateLimited, TooLarge, Unavailable
from concours.base.messages import msg
from concours.base.storage import Storage
from concours.identity.models import Account
from concours.media import names, purposes
from concours.media.limits import (
    DISK_RESERVE_BYTES,
    EXPIRED_AT_ONCE,
    GIVES_WAY_AFTER,
    KEPT_FOR,
    LATE_END,
    MIB,
    PIECE_BYTES,
    UNFINISHED_UPLOADS,
)
from concours.media.models import Asset, AssetStatus, Upload
from concours.media.parts import Part, folder_of, path_of
from concours.media.protocol import Asked, ChecksumMismatch
from concours.media.purposes import Purpose
from concours.media.words import in_mb


def new_id() -> str:
    """A random name for an upload: 128 bits, fit for an address and a file name."""
    return secrets.token_hex(16)


def authorise(owner: Account, asked: Asked, *, max_upload_mib: int, instance: str, now: datetime) -> Purpose:
    """Whether `owner` may begin this upload. Reads only.

    Raises TooLarge, Invalid, Forbidden, RateLimited, Unavailable, or what the purpose's room refuses.
    """
    purpose = _purpose(asked.purpose)
    if asked.size == 0:
        raise Invalid(
            msg("This file is empty (0 bytes)."),
            hint=msg("Open it on your device to see whether it is whole, then choose it again."),
            code="empty_file",
        )
    if asked.size > max_upload_mib * MIB:
        raise _too_large(asked.size, max_upload_mib * MIB)
    demands = purpose.authorise(owner, asked.purpose_id, asked.details, asked.size, now)
    if asked.size > demands.max_bytes:
        raise _too_large(asked.size, demands.max_bytes)
    if asked.size < demands.min_bytes:
        raise Invalid(
            msg(
                "This file is %(size)s; at least %(limit)s is asked for here.",
                size=in_mb(asked.size),
                limit=in_mb(demands.min_bytes),
            ),
            hint=msg("Choose the original in full quality, not a copy sent by a messenger."),
            code="too_small",
        )
    if shutil.disk_usage(folder_of(instance)).free < asked.size + DISK_RESERVE_BYTES:
        raise _disk_full()
    return purpose


def begin(owner: Account, asked: Asked, upload_id: str, *, instance: str, now: datetime) -> Upload:
    """Keeps the upload's row. Raises RateLimited at the limit of unfinished uploads.

    Those that got no byte for an hour give way, the oldest first.
    """
    unfinished = list(
        session().scalars(
            sa.select(Upload)
            .where(Upload.owner_id == owner.id, Upload.asset_id.is_(None), Upload.expires_at > now)
            .order_by(Upload.created_at)
        )
    )
    idle = [row for row in unfinished if _last_byte_at(row, instance) + GIVES_WAY_AFTER <= now]
    for row in idle[: max(0, len(unfinished) + 1 - UNFINISHED_UPLOADS)]:
        unfinished.remove(row)
        cancel(row, instance=instance)
    if len(unfinished) >= UNFINISHED_UPLOADS:
        raise RateLimited(
            msg("You have %(count)d uploads that are not finished.", count=len(unfinished)),
            hint=msg("Finish or cancel some of them, or come back in an hour."),
            code="too_many_uploads",
            retry_after=int(GIVES_WAY_AFTER.total_seconds()),
        )
    row = Upload(
        id=upload_id,
        owner_id=owner.id,
        purpose=asked.purpose,
        purpose_id=asked.purpose_id,
        filename=asked.filename,
        size=asked.size,
        details=dict(asked.details),
        metadata_header=asked.metadata,
        created_at=now,
        expires_at=now + KEPT_FOR,
    )
    session().add(row)
    session().flush()
    return row


def find(owner: Account, upload_id: str, *, now: datetime, for_update: bool = False) -> Upload:
    """The owner's upload as it is now; raises NotFound for others', expired and unknown ones alike."""
    query = sa.select(Upload).where(Upload.id == upload_id, Upload.owner_id == owner.id, Upload.expires_at > now)
    if for_update:
        query = query.with_for_update()
    row = session().scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise gone()
    return row


def gone() -> NotFound:
    """The refusal for an upload that is not there, or not for this person."""
    return NotFound(
        msg("This upload is not there any more."), hint=msg("Choose the file again; it starts from the beginning.")
    )


def receive(part: Part, pieces: Iterable[bytes], at: int, checksum: tuple[Any, bytes] | None = None) -> int:
    """Appends a request's body from byte `at`; returns where the upload stands then, in bytes.

    Without a checksum every piece is kept as it comes, so that a broken connection loses nothing. With one
    (a fresh hash object and the digest expected) the body waits beside the part until it is proven: raises
    ChecksumMismatch and keeps nothing otherwise. Raises TooLarge when the body goes beyond the upload's size.
    """
    with _disk():
        if checksum is None:
            for piece in pieces:
                at = _append(part, piece, at)
            return at
        found, expected = checksum
        with TemporaryFile(dir=part.path.parent) as aside:
            for piece in pieces:
                found.update(piece)
                aside.write(piece)
            if found.digest() != expected:
                raise ChecksumMismatch(
                    msg("A part of the file was damaged on its way."), hint=msg("Send it again from the same place.")
                )
            aside.seek(0)
            while piece := aside.read(PIECE_BYTES):
                at = _append(part, piece, at)
        return at


def store(upload_id: str, part: Part, keep: Storage) -> tuple[str, str]:
    """Puts the complete part into the storage; returns its SHA-256 (hex) and its name there. Again: the same."""
    with _disk():
        sha256 = part.settle()
        name = names.original(upload_id, sha256)
        keep.adopt(name, part.path)
    return sha256, name


def finish(row: Upload, owner: Account, sha256: str, name: str, *, now: datetime) -> Asset:
    """Makes the asset of a stored upload and lets the room attach it, in the running transaction.

    `row` was read for update (or is new). The purpose is asked once more whether it may be, as at the moment that
    counts: an upload that began before a deadline may end up to `LATE_END` after it. Finishing again gives the same
    asset.
    """
    if row.asset_id is not None:
        return session().get_one(Asset, row.asset_id)
    purpose = _purpose(row.purpose)
    counts = _moment_that_counts(purpose, row, owner, now)
    asset = Asset(
        owner_id=owner.id,
        purpose=row.purpose,
        purpose_id=row.purpose_id,
        filename=row.filename,
        storage_name=name,
        sha256=sha256,
        size=row.size,
        status=AssetStatus.CHECKING,
        created_at=now,
    )
    session().add(asset)
    session().flush()
    row.asset_id = asset.id
    purpose.attach(asset, row.details, counts)
    audit.record(owner, "media.upload", asset, now=now, purpose=row.purpose, purpose_id=row.purpose_id, size=row.size)
    return asset


def _moment_that_counts(purpose: Purpose, row: Upload, owner: Account, now: datetime) -> datetime:
    """`now` where the purpose is open; else, where it still was when the upload began and `LATE_END` ago, then."""
    try:
        purpose.authorise(owner, row.purpose_id, row.details, row.size, now)
    except Closed:
        then = max(row.created_at, now - LATE_END)
        purpose.authorise(owner, row.purpose_id, row.details, row.size, then)
        return then
    return now


def cancel(row: Upload, *, instance: str) -> None:
    """Ends an upload: its bytes and its row go. What it has become already stays with its room."""
    path_of(instance, row.id).unlink(missing_ok=True)
    session().delete(row)


def expire(keep: Storage, *, instance: str, now: datetime) -> int:
    """Removes uploads whose time is over, finished or not (some at a time), and part files without a row; how many.

    A part that was complete and stored, but whose finishing never came to its end, takes its stored name with it.
    """
    rows = list(session().scalars(sa.select(Upload).where(Upload.expires_at <= now).limit(EXPIRED_AT_ONCE)))
    for row in rows:
        if row.asset_id is None:
            with suppress(FileNotFoundError), Part(path_of(instance, row.id), row.size) as part:
                if part.is_complete():
                    keep.delete(names.original(row.id, part.settle()))
        cancel(row, instance=instance)
    strays = [path for path in folder_of(instance).glob("*.part") if _is_stray(path, now)]
    for path in strays:
        path.unlink(missing_ok=True)
    return len(rows) + len(strays)


def _is_stray(path: Path, now: datetime) -> bool:
    try:
        idle_since = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return False
    return idle_since + GIVES_WAY_AFTER <= now and session().get(Upload, path.stem) is None


def _last_byte_at(row: Upload, instance: str) -> datetime:
    try:
        return datetime.fromtimestamp(path_of(instance, row.id).stat().st_mtime, UTC)
    except FileNotFoundError:
        return row.created_at


def _append(part: Part, piece: bytes, at: int) -> int:
    if at + len(piece) > part.size:
        raise TooLarge(msg("More bytes came than the upload declared."), code="beyond_length")
    return part.append(piece, at)


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        if fault.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise _disk_full() from fault
        raise


def _purpose(name: str) -> Purpose:
    purpose = purposes.find(name)
    if purpose is None:
        raise Forbidden(msg("Files cannot be uploaded for this purpose."), code="unknown_purpose")
    return purpose


def _too_large(size: int, limit: int) -> TooLarge:
    return TooLarge(
        msg("This file is %(size)s; at most %(limit)s is allowed here.", size=in_mb(size), limit=in_mb(limit)),
        hint=msg("Export it with a smaller size or shorten it, then choose it again."),
    )


def _disk_full() -> Unavailable:
    return Unavailable(
        msg("There is no room for this file on our server at the moment."),
        hint=msg("Please try again later and tell the organiser. What was sent is kept."),
        code="storage_full",
        retry_after=600,
    )
