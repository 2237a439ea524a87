"""What an organiser types to choose votes for a decision, read and checked."""

from collections.abc import Mapping
from datetime import datetime

from concours.base.errors import FieldProblem, Invalid
from concours.base.messages import Message, msg
from concours.events.schedule import read_wall
from concours.voting.amendments import selection
from concours.voting.amendments.models import RESTORE, VOID
from concours.voting.amendments.selection import Choice
from concours.voting.models import Poll

RECEIPTS, VOTER, CANDIDATE = "receipts", "voter", "candidate"
TYPED_LIMIT = 60_000  # characters of a list of receipts

KINDS: dict[str, Message] = {
    VOID: msg("Void: these votes no longer count"),
    RESTORE: msg("Restore: these votes count again"),
}
WAYS: dict[str, Message] = {
    RECEIPTS: msg("Single votes, by their receipts"),
    VOTER: msg("All votes of one voter"),
    CANDIDATE: msg("A candidate’s votes of a certain time"),
}
LABELS: dict[str, Message] = {
    "kind": msg("What is to happen"),
    "by": msg("Which votes"),
    "receipts": msg("Receipts"),
    "voter": msg("A receipt of that voter"),
    "candidate": msg("Candidate"),
    "since": msg("From"),
    "until": msg("Until"),
    "reason": msg("Reason, for everybody to read"),
    "note": msg("Internal note"),
}


def choose(form: Mapping[str, str], poll: Poll) -> Choice:
    """The votes that the form means. Raises Invalid with what is wrong."""
    by = form.get("by", "")
    if by == RECEIPTS:
        return selection.of_receipts(poll, form.get("receipts", "")[:TYPED_LIMIT])
    if by not in WAYS:
        raise Invalid(problems=[FieldProblem("by", msg("Please say which votes are meant."))])
    since, until = _time(form, "since", poll), _time(form, "until", poll)
    before = form.get("before", "")
    limit = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else None
    if by == VOTER:
        return selection.of_voter(poll, form.get("voter", "")[:TYPED_LIMIT], since=since, until=until, before=limit)
    candidate = form.get("candidate", "")
    number = int(candidate) if candidate.isascii() and candidate.isdigit() and len(candidate) < 16 else None
    return selection.of_candidate(poll, number, since=since, until=until, before=limit)


def _time(form: Mapping[str, str], name: str, poll: Poll) -> datetime | None:
    if not form.get(name, "").strip():
        return None
    moment, problem = read_wall(form[name], poll.zone)
    if problem is not None:
        raise Invalid(problems=[FieldProblem(name, problem)])
    return moment
