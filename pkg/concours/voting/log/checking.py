"""Checks a receipt that somebody pastes, claim by claim, and says in words what each shows."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature

from concours.base.db import reading
from concours.base.errors import Invalid
from concours.base.messages import Message, msg, nmsg
from concours.voting import receipts, secrets, standing
from concours.voting.cast import Booth
from concours.voting.log import merkle, notes, publication
from concours.voting.models import Checkpoint, Cosignature, PollLog
from concours.voting.rules import Facts, milliseconds

TEXT_LIMIT = 8_000  # characters of what is pasted
GOOD, BAD, WAIT, OPEN, VOID = "good", "bad", "wait", "open", "void"
DIGITS = 15


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing about the vote: `good` it is shown, `bad` it is refuted, `wait` it comes, `open` it is not shown,
    `void` it was taken out."""

    state: str
    words: Message


@dataclass(frozen=True)
class Checked:
    """All claims about a vote, and its receipt as the platform has it."""

    receipt: dict[str, Any]
    claims: list[Claim]

    @property
    def state(self) -> str:
        """The worst of what was found: bad, void, wait or good."""
        return next((word for word in (BAD, VOID, WAIT) if any(claim.state == word for claim in self.claims)), GOOD)


def read(text: str) -> dict[str, Any]:
    """The receipt that was pasted: as JSON (alone, or the whole answer to the vote), its number, or its link.

    Raises Invalid where it is none of them.
    """
    text = text.strip()
    if len(text) > TEXT_LIMIT:
        raise Invalid(msg("That is too long for a receipt: at most %(count)s characters.", count=TEXT_LIMIT))
    found: Any = {"id": "".join(text.split()).rstrip("/").rpartition("/")[2]}  # a mail may have broken the line
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise _no_receipt() from None
        if isinstance(found.get("receipt"), dict):
            found = found["receipt"]
    if not isinstance(found.get("id"), str) or receipts.read_id(found["id"]) is None:
        raise _no_receipt()
    return dict(found)


def check(booth: Booth, facts: Facts, given: dict[str, Any]) -> Checked:
    """Everything that can be said of the receipt `given` (of `read`) in this poll. Raises Invalid, Unavailable."""
    if given.get("poll", facts.id) != facts.id:
        raise Invalid(msg("This receipt is of another poll."), hint=msg("Open that poll's page and paste it there."))
    told = standing.of_receipt(booth, facts, given["id"])
    claims = _of_the_paper(facts, given)
    signed = given.get("status") == "recorded" and claims[0].state == GOOD
    claims.append(_of_the_ledger(told, given, signed=signed))
    if told["status"] == "recorded":
        claims += _of_the_decisions(told)
        claims += _of_the_log(booth, facts, told)
    return Checked(told, claims)


def _of_the_paper(facts: Facts, given: dict[str, Any]) -> list[Claim]:
    """What the pasted receipt shows by itself; nothing where it was a number only."""
    if "commitment" not in given:
        return [
            Claim(
                OPEN, msg("Only the receipt's number was given. Paste the whole receipt to have its signature checked.")
            )
        ]
    if given.get("status") != "recorded":
        return [
            Claim(WAIT, msg("The receipt is a provisional one: it is not signed. Get the final one by its number."))
        ]
    claims = [_signature(facts, given)]
    if isinstance(given.get("tag"), str) and isinstance(given.get("nonce"), str):
        mine = _commitment(given["tag"], given["nonce"]) == given["commitment"]
        claims.append(
            Claim(GOOD, msg("It holds what only the voter was given: whoever has this receipt gave the vote."))
            if mine
            else Claim(BAD, msg("Tag and nonce do not belong to this vote: it is not the vote of whoever holds them."))
        )
    else:
        claims.append(Claim(OPEN, msg("It does not show whose vote it is: tag and nonce are not in it.")))
    return claims


def _signature(facts: Facts, given: dict[str, Any]) -> Claim:
    try:
        day = datetime.strptime(given["day"], "%Y-%m-%d").date()  # noqa: DTZ007 (a calendar day)
        commitment = bytes.fromhex(given["commitment"])
        numbers = (int(given["candidate"]), int(given["leaf"]), int(given["weight"]))
        at = milliseconds(datetime.fromisoformat(given["recorded_at"].replace("Z", "+00:00")))
        named = receipts.read_id(given["id"])  # not signed: of another receipt it would accuse the ledger for nothing
        if any(abs(number) >= 10**DIGITS for number in numbers) or named is None or named[1] != commitment:
            raise ValueError
        hashed = receipts.leaf_hash_of(receipts.leaf_of(facts.id, numbers[0], day, commitment, numbers[2]))
        signature = base64.b64decode(given["signature"], validate=True)
        signed = receipts.signed_text(facts.slug, numbers[1], hashed, at)
        facts.signing_key.public_key().verify(signature, signed)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, binascii.Error, InvalidSignature):
        return Claim(
            BAD, msg("The signature does not hold: the poll never gave this receipt, or it was changed since.")
        )
    return Claim(GOOD, msg("The poll's own key has signed it: the poll cannot deny this vote."))


