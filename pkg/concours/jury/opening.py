"""Opening a round: its entries are fixed, its seed is drawn, its work is shared out."""

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict
from concours.base.messages import Message, msg, nmsg
from concours.entries.times import require_running
from concours.events.models import Event, PhaseKind
from concours.events.phases import require_open
from concours.identity.models import Account, Department
from concours.jury import kinds
from concours.jury.assignment import Plan, plan
from concours.jury.distribution import give_out
from concours.jury.lookup import hold, panel_of, require
from concours.jury.models import Round, RoundEntry, RoundStatus
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
    judges = [panelist.account for panelist in panel_of(found)]
    _require_something(found, entries, judges)
    found.seed = seed or secrets.token_hex(32)
    barred = barred_pairs(found, entries, judges)
    made = plan([e.id for e in entries], [j.id for j in judges], found.reviews, barred=barred, seed=found.seed)
    faults = faults_of(made, found, entries, judges)
    if faults and not anyway:
        found.seed = ""
        raise CannotShareOut(faults)
    reasons = found.input.get("picked") or {}
    session().execute(
        sa.insert(RoundEntry),
        [{"round_id": found.id, "entry_id": e.id, "reason": reasons.get(str(e.id), "")} for e in entries],
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
        judges=sorted(j.id for j in judges),
        reviews=given.given,
        missing=made.missing,
        anyway=bool(faults),
    )
    return made


def faults_of(made: Plan, found: Round, entries: Sequence[Facts], judges: Sequence[Account]) -> list[Message]:
    """What the plan falls short of, and by how much, in sentences."""
    faults: list[Message] = []
    names = {judge.id: judge.name for judge in judges}
    if made.missing:
        faults.append(
            nmsg(
                "One entry has fewer than %(reviews)s judges free of conflict: %(missing)s of its reviews would be"
                " missing%(where)s.",
                "%(count)s entries have fewer than %(reviews)s judges free of conflict: %(missing)s reviews would be"
                " missing%(where)s.",
                len(made.short),
                reviews=found.reviews,
                missing=made.missing,
                where=_most_affected(made, entries),
            )
        )
    elif made.spread > 1:
        least = min(made.loads, key=lambda judge: (made.loads[judge], judge))
        faults.append(
            msg(
                "The work cannot be shared evenly: %(judge)s would review %(least)s entries (%(reach)s are free of"
                " conflict), others up to %(most)s.",
                judge=names[least],
                least=made.loads[least],
                reach=made.reach[least],
                most=max(made.loads.values()),
            )
        )
    if made.groups > 1 and found.reviews > 1 and not made.missing:
        faults.append(
            msg(
                "The panel falls into %(groups)s groups that share no entry, so their marks cannot be compared:"
                " %(judges)s judges need at least %(needed)s reviews, there are %(found)s.",
                groups=made.groups,
                judges=len(judges),
                needed=len(judges) + len(entries) - 1,
                found=len(made.pairs),
            )
        )
    if found.select_count > len(entries):
        faults.append(
            msg(
                "%(count)s entries are to be selected, but only %(found)s are in the round.",
                count=found.select_count,
                found=len(entries),
            )
        )
    return faults


def _require_something(found: Round, entries: Sequence[Facts], judges: Sequence[Account]) -> None:
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


def _most_affected(made: Plan, entries: Sequence[Facts]) -> Message | str:
    """The department most of whose reviews would be missing, as the tail of a sentence."""
    missing: Counter[int] = Counter()
    for facts in entries:
        if facts.id in made.short and facts.department_id is not None:
            missing[facts.department_id] += made.short[facts.id]
    if not missing:
        return ""
    department, count = min(missing.items(), key=lambda item: (-item[1], item[0]))
    name = session().scalar(sa.select(Department.name).where(Department.id == department))
    return msg(" (%(count)s of them in %(department)s)", count=count, department=name)
