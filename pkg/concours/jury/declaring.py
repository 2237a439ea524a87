"""Declaring conflicts and withdrawing them: by the organiser, or by the judge themself, before or while judging."""

from datetime import datetime

import sqlalchemy as sa

from concours import audit
from concours.base import typed
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from concours.base.messages import Message, msg
from concours.entries.models import Entry
from concours.events.models import Event
from concours.identity.models import Account, Department
from concours.jury import limits
from concours.jury.distribution import redistribute
from concours.jury.lookup import hold
from concours.jury.models import DeclaredConflict, Panelist, Round, RoundStatus
from concours.jury.panel import eligible

CONFLICTS_PER_JUDGE = 200


def declare(
    event: Event,
    account_id: int,
    *,
    department: int | None = None,
    entry: int | None = None,
    author: str = "",
    reason: str = "",
    actor: Account,
    now: datetime,
    organiser: bool,
) -> DeclaredConflict:
    """Declares what a judge must not review: a `department` by number, an `entry` by its public number, or an
    `author` by username; exactly one.

    In open rounds unmarked work goes to others at once; marks that were given stay and count. `organiser`: the actor
    acts for the event, else only for themself.
    """
    _allowed(account_id, actor, organiser)
    if account_id not in {judge.id for judge in eligible(event)}:
        raise Invalid(problems=[FieldProblem("judge", msg("Please choose a judge of this event."))])
    name, why = typed.line(author), typed.line(reason)
    if len(why) > limits.REASON_CHARACTERS:
        sentence = msg("Please give the reason in at most %(limit)s characters.", limit=limits.REASON_CHARACTERS)
        raise Invalid(problems=[FieldProblem("reason", sentence)])
    if [department is not None, entry is not None, bool(name)].count(True) != 1:
        sentence = msg("Please name one thing: a department, a work, or a person.")
        raise Invalid(sentence, problems=[FieldProblem("department", sentence)])
    about: dict[str, int]
    if department is not None:
        chosen = sa.select(Department.id).where(Department.id == department)
        about = {"department_id": _known(chosen, "department", msg("Please choose one of the departments."))}
    elif entry is not None:
        chosen = sa.select(Entry.id).where(Entry.event_id == event.id, Entry.number == entry)
        about = {"entry_id": _known(chosen, "entry", msg("No work of this event has this number."))}
    else:
        chosen = sa.select(Account.id).where(Account.username == name)
        about = {"author_id": _known(chosen, "author", msg("Nobody has this username."))}
    held = _held_rounds(event, account_id)
    own = sa.select(DeclaredConflict).where(
        DeclaredConflict.event_id == event.id,
        DeclaredConflict.account_id == account_id,
        DeclaredConflict.withdrawn_at.is_(None),
    )
    known = session().scalars(own).all()
    if any(getattr(row, key) == number for row in known for key, number in about.items()):
        raise Conflict(msg("This conflict is declared already."), code="declared")
    if len(known) >= CONFLICTS_PER_JUDGE:
        raise Conflict(msg("At most %(limit)s conflicts of a judge can be declared.", limit=CONFLICTS_PER_JUDGE))
    made = DeclaredConflict(
        event_id=event.id, account_id=account_id, reason=why, declared_by=actor.id, declared_at=now, **about
    )
    session().add(made)
    _share_anew(event, made, held, "jury.declare_conflict", actor, now)
    return made


def withdraw(event: Event, conflict_id: int, *, actor: Account, now: datetime, organiser: bool) -> DeclaredConflict:
    """Withdraws a declared conflict: from now on the judge may be given such works again. Twice is as once."""
    found = session().scalar(
        sa.select(DeclaredConflict).where(
            DeclaredConflict.id == conflict_id,
            DeclaredConflict.event_id == event.id,
        )
    )
    if found is None or not (organiser or found.account_id == actor.id):
        raise NotFound(msg("There is no such conflict."))
    if found.withdrawn_at is not None:
        return found
    held = _held_rounds(event, found.account_id)
    found.withdrawn_at = now
    _share_anew(event, found, held, "jury.withdraw_conflict", actor, now)
    return found


def _allowed(account_id: int, actor: Account, organiser: bool) -> None:
    if not organiser and actor.id != account_id:
        raise Forbidden(msg("Only the organiser and the judge can declare or withdraw a conflict."))


def _known(query: sa.Select[int], name: str, sentence: Message) -> int:
    number = session().scalar(query)
    if number is None:
        raise Invalid(problems=[FieldProblem(name, sentence)])
    return number


def _held_rounds(event: Event, account_id: int) -> list[Round]:
    """The open rounds with this judge on the panel, locked in the order of their numbers."""
    numbers = session().scalars(
        sa.select(Round.id)
        .join(Panelist, Panelist.round_id == Round.id)
        .where(
            Round.event_id == event.id,
            Round.status == RoundStatus.OPEN,
            Panelist.account_id == account_id,
            Panelist.dropped_at.is_(None),
        )
        .order_by(Round.id)
    )
    return [hold(event.id, number) for number in numbers.all()]


def _share_anew(
    event: Event, conflict: DeclaredConflict, held: list[Round], verb: str, actor: Account, now: datetime
) -> None:
    session().flush()
    moved = {str(found.id): redistribute(found, event, now).taken for found in held}
    audit.record(
        actor,
        verb,
        conflict,
        now=now,
        event_id=event.id,
        judge=conflict.account_id,
        department=conflict.department_id,
        entry=conflict.entry_id,
        author=conflict.author_id,
        reason=conflict.reason,
        taken=moved,
    )
