"""The panel of a round: judges come and go, also while it is open; and what else may change then."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

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
from concours.jury.models import Panelist, Round, RoundEntry, RoundKind, RoundStatus
from concours.jury.opening import anchors_of
from concours.jury.sources import entries_in, newcomers


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
            panel[judge.id].paused_at = None
        else:
            session().add(Panelist(round_id=found.id, account_id=judge.id, added_at=now))
    outcome = redistribute(found, event, now)
    record_outcome(found, "jury.add_judges", outcome, actor, now, judges=[judge.id for judge in wanted])
    return outcome


def drop_judge(event: Event, round_id: int, account_id: int, *, actor: Account, now: datetime) -> Outcome:
    """Takes a judge off the panel: marks stay and count, the rest of the work goes to the others."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.DRAFT, RoundStatus.OPEN)
    panelist = _seated(found, account_id)
    if found.status == RoundStatus.DRAFT:
        session().delete(panelist)
    else:
        panelist.dropped_at = now
    outcome = redistribute(found, event, now)
    record_outcome(found, "jury.drop_judge", outcome, actor, now, judge=account_id)
    return outcome


def pause_judge(event: Event, round_id: int, account_id: int, *, actor: Account, now: datetime) -> Outcome:
    """Gives a judge nothing new for a while and lends what they have not marked to others; they stay on the panel, and
    a mark that comes from them all the same counts."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.OPEN)
    panelist = _seated(found, account_id)
    if panelist.paused_at is not None:
        raise Conflict(msg("This judge is paused already."), code="paused")
    panelist.paused_at = now
    outcome = redistribute(found, event, now)
    record_outcome(found, "jury.pause_judge", outcome, actor, now, judge=account_id)
    return outcome


def resume_judge(event: Event, round_id: int, account_id: int, *, actor: Account, now: datetime) -> Outcome:
    """Gives a paused judge work again: an even share of what is not marked."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.OPEN)
    panelist = _seated(found, account_id)
    if panelist.paused_at is None:
        raise Conflict(msg("This judge is not paused."), code="not_paused")
    panelist.paused_at = None
    outcome = redistribute(found, event, now)
    record_outcome(found, "jury.resume_judge", outcome, actor, now, judge=account_id)
    return outcome


def replace_judge(
    event: Event, round_id: int, account_id: int, successor_id: int, *, actor: Account, now: datetime
) -> Outcome:
    """Puts one judge in another's place: marks of the first stay and count, the unmarked work goes to the successor
    where no conflict forbids it, with the first one's categories and capacity."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.OPEN)
    leaver = _seated(found, account_id)
    panel = {panelist.account_id: panelist for panelist in panel_of(found)}
    known = panel.get(successor_id)
    if successor_id not in {judge.id for judge in eligible(event)} or (known is not None and known.dropped_at is None):
        sentence = msg("Please choose a judge of this event who is not on the panel.")
        raise Invalid(problems=[FieldProblem("successor", sentence)])
    if known is None and len(panel) >= limits.PANEL:
        raise Conflict(msg("A panel has at most %(limit)s judges.", limit=limits.PANEL))
    if known is None:
        known = Panelist(round_id=found.id, account_id=successor_id, added_at=now)
        session().add(known)
    known.dropped_at = known.paused_at = None
    known.in_place_of = account_id
    known.categories = list(leaver.categories)
    known.capacity = leaver.capacity
    leaver.dropped_at = now
    outcome = redistribute(found, event, now, handed={account_id: successor_id})
    record_outcome(found, "jury.replace_judge", outcome, actor, now, judge=account_id, successor=successor_id)
    return outcome


def set_share(
    event: Event,
    round_id: int,
    account_id: int,
    *,
    categories: Collection[int],
    capacity: int | None,
    actor: Account,
    now: datetime,
) -> Outcome:
    """Says which categories a judge judges (empty: all of the round's) and at most how many works (None: no limit)."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.DRAFT, RoundStatus.OPEN)
    panelist = _seated(found, account_id)
    if not set(categories) <= {category.id for category in event.categories}:
        sentence = msg("Please choose categories of this event.")
        raise Invalid(problems=[FieldProblem("categories", sentence)])
    if capacity is not None and not 0 <= capacity <= limits.ENTRIES_PER_ROUND:
        sentence = msg(
            "A judge's limit is from 0 to %(limit)s works, or empty for none.", limit=limits.ENTRIES_PER_ROUND
        )
        raise Invalid(problems=[FieldProblem("capacity", sentence)])
    before = {"categories": list(panelist.categories), "capacity": panelist.capacity}
    panelist.categories = sorted(set(categories))
    panelist.capacity = capacity
    outcome = redistribute(found, event, now)
    after = {"categories": list(panelist.categories), "capacity": capacity}
    record_outcome(found, "jury.set_share", outcome, actor, now, judge=account_id, before=before, after=after)
    return outcome


def set_sharing(event: Event, round_id: int, *, overlap: int, anchors: int, actor: Account, now: datetime) -> Outcome:
    """Says how many entries any two judges of a panel are to share, and how many anchor entries of each category all
    judges review. In an open round anchors are added where fewer were drawn; those there are stay."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.DRAFT, RoundStatus.OPEN)
    asked = (("overlap", overlap, limits.OVERLAP), ("anchors", anchors, limits.ANCHOR_ENTRIES))
    problems = [
        FieldProblem(name, msg("From 0 to %(limit)s are possible.", limit=most))
        for name, number, most in asked
        if not 0 <= number <= most
    ]
    if problems:
        raise Invalid(problems=problems)
    before = [int(found.rule.get(name) or 0) for name, _, _ in asked]
    found.rule = {**found.rule, "overlap": overlap, "anchors": anchors}
    if found.status == RoundStatus.OPEN:
        session().execute(
            sa.update(RoundEntry)
            .where(RoundEntry.round_id == found.id, RoundEntry.entry_id.in_(anchors_of(found, entries_in(found))))
            .values(anchor=True)
        )
    outcome = redistribute(found, event, now)
    record_outcome(found, "jury.set_sharing", outcome, actor, now, before=before, after=[overlap, anchors])
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
    record_outcome(found, "jury.change_reviews", outcome, actor, now, before=before, after=reviews)
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


def record_outcome(found: Round, verb: str, outcome: Outcome, actor: Account, now: datetime, **detail: Any) -> None:
    """Writes the audit record of a verb that shared work out anew."""
    moved = {"given": outcome.given, "taken": outcome.taken, "missing": outcome.plan.missing}
    audit.record(actor, verb, found, now=now, event_id=found.event_id, **detail, **moved)


def _seated(found: Round, account_id: int) -> Panelist:
    panelist = next((p for p in panel_of(found) if p.account_id == account_id and p.dropped_at is None), None)
    if panelist is None:
        raise Conflict(msg("This judge is not on the panel any more."), code="not_on_panel")
    return panelist
