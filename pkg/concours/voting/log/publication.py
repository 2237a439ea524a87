"""What the public gets of a poll's log: the newest checkpoint, tiles, proofs, keys; after the close the leaves."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from concours.base.errors import Closed, NotFound, Unavailable
from concours.base.messages import msg
from concours.voting.amendments.models import ClosingNote
from concours.voting.log import logbook, merkle, notes, tiles
from concours.voting.log.merkle import HASH_BYTES
from concours.voting.log.notes import COSIGNATURE, ED25519, Verifier
from concours.voting.log.tiles import WIDTH, Place
from concours.voting.models import Checkpoint, Cosignature, LogKey, Poll, PollLog, Witness
from concours.voting.receipts import origin_of

_poll, _log, _checkpoint, _cosignature, _key, _witness, _closing = (
    cast(sa.Table, model.__table__) for model in (Poll, PollLog, Checkpoint, Cosignature, LogKey, Witness, ClosingNote)
)


@dataclass(frozen=True, slots=True)
class PublicLog:
    """A poll's log as the public may read it: `size` leaves, those of the newest checkpoint."""

    poll_id: int
    slug: str
    receipt_key: bytes
    size: int
    closed_at: datetime | None
    closing: str

    @property
    def origin(self) -> str:
        """The log's name in its checkpoints."""
        return origin_of(self.slug)


def find(connection: sa.Connection, name: str) -> PublicLog:
    """The log of the published poll of that slug or number. Raises NotFound, Unavailable while it has no checkpoint."""
    which = _poll.c.id == int(name) if name.isascii() and name.isdigit() and len(name) < 16 else _poll.c.slug == name
    columns = (_poll.c.id, _poll.c.slug, _poll.c.signing_public, _log.c.published, _log.c.closed_at, _log.c.closing)
    row = connection.execute(
        sa.select(*columns).outerjoin(_log, _log.c.poll_id == _poll.c.id).where(which, _poll.c.published.is_(True))
    ).one_or_none()
    if row is None:
        raise NotFound(msg("There is no such poll."))
    if row.published is None:
        raise Unavailable(msg("The log of this poll begins in a moment."), retry_after=1)
    return PublicLog(row.id, row.slug, row.signing_public, row.published, row.closed_at, row.closing or "")


def checkpoint(connection: sa.Connection, log: PublicLog) -> str:
    """The newest checkpoint with the cosignatures of its witnesses."""
    rows = connection.execute(
        sa.select(_checkpoint.c.note, _cosignature.c.line)
        .outerjoin(_cosignature, _cosignature.c.checkpoint_id == _checkpoint.c.id)
        .where(_checkpoint.c.poll_id == log.poll_id, _checkpoint.c.size == log.size)
        .order_by(_cosignature.c.id)
    ).all()
    return str(rows[0].note) + "".join(row.line for row in rows if row.line)


def tile(connection: sa.Connection, log: PublicLog, place: Place, width: int) -> bytes:
    """`width` hashes of that tile. Raises NotFound where the newest checkpoint has not as many."""
    _require(log, place, width)
    found = tiles.load(connection, log.poll_id, [place]).get(place, b"")[: width * HASH_BYTES]
    if len(found) != width * HASH_BYTES:
        raise _no_such_tile()
    return found


def entries(connection: sa.Connection, log: PublicLog, number: int, width: int) -> bytes:
    """A bundle of leaves, each behind its length (16 bits, the higher byte first).

    Raises Closed until the final checkpoint is signed, NotFound beyond the log's end.
    """
    _require_closed(log)
    _require(log, (0, number), width)
    leaves = logbook.leaves_of(connection, log.poll_id, number * WIDTH, width)
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def closing(log: PublicLog) -> str:
    """The closing note, the last one where the result was corrected. Raises Closed until there is one."""
    _require_closed(log)
    return log.closing


def earlier_closing(connection: sa.Connection, log: PublicLog, number: int) -> str:
    """A closing note by its number, the first being 0. Raises Closed until there is one, NotFound."""
    _require_closed(log)
    query = sa.select(_closing.c.note).where(_closing.c.poll_id == log.poll_id, _closing.c.number == number)
    note = connection.execute(query).scalar_one_or_none()
    if note is None:
        raise NotFound(msg("The log has no such closing note."))
    return str(note)


