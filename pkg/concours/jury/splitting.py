"""Splitting a round: some of its categories become a round of their own, with all that was said in them."""

import hashlib
from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from concours import audit
from concours.base import typed
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Invalid
from concours.base.messages import msg
from concours.entries.models import Entry
from concours.events.models import Event
from concours.identity.models import Account
from concours.jury import limits
from concours.jury.distribution import redistribute
from concours.jury.lookup import hold, panel_of, require
from concours.jury.models import (
    Assignment,
    Comparison,
    Criterion,
    Mark,
    Panelist,
    Remark,
    Round,
    RoundEntry,
    RoundStatus,
    ShowOfHands,
)


def split(
    event: Event,
    round_id: int,
    categories: Collection[int],
    *,
    title: str,
    count: int,
    actor: Account,
    now: datetime,
) -> Round:
    """Makes a round of its own out of some categories of an open one; returns it, open too.

    Entries, assignments, marks, comparisons, remarks and shows of hands of these categories go over as they are; the
    panel is in both, a judge of these categories alone only in the new one. `count` of the places go with them. The
    new round's seed follows from the first one's. Quotas go with their categories, and departments' maximums stand in
    both; their minimums stay with the first round. Comparisons across the cut stay in the first round's history.
    """
    found = hold(event.id, round_id)
    require(found, RoundStatus.OPEN)
    here = set(
        session().scalars(
            sa.select(Entry.category_id)
            .join(RoundEntry, RoundEntry.entry_id == Entry.id)
            .where(RoundEntry.round_id == found.id)
            .distinct()
        )
    )
    moved = set(categories)
    name = typed.line(title)
    _check(found, here, moved, name, count)
    places = session().execute(
        sa.select(sa.func.max(Round.position), sa.func.count()).where(Round.event_id == event.id)
    )
    last, rounds = places.one().tuple()
    if rounds >= limits.ROUNDS_PER_EVENT:
        raise Conflict(msg("An event has at most %(limit)s rounds.", limit=limits.ROUNDS_PER_EVENT))
    stays = sorted(set(found.input.get("categories") or here) - moved)
    made = Round(
        event_id=event.id,
        position=last + 1,
        title=name,
        kind=found.kind,
        status=RoundStatus.OPEN,
        reviews=found.reviews,
        select_count=count,
        input={**found.input, "categories": sorted(moved)},
        rule=_rule_of(found, moved, least=False),
        seed=hashlib.sha256(f"{found.seed}|split|{sorted(moved)}".encode()).hexdigest(),
        opened_at=found.opened_at,
        closes_at=found.closes_at,
        created_at=now,
    )
    columns = ("key", "title", "weight", "lowest", "highest", "step", "anchors", "position")
    made.criteria.extend(Criterion(**{key: getattr(old, key) for key in columns}) for old in found.criteria)
    session().add(made)
    session().flush()
    found.select_count -= count
    found.rule = _rule_of(found, set(here) - moved, least=True)
    found.input = {**found.input, "categories": stays}
    entries = _move(found, made, moved)
    _seat(found, made, moved, now)
    outcomes = [redistribute(one, event, now) for one in (found, made)]
    audit.record(
        actor,
        "jury.split_round",
        found,
        now=now,
        event_id=event.id,
        into=made.id,
        title=name,
        categories=sorted(moved),
        entries=entries,
        select=count,
        left=found.select_count,
        missing=[outcome.plan.missing for outcome in outcomes],
    )
    return made


def _check(found: Round, here: Collection[int], moved: set[int], name: str, count: int) -> None:
    problems = []
    if not moved or not moved < set(here):
        sentence = msg("Please choose some, but not all, of the round's categories.")
        problems.append(FieldProblem("categories", sentence))
    if not name:
        problems.append(FieldProblem("title", msg("Please give the round a name.")))
    elif len(name) > limits.TITLE_CHARACTERS:
        problems.append(
            FieldProblem("title", msg("At most %(limit)s characters, please.", limit=limits.TITLE_CHARACTERS))
        )
    most = found.select_count - 1
    if most < 1:
        sentence = msg("“%(round)s” selects one entry only, so its places cannot be parted.", round=found.title)
        problems.append(FieldProblem("count", sentence))
    elif not 1 <= count <= most:
        sentence = msg(
            "From 1 to %(limit)s of the round's %(count)s places can go with these categories.",
            limit=most,
            count=found.select_count,
        )
        problems.append(FieldProblem("count", sentence))
    if problems:
        raise Invalid(problems=problems)


def _rule_of(found: Round, categories: Collection[int], *, least: bool) -> dict[str, object]:
    rule = dict(found.rule)
    rule["quotas"] = {key: quota for key, quota in (rule.get("quotas") or {}).items() if int(key) in categories}
    if not least and rule.get("department_quotas"):
        quotas = {key: {**quota, "min": 0} for key, quota in rule["department_quotas"].items()}
        rule["department_quotas"] = {key: quota for key, quota in quotas.items() if quota.get("max") is not None}
    return rule


def _move(found: Round, made: Round, moved: Collection[int]) -> int:
    """Hands over what belongs to the entries of these categories; returns how many entries."""
    entries = sa.select(Entry.id).where(Entry.event_id == found.event_id, Entry.category_id.in_(moved))
    for table in (RoundEntry, Assignment, ShowOfHands):
        session().execute(
            sa.update(table)
            .where(table.round_id == found.id, table.entry_id.in_(entries))
            .values(round_id=made.id)
            .execution_options(synchronize_session=False)
        )
    work = sa.select(Assignment.id).where(Assignment.round_id == made.id)
    for said in (Mark, Remark):
        session().execute(
            sa.update(said)
            .where(said.round_id == found.id, said.assignment_id.in_(work))
            .values(round_id=made.id)
            .execution_options(synchronize_session=False)
        )
    session().execute(
        sa.update(Comparison)
        .where(Comparison.round_id == found.id, Comparison.first_id.in_(work), Comparison.second_id.in_(work))
        .values(round_id=made.id)
        .execution_options(synchronize_session=False)
    )
    session().expire_all()
    count = session().scalar(sa.select(sa.func.count()).where(RoundEntry.round_id == made.id))
    return int(count or 0)


def _seat(found: Round, made: Round, moved: set[int], now: datetime) -> None:
    """Seats each judge of the first round in the new one as well, or only there where they judge nothing else."""
    working = {
        number: set(session().scalars(sa.select(Assignment.account_id).where(Assignment.round_id == number).distinct()))
        for number in (found.id, made.id)
    }
    for judge in panel_of(found):
        own = set(judge.categories)
        there = not own or bool(own & moved)
        if there or judge.account_id in working[made.id]:
            session().add(
                Panelist(
                    round_id=made.id,
                    account_id=judge.account_id,
                    categories=sorted(own & moved),
                    capacity=judge.capacity,
                    in_place_of=judge.in_place_of,
                    added_at=judge.added_at,
                    paused_at=judge.paused_at,
                    dropped_at=judge.dropped_at if there else judge.dropped_at or now,
                )
            )
        if own and own <= moved:
            if judge.account_id in working[found.id]:
                judge.dropped_at = judge.dropped_at or now
            else:
                session().delete(judge)
        elif own:
            judge.categories = sorted(own - moved)
    session().flush()
