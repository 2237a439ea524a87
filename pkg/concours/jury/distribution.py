"""Sharing out the work that is not marked yet, and writing down who has what. Marks stay where they are."""

import secrets
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from concours.base.db import session
from concours.events.models import Event
from concours.jury.assignment import Pair, Plan, plan
from concours.jury.lookup import panel_of
from concours.jury.models import Assignment, Panelist, Round, RoundKind, RoundStatus
from concours.jury.sources import Facts, asked_beyond, barred_pairs, entries_in

_chance = secrets.SystemRandom()


@dataclass(frozen=True)
class Outcome:
    """What a redistribution did: the plan, the pairs newly given out, and how many were taken from somebody."""

    plan: Plan
    added: frozenset[Pair]
    taken: int

    @property
    def given(self) -> int:
        """How many reviews were newly given out."""
        return len(self.added)


def planned(
    found: Round,
    entries: Sequence[Facts],
    judges: Sequence[Panelist],
    *,
    kept: Collection[Pair] = (),
    preferred: Collection[Pair] = (),
    anchors: Collection[int] = (),
) -> Plan:
    """The round's plan over these judges, as its rules, capacities and conflicts ask for it; a discussion has none,
    because the jury talks together."""
    if found.kind == RoundKind.DISCUSSION:
        return Plan(frozenset(), {judge.account_id: 0 for judge in judges})
    extra, known_anchors = asked_beyond(found)
    return plan(
        [facts.id for facts in entries],
        [judge.account_id for judge in judges],
        found.reviews,
        barred=barred_pairs(found, entries, judges),
        kept=kept,
        preferred=preferred,
        extra=extra,
        anchors={*anchors, *known_anchors},
        capacity={judge.account_id: judge.capacity for judge in judges if judge.capacity is not None},
        overlap=int(found.rule.get("overlap") or 0),
        seed=found.seed,
    )


def present(panel: Sequence[Panelist]) -> list[Panelist]:
    """Those of a panel who are given work: neither off it nor paused."""
    return [judge for judge in panel if judge.dropped_at is None and judge.paused_at is None]


def redistribute(found: Round, event: Event, now: datetime, handed: Mapping[int, int] | None = None) -> Outcome:
    """Plans what is not marked anew over the panel as it is; nothing to do before the round opens.

    `handed`: judge to judge, whose unmarked work the other takes over where no conflict forbids it.
    """
    session().flush()
    if found.status != RoundStatus.OPEN:
        return Outcome(Plan(frozenset(), {}), frozenset(), 0)
    entries = entries_in(found)
    judges = present(panel_of(found))
    rows = session().execute(
        sa.select(
            Assignment.id,
            Assignment.entry_id,
            Assignment.account_id,
            Assignment.marked_at,
            Assignment.recused_at,
            Assignment.withdrawn_at,
        ).where(Assignment.round_id == found.id)
    )
    known: dict[Pair, int] = {}
    kept: set[Pair] = set()
    preferred: set[Pair] = set()
    for number, entry, account, marked, recused, withdrawn in rows.tuples():
        known[entry, account] = number
        if recused is None and withdrawn is None:
            (kept if marked is not None else preferred).add((entry, account))
    seated = {judge.account_id for judge in judges}
    instead = handed or {}
    made = planned(
        found,
        entries,
        judges,
        kept=kept,
        preferred=[(e, j) for e, account in preferred if (j := instead.get(account, account)) in seated],
    )
    inside = {facts.id for facts in entries}
    gone = [known[pair] for pair in preferred - made.pairs if pair[0] in inside]
    _set_withdrawn(gone, now)
    return give_out(found, event, entries, made, known, standing=kept | preferred, taken=len(gone))


def give_out(
    found: Round,
    event: Event,
    entries: Sequence[Facts],
    made: Plan,
    known: dict[Pair, int],
    standing: Collection[Pair] = (),
    taken: int = 0,
) -> Outcome:
    """Writes what the plan adds to what stands: new rows, and rows that come back."""
    added = made.pairs - set(standing)
    back = [pair for pair in added if pair in known]
    fresh = [pair for pair in added if pair not in known]
    places = _last_positions(found)
    order = _random_order(event, entries, fresh)
    rows = []
    for entry, account in order:
        places[account] += 1
        rows.append(
            {
                "round_id": found.id,
                "entry_id": entry,
                "account_id": account,
                "token": secrets.token_urlsafe(15),
                "position": places[account],
            }
        )
    if rows:
        session().execute(sa.insert(Assignment), rows)
    if back:
        _set_withdrawn([known[pair] for pair in back], None)
    return Outcome(made, added, taken)


def _set_withdrawn(numbers: Sequence[int], moment: datetime | None) -> None:
    for start in range(0, len(numbers), 500):
        some = numbers[start : start + 500]
        session().execute(sa.update(Assignment).where(Assignment.id.in_(some)).values(withdrawn_at=moment))


def _random_order(event: Event, entries: Sequence[Facts], pairs: Sequence[Pair]) -> list[Pair]:
    """Random for each judge within a category; category after category, because the eye compares like with like."""
    category = {facts.id: facts.category_id for facts in entries}
    place = {c.id: (c.position, c.id) for c in event.categories}
    shuffled = list(pairs)
    _chance.shuffle(shuffled)
    return sorted(shuffled, key=lambda pair: place.get(category[pair[0]], (0, 0)))


def _last_positions(found: Round) -> Counter[int]:
    rows = session().execute(
        sa.select(Assignment.account_id, sa.func.max(Assignment.position))
        .where(Assignment.round_id == found.id)
        .group_by(Assignment.account_id)
    )
    return Counter(dict(rows.tuples().all()))
