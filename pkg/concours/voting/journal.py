"""The journal of admitted ballots: one stream per poll, written by lua/admit.lua, read by the sequencer.

A ballot is one entry of the stream. Each of its picks is one vote of the ledger and has a journal id of its own: the
entry's place in the stream `<ms>-<number>`, and where there are several picks `-<which>-<of how many>`.
"""

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
    nth: int = 1


def read(
    client: "redis.Redis", after: Mapping[int, str], *, count: int, block_ms: int | None = None
) -> dict[int, list[Entry]]:
    """The votes of at most `count` ballots of each poll behind its id in `after`; waits up to `block_ms` for the first
    (or not)."""
    if not after:
        return {}
    polls = {keys.journal(poll).encode(): poll for poll in after}
    streams: Any = {keys.journal(poll): position for poll, position in after.items()}
    found: Any = client.xread(streams, count=count, block=block_ms)
    if isinstance(found, dict):  # RESP3
        found = [(name, [row for rows in chunks for row in rows]) for name, chunks in found.items()]
    return {polls[name]: [entry for row in rows for entry in _votes(*row)] for name, rows in found or []}


def find(client: "redis.Redis", poll_id: int, journal_id: str) -> list[Entry]:
    """The votes of the ballot of that id (of any of its picks), while it is in the journal."""
    place = place_of(journal_id)
    found: Any = client.xrange(keys.journal(poll_id), place, place)
    return _votes(*found[0]) if found else []


def place_of(journal_id: str) -> str:
    """The place in the stream of a vote's journal id."""
    return "-".join(journal_id.split("-", 2)[:2])


def is_behind(journal_id: str, other: str) -> bool:
    """Whether a vote's place in the stream is behind another."""
    mine, others = ([int(part) for part in place_of(each).split("-")] for each in (journal_id, other))
    return mine > others


def picks_of(journal_id: str) -> int:
    """How many picks the ballot has of which the vote is one."""
    parts = journal_id.split("-")
    return int(parts[3]) if len(parts) == 4 else 1


def is_first(journal_id: str) -> bool:
    """Whether the vote is the first pick of its ballot, which has the client's own nonce."""
    return journal_id.count("-") == 1 or journal_id.split("-")[2] == "1"


def ids_of(first: str, picks: int) -> list[str]:
    """The journal ids of a ballot's picks, from that of its first."""
    if picks == 1:
        return [first]
    place = place_of(first)
    return [f"{place}-{which}-{picks}" for which in range(1, picks + 1)]


def votes_in(fields: Mapping[bytes, bytes]) -> int:
    """How many votes an entry of the stream brings, by their weight."""
    return int(fields.get(b"w", 1)) * (fields.get(b"c", b"").count(b",") + 1)


def _votes(journal_id: bytes, fields: Mapping[bytes, bytes]) -> list[Entry]:
    try:
        if b"," in fields[b"c"]:
            return _picks(journal_id.decode(), fields)
        tag, nonce, repeat = fields[b"t"], fields[b"n"], fields[b"r"]
        return [
            Entry(
                journal_id.decode(),
                tag,
                nonce,
                secrets.commitment_of(tag, nonce),
                int(fields[b"c"]),
                date.fromordinal(int(fields[b"d"])),
                int(fields[b"s"]),
                int(repeat),
                int(fields[b"o"]),
                fields.get(b"a") or None,
                int(fields.get(b"w", 1)),
                int(fields.get(b"x", repeat)),
            )
        ]
    except (KeyError, ValueError, OverflowError):
        log.error("the journal holds an entry that no vote wrote: %s", journal_id)
        return []


def _picks(place: str, fields: Mapping[bytes, bytes]) -> list[Entry]:
    """The votes of a ballot of several picks."""
    tag, candidates = fields[b"t"], fields[b"c"].split(b",")
    repeats = fields[b"r"].split(b",")
    numbers = fields[b"x"].split(b",") if b"x" in fields else repeats
    nonces = secrets.nonces_of(fields[b"n"], len(candidates))
    day, slot, ordinal = date.fromordinal(int(fields[b"d"])), int(fields[b"s"]), int(fields[b"o"])
    parts = zip(ids_of(place, len(candidates)), nonces, candidates, repeats, numbers, strict=True)
    return [
        Entry(
            journal_id,
            tag,
            nonce,
            secrets.commitment_of(tag, nonce),
            int(candidate),
            day,
            slot + behind,
            int(repeat),
            ordinal + behind,
            fields.get(b"a") or None,
            int(fields.get(b"w", 1)),
            int(nth),
        )
        for behind, (journal_id, nonce, candidate, repeat, nth) in enumerate(parts)
    ]
