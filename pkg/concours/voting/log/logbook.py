"""What the keeper of the logs writes: checkpoints, keys and their handing over; all in the caller's transaction."""

from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from concours.voting import secrets
from concours.voting.amendments.models import Amendment
from concours.voting.ledger import LostLease
from concours.voting.log import merkle, notes, tiles
from concours.voting.log.notes import ED25519, Head, Verifier
from concours.voting.models import Checkpoint, LogKey, PollLog, Vote
from concours.voting.receipts import leaf_hash_of, leaf_of, origin_of
from concours.voting.rules import milliseconds

_log, _vote, _amendment, _key, _checkpoint = (
    cast(sa.Table, model.__table__) for model in (PollLog, Vote, Amendment, LogKey, Checkpoint)
)


class Broken(Exception):
    """The tree in SQL does not follow from the votes, or not from the last checkpoint: nothing more is signed."""


def lock(connection: sa.Connection, poll_id: int, fence: int) -> sa.Row[Any]:
    """The log's row, locked until the transaction ends. Raises LostLease where a later sequencer has written it."""
    row = connection.execute(sa.select(_log).where(_log.c.poll_id == poll_id).with_for_update()).one()
    if row.fence > fence:
        raise LostLease
    return row


def leaves_of(connection: sa.Connection, poll_id: int, begin: int, count: int) -> list[bytes]:
    """At most `count` recorded leaves from `begin` on, votes and amendments in their one order. Raises Broken where one
    is missing between."""
    votes = connection.execute(
        sa.select(_vote.c.leaf, _vote.c.candidate_id, _vote.c.day, _vote.c.commitment, _vote.c.weight).where(
            _vote.c.poll_id == poll_id, _vote.c.leaf >= begin, _vote.c.leaf < begin + count
        )
    )
    found = {leaf: leaf_of(poll_id, *vote) for leaf, *vote in votes}
    amendments = connection.execute(
        sa.select(_amendment.c.leaf, _amendment.c.data).where(
            _amendment.c.poll_id == poll_id, _amendment.c.leaf >= begin, _amendment.c.leaf < begin + count
        )
    )
    total = len(found)
    for leaf, data in amendments:
        found[leaf] = bytes(data)
        total += 1
    if len(found) != total:
        raise Broken(f"a leaf behind leaf {begin} is there twice")
    if found and max(found) != begin + len(found) - 1:
        raise Broken(f"a leaf is missing behind leaf {begin}")
    return [found[leaf] for leaf in range(begin, begin + len(found))]


def hashes_of(connection: sa.Connection, poll_id: int, begin: int, count: int) -> list[bytes]:
    """The hashes of at most `count` recorded leaves from `begin` on. Raises Broken where one is missing between."""
    return [leaf_hash_of(leaf) for leaf in leaves_of(connection, poll_id, begin, count)]


def sign(connection: sa.Connection, row: sa.Row[Any], fence: int, secret: str, now: datetime) -> Head:
    """Signs a checkpoint of all tiles, in the running transaction, if the newest is not of that size already.

    Raises Broken where the tree does not continue that of the newest checkpoint.
    """
    found = lock(connection, row.id, fence)
    last = newest_checkpoint(connection, row.id)
    before = last.size if last is not None else 0
    read = tiles.reader(tiles.load(connection, row.id, tiles.needed([(0, found.size), (0, before)])))
    try:
        if last is not None and merkle.root(read, 0, before) != last.root:
            raise Broken(f"the tiles do not continue the checkpoint of {before} leaves")
        head = Head(origin_of(row.slug), found.size, merkle.root(read, 0, found.size))
    except KeyError as missing:
        raise Broken(f"tile {missing} is not there") from None
    if last is None or last.size != head.size:
        signed = notes.note(head.text, notes.sign(head.text, head.origin, current_key(connection, row, secret)))
        connection.execute(
            sa.insert(_checkpoint).values(poll_id=row.id, size=head.size, root=head.root, note=signed, signed_at=now)
        )
    changed = sa.update(_log).where(_log.c.poll_id == row.id)
    connection.execute(changed.values(published=head.size, signed_at=now, fence=fence))
    return head


def newest_checkpoint(connection: sa.Connection, poll_id: int) -> sa.Row[Any] | None:
    """The row of the newest checkpoint, if there is one."""
    query = sa.select(_checkpoint).where(_checkpoint.c.poll_id == poll_id).order_by(_checkpoint.c.size.desc()).limit(1)
    return connection.execute(query).one_or_none()


def current_key(connection: sa.Connection, row: sa.Row[Any], secret: str) -> Ed25519PrivateKey:
    """The private key that signs the log now. Raises WrongSecret."""
    found = sa.select(_key.c.wrapped).where(_key.c.poll_id == row.id).order_by(_key.c.number.desc()).limit(1)
    return secrets.unwrap_log_key(secret, row.slug, connection.execute(found).scalar_one())


def handover(origin: str, number: int, key: bytes, at: datetime) -> str:
    """What the old key (and the new one) signs: from now on the log's key is this one."""
    return f"concours-log-key/v1\n{origin}\n{number}\n{Verifier(origin, ED25519, key)}\n{milliseconds(at)}\n"


def rotate(connection: sa.Connection, row: sa.Row[Any], fence: int, secret: str, now: datetime) -> None:
    """Gives the log a new key: the old one signs it, signs nothing more and is destroyed."""
    lock(connection, row.id, fence)
    old = current_key(connection, row, secret)
    number = connection.execute(sa.select(sa.func.max(_key.c.number)).where(_key.c.poll_id == row.id)).scalar_one() + 1
    new, wrapped = secrets.make_log_key(secret, row.slug)
    origin, public = origin_of(row.slug), new.public_key().public_bytes_raw()
    text = handover(origin, number, public, now)
    signed = notes.note(text, notes.sign(text, origin, old), notes.sign(text, origin, new))
    connection.execute(sa.update(_key).where(_key.c.poll_id == row.id).values(wrapped=b""))
    connection.execute(
        sa.insert(_key).values(poll_id=row.id, number=number, public=public, wrapped=wrapped, note=signed, since=now)
    )
    newest = newest_checkpoint(connection, row.id)
    if newest is not None:  # whoever knows the new key alone must be able to read it
        body = notes.split(newest.note)[0]
        again = sa.update(_checkpoint).where(_checkpoint.c.id == newest.id)
        connection.execute(again.values(note=newest.note + notes.sign(body, origin, new)))
    connection.execute(sa.update(_log).where(_log.c.poll_id == row.id).values(rotate=False, fence=fence))
