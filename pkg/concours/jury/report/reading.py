"""What the report of a round is computed from: the marks that count, the entries, the rule; and its digest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from concours.base.db import session
from concours.entries.models import Entry
from concours.identity.models import Account
from concours.jury.analysis.agreement import Metric
from concours.jury.analysis.outcome import Given, Known, Rule
from concours.jury.closing import missing_rule
from concours.jury.kinds.points import scales_of
from concours.jury.models import Assignment, Round, RoundKind, RoundStatus
from concours.jury.rounds import quotas_of, ties_of
from concours.jury.scoring import weighted_points, yes_points
from concours.jury.selection import lottery_seed
from concours.jury.shortlist import lottery_label
from concours.jury.sources import entries_in, entries_then
from concours.jury.standing_scores import ordering

KINDS = frozenset({RoundKind.YES_NO, RoundKind.POINTS})
"""Kinds of rounds in which each mark stands for itself, which is what the report needs."""


@dataclass(frozen=True)
class Input:
    """All that a report is computed from. `digest`: SHA-256 (hex) of exactly this, whatever order the rows came in."""

    given: tuple[Given, ...]
    known: tuple[Known, ...]
    rule: Rule
    metric: Metric
    digest: str

    @property
    def seed(self) -> int:
        """The seed of the draws: the same input draws the same."""
        return int(self.digest[:8], 16)


def read(found: Round) -> Input:
    """The input of a closed or selected round's report; a fixed number of queries."""
    entries = entries_then(found) if found.status == RoundStatus.SELECTED else entries_in(found)
    count = int(found.outcome.get("count") or found.select_count)
    known = tuple(
        Known(facts.id, lottery_label(facts), facts.category_id) for facts in sorted(entries, key=lambda f: f.id)
    )
    given = _marks(found, {one.entry for one in known})
    rule = Rule(
        places=min(count, len(known)),
        order=ordering(found, {one.entry for one in known}).order,
        ties=ties_of(found),
        seed=lottery_seed(found.seed),
        asked=found.reviews,
        missing=missing_rule(found),
        quotas=quotas_of(found),
    )
    metric = Metric.NOMINAL if found.kind == RoundKind.YES_NO else Metric.INTERVAL
    return Input(given, known, rule, metric, _digest(given, known, rule, metric))


def _marks(found: Round, entries: set[int]) -> tuple[Given, ...]:
    rows = session().execute(
        sa.select(
            Assignment.entry_id,
            Assignment.account_id,
            Assignment.value,
            Assignment.marked_at,
            sa.func.coalesce(Entry.department_id == Account.department_id, False),
        )
        .join(Entry, Entry.id == Assignment.entry_id)
        .join(Account, Account.id == Assignment.account_id)
        .where(Assignment.round_id == found.id, Assignment.marked_at.is_not(None), Assignment.recused_at.is_(None))
        .order_by(Assignment.entry_id, Assignment.account_id)
    )
    scales = scales_of(found)

    def points(value: Mapping[str, Any]) -> Fraction:
        return yes_points(value) if found.kind == RoundKind.YES_NO else weighted_points(value, scales)

    def seconds(at: datetime | None) -> float:
        return at.timestamp() if at is not None else 0.0

    return tuple(
        Given(entry, judge, points(value), bool(own), seconds(at))
        for entry, judge, value, at, own in rows.tuples()
        if value is not None and entry in entries
    )


def _digest(given: tuple[Given, ...], known: tuple[Known, ...], rule: Rule, metric: Metric) -> str:
    written = {
        "marks": [[m.entry, m.judge, str(m.points), m.own, f"{m.at:.6f}"] for m in given],
        "entries": [[one.entry, one.label, one.category] for one in known],
        "places": rule.places,
        "order": str(rule.order),
        "ties": [str(step) for step in rule.ties],
        "seed": rule.seed,
        "asked": rule.asked,
        "missing": str(rule.missing),
        "quotas": sorted([category, quota.least, quota.most] for category, quota in rule.quotas.items()),
        "metric": str(metric),
    }
    return sha256(json.dumps(written, separators=(",", ":"), ensure_ascii=True).encode()).hexdigest()
