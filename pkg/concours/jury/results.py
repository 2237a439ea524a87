"""What the jury chose in the end, for the rooms above."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from concours.base.db import session
from concours.entries.models import Entry
from concours.events.models import Category
from concours.jury.models import Round, RoundStatus, Selected


def final_rounds(event_id: int) -> dict[int, Round]:
    """For each category of the event, by its number, the last round that selected among its entries.

    Categories that no round has selected among yet are left out. An event whose juries all end in one round has that
    round for every category; categories judged apart have each their own.
    """
    rounds = session().scalars(sa.select(Round).where(Round.event_id == event_id).order_by(Round.position)).all()
    categories = session().scalars(sa.select(Category.id).where(Category.event_id == event_id)).all()
    by_id = {found.id: found for found in rounds}
    last: dict[int, Round] = {}
    for found in rounds:
        if found.status == RoundStatus.SELECTED:
            for category in _covered(found, by_id, categories):
                last[category] = found
    return last


def final_selection(event_id: int) -> list[Selected]:
    """The entries that the event's last rounds selected, in the jury's order; each with its entry and category.

    Where categories were judged apart, one category follows the other in the order of their rounds.
    """
    last = final_rounds(event_id)
    if not last:
        return []
    chosen = sa.or_(
        *(sa.and_(Selected.round_id == found.id, Entry.category_id == category) for category, found in last.items())
    )
    return list(
        session().scalars(
            sa.select(Selected)
            .join(Entry, Entry.id == Selected.entry_id)
            .join(Round, Round.id == Selected.round_id)
            .options(joinedload(Selected.entry).joinedload(Entry.category))
            .where(chosen)
            .order_by(Round.position, Selected.place)
        )
    )


def _covered(found: Round, by_id: dict[int, Round], categories: Collection[int]) -> set[int]:
    """The categories whose entries could be in the round, by its input and those of the rounds before it."""
    covered = set(categories)
    at: Round | None = found
    while at is not None:
        covered &= set(at.input.get("categories") or categories)
        source = at.input.get("round")
        at = by_id.get(source) if source is not None else None
    return covered
