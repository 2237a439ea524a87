"""A poll's tree in SQL, as tiles of 256 hashes (c2sp.org/tlog-tiles): how they grow, how any node is read of them.

Tile (level, number) holds the hashes of the complete subtrees of height 8 * level, 256 * number and the 255 behind it.
A tile that is not full yet is kept as far as it goes; only complete subtrees get into one, so what is in it stays.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from concours.voting.log.merkle import HASH_BYTES, Read, cover, node_hash
from concours.voting.models import LogTile

HEIGHT = 8
WIDTH = 1 << HEIGHT
TILE_BYTES = WIDTH * HASH_BYTES
ASKED_AT_ONCE = 200  # tiles in one statement

Place = tuple[int, int]
"""A tile's level and number."""

_tile = cast(sa.Table, LogTile.__table__)


def subtree(hashes: bytes) -> bytes:
    """The root over a power of two of hashes, side by side."""
    row = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def width_at(size: int, place: Place) -> int:
    """How many hashes of the tile a tree of `size` leaves has: 0 to 256."""
    level, number = place
    return max(0, min(WIDTH, (size >> HEIGHT * level) - WIDTH * number))


def edge(size: int) -> list[Place]:
    """The tiles of a tree of `size` leaves that are not full, by level."""
    return [
        (level, size >> HEIGHT * (level + 1))
        for level in range((size.bit_length() + HEIGHT - 1) // HEIGHT)
        if (size >> HEIGHT * level) % WIDTH
    ]


def grow(size: int, unfinished: Mapping[Place, bytes], leaves: Sequence[bytes]) -> dict[Place, bytes]:
    """The tiles that change when the hashes `leaves` follow a tree of `size`, whose `edge` is given."""
    grown: dict[Place, bytes] = {}
    level, row = 0, list(leaves)
    while row:
        number, width = divmod(size >> HEIGHT * level, WIDTH)
        before = unfinished[level, number][: width * HASH_BYTES] if width else b""
        hashes = before + b"".join(row)
        row = []
        for at in range(0, len(hashes), TILE_BYTES):
            tile = hashes[at : at + TILE_BYTES]
            grown[level, number] = tile
            if len(tile) == TILE_BYTES:
                row.append(subtree(tile))
            number += 1
        level += 1
    return grown


def tile_of(height: int, number: int) -> tuple[Place, int, int]:
    """Where a complete subtree is found: its tile, and the first and how many of the tile's hashes lie below it."""
    level, rest = divmod(height, HEIGHT)
    first = number << rest
    return (level, first >> HEIGHT), first % WIDTH, 1 << rest


def needed(ranges: Iterable[tuple[int, int]]) -> set[Place]:
    """The tiles for the roots over these ranges of leaves."""
    return {tile_of(height, number)[0] for begin, end in ranges for height, number in cover(begin, end)}


def reader(tiles: Mapping[Place, bytes]) -> Read:
    """Reads nodes of the tree out of its tiles. Reading raises KeyError where a tile (or its end) is missing."""

    def read(height: int, number: int) -> bytes:
        place, first, count = tile_of(height, number)
        hashes = tiles[place][first * HASH_BYTES : (first + count) * HASH_BYTES]
        if len(hashes) != count * HASH_BYTES:
            raise KeyError(place)
        return subtree(hashes)

    return read


def load(connection: sa.Connection, poll_id: int, places: Iterable[Place]) -> dict[Place, bytes]:
    """These tiles as SQL has them; one statement for as many as a proof can need."""
    wanted = sorted(places)
    found: dict[Place, bytes] = {}
    for at in range(0, len(wanted), ASKED_AT_ONCE):
        rows = connection.execute(
            sa.select(_tile.c.level, _tile.c.number, _tile.c.hashes).where(
                _tile.c.poll_id == poll_id,
                sa.tuple_(_tile.c.level, _tile.c.number).in_(wanted[at : at + ASKED_AT_ONCE]),
            )
        )
        found |= {(row.level, row.number): bytes(row.hashes) for row in rows}
    return found


def store(connection: sa.Connection, poll_id: int, tiles: Mapping[Place, bytes]) -> None:
    """Writes tiles, new ones and ones that grew, in the running transaction."""
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = insert(_tile)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[_tile.c.poll_id, _tile.c.level, _tile.c.number], set_={"hashes": new.excluded.hashes}
        ),
        [
            {"poll_id": poll_id, "level": level, "number": number, "hashes": hashes}
            for (level, number), hashes in sorted(tiles.items())
        ],
    )
