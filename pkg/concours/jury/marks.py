"""What judges say: marks, taken-back marks, stepping aside. Append-only; a repeated sending is the same mark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from concours import audit
from concours.base import typed
from concours.base.clock import in_zone
from concours.base.db import session
from concours.base.errors import Closed, Conflict, DomainError, FieldProblem, Forbidden, Invalid, NotFound
from concours.base.messages import msg
from concours.entries.times import require_running
from concours.events.models import Event, PhaseKind
from concours.events.phases import require_open
from concours.identity.models import Account
from concours.jury import kinds, limits
from concours.jury.distribution import redistribute
from concours.jury.kinds import pairwise
from concours.jury.lookup import hold
from concours.jury.models import Assignment, Mark, Panelist, Round, RoundKind, RoundStatus


@dataclass(frozen=True)
class Given:
    """One mark as it was sent. `value`: what the round's kind takes (`models.Mark`), or None to take the mark back.

    `client_id` is the sender's own random name for it: sent again with the same name, it is the same mark.
    """

    token: str
    client_id: str
    value: Mapping[str, Any] | None


@dataclass(frozen=True)
class Answer:
    """What became of one mark: saved, or refused with a stable code and a sentence."""

    token: str
    client_id: str
    saved: bool
    refusal: DomainError | None = None


def record(event: Event, round_id: int, given: Sequence[Given], *, actor: Account, now: datetime) -> list[Answer]:
    """Records marks in the order in which they came; each stands or is refused on its own.

    What was saved before is answered as saved again, also after the round closed; nothing is written twice. Work that
    went to somebody else while the judge was away from the network is theirs again when their mark arrives.
    Raises NotFound and Forbidden where the judge has no business in the round at all.
    """
    found = hold(event.id, round_id, together=True)
    panelist = seat_of(found, actor)
    tokens = {item.token for item in given}
    rows = session().scalars(
        sa.select(Assignment)
        .where(Assignment.round_id == found.id, Assignment.account_id == actor.id, Assignment.token.in_(tokens))
        .execution_options(populate_existing=True)
    )
    assignments = {row.token: row for row in rows}
    known = _known_marks(assignments.values(), {item.client_id for item in given})
    closed = why_closed(event, found, panelist, now)
    answers = []
    for item in given:
        assignment = assignments.get(item.token)
        refusal = _refuse(found, assignment, item, known, closed)
        if refusal is None and assignment is not None and (assignment.id, item.client_id) not in known:
            value = dict(item.value) if item.value is not None else None
            known[assignment.id, item.client_id] = value
            _write(found, assignment, item.client_id, value, now)
        answers.append(Answer(item.token, item.client_id, refusal is None, refusal))
    session().flush()
    return answers


def recuse(
    event: Event, round_id: int, token: str, reason: str, *, actor: Account, now: datetime
) -> tuple[Assignment, int | None]:
    """The judge steps aside from an entry; another judge without conflict takes it over, if there is one.

    A mark the judge gave it before stays in the history and no longer counts. Returns the assignment and the account
    that took over.
    """
    found = hold(event.id, round_id)
    panelist = seat_of(found, actor)
    closed = why_closed(event, found, panelist, now)
    if closed is not None:
        raise closed
    assignment = session().scalar(
        sa.select(Assignment).where(
            Assignment.round_id == found.id, Assignment.account_id == actor.id, Assignment.token == token
        )
    )
    if assignment is None:
        raise no_such_work()
    if assignment.recused_at is not None:
        raise stepped_aside()
    why = typed.line(reason)
    if not why or len(why) > limits.REASON_CHARACTERS:
        sentence = msg("Please give the reason in at most %(limit)s characters.", limit=limits.REASON_CHARACTERS)
        raise Invalid(problems=[FieldProblem("reason", sentence)])
    assignment.recused_at = now
    assignment.recusal_reason = why
    session().flush()
    if found.kind == RoundKind.PAIRWISE:
        pairwise.settle(found, actor.id, now)
    added = redistribute(found, event, now).added
    successor = next((judge for entry, judge in sorted(added) if entry == assignment.entry_id), None)
    audit.record(
        actor,
        "jury.recuse",
        found,
        now=now,
        event_id=event.id,
        entry=assignment.entry_id,
        reason=why,
        successor=successor,
    )
    return assignment, successor


def seat_of(found: Round, actor: Account) -> Panelist:
    """The judge's place on the panel, locked, so that one judge's marks are written one request after the other."""
    panelist = session().scalar(
        sa.select(Panelist)
        .where(Panelist.round_id == found.id, Panelist.account_id == actor.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if panelist is None or found.status == RoundStatus.DRAFT:
        raise Forbidden(msg("You are not on the panel of this round."), code="not_on_panel")
    return panelist


def _known_marks(assignments: Any, client_ids: set[str]) -> dict[tuple[int, str], dict[str, Any] | None]:
    rows = session().execute(
        sa.select(Mark.assignment_id, Mark.client_id, Mark.value).where(
            Mark.assignment_id.in_([row.id for row in assignments]), Mark.client_id.in_(client_ids)
        )
    )
    return {(assignment, client_id): value for assignment, client_id, value in rows.tuples()}


def why_closed(event: Event, found: Round, panelist: Panelist, now: datetime) -> DomainError | None:
    """Why nobody, or not this judge, can mark now; None where they can."""
    if panelist.dropped_at is not None:
        return Closed(
            msg("You are no longer on the panel of this round. What you marked before counts."), code="not_on_panel"
        )
    if found.status != RoundStatus.OPEN:
        return Closed(
            msg("The round “%(round)s” is closed: this mark was not counted.", round=found.title),
            hint=msg("If it should count, ask the organiser to reopen the round, then send it again."),
            code="round_closed",
        )
    if found.closes_at is not None and found.closes_at <= now:
        local = in_zone(found.closes_at, event.zone)
        return Closed(
            msg(
                "The round “%(round)s” took marks until %(time)s (%(zone)s): this mark was not counted.",
                round=found.title,
                time=f"{local:%Y-%m-%d %H:%M}",
                zone=event.zone,
            ),
            hint=msg("If it should count, ask the organiser to extend the round, then send it again."),
            code="round_closed",
        )
    try:
        require_running(event)
        require_open(event, PhaseKind.JUDGING, now)
    except Closed as closed:
        return closed
    return None


def _refuse(
    found: Round,
    assignment: Assignment | None,
    item: Given,
    known: Mapping[tuple[int, str], Mapping[str, Any] | None],
    closed: DomainError | None,
) -> DomainError | None:
    if assignment is None:
        return no_such_work()
    if (assignment.id, item.client_id) in known:
        if known[assignment.id, item.client_id] == item.value:
            return None
        return Conflict(msg("Another mark was sent under the same name."), code="client_id_reused")
    if closed is not None:
        return closed
    if assignment.recused_at is not None:
        return stepped_aside()
    wrong = kinds.value_problem(found, item.value)
    return Invalid(wrong, code="bad_mark") if wrong is not None else None


def _write(found: Round, assignment: Assignment, client_id: str, value: dict[str, Any] | None, now: datetime) -> None:
    session().add(Mark(round_id=found.id, assignment_id=assignment.id, client_id=client_id, value=value, at=now))
    session().flush()  # the order of sending is the order of the numbers
    assignment.value = value
    assignment.marked_at = now if value is not None else None
    if value is not None:
        assignment.withdrawn_at = None


def require_kind(found: Round, kind: str) -> None:
    """Raises NotFound where the round's judges speak in another way."""
    if found.kind != kind:
        raise NotFound(
            msg("The judges of “%(round)s” do not judge here.", round=found.title),
            hint=msg("The judges' page leads to each round."),
            code="another_kind",
        )


def no_such_work() -> NotFound:
    return NotFound(
        msg("This work is not among yours."), hint=msg("Reload the light table to see your works."), code="no_such_work"
    )


def stepped_aside() -> Conflict:
    return Conflict(msg("You stepped aside from this work, so it takes no mark of yours."), code="recused")
