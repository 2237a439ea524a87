"""The panel of a round: judges come and go, also while it is open; and what else may change then."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Invalid
from concours.base.messages import msg
from concours.events.models import Event
from concours.identity.models import Account, Grant, Role
from concours.jury import limits
from concours.jury.distribution import Outcome, redistribute
from concours.jury.lookup import hold, panel_of, require
from concours.jury.models import Panelist, RoundEntry, RoundKind, RoundStatus
from concours.jury.sources import newcomers


def add_judges(event: Event, round_id: int, account_ids: Collection[int], *, actor: Account, now: datetime) -> Outcome:
    """Puts judges of the event on the panel; while the round is open they take over work that is not marked yet."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.DRAFT, RoundStatus.OPEN)
    wanted = [judge for judge in eligible(event) if judge.id in set(account_ids)]
    if not wanted or len(wanted) != len(set(account_ids)):
        raise Invalid(problems=[FieldProblem("judges", msg("Please choose judges of this event."))])
    panel = {panelist.account_id: panelist for panelist in panel_of(found)}
    if len(panel.keys() | {judge.id for judge in wanted}) > limits.PANEL:
        raise Conflict(msg("A panel has at most %(limit)s judges.", limit=limits.PANEL))
    for judge in wanted:
        if judge.id in panel:
            panel[judge.id].dropped_at = None
        else:
            session().add(Panelist(round_id=found.id, account_id=judge.id, added_at=now))
    outcome = redistribute(found, event, now)
    added = [judge.id for judge in wanted]
    audit.record(
        actor,
        "jury.add_judges",
        found,
        now=now,
        event_id=event.id,
        judges=added,
        given=outcome.given,
        taken=outcome.taken,
    )
    return outcome


def drop_judge(event: Event, round_id: int, account_id: int, *, actor: Account, now: datetime) -> Outcome:
    """Takes a judge off the panel: marks stay and count, the rest of the work goes to the others."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.DRAFT, RoundStatus.OPEN)
    panelist = next((p for p in panel_of(found) if p.account_id == account_id and p.dropped_at is None), None)
    if panelist is None:
        raise Conflict(msg("This judge is not on the panel any more."), code="not_on_panel")
    if found.status == RoundStatus.DRAFT:
        session().delete(panelist)
    else:
        panelist.dropped_at = now
    outcome = redistribute(found, event, now)
    audit.record(
        actor,
        "jury.drop_judge",
        found,
        now=now,
        event_id=event.id,
        judge=account_id,
        given=outcome.given,
        taken=outcome.taken,
        missing=outcome.plan.missing,
    )
    return outcome


def change_reviews(event: Event, round_id: int, reviews: int, *, actor: Account, now: datetime) -> Outcome:
    """Asks for another number of reviews per entry while the round is open."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.OPEN)
    if not 1 <= reviews <= limits.REVIEWS_PER_ENTRY:
        sentence = msg("From 1 to %(limit)s reviews are possible.", limit=limits.REVIEWS_PER_ENTRY)
        raise Invalid(problems=[FieldProblem("reviews", sentence)])
    if found.kind == RoundKind.DISCUSSION:
        raise Conflict(msg("In a discussion the whole jury decides on each entry together."), code="another_kind")
    before, found.reviews = found.reviews, reviews
    outcome = redistribute(found, event, now)
    audit.record(
        actor,
        "jury.change_reviews",
        found,
        now=now,
        event_id=event.id,
        before=before,
        after=reviews,
        given=outcome.given,
        taken=outcome.taken,
        missing=outcome.plan.missing,
    )
    return outcome


def include_newcomers(event: Event, round_id: int, *, actor: Account, now: datetime) -> int:
    """Takes entries that were accepted after the round opened into it; returns how many."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.OPEN)
    late = newcomers(found)
    if late:
        session().execute(sa.insert(RoundEntry), [{"round_id": found.id, "entry_id": e.id} for e in late])
        redistribute(found, event, now)
    numbers = [facts.id for facts in late]
    audit.record(actor, "jury.include_newcomers", found, now=now, event_id=event.id, entries=numbers)
    return len(late)


def eligible(event: Event) -> list[Account]:
    """The accounts with the judge's role in the event, by name."""
    return list(
        session().scalars(
            sa.select(Account)
            .join(Grant, Grant.account_id == Account.id)
            .where(Grant.event_id == event.id, Grant.role == Role.JUDGE, Account.is_active)
            .order_by(Account.name, Account.id)
        )
    )
