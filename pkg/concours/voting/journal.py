"""The journal of admitted votes: one stream per poll, written by lua/admit.lua, read by the sequencer."""

import logging
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import redis

from concours.voting import keys, secrets

log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """An admitted vote on its way to the ledger. The fields are those of `models.Vote`."""

    journal_id: str
    tag: bytes
    nonce: bytes
    commitment: bytes
    candidate: int
    day: date
    slot: int
    repeat: int
    ordinal: int
    network: bytes | None = None
    weight: int = 1


def read(
    client: "redis.Redis", after: Mapping[int, str], *, count: int, block_ms: int | None = None
) -> dict[int, list[Entry]]:
    """At most `count` entries of each poll behind its id in `after`; waits up to `block_ms` for the first (or not)."""
    if not after:
        return {}
    polls = {keys.journal(poll).encode(): poll for poll in after}
    streams: Any = {keys.journal(poll): position for poll, position in after.items()}
    found: Any = client.xread(streams, count=count, block=block_ms)
    if isinstance(found, dict):  # RESP3
        found = [(name, [row for rows in chunks for row in rows]) for name, chunks in found.items()]
    return {polls[name]: [entry for row in rows if (entry := _entry(*row)) is not None] for name, rows in found or []}


def find(client: "redis.Redis", poll_id: int, journal_id: str) -> Entry | None:
    """The entry of that id, while it is in the journal."""
    found: Any = client.xrange(keys.journal(poll_id), journal_id, journal_id)
    return _entry(*found[0]) if found else None


def _entry(journal_id: bytes, fields: Mapping[bytes, bytes]) -> Entry | None:
    try:
        tag, nonce = fields[b"t"], fields[b"n"]
        return Entry(
            journal_id.decode(),
            tag,
            nonce,
            secrets.commitment_of(tag, nonce),
            int(fields[b"c"]),
            date.fromordinal(int(fields[b"d"])),
            int(fields[b"s"]),
            int(fields[b"r"]),
            int(fields[b"o"]),
            fields.get(b"a") or None,
            int(fields.get(b"w", 1)),
        )
    except (KeyError, ValueError, OverflowError):
        log.error("the journal holds an entry that no vote wrote: %s", journal_id)
        return None