def keys(connection: sa.Connection, log: PublicLog) -> dict[str, Any]:
    """All keys of the log: those that signed it in turn, with what each signed for the next, and its witnesses'."""
    held = connection.execute(sa.select(_key).where(_key.c.poll_id == log.poll_id).order_by(_key.c.number))
    seen = connection.execute(sa.select(_witness).where(_witness.c.poll_id == log.poll_id).order_by(_witness.c.id))
    noted = sa.select(sa.func.count()).select_from(_closing).where(_closing.c.poll_id == log.poll_id)
    return {
        "origin": log.origin,
        "poll": log.poll_id,
        "receipt_key": log.receipt_key.hex(),
        "log_keys": [
            {
                "number": row.number,
                "key": str(Verifier(log.origin, ED25519, row.public)),
                "since": row.since.isoformat(),
                "note": row.note,
            }
            for row in held
        ],
        "witnesses": [str(Verifier(row.name, COSIGNATURE, row.public)) for row in seen],
        "closings": connection.execute(noted).scalar_one(),
        "closed_at": log.closed_at.isoformat() if log.closed_at else None,
    }


def newest_key(connection: sa.Connection, poll_id: int) -> str | None:
    """The verifier key that signs the log now; None while it has none."""
    row = connection.execute(
        sa.select(_poll.c.slug, _key.c.public)
        .join(_key, _key.c.poll_id == _poll.c.id)
        .where(_poll.c.id == poll_id)
        .order_by(_key.c.number.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else str(Verifier(origin_of(row.slug), ED25519, row.public))


def inclusion(connection: sa.Connection, poll_id: int, leaf: int) -> dict[str, Any] | None:
    """The proof that the newest checkpoint has that leaf; None where it was signed before the leaf was recorded."""
    newest = connection.execute(
        sa.select(_checkpoint.c.size, _checkpoint.c.note)
        .join(_log, sa.and_(_log.c.poll_id == _checkpoint.c.poll_id, _log.c.published == _checkpoint.c.size))
        .where(_checkpoint.c.poll_id == poll_id)
    ).one_or_none()
    if newest is None or leaf >= newest.size:
        return None
    ranges = list(merkle.inclusion(leaf, newest.size))
    kept = tiles.load(connection, poll_id, tiles.needed(ranges))
    path = merkle.proof(tiles.reader(kept), iter(ranges))
    return {
        "size": newest.size,
        "root": base64.b64encode(notes.read_head(newest.note).root).decode(),
        "checkpoint": newest.note,
        "hashes": [base64.b64encode(hashed).decode() for hashed in path],
    }


def read_path(text: str) -> tuple[int, int]:
    """Number and width of a tile's path: `x001/x234/067`, `067.p/112`. Raises NotFound where it is none."""
    number, partial, width = text.partition(".p/")
    parts = number.replace("x", "").split("/")
    if len(parts) > 5 or not all(len(part) == 3 and part.isascii() and part.isdigit() for part in parts):
        raise _no_such_tile()
    found = int("".join(parts))
    wide = int(width) if width.isascii() and width.isdigit() and len(width) < 4 else 0
    if not partial:
        wide = WIDTH
    elif not 0 < wide < WIDTH:
        raise _no_such_tile()
    if path_of(found, wide) != text:
        raise _no_such_tile()
    return found, wide


def path_of(number: int, width: int = WIDTH) -> str:
    """The path of a tile, as tlog-tiles writes it."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts: Iterable[str] = (digits[at : at + 3] for at in range(0, len(digits), 3))
    *before, last = parts
    return "".join(f"x{part}/" for part in before) + last + ("" if width == WIDTH else f".p/{width}")


def _require(log: PublicLog, place: Place, width: int) -> None:
    if width > tiles.width_at(log.size, place):
        raise _no_such_tile()


def _require_closed(log: PublicLog) -> None:
    if log.closed_at is None:
        raise Closed(
            msg("The votes themselves are published when the poll is closed and its final checkpoint is signed."),
            hint=msg("Until then the log shows the hash of each vote. Come back after the close."),
            code="log_open",
        )


def _no_such_tile() -> NotFound:
    return NotFound(
        msg("The log has no such tile."),
        hint=msg("The newest checkpoint says how large the log is; read it first."),
    )
