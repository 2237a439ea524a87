"""Invitation codes: making a batch, taking it or one code back, and entering one.

A code is 11 characters of Crockford's base 32 (crockford.com/base32.html): ten of chance (50 bits) and one that
catches a wrong or swapped character (Luhn's algorithm modulo 32), so that a mistyped code is told from a wrong one
without asking anybody. The codes of a batch follow from one seed, which is kept sealed for an hour to be printed and
is then forgotten; SQL has only their HMACs under the poll's key.
"""

import hmac
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from concours.base.messages import Message, msg
from concours.identity.models import Account
from concours.voting.ladder.models import CodeBatch, VoteCode
from concours.voting.ladder.ways import HEAVIEST
from concours.voting.models import Poll

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_CHARACTERS = 10
LENGTH = RANDOM_CHARACTERS + 1
GROUPS = (4, 4, 3)  # as it is printed
TYPED_LIMIT = 40  # characters of a code as typed, with spaces and hyphens
SEED_BYTES = 32
MOST_IN_BATCH = 20_000
MOST_BATCHES = 100
NAME_LENGTH = 80
LONGEST = timedelta(days=366)
INSERT_AT_ONCE = 2_000

_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})


class WrongCode(Forbidden):
    """The code lets nobody in (403): there is none such, or it was taken back, or its time is over."""

    code = "wrong_code"


class Mistyped(Invalid):
    """The code cannot be one of any poll's (422): a character is wrong or missing."""

    def __init__(self) -> None:
        sentence = msg("This code is mistyped: please compare it with your card, character by character.")
        super().__init__(sentence, problems=[FieldProblem("code", sentence)], code="mistyped_code")


@dataclass(frozen=True, slots=True)
class Entered:
    """A code that was entered: what the voter id is made of, and what each vote counts."""

    digest: bytes
    weight: int


@dataclass(frozen=True, slots=True)
class BatchDraft:
    """What an organiser asks for: a group's name, how many codes, what a vote counts, until when they can be entered
    first (None: until the poll closes)."""

    name: str
    count: int
    weight: int = 1
    expires_at: datetime | None = None


def check_of(characters: str) -> str:
    """The check character behind `characters` (Luhn modulo 32: every wrong character and most swaps change it)."""
    total = 0
    for place, character in enumerate(reversed(characters)):
        value = ALPHABET.index(character) * (2 if place % 2 == 0 else 1)
        total += value // 32 + value % 32
    return ALPHABET[-total % 32]


def codes_of(seed: bytes, count: int) -> Iterator[str]:
    """The codes of a batch, in their order."""
    for number in range(count):
        bits = int.from_bytes(hmac.digest(seed, b"%d" % number, "sha256")[:7], "big") >> 6
        characters = "".join(ALPHABET[bits >> 5 * place & 31] for place in reversed(range(RANDOM_CHARACTERS)))
        yield characters + check_of(characters)


def printed(code: str) -> str:
    """The code in groups, as it stands on a card."""
    begin, parts = 0, []
    for length in GROUPS:
        parts.append(code[begin : begin + length])
        begin += length
    return "-".join(parts)


def read(typed: str) -> str:
    """The code as typed, without spaces and hyphens, O read as 0, I and L as 1, capitals or not. Raises Mistyped."""
    if len(typed) > TYPED_LIMIT:
        raise Mistyped
    plain = unicodedata.normalize("NFKC", typed).upper().translate(_READ_AS)
    found = "".join(character for character in plain if not (character.isspace() or character in "-‐‑–—_.·"))
    if len(found) != LENGTH or any(character not in ALPHABET for character in found):
        raise Mistyped
    if check_of(found[:-1]) != found[-1]:
        raise Mistyped
    return found


def digest_of(key: bytes, code: str) -> bytes:
    """How SQL knows a code: HMAC-SHA256(poll key, "code" 0 code)."""
    return hmac.digest(key, b"code\x00" + code.encode(), "sha256")


def batches_of(poll: Poll) -> list[CodeBatch]:
    """The poll's batches, the newest first."""
    return list(session().scalars(sa.select(CodeBatch).where(CodeBatch.poll_id == poll.id).order_by(-CodeBatch.id)))


def batch_of(poll: Poll, batch_id: int) -> CodeBatch:
    """The batch of that number in the poll. Raises NotFound."""
    found = session().scalar(sa.select(CodeBatch).where(CodeBatch.id == batch_id, CodeBatch.poll_id == poll.id))
    if found is None:
        raise NotFound(msg("There is no such batch of codes."))
    return found


def make_batch(poll: Poll, draft: BatchDraft, *, key: bytes, actor: Account, now: datetime) -> tuple[CodeBatch, bytes]:
    """Makes codes; returns the batch and the seed of its codes, which is nowhere else. `key` is the poll's.

    Raises Invalid, Conflict.
    """
    _check(draft, now)
    if poll.closes_at <= now:
        raise Conflict(msg("This poll is over: codes would let nobody in."), code="poll_closed")
    there = session().scalar(sa.select(sa.func.count(CodeBatch.id)).where(CodeBatch.poll_id == poll.id)) or 0
    if there >= MOST_BATCHES:
        raise Conflict(msg("A poll has at most %(count)s batches of codes.", count=MOST_BATCHES), code="too_many")
    for _ in range(3):
        seed = os.urandom(SEED_BYTES)
        batch = CodeBatch(
            poll_id=poll.id,
            name=draft.name,
            weight=draft.weight,
            count=draft.count,
            used=0,
            revoked=0,
            expires_at=draft.expires_at,
            created_at=now,
        )
        try:
            with session().begin_nested():
                session().add(batch)
                session().flush()
                _insert(poll, batch, seed, key)
        except IntegrityError:  # two codes of the poll alike, once in 10^8 batches: another seed has none
            continue
        details = {"group": draft.name, "count": draft.count, "weight": draft.weight}
        audit.record(actor, "voting.make_codes", poll, now=now, event_id=poll.event_id, **details)
        return batch, seed
    raise Conflict(msg("The codes could not be made. Please try again."), code="codes_alike")


