"""What a voter gets for a vote, and what it proves.

A vote's leaf is canonical JSON (sorted keys, no spaces); its hash is SHA-256(0x00 leaf), as in RFC 6962 section 2.1.
A receipt of a recorded vote is signed with the poll's Ed25519 key (RFC 8032) over the lines

    concours-receipt-v1 / <origin of the log> / <index> / <leaf hash, hex> / <recorded at, ms since 1970>

each ended by a newline. Whoever holds tag and nonce can show that commitment = SHA-256("commit" 0 tag nonce) is theirs;
the id alone tells nothing of the voter. Before it is recorded a receipt is provisional: unsigned, without an index.
"""

import base64
import hashlib
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import date
from typing import Any

from concours.voting.rules import Facts, moment_of

COMMITMENT_BYTES = 32
ID_LIMIT = 120  # characters


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a vote stands: `weight` is how many votes it counts; `leaf` and `recorded_at` (ms since 1970) are None
    until it is recorded."""

    journal_id: str
    candidate: int
    day: date
    commitment: bytes
    weight: int
    leaf: int | None = None
    recorded_at: int | None = None


def leaf_of(poll_id: int, candidate: int, day: date, commitment: bytes, weight: int) -> bytes:
    """The leaf's bytes: exactly these are hashed into the log."""
    return (
        f'{{"candidate":{candidate},"commitment":"{commitment.hex()}","day":"{day.isoformat()}",'
        f'"poll":{poll_id},"type":"vote","v":1,"weight":{weight}}}'
    ).encode()


def leaf_hash_of(leaf: bytes) -> bytes:
    """The hash of a leaf (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def origin_of(slug: str) -> str:
    """The name of a poll's log."""
    return f"concours/polls/{slug}"


def signed_text(slug: str, leaf: int, leaf_hash: bytes, recorded_at: int) -> bytes:
    """What the signature of a receipt covers."""
    return f"concours-receipt-v1\n{origin_of(slug)}\n{leaf}\n{leaf_hash.hex()}\n{recorded_at}\n".encode()


def id_of(journal_id: str, commitment: bytes) -> str:
    """A receipt's id: where it stood in the journal, and its commitment. Nobody can guess it."""
    return f"{journal_id}.{base64.urlsafe_b64encode(commitment).rstrip(b'=').decode()}"


def read_id(text: str) -> tuple[str, bytes] | None:
    """Journal id and commitment of a receipt's id; None where it is none."""
    journal_id, _, commitment = text.partition(".")
    parts = journal_id.split("-")
    if len(text) > ID_LIMIT or len(parts) not in {2, 4}:
        return None
    if not all(p.isascii() and p.isdigit() and len(p) <= 20 for p in parts):
        return None
    try:
        found = base64.b64decode(commitment.encode() + b"=", altchars=b"-_", validate=True)
    except (NotBase64, ValueError):
        return None
    if len(found) != COMMITMENT_BYTES or id_of(journal_id, found) != text:
        return None  # the last character has two bits to spare: one vote has one id
    return journal_id, found


def describe(facts: Facts, vote: Standing) -> dict[str, Any]:
    """The receipt as JSON, signed where the vote is recorded. It does not hold what shows whose it is."""
    leaf_hash = leaf_hash_of(leaf_of(facts.id, vote.candidate, vote.day, vote.commitment, vote.weight))
    receipt: dict[str, Any] = {
        "id": id_of(vote.journal_id, vote.commitment),
        "poll": facts.id,
        "candidate": vote.candidate,
        "day": vote.day.isoformat(),
        "weight": vote.weight,
        "status": "provisional",
        "leaf": None,
        "leaf_hash": leaf_hash.hex(),
        "commitment": vote.commitment.hex(),
        "recorded_at": None,
        "signature": None,
    }
    if vote.leaf is not None and vote.recorded_at is not None:
        signature = facts.signing_key.sign(signed_text(facts.slug, vote.leaf, leaf_hash, vote.recorded_at))
        receipt.update(
            status="recorded",
            leaf=vote.leaf,
            recorded_at=moment_of(vote.recorded_at).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            signature=base64.b64encode(signature).decode(),
        )
    return receipt
