"""What judges say besides marks: flags, notes and comments; and what the organiser does with them.

One remark of a kind per judge and work; said again it replaces what was said, so that a repeated sending changes
nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from concours import audit
from concours.base import typed
from concours.base.db import session
from concours.base.errors import Closed, Conflict, DomainError, FieldProblem, Invalid, NotFound
from concours.base.messages import Message, msg
from concours.entries.models import Entry
from concours.events.models import Event
from concours.identity.models import Account
from concours.jury import limits
from concours.jury.lookup import find_round, hold
from concours.jury.marks import Answer, no_such_work, seat_of, stepped_aside, why_closed
from concours.jury.models import FLAGS, Assignment, Remark, RemarkKind, Round, RoundStatus

HANDLED_BY_KIND: dict[str, frozenset[str]] = {
    RemarkKind.COMMENT: frozenset({"released", "withheld"}),
    **{kind: frozenset({"seen"}) for kind in (*FLAGS, RemarkKind.NOTE)},
}
"""What an organiser can do with a remark of a kind; a judge's own note is nobody else's."""


@dataclass(frozen=True)
class Said:
    """One remark as it was sent: `text` None takes it back; a flag (`copy`, `rule`, `discuss`) needs none.

    `client_id` is the sender's name for it, repeated in the answer.
    """

    token: str
    client_id: str
    kind: str
    text: str | None


def give(event: Event, round_id: int, said: Sequence[Said], *, actor: Account, now: datetime) -> list[Answer]:
    """Keeps, replaces or takes back a judge's remarks in the order in which they came; each on its own.

    Taken while marks are taken. Who changes a remark that was handled gives it to the organiser anew: a comment that
    was released and is changed is no longer shown. Raises NotFound and Forbidden where the judge has no business here.
    """
    found = hold(event.id, round_id, together=True)
    panelist = seat_of(found, actor)
    rows = session().scalars(
        sa.select(Assignment)
        .where(
            Assignment.round_id == found.id,
            Assignment.account_id == actor.id,
            Assignment.token.in_({item.token for item in said}),
        )
        .execution_options(populate_existing=True)
    )
    assignments = {row.token: row for row in rows}
    standing = _standing([row.id for row in assignments.values()])
    closed = why_closed(event, found, panelist, now)
    answers = []
    for item in said:
        assignment = assignments.get(item.token)
        refusal = _refuse(assignment, item, closed)
        if refusal is None and assignment is not None:
            _keep(found, assignment, standing, item, actor, now)
        answers.append(Answer(item.token, item.client_id, refusal is None, refusal))
    session().flush()
    return answers


def handle(
    event: Event, round_id: int, remark_id: int, handled: str, answer: str, *, actor: Account, now: datetime
) -> Remark:
    """The organiser's word on a remark: a flag or note is `seen`, a comment `released` or `withheld`.

    `answer` is the organisers' own record. A released comment is shown to the author once the round is selected.
    Raises NotFound, Invalid, and Conflict where the judge took it back meanwhile.
    """
    found = find_round(event.id, round_id)
    remark = session().scalar(
        sa.select(Remark)
        .options(joinedload(Remark.assignment))
        .where(Remark.id == remark_id, Remark.round_id == found.id, Remark.kind != RemarkKind.OWN)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if remark is None:
        raise NotFound(msg("There is no such remark."), hint=msg("The list of remarks shows those there are."))
    if remark.withdrawn_at is not None:
        raise Conflict(msg("The judge took this remark back meanwhile."), code="withdrawn")
    if handled not in HANDLED_BY_KIND[remark.kind]:
        raise Invalid(msg("Choose what becomes of this remark."), code="bad_handling")
    kept = typed.paragraphs(answer)
    if len(kept) > limits.ANSWER_CHARACTERS:
        sentence = msg("Please use at most %(limit)s characters.", limit=limits.ANSWER_CHARACTERS)
        raise Invalid(problems=[FieldProblem("answer", sentence)])
    if (remark.handled, remark.answer) != (handled, kept):
        remark.handled, remark.answer = handled, kept
        remark.handled_by, remark.handled_at = actor.id, now
        audit.record(
            actor,
            "jury.handle_remark",
            found,
            now=now,
            event_id=event.id,
            remark=remark.id,
            entry=remark.assignment.entry_id,
            kind=remark.kind,
            handled=handled,
        )
        session().flush()
    return remark


def listed(found: Round, *, kinds: Sequence[str], after: int = 0, limit: int = limits.REMARKS_PAGE) -> list[Remark]:
    """Remarks of a round that are the organiser's to read, oldest first, behind the number `after`; one query."""
    return list(
        session().scalars(
            sa.select(Remark)
            .join(Assignment, Assignment.id == Remark.assignment_id)
            .options(joinedload(Remark.assignment).joinedload(Assignment.entry))
            .where(
                Remark.round_id == found.id,
                Remark.kind.in_([kind for kind in kinds if kind != RemarkKind.OWN]),
                Remark.withdrawn_at.is_(None),
                Remark.id > after,
            )
            .order_by(Remark.id)
            .limit(limit)
        )
    )


