"""Two people decide about recorded votes: one proposes a void or a restore, another confirms or declines it.

What a decision covers is frozen at the proposal. A void frees no slot: whoever gave a vote that was voided has used it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from concours.base.messages import msg
from concours.identity.models import Account, Grant, Role
from concours.voting.amendments import effects, second
from concours.voting.amendments.effects import Effect, effect_of
from concours.voting.amendments.leaves import ranges_of
from concours.voting.amendments.models import (
    CONFIRMED,
    DECLINED,
    PROPOSED,
    RECORDED,
    RESTORE,
    VOID,
    WITHDRAWN,
    Decision,
    DecisionVote,
    VoidedVote,
)
from concours.voting.amendments.selection import LIMIT
from concours.voting.models import Poll, Vote

REASON_LIMIT = 300  # characters; public, and part of the leaf
NOTE_LIMIT = 2_000
OPEN_LIMIT = 50  # proposals of a poll that wait for a decision
LONG = 64  # a range of so many leaves is asked for as a range
AT_ONCE = 5_000  # leaves in one statement
PAGE = 20


def propose(
    poll: Poll,
    leaves: Iterable[int],
    kind: str,
    reason: str,
    evidence: Mapping[str, Any] | None,
    actor: Account,
    now: datetime,
    *,
    note: str = "",
    chosen: Mapping[str, Any] | None = None,
) -> Decision:
    """Proposes to void (or restore) the votes of these leaves; another person decides.

    `reason` is public from the record on; `note` and `evidence` (plain JSON) are for those who decide. Raises Invalid,
    and Conflict where nothing would change.
    """
    wanted = sorted(set(leaves))
    reason, note = " ".join(reason.split()), note.strip()
    _require(poll, len(wanted), kind, reason, note)
    session().execute(sa.select(Poll.id).where(Poll.id == poll.id).with_for_update())  # one number at a time
    _require_room(poll)
    mine = Decision.poll_id == poll.id
    decision = Decision(
        poll_id=poll.id,
        number=(session().scalar(sa.select(sa.func.max(Decision.number)).where(mine)) or 0) + 1,
        kind=kind,
        status=PROPOSED,
        reason=reason,
        note=note,
        chosen=dict(chosen or {"by": "evidence"}),
        evidence=dict(evidence or {}),
        votes=len(wanted),
        voters=0,
        proposed_by_id=actor.id,
        proposed_at=now,
        reached=-1,
        changed=0,
        standings={},
    )
    session().add(decision)
    session().flush()
    if _freeze(decision, wanted) != len(wanted):
        raise Invalid(msg("Some of these numbers are no votes of this poll."), code="no_votes")
    decision.voters = session().scalar(_voters(decision)) or 0
    _require_change(effect_of(decision), kind)
    _note(decision, "voting.propose_decision", poll, actor, now, votes=decision.votes)
    return decision


def look(poll: Poll, votes: sa.ColumnElement[bool], kind: str, reason: str, note: str = "") -> Effect:
    """What a proposal about these votes would do; refused where the proposal would be. It only reads."""
    _require_room(poll)
    found = effects.preview(poll.id, kind, votes)
    _require(poll, found.votes, kind, " ".join(reason.split()), note.strip())
    _require_change(found, kind)
    return found


def confirm(decision: Decision, poll: Poll, *, actor: Account, now: datetime) -> None:
    """Confirms another person's proposal; the sequencer records it within a second. Raises Forbidden, Conflict."""
    if actor.id == decision.proposed_by_id:
        raise Forbidden(
            msg("You proposed this yourself: a decision about votes needs a second person."),
            hint=msg("Another organiser or an auditor of this event can confirm or decline it."),
            code="second_person_needed",
        )
    second.require_another(decision, poll, actor, now)
    _decide(decision, CONFIRMED, actor, now)
    held = second.standing_of(actor, poll.event_id).told()
    _note(decision, "voting.confirm_decision", poll, actor, now, votes=decision.votes, second=held)


def decline(decision: Decision, poll: Poll, *, answer: str, actor: Account, now: datetime) -> None:
    """Declines another person's proposal, and says why. Raises Forbidden, Invalid, Conflict."""
    if actor.id == decision.proposed_by_id:
        raise Forbidden(msg("You proposed this yourself; you can take it back instead."), code="second_person_needed")
    answer = answer.strip()
    if not answer:
        raise Invalid(problems=[FieldProblem("answer", msg("Please say why you decline."))])
    if len(answer) > NOTE_LIMIT:
        raise Invalid(problems=[FieldProblem("answer", msg("At most %(count)s characters.", count=NOTE_LIMIT))])
    _decide(decision, DECLINED, actor, now, answer=answer)
    held = second.standing_of(actor, poll.event_id).told()
    _note(decision, "voting.decline_decision", poll, actor, now, second=held)


def withdraw(decision: Decision, poll: Poll, *, actor: Account, now: datetime) -> None:
    """Takes one's own proposal back. Raises Forbidden, Conflict."""
    if actor.id != decision.proposed_by_id:
        raise Forbidden(msg("Only who proposed it can take it back; you can decline it."))
    _decide(decision, WITHDRAWN, actor, now)
    _note(decision, "voting.withdraw_decision", poll, actor, now)


def decision_of(poll: Poll, number: int) -> Decision:
    """The poll's decision of that number. Raises NotFound."""
    found = session().scalar(_told().where(Decision.poll_id == poll.id, Decision.number == number))
    if found is None:
        raise NotFound(msg("There is no such decision."))
    return found


