"""Codes as they are handed out: cards with a QR code to print, and a table; and the hour in which that can be done.

The seed of a batch is kept in Redis, sealed (AES-256-GCM under the key that wraps the polls' keys), until somebody says
that the codes are printed, an hour at most. After that nobody can print or read them again, the platform included.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import redis
import segno

from concours.base.sheets import write_csv
from concours.voting import keys, secrets
from concours.voting.ladder import codes
from concours.voting.ladder.models import CodeBatch
from concours.voting.models import Poll

KEPT_S = 3600
PER_SHEET = 10  # cards on an A4 page
PER_PART = 200  # cards of one page of the browser: 20 sheets
MASK = 2  # of a QR code; to look for the best of the eight costs three times as much, and readers take them all
CODES = b"codes"


@dataclass(frozen=True, slots=True)
class Card:
    """One card: its number in the batch (from 1), the code in groups, the address with it, and its QR code (SVG)."""

    number: int
    code: str
    address: str
    drawing: str


def keep(client: "redis.Redis", poll: Poll, batch: CodeBatch, seed: bytes, secret: str) -> None:
    """Keeps the seed of a fresh batch for the hour; `secret` is POLL_KEY_SECRET."""
    client.set(keys.handout(poll.id, batch.id), secrets.seal(secret, poll.slug, CODES, seed), ex=KEPT_S)


def seed_of(client: "redis.Redis", poll: Poll, batch: CodeBatch, secret: str) -> bytes | None:
    """The batch's seed; None where it is forgotten."""
    sealed = client.get(keys.handout(poll.id, batch.id))
    return secrets.unseal(secret, poll.slug, CODES, bytes(sealed)) if sealed is not None else None  # type: ignore[arg-type]


def readable(client: "redis.Redis", poll: Poll, batches: Sequence[CodeBatch]) -> list[bool]:
    """Which of the batches can still be printed."""
    names = [keys.handout(poll.id, batch.id) for batch in batches]
    return [sealed is not None for sealed in client.mget(names)] if names else []


def forget(client: "redis.Redis", poll: Poll, batch: CodeBatch) -> None:
    """Forgets the batch's codes; they stay good."""
    client.delete(keys.handout(poll.id, batch.id))


def parts_of(batch: CodeBatch) -> int:
    """How many pages of the browser the cards fill."""
    return -(-batch.count // PER_PART)


def cards_of(seed: bytes, batch: CodeBatch, part: int, address: str) -> Iterator[list[Card]]:
    """The cards of one part (from 1), sheet by sheet. `address` leads to the page where a code is entered; the code
    stands behind its #, which browsers send to nobody."""
    begin = (part - 1) * PER_PART
    chosen = islice(codes.codes_of(seed, batch.count), begin, begin + PER_PART)
    made = (_card(number, code, address) for number, code in enumerate(chosen, start=begin + 1))
    while sheet := list(islice(made, PER_SHEET)):
        yield sheet


def _card(number: int, code: str, address: str) -> Card:
    whole = f"{address}#{code}"
    made = segno.make(whole, error="m", micro=False, mask=MASK)
    drawing = made.svg_inline(border=0, omitsize=True, svgclass="", lineclass="")
    return Card(number, codes.printed(code), whole, drawing)


def table_of(seed: bytes, batch: CodeBatch, address: str, headings: tuple[str, str, str, str]) -> bytes:
    """All codes of the batch as CSV: number, group, code, address."""
    rows = (
        (number, batch.name, codes.printed(code), f"{address}#{code}")
        for number, code in enumerate(codes.codes_of(seed, batch.count), start=1)
    )
    return write_csv(headings, rows)
