"""What an act would do to a round, before it is done: it is done within a savepoint, looked at, and rolled back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from concours.base.db import session
from concours.base.messages import Message
from concours.events.models import Event
from concours.jury.lookup import find_round
from concours.jury.models import Round, RoundStatus
from concours.jury.progress import Progress, progress
from concours.jury.shortlist import outcome
from concours.jury.sources import Facts


@dataclass(frozen=True)
class Load:
    """A judge's works before and after (None: not on the panel), and how many of those they have marked."""

    name: str
    before: int | None
    after: int | None
    marked: int


@dataclass(frozen=True)
class Preview:
    """What an act would change. `loads`: the judges whose works change in number. `missing`, `unassigned`, `marked`:
    reviews not given yet, those nobody is there for, and marks that count, before and after. `entries`, `selected`:
    entries and places on the shortlist, before and after. `enters`, `leaves`: on the shortlist that the marks as they
    are would make. `problem`: why no shortlist would come of it, if so.
    """

    loads: tuple[Load, ...]
    missing: tuple[int, int]
    unassigned: tuple[int, int]
    marked: tuple[int, int]
    entries: tuple[int, int]
    selected: tuple[int, int]
    enters: tuple[Facts, ...]
    leaves: tuple[Facts, ...]
    problem: Message | None


@dataclass(frozen=True)
class _State:
    parts: tuple[Progress, ...]
    shortlist: Mapping[int, Facts]
    problem: Message | None

    def total(self, name: str) -> int:
        return sum(int(getattr(part, name)) for part in self.parts)

    def loads(self) -> dict[int, Load]:
        found: dict[int, Load] = {}
        for part in self.parts:
            for row in part.judges:
                known = found.get(row.account.id)
                assigned = row.assigned + (known.after or 0 if known is not None else 0)
                marked = row.marked + (known.marked if known is not None else 0)
                found[row.account.id] = Load(row.account.name, None, assigned, marked)
        return found


def preview(event: Event, round_id: int, act: Callable[[], object]) -> Preview:
    """What `act` would do to the round. `act` is a verb with its arguments; what it raises is raised. Where it makes
    another round, both together are looked at. Nothing of it stays, the audit record included."""
    before = _state(event, [find_round(event.id, round_id)])
    savepoint = session().begin_nested()
    try:
        made = act()
        session().flush()
        rounds = [find_round(event.id, round_id)]
        if isinstance(made, Round) and made.id != round_id:
            rounds.append(made)
        after = _state(event, rounds)
    finally:
        savepoint.rollback()
        session().expire_all()
    return _compared(before, after)


def _state(event: Event, rounds: list[Round]) -> _State:
    shortlist: dict[int, Facts] = {}
    problem = None
    for found in rounds:
        if found.status == RoundStatus.DRAFT:
            continue
        result = outcome(event, found)
        problem = problem or result.problem
        if result.selection is not None:
            chosen = (row.candidate.entry for row in result.selection.selected)
            shortlist.update((entry, result.entries[entry]) for entry in chosen)
    return _State(tuple(progress(found) for found in rounds), shortlist, problem)


def _compared(before: _State, after: _State) -> Preview:
    old, new = before.loads(), after.loads()
    loads = tuple(
        Load(
            row.name, old[judge].after if judge in old else None, new[judge].after if judge in new else None, row.marked
        )
        for judge, row in (old | new).items()
        if (old[judge].after if judge in old else None) != (new[judge].after if judge in new else None)
    )

    def only_in(one: _State, other: _State) -> tuple[Facts, ...]:
        entries = [facts for entry, facts in one.shortlist.items() if entry not in other.shortlist]
        return tuple(sorted(entries, key=lambda facts: (facts.number or 0, facts.id)))

    return Preview(
        loads=loads,
        missing=(before.total("missing"), after.total("missing")),
        unassigned=(before.total("unassigned"), after.total("unassigned")),
        marked=(before.total("marked"), after.total("marked")),
        entries=(before.total("entries"), after.total("entries")),
        selected=(len(before.shortlist), len(after.shortlist)),
        enters=only_in(after, before),
        leaves=only_in(before, after),
        problem=after.problem,
    )
