"""A round as one canonical file, from which its plan, scores and selection can be worked out without the database.

Canonical: JSON with sorted keys and no spaces, whole numbers and fractions as text, ASCII, one line feed at the end.
The same round always gives the same bytes, so that its SHA-256 digest stands for all that is in it. `replay` reads it.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from concours import __version__
from concours.audit.models import AuditRecord
from concours.base.db import session
from concours.jury.closing import missing_rule
from concours.jury.lookup import panel_of
from concours.jury.models import Assignment, Mark, Round, RoundStatus, Selected
from concours.jury.rounds import quotas_of, ties_of
from concours.jury.selection import lottery_seed
from concours.jury.shortlist import lottery_label, scores_of
from concours.jury.sources import entries_in, entries_then

FORMAT = 1


def export(found: Round) -> dict[str, Any]:
    """All of a closed or selected round as plain JSON values; a fixed number of queries."""
    entries = entries_then(found) if found.status == RoundStatus.SELECTED else entries_in(found)
    count = int(found.outcome.get("count") or found.select_count)
    chosen = session().execute(
        sa.select(Selected.place, Selected.entry_id, Selected.decided_by)
        .where(Selected.round_id == found.id)
        .order_by(Selected.place)
    )
    scores = scores_of(found, entries)
    return {
        "format": FORMAT,
        "program": __version__,
        "round": {"id": found.id, "event": found.event_id, "title": found.title, "kind": found.kind},
        "seed": found.seed,
        "lottery_seed": lottery_seed(found.seed),
        "plan": _plan_at_opening(found),
        "panel": [
            {"judge": one.account_id, "categories": sorted(one.categories), "capacity": one.capacity}
            for one in panel_of(found)
        ],
        "entries": [
            {"id": one.id, "label": lottery_label(one), "category": one.category_id}
            for one in sorted(entries, key=lambda one: one.id)
        ],
        "criteria": [
            {"key": one.key, "weight": repr(float(one.weight)), "lowest": one.lowest, "highest": one.highest}
            for one in found.criteria
        ],
        "rule": {
            "reviews": found.reviews,
            "missing": str(missing_rule(found)),
            "ties": [str(step) for step in ties_of(found)],
            "quotas": {str(key): [quota.least, quota.most] for key, quota in quotas_of(found).items()},
            "count": count,
            "order": str(found.rule.get("score", "mean")),
        },
        "marks": _marks(found),
        "history": _history(found),
        "scores": {str(entry): [str(one.mean), str(one.median), one.reviews] for entry, one in scores.items()},
        "selection": [list(row) for row in chosen.tuples()],
    }


def written(content: Mapping[str, Any]) -> bytes:
    """The canonical bytes."""
    return (json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True) + "\n").encode()


def digest(content: bytes) -> str:
    """SHA-256 of the bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def _marks(found: Round) -> list[list[Any]]:
    """[entry, judge, value] of each mark that stands, by entry and judge."""
    rows = session().execute(
        sa.select(Assignment.entry_id, Assignment.account_id, Assignment.value)
        .where(
            Assignment.round_id == found.id,
            Assignment.marked_at.is_not(None),
            Assignment.recused_at.is_(None),
        )
        .order_by(Assignment.entry_id, Assignment.account_id)
    )
    return [list(row) for row in rows.tuples() if row[2] is not None]


def _history(found: Round) -> dict[str, Any]:
    """How many marks were ever sent, and the digest of all of them in the order in which they came."""
    running, count = hashlib.sha256(), 0
    rows = session().execute(
        sa.select(Mark.assignment_id, Mark.client_id, Mark.value, Mark.at)
        .where(Mark.round_id == found.id)
        .order_by(Mark.id)
    )
    for assignment, client, value, at in rows.tuples():
        running.update(written({"mark": [assignment, client, value, at.isoformat()]}))
        count += 1
    return {"marks": count, "sha256": running.hexdigest()}


def _plan_at_opening(found: Round) -> dict[str, Any] | None:
    """What the plan was made from and what came of it, as the audit record of the opening keeps it."""
    detail = session().scalar(
        sa.select(AuditRecord.detail)
        .where(
            AuditRecord.verb == "jury.open_round",
            AuditRecord.subject_type == "round",
            AuditRecord.subject_id == str(found.id),
        )
        .order_by(AuditRecord.id.desc())
        .limit(1)
    )
    kept = (detail or {}).get("plan")
    return dict(kept) if kept else None
