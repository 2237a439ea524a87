"""Which votes a decision is to cover: those of receipts, of one voter, or of a candidate's interval."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from concours.base.db import session
from concours.base.errors import FieldProblem, Invalid
from concours.base.messages import Message, msg, nmsg
from concours.voting.ledger import VOTER_BYTES
from concours.voting.models import Candidate, Poll, Vote, VoteSlot
from concours.voting.receipts import COMMITMENT_BYTES, read_id

RECEIPTS_LIMIT = 500  # typed at a time
NAMED = 5  # of those that are unknown
LIMIT = 1_000_000  # votes of one decision


@dataclass(frozen=True)
class Choice:
    """The votes that are meant, as a condition on Vote, and how they were chosen: `by` receipts, voter or candidate,
    with the interval."""

    votes: sa.ColumnElement[bool]
    how: dict[str, Any] = field(default_factory=dict)

    def leaves(self) -> list[int]:
        """Their leaves, ascending; one more than LIMIT at most."""
        return list(session().scalars(sa.select(Vote.leaf).where(self.votes).order_by(Vote.leaf).limit(LIMIT + 1)))


def of_receipts(poll: Poll, text: str) -> Choice:
    """The votes of receipts: their numbers, links or commitments, between spaces, commas or lines. Raises Invalid."""
    commitments = _commitments(text, "receipts", RECEIPTS_LIMIT)
    votes = sa.and_(Vote.poll_id == poll.id, Vote.commitment.in_(list(commitments)))
    found = {bytes(commitment) for commitment in session().scalars(sa.select(Vote.commitment).where(votes))}
    unknown = [said for commitment, said in commitments.items() if commitment not in found]
    if unknown:
        raise _wrong(
            "receipts",
            nmsg(
                "The ledger of this poll has no vote of this receipt: %(names)s.",
                "The ledger of this poll has no votes of these receipts: %(names)s.",
                len(unknown),
                names=", ".join(said[:60] for said in unknown[:NAMED]),
            ),
        )
    return Choice(votes, {"by": "receipts"})


def of_voter(
    poll: Poll, text: str, *, since: datetime | None = None, until: datetime | None = None, before: int | None = None
) -> Choice:
    """All votes of the voter who gave the vote of this receipt; `before` is the first leaf that is left out.

    `since` is included, `until` is not. Raises Invalid.
    """
    commitment = next(iter(_commitments(text, "voter", 1)))
    tag = session().scalar(sa.select(Vote.tag).where(Vote.poll_id == poll.id, Vote.commitment == commitment))
    if tag is None:
        raise _wrong("voter", msg("The ledger of this poll has no vote of this receipt."))
    mine = sa.select(VoteSlot.leaf).where(
        VoteSlot.poll_id == poll.id, VoteSlot.voter == tag[:VOTER_BYTES], VoteSlot.candidate_id == 0, VoteSlot.day == 0
    )
    return Choice(_votes(poll, Vote.leaf.in_(mine), since, until, before), _how("voter", since, until))


def of_candidate(
    poll: Poll, candidate_id: int | None, *, since: datetime | None, until: datetime | None, before: int | None = None
) -> Choice:
    """The candidate's votes that were recorded from `since` until before `until`. Raises Invalid."""
    problems = []
    known = sa.select(Candidate.id).where(Candidate.id == candidate_id, Candidate.poll_id == poll.id)
    if candidate_id is None or session().scalar(known) is None:
        problems.append(FieldProblem("candidate", msg("Please choose a candidate of this poll.")))
    if since is None:
        problems.append(FieldProblem("since", msg("Please say from when.")))
    if until is None:
        problems.append(FieldProblem("until", msg("Please say until when.")))
    if since is not None and until is not None and since >= until:
        problems.append(FieldProblem("until", msg("The end must lie behind the beginning.")))
    if problems:
        raise Invalid(problems=problems)
    votes = _votes(poll, Vote.candidate_id == candidate_id, since, until, before)
    return Choice(votes, {**_how("candidate", since, until), "candidate": candidate_id})


def _votes(
    poll: Poll, which: sa.ColumnElement[bool], since: datetime | None, until: datetime | None, before: int | None
) -> sa.ColumnElement[bool]:
    wanted = [Vote.poll_id == poll.id, which]
    if since is not None:
        wanted.append(Vote.recorded_at >= since)
    if until is not None:
        wanted.append(Vote.recorded_at < until)
    if before is not None:
        wanted.append(Vote.leaf < before)
    return sa.and_(*wanted)


def _how(by: str, since: datetime | None, until: datetime | None) -> dict[str, Any]:
    times = {"since": since.isoformat() if since else None, "until": until.isoformat() if until else None}
    return {"by": by, **times}


def _commitments(text: str, field: str, limit: int) -> dict[bytes, str]:
    """The commitments that are named, each with how it was typed."""
    words = text.replace(",", " ").replace(";", " ").split()
    if not words:
        raise _wrong(field, msg("Please give the number or the link of a receipt."))
    if len(words) > limit:
        raise _wrong(
            field,
            nmsg("At most %(count)s receipt at a time.", "At most %(count)s receipts at a time.", limit),
        )
    found: dict[bytes, str] = {}
    for word in words:
        commitment = _commitment(word)
        if commitment is None:
            raise _wrong(field, msg("This is not a receipt: %(name)s.", name=word[:60]))
        found.setdefault(commitment, word)
    return found


def _commitment(word: str) -> bytes | None:
    read = read_id(word.rstrip("/").rpartition("/")[2])
    if read is not None:
        return read[1]
    try:
        commitment = bytes.fromhex(word) if len(word) == 2 * COMMITMENT_BYTES else b""
    except ValueError:
        return None
    return commitment if len(commitment) == COMMITMENT_BYTES else None


def _wrong(field: str, message: Message) -> Invalid:
    return Invalid(problems=[FieldProblem(field, message)])
