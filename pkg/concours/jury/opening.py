"""Opening a round: its entries are fixed, its seed is drawn, its work is shared out."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict
from concours.base.messages import Message, msg
from concours.entries.times import require_running
from concours.events.models import Event, PhaseKind
from concours.events.phases import require_open
from concours.identity.models import Account
from concours.jury import kinds
from concours.jury.assignment import Plan, pairs_digest
from concours.jury.distribution import give_out, planned, present
from concours.jury.faults import faults_of
from concours.jury.lookup import hold, panel_of, require
from concours.jury.models import Panelist, Round, RoundEntry, RoundStatus
from concours.jury.sources import Facts, barred_pairs, entries_offered


class CannotShareOut(Conflict):
    """The work cannot be shared out as asked; `faults` says what is wrong and by how much."""

    code = "cannot_share_out"

    def __init__(self, faults: Sequence[Message]) -> None:
        super().__init__(
            faults[0],
            hint=msg("Add judges, ask for fewer reviews, or open the round as it is."),
        )
        self.faults = tuple(faults)


def open_round(
    event: Event, round_id: int, *, actor: Account, now: datetime, anyway: bool = False, seed: str | None = None
) -> Plan:
    """Opens a round: its entries are fixed, the seed is drawn, the work is shared out.

    `anyway` accepts a plan with too few reviews or uneven loads, which is otherwise refused with CannotShareOut.
    `seed` (hex) is drawn where it is not given.
    """
    found = hold(event.id, round_id)
    require(found, RoundStatus.DRAFT)
    require_running(event)
    require_open(event, PhaseKind.JUDGING, now)
    entries = entries_offered(found)
    judges = present(panel_of(found))
    _require_something(found, entries, judges)
    found.seed = seed or secrets.token_hex(32)
    anchors = anchors_of(found, entries)
    made = planned(found, entries, judges, anchors=anchors)
    faults = faults_of(made, found, entries, judges)
    if faults and not anyway:
        found.seed = ""
        raise CannotShareOut(faults)
    reasons = found.input.get("picked") or {}
    session().execute(
        sa.insert(RoundEntry),
        [
            {"round_id": found.id, "entry_id": e.id, "reason": reasons.get(str(e.id), ""), "anchor": e.id in anchors}
            for e in entries
        ],
    )
    found.status = RoundStatus.OPEN
    found.opened_at = now
    given = give_out(found, event, entries, made, {})
    audit.record(
        actor,
        "jury.open_round",
        found,
        now=now,
        event_id=event.id,
        seed=found.seed,
        entries=len(entries),
        judges=sorted(j.account_id for j in judges),
        reviews=given.given,
        missing=made.missing,
        anyway=bool(faults),
        plan=_plan_record(found, entries, judges, anchors, made),
    )
    return made


def _plan_record(
    found: Round, entries: Sequence[Facts], judges: Sequence[Panelist], anchors: frozenset[int], made: Plan
) -> dict[str, Any]:
    """What the plan was made from, with its digest: people and conflicts change, what was planned must not."""
    barred: dict[str, list[int]] = {}
    for entry, judge in sorted(barred_pairs(found, entries, judges)):
        barred.setdefault(str(judge), []).append(entry)
    return {
        "entries": sorted(facts.id for facts in entries),
        "judges": sorted(judge.account_id for judge in judges),
        "reviews": found.reviews,
        "barred": barred,
        "extra": {},
        "anchors": sorted(anchors),
        "capacity": {str(judge.account_id): judge.capacity for judge in judges if judge.capacity is not None},
        "overlap": int(found.rule.get("overlap") or 0),
        "sha256": pairs_digest(made.pairs),
    }


def anchors_of(found: Round, entries: Sequence[Facts]) -> frozenset[int]:
    """The anchors that the rule asks for (`rule["anchors"]` in each category), drawn by the round's seed."""
    wanted = int(found.rule.get("anchors") or 0)
    drawn: dict[int, list[int]] = {}
    for facts in sorted(entries, key=lambda e: hashlib.sha256(f"{found.seed}|anchor|{e.id}".encode()).digest()):
        chosen = drawn.setdefault(facts.category_id, [])
        if len(chosen) < wanted:
            chosen.append(facts.id)
    return frozenset(entry for chosen in drawn.values() for entry in chosen)


def _require_something(found: Round, entries: Sequence[Facts], judges: Sequence[Panelist]) -> None:
    if not entries:
        raise Conflict(
            msg("There is no entry to judge yet."),
            hint=msg("Accept entries in the screening, or choose other categories for this round."),
            code="no_entries",
        )
    most = kinds.entries_at_most(found.kind)
    if len(entries) > most:
        raise Conflict(msg("A round of this kind takes at most %(limit)s entries.", limit=most))
    if not judges:
        raise Conflict(
            msg("The panel of “%(round)s” is empty.", round=found.title),
            hint=msg("Put judges on the panel first."),
            code="no_judges",
        )
