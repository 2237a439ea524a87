"""The protocol of a round: who judged, by which rule, with what outcome; and the same as rows for a spreadsheet."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from concours.base.db import session
from concours.base.messages import msg
from concours.entries.models import Entry
from concours.events.models import Event
from concours.identity.models import Department
from concours.jury.models import Round
from concours.jury.progress import Progress, SteppedAside, progress, stepped_aside
from concours.jury.shortlist import Outcome, outcome

HEADINGS = (
    msg("Place"),
    msg("Selected"),
    msg("Number"),
    msg("Title"),
    msg("Category"),
    msg("Authors"),
    msg("Department"),
    msg("Score"),
    msg("Median"),
    msg("Spread"),
    msg("Reviews"),
    msg("Missing"),
    msg("Marks"),
    msg("Decided by"),
    msg("Lottery ticket"),
)
"""The columns of `table_rows`."""


@dataclass(frozen=True)
class Protocol:
    """All that the protocol prints. `departments`: of the judges, by account; `named`: the entries it names."""

    progress: Progress
    departments: dict[int, str]
    aside: list[SteppedAside]
    result: Outcome
    named: dict[int, Entry]


def read_protocol(event: Event, found: Round) -> Protocol:
    """The protocol of a round that is closed or has selected; a fixed number of queries."""
    result = outcome(event, found)
    shown: set[int] = set(result.unscored)
    if result.selection is not None:
        shown.update(fate.candidate.entry for fate in result.selection.selected)
        shown.update(fate.candidate.entry for tie in result.selection.ties for fate in tie.members)
    now = progress(found)
    numbers = {row.account.department_id for row in now.judges if row.account.department_id is not None}
    names = dict(
        session().execute(sa.select(Department.id, Department.name).where(Department.id.in_(numbers))).tuples().all()
    )
    return Protocol(
        progress=now,
        departments={
            row.account.id: names[row.account.department_id]
            for row in now.judges
            if row.account.department_id is not None
        },
        aside=stepped_aside(found),
        result=result,
        named=named_entries(shown),
    )


def named_entries(numbers: Collection[int]) -> dict[int, Entry]:
    """These entries with category and department, by number in the database; one query."""
    if not numbers:
        return {}
    rows = session().scalars(
        sa.select(Entry).options(joinedload(Entry.category), joinedload(Entry.department)).where(Entry.id.in_(numbers))
    )
    return {entry.id: entry for entry in rows}


def table_rows(result: Outcome) -> Iterator[list[object]]:
    """Each entry of the round with its figures, in the order of the chain; those without a score come last."""
    named = named_entries(result.entries)
    selection = result.selection
    for fate in (*selection.selected, *selection.others) if selection is not None else ():
        score = result.scores[fate.candidate.entry]
        yield [
            fate.place if fate.place is not None else "",
            1 if fate.place is not None else 0,
            *_identity(named[fate.candidate.entry]),
            round(float(fate.candidate.score), 4),
            round(float(score.median), 4),
            round(score.spread, 4),
            score.reviews,
            score.missing,
            " ".join(f"{float(mark):g}" for mark in score.marks),
            str(fate.decided_by),
            fate.ticket,
        ]
    for entry in result.unscored:
        yield ["", 0, *_identity(named[entry])]


def _identity(entry: Entry) -> list[object]:
    department = entry.department.name if entry.department is not None else ""
    return [entry.number, entry.title, entry.category.title, entry.authors, department]