def names(rows: Sequence[Remark]) -> dict[int, str]:
    """Account → name of those who made or handled these remarks; one query."""
    numbers = {number for row in rows for number in (row.assignment.account_id, row.handled_by) if number is not None}
    found = session().execute(sa.select(Account.id, Account.name).where(Account.id.in_(numbers)))
    return dict(found.tuples().all())


def waiting(found: Round) -> dict[str, tuple[int, int]]:
    """Kind → how many remarks stand, and how many of them nobody has handled."""
    rows = session().execute(
        sa.select(Remark.kind, sa.func.count(), sa.func.sum(sa.case((Remark.handled == "", 1), else_=0)))
        .where(Remark.round_id == found.id, Remark.kind != RemarkKind.OWN, Remark.withdrawn_at.is_(None))
        .group_by(Remark.kind)
    )
    return {kind: (count, int(unhandled)) for kind, count, unhandled in rows.tuples()}


def for_author(entry: Entry) -> list[str]:
    """Comments the author may read: released, of rounds that are selected; without who wrote them, in a fixed order.

    The order is the texts' own, so that it tells nothing of the judges.
    """
    texts = session().scalars(
        sa.select(Remark.text)
        .join(Assignment, Assignment.id == Remark.assignment_id)
        .join(Round, Round.id == Remark.round_id)
        .where(
            Assignment.entry_id == entry.id,
            Remark.kind == RemarkKind.COMMENT,
            Remark.handled == "released",
            Remark.withdrawn_at.is_(None),
            Round.status == RoundStatus.SELECTED,
        )
    )
    return sorted(texts)


def _standing(assignments: Sequence[int]) -> dict[tuple[int, str], Remark]:
    rows = session().scalars(
        sa.select(Remark).where(Remark.assignment_id.in_(assignments)).execution_options(populate_existing=True)
    )
    return {(row.assignment_id, row.kind): row for row in rows}


def _refuse(assignment: Assignment | None, item: Said, closed: DomainError | None) -> DomainError | None:
    if assignment is None:
        return no_such_work()
    if closed is not None and closed.code == "round_closed":
        return Closed(
            msg("The round is closed: this remark was not taken."),
            hint=msg("Ask the organiser to reopen the round, or tell them."),
            code="round_closed",
        )
    if closed is not None:
        return closed
    if assignment.recused_at is not None:
        return stepped_aside()
    wrong = text_problem(item.kind, item.text)
    return Invalid(wrong, code="bad_remark") if wrong is not None else None


def text_problem(kind: str, text: str | None) -> Message | None:
    """What is wrong with a remark; None where it will do."""
    if kind not in set(RemarkKind):
        return msg("There is no such kind of remark.")
    if text is None:
        return None
    if len(typed.paragraphs(text)) > limits.REMARK_CHARACTERS:
        return msg("Please use at most %(limit)s characters.", limit=limits.REMARK_CHARACTERS)
    if kind not in FLAGS and not typed.paragraphs(text):
        return msg("Please write something, or take the remark back.")
    return None


def _keep(
    found: Round,
    assignment: Assignment,
    standing: dict[tuple[int, str], Remark],
    item: Said,
    actor: Account,
    now: datetime,
) -> None:
    remark = standing.get((assignment.id, item.kind))
    text = typed.paragraphs(item.text) if item.text is not None else None
    said = remark.text if remark is not None and remark.withdrawn_at is None else None
    if said == text:
        return
    if remark is None:
        remark = Remark(round_id=found.id, assignment_id=assignment.id, kind=item.kind, at=now)
        session().add(remark)
        standing[assignment.id, item.kind] = remark
    if text is None:
        remark.withdrawn_at = now
    else:
        remark.text, remark.at, remark.withdrawn_at = text, now, None
    remark.handled, remark.handled_by, remark.handled_at, remark.answer = "", None, None, ""
    session().flush()
    if item.kind != RemarkKind.OWN:
        audit.record(
            actor,
            "jury.remark" if text is not None else "jury.withdraw_remark",
            found,
            now=now,
            event_id=found.event_id,
            entry=assignment.entry_id,
            kind=item.kind,
            **({"text": text} if text else {}),
        )
