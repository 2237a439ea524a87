"""An entry's history: what its author did and what the organiser decided, in the order of time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from concours.base.db import session
from concours.entries.models import Entry, EntryStep, Screening, StepKind
from concours.identity.models import Account


def note(entry: Entry, kind: StepKind, *, actor: Account, now: datetime, **detail: Any) -> None:
    """Adds a step to the entry's history."""
    session().add(EntryStep(entry_id=entry.id, actor_id=actor.id, kind=kind, detail=detail, at=now))


@dataclass(frozen=True)
class Moment:
    """One line of the history: `kind` is a step's or a screening's verdict."""

    at: datetime
    kind: str
    actor: str
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


HISTORY_LIMIT = 200  # of each kind, the latest


def history_of(entry: Entry) -> list[Moment]:
    """The entry's history, oldest first."""
    steps = session().scalars(
        sa.select(EntryStep)
        .options(joinedload(EntryStep.actor))
        .where(EntryStep.entry_id == entry.id)
        .order_by(EntryStep.id.desc())
        .limit(HISTORY_LIMIT)
    )
    decisions = session().scalars(
        sa.select(Screening)
        .options(joinedload(Screening.actor))
        .where(Screening.entry_id == entry.id)
        .order_by(Screening.id.desc())
        .limit(HISTORY_LIMIT)
    )
    found = [Moment(s.at, s.kind, s.actor.name, detail=s.detail) for s in reversed(steps.all())]
    found += [Moment(d.at, d.verdict, d.actor.name, reason=d.reason) for d in reversed(decisions.all())]
    return sorted(found, key=lambda moment: moment.at)


def last_decisions(entry_ids: list[int]) -> dict[int, Screening]:
    """The decision that stands for each of the entries (those never screened are left out)."""
    latest = sa.select(sa.func.max(Screening.id)).where(Screening.entry_id.in_(entry_ids)).group_by(Screening.entry_id)
    return {row.entry_id: row for row in session().scalars(sa.select(Screening).where(Screening.id.in_(latest)))}


def changed_since_decision(entry: Entry) -> list[str]:
    """The fields (as in forms) and `files` that the author changed since the last decision."""
    last = last_decisions([entry.id]).get(entry.id)
    if last is None:
        return []
    steps = session().scalars(
        sa.select(EntryStep).where(EntryStep.entry_id == entry.id, EntryStep.at >= last.at).order_by(EntryStep.id)
    )
    names: dict[str, None] = {}
    for step in steps:
        if step.kind == StepKind.FILES:
            names["files"] = None
        elif step.kind == StepKind.CHANGED:
            names.update(dict.fromkeys(step.detail))
    return list(names)
