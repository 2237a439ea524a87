"""What a plan falls short of, by which constraint, and by how much, in sentences."""

from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa

from concours.base.db import session
from concours.base.messages import Message, msg, nmsg
from concours.identity.models import Department
from concours.jury.assignment import Plan
from concours.jury.models import Panelist, Round
from concours.jury.sources import Facts


def faults_of(made: Plan, found: Round, entries: Sequence[Facts], judges: Sequence[Panelist]) -> list[Message]:
    """What the plan falls short of, by which constraint, and by how much, in sentences."""
    faults: list[Message] = []
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
            if not made.full
            else _over_capacity(made, judges)
        )
    else:
        faults += _uneven(made, judges)
    if made.groups > made.least_groups and found.reviews > 1 and not made.missing:
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
    if made.unmet:
        names = {judge.account_id: judge.account.name for judge in judges}
        first, second = min(made.unmet, key=lambda pair: (-made.unmet[pair], pair))
        faults.append(
            nmsg(
                "One pair of judges (%(first)s and %(second)s) shares fewer than %(overlap)s entries: %(lacking)s are"
                " missing. More reviews help, or %(overlap)s anchor entries that all judges review.",
                "%(count)s pairs of judges share fewer than %(overlap)s entries; %(first)s and %(second)s lack"
                " %(lacking)s. More reviews help, or %(overlap)s anchor entries that all judges review.",
                len(made.unmet),
                first=names[first],
                second=names[second],
                overlap=int(found.rule.get("overlap") or 0),
                lacking=made.unmet[first, second],
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


def _over_capacity(made: Plan, judges: Sequence[Panelist]) -> Message:
    room = sum(judge.capacity or 0 for judge in judges if judge.account_id in made.full)
    return nmsg(
        "The capacity of one judge is used up (%(room)s entries): %(missing)s reviews would be missing, as no judge"
        " free of conflict has room for them.",
        "The capacity of %(count)s judges is used up (%(room)s entries together): %(missing)s reviews would be missing,"
        " as no judge free of conflict has room for them.",
        len(made.full),
        room=room,
        missing=made.missing,
    )


def _uneven(made: Plan, judges: Sequence[Panelist]) -> list[Message]:
    """For each panel (judges of the same categories) whose loads differ by more than one though nobody's capacity
    asks for it: who has least, and why."""
    panels: dict[tuple[int, ...], list[Panelist]] = {}
    for judge in judges:
        if judge.account_id not in made.full:
            panels.setdefault(tuple(sorted(judge.categories)), []).append(judge)
    faults = []
    for panel in panels.values():
        least = min(panel, key=lambda judge: (made.loads[judge.account_id], judge.account_id))
        most = max(made.loads[judge.account_id] for judge in panel)
        if most - made.loads[least.account_id] > 1:
            faults.append(
                msg(
                    "The work cannot be shared evenly: %(judge)s would review %(least)s entries (%(reach)s are free of"
                    " conflict), others up to %(most)s.",
                    judge=least.account.name,
                    least=made.loads[least.account_id],
                    reach=made.reach[least.account_id],
                    most=most,
                )
            )
    return faults


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