def decisions_of(poll: Poll, *, recorded_only: bool = False, before: int | None = None) -> Sequence[Decision]:
    """Up to PAGE + 1 decisions, the newest first, with numbers below `before`."""
    query = _told().where(Decision.poll_id == poll.id).order_by(Decision.number.desc()).limit(PAGE + 1)
    if recorded_only:
        query = query.where(Decision.status == RECORDED)
    if before is not None:
        query = query.where(Decision.number < before)
    return session().scalars(query).all()


def stands(decision: Decision) -> bool:
    """Whether any of the decision's votes is still judged as it says; if none is, later ones have undone it."""
    void_now = sa.exists().where(VoidedVote.poll_id == decision.poll_id, VoidedVote.leaf == DecisionVote.leaf)
    as_it_says = void_now if decision.kind == VOID else ~void_now
    found = sa.select(DecisionVote.leaf).where(DecisionVote.decision_id == decision.id, as_it_says).limit(1)
    return session().scalar(found) is not None


def second_person(event_id: int, actor: Account) -> bool:
    """Whether the event has an organiser or auditor besides the actor."""
    query = (
        sa.select(Grant.id)
        .join(Account, Account.id == Grant.account_id)
        .where(
            Grant.event_id == event_id,
            Grant.role.in_([Role.ORGANISER, Role.AUDITOR]),
            Grant.account_id != actor.id,
            Account.is_active.is_(True),
        )
        .limit(1)
    )
    return session().scalar(query) is not None


def _told() -> sa.Select[Decision]:
    return sa.select(Decision).options(joinedload(Decision.proposed_by), joinedload(Decision.decided_by))


def _voters(decision: Decision) -> sa.Select[int]:
    return (
        sa.select(sa.func.count(sa.distinct(Vote.tag)))
        .select_from(DecisionVote)
        .join(Vote, sa.and_(Vote.poll_id == decision.poll_id, Vote.leaf == DecisionVote.leaf))
        .where(DecisionVote.decision_id == decision.id)
    )


def _require_room(poll: Poll) -> None:
    waiting = sa.select(sa.func.count()).select_from(Decision)
    if (session().scalar(waiting.where(Decision.poll_id == poll.id, Decision.status == PROPOSED)) or 0) >= OPEN_LIMIT:
        raise Conflict(
            msg("%(count)s proposals of this poll wait for a decision already.", count=OPEN_LIMIT),
            hint=msg("Let a second person confirm or decline some of them first."),
            code="too_many_proposals",
        )


def _require_change(effect: Effect, kind: str) -> None:
    if not effect.changing:
        raise Conflict(
            msg("All of these votes are void already.")
            if kind == VOID
            else msg("None of these votes is void: there is nothing to restore."),
            code="nothing_changes",
        )


def _require(poll: Poll, votes: int, kind: str, reason: str, note: str) -> None:
    problems = []
    if not reason:
        problems.append(FieldProblem("reason", msg("Please give the reason; everybody can read it.")))
    elif len(reason) > REASON_LIMIT or not reason.isprintable():
        problems.append(
            FieldProblem("reason", msg("At most %(count)s characters, without control characters.", count=REASON_LIMIT))
        )
    if len(note) > NOTE_LIMIT:
        problems.append(FieldProblem("note", msg("At most %(count)s characters.", count=NOTE_LIMIT)))
    if kind not in (VOID, RESTORE):
        problems.append(FieldProblem("kind", msg("Please choose: void or restore.")))
    if not votes:
        problems.append(FieldProblem("by", msg("No vote was found that fits.")))
    if votes > LIMIT:
        problems.append(FieldProblem("by", msg("One decision covers at most %(count)s votes.", count=LIMIT)))
    if problems:
        raise Invalid(problems=problems)
    if not poll.published:
        raise Conflict(msg("This poll is not published: it has no votes."), code="not_published")


def _freeze(decision: Decision, leaves: list[int]) -> int:
    """Keeps which votes the decision covers; returns how many of the leaves are votes of the poll."""
    votes = sa.select(sa.literal(decision.id), Vote.leaf).where(Vote.poll_id == decision.poll_id)
    single: list[int] = []
    for first, last in ranges_of(leaves):
        if last - first + 1 >= LONG:
            _insert(votes.where(Vote.leaf.between(first, last)))
        else:
            single += range(first, last + 1)
    for at in range(0, len(single), AT_ONCE):
        _insert(votes.where(Vote.leaf.in_(single[at : at + AT_ONCE])))
    kept = sa.select(sa.func.count()).select_from(DecisionVote).where(DecisionVote.decision_id == decision.id)
    return session().scalar(kept) or 0


def _insert(rows: sa.Select[int, int]) -> None:
    session().execute(sa.insert(DecisionVote).from_select(["decision_id", "leaf"], rows))


def _decide(decision: Decision, status: str, actor: Account, now: datetime, answer: str = "") -> None:
    """Changes the status of what still waits; of two who decide at once, one does."""
    result: Any = session().execute(
        sa.update(Decision)
        .where(Decision.id == decision.id, Decision.status == PROPOSED)
        .values(status=status, decided_by_id=actor.id, decided_at=now, answer=answer)
    )
    if result.rowcount == 0:
        raise Conflict(
            msg("This proposal is decided already."), hint=msg("Reload the page to see how."), code="decided_already"
        )
    session().refresh(decision)


def _note(decision: Decision, verb: str, poll: Poll, actor: Account, now: datetime, **detail: Any) -> None:
    told = {"number": decision.number, "kind": decision.kind, "reason": decision.reason, **detail}
    audit.record(actor, verb, poll, now=now, event_id=poll.event_id, **told)