def _insert(poll: Poll, batch: CodeBatch, seed: bytes, key: bytes) -> None:
    digests = sorted(digest_of(key, code) for code in codes_of(seed, batch.count))  # their order tells no card's place
    mine = {"poll_id": poll.id, "batch_id": batch.id, "used": False, "revoked": False}
    for begin in range(0, len(digests), INSERT_AT_ONCE):
        rows = [{**mine, "digest": digest} for digest in digests[begin : begin + INSERT_AT_ONCE]]
        session().execute(sa.insert(VoteCode), rows)


def _check(draft: BatchDraft, now: datetime) -> None:
    problems: list[FieldProblem] = []

    def wrong(field: str, message: Message) -> None:
        problems.append(FieldProblem(field, message))

    if not draft.name:
        wrong("name", msg("Name the group that gets these codes; it is printed on the cards."))
    elif len(draft.name) > NAME_LENGTH:
        wrong("name", msg("At most %(count)s characters.", count=NAME_LENGTH))
    if not 1 <= draft.count <= MOST_IN_BATCH:
        wrong("count", msg("A whole number from %(least)s to %(most)s.", least=1, most=MOST_IN_BATCH))
    if not 1 <= draft.weight <= HEAVIEST:
        wrong("weight", msg("A whole number from %(least)s to %(most)s.", least=1, most=HEAVIEST))
    if draft.expires_at is not None and not now < draft.expires_at <= now + LONGEST:
        wrong("expires_at", msg("A time to come, within a year."))
    if problems:
        raise Invalid(problems=problems)


def revoke_batch(poll: Poll, batch: CodeBatch, *, actor: Account, now: datetime) -> None:
    """Takes back all codes of the batch that nobody has used; those that were used stay voters."""
    if batch.revoked_at is not None:
        return
    batch.revoked_at = now
    details = {"group": batch.name, "unused": batch.count - batch.used - batch.revoked}
    audit.record(actor, "voting.revoke_codes", poll, now=now, event_id=poll.event_id, **details)


def revoke_code(poll: Poll, typed: str, *, key: bytes, actor: Account, now: datetime) -> CodeBatch:
    """Takes one code back before it is used. Raises Mistyped, NotFound, Conflict where it was used."""
    digest = digest_of(key, read(typed))
    found = session().scalar(sa.select(VoteCode).where(VoteCode.poll_id == poll.id, VoteCode.digest == digest))
    if found is None:
        raise NotFound(msg("There is no such code in this poll."))
    batch = batch_of(poll, found.batch_id)
    if found.revoked:
        return batch
    mine = sa.and_(VoteCode.id == found.id, VoteCode.used.is_(False), VoteCode.revoked.is_(False))
    done = session().execute(sa.update(VoteCode).where(mine).values(revoked=True))
    if not done.rowcount:  # type: ignore[attr-defined]
        raise Conflict(
            msg("This code was used already, so it cannot be taken back."),
            hint=msg("Votes that should not count are voided, by two people and with a reason."),
            code="code_used",
        )
    session().execute(sa.update(CodeBatch).where(CodeBatch.id == batch.id).values(revoked=CodeBatch.revoked + 1))
    audit.record(actor, "voting.revoke_code", poll, now=now, event_id=poll.event_id, group=batch.name)
    return batch


def enter(poll_id: int, typed: str, *, key: bytes, now: datetime) -> Entered:
    """Lets the holder of a code in; entered again it is the same voter. Raises Mistyped, WrongCode.

    The first time marks it used, in the caller's transaction.
    """
    digest = digest_of(key, read(typed))
    row = (
        session()
        .execute(
            sa.select(
                VoteCode.id,
                VoteCode.used,
                VoteCode.revoked,
                VoteCode.batch_id,
                CodeBatch.weight,
                CodeBatch.expires_at,
                CodeBatch.revoked_at,
            )
            .join(CodeBatch, CodeBatch.id == VoteCode.batch_id)
            .where(VoteCode.poll_id == poll_id, VoteCode.digest == digest)
        )
        .one_or_none()
    )
    if row is None:
        raise WrongCode(
            msg("This poll has no such code."),
            hint=msg("Check that the card is for this poll, and every character of the code."),
        )
    if row.used:
        return Entered(digest, row.weight)
    if row.revoked or row.revoked_at is not None:
        raise WrongCode(
            msg("This code was taken back by the organiser."), hint=msg("Ask whoever gave it to you for another.")
        )
    if row.expires_at is not None and row.expires_at <= now:
        raise WrongCode(
            msg("The time in which this code could be used is over."),
            hint=msg("Ask whoever gave it to you for another."),
        )
    mine = sa.and_(VoteCode.id == row.id, VoteCode.used.is_(False), VoteCode.revoked.is_(False))
    first = session().execute(sa.update(VoteCode).where(mine).values(used=True))
    if first.rowcount:  # type: ignore[attr-defined]
        session().execute(sa.update(CodeBatch).where(CodeBatch.id == row.batch_id).values(used=CodeBatch.used + 1))
    elif session().scalar(sa.select(VoteCode.revoked).where(VoteCode.id == row.id)):
        raise WrongCode(
            msg("This code was taken back by the organiser."), hint=msg("Ask whoever gave it to you for another.")
        )
    return Entered(digest, row.weight)