def _commitment(tag: str, nonce: str) -> str:
    try:
        return secrets.commitment_of(bytes.fromhex(tag), bytes.fromhex(nonce)).hex()
    except ValueError:
        return ""


def _of_the_ledger(told: dict[str, Any], given: dict[str, Any], *, signed: bool) -> Claim:
    signed_for = ("candidate", "day", "weight", "commitment", "leaf")
    names = signed_for if given.get("status") == "recorded" else ("commitment",)
    if told["status"] == "recorded":
        if any(name in given and given[name] != told[name] for name in names):
            return Claim(
                BAD,
                msg("The ledger has another vote under this number than the receipt says. Keep the receipt.")
                if signed
                else msg("The ledger has another vote under this number than the receipt says."),
            )
        return Claim(GOOD, msg("The vote is in the ledger, as number %(number)s.", number=told["leaf"] + 1))
    if told["status"] == "provisional":
        return Claim(WAIT, msg("The vote is taken and will be recorded in a moment. Check again then."))
    if signed:
        return Claim(BAD, msg("The ledger does not have this vote, though the receipt says so. Keep the receipt."))
    return Claim(BAD, msg("The ledger does not have this vote: it was not counted."))


def _of_the_decisions(told: dict[str, Any]) -> list[Claim]:
    """That the vote was voided (or restored), as the last decision about it says; nothing where there is none."""
    if not told["decisions"]:
        return []
    last = told["decisions"][0]
    words = {"number": last["number"], "reason": last["reason"]}
    if told["counts"]:
        said = msg("It was voided and restored again, by decision %(number)s: it counts. Reason: %(reason)s", **words)
        return [Claim(GOOD, said)]
    return [
        Claim(
            VOID,
            msg(
                "It was voided later, by decision %(number)s of two people: it no longer counts. Reason: %(reason)s "
                "If you do not agree, write to the organiser and give the number of this receipt.",
                **words,
            ),
        )
    ]


def _of_the_log(booth: Booth, facts: Facts, told: dict[str, Any]) -> list[Claim]:
    proof = told["inclusion"]
    if proof is None:
        return [Claim(WAIT, msg("The next signed checkpoint of the log will have it, in some ten seconds."))]
    head = notes.read_head(notes.split(proof["checkpoint"])[0])
    path = [base64.b64decode(hashed) for hashed in proof["hashes"]]
    leaf = bytes.fromhex(told["leaf_hash"])
    if merkle.root_from_inclusion(told["leaf"], head.size, leaf, path) != head.root:
        return [Claim(BAD, msg("The signed log does not contain this vote. Keep the receipt: it proves a fault."))]
    claims = [
        Claim(
            GOOD,
            nmsg(
                "It is among the %(size)s entries under the log's newest signed checkpoint; %(count)s hash shows it.",
                "It is among the %(size)s entries under the log's newest signed checkpoint; %(count)s hashes show it.",
                len(path),
                size=head.size,
            ),
        )
    ]
    seen, closed = _seen(booth, facts.id, head.size)
    claims.append(
        Claim(
            GOOD,
            nmsg(
                "%(count)s witness outside this site has signed that checkpoint: everybody is shown the same log.",
                "%(count)s witnesses outside this site have signed that checkpoint: everybody is shown the same log.",
                seen,
            ),
        )
        if seen
        else Claim(
            OPEN, msg("No witness outside this site has signed that checkpoint: for one log for all there is our word.")
        )
    )
    claims.append(
        Claim(GOOD, msg("The poll is closed and its votes are public: anyone can count them again."))
        if closed
        else Claim(WAIT, msg("The poll is not closed yet: its votes can be counted again by anyone when it is."))
    )
    return claims


def _seen(booth: Booth, poll_id: int, size: int) -> tuple[int, bool]:
    """How many witnesses have signed the checkpoint of that size, and whether the log is closed."""
    query = (
        sa.select(sa.func.count(Cosignature.id), PollLog.closed_at)
        .select_from(PollLog)
        .outerjoin(Checkpoint, sa.and_(Checkpoint.poll_id == PollLog.poll_id, Checkpoint.size == size))
        .outerjoin(Cosignature, Cosignature.checkpoint_id == Checkpoint.id)
        .where(PollLog.poll_id == poll_id)
        .group_by(PollLog.closed_at)
    )
    with reading(), booth.engine.connect() as connection:
        count, closed_at = connection.execute(query).one()
    return int(count), closed_at is not None


def current_key(booth: Booth, poll_id: int) -> str | None:
    """The log's key, for the verifier's command line; None while there is no log."""
    with reading(), booth.engine.connect() as connection:
        return publication.newest_key(connection, poll_id)


def _no_receipt() -> Invalid:
    return Invalid(
        msg("This is not a receipt."),
        hint=msg("Paste the receipt's number, its link, or the whole receipt as you got it."),
    )
