"""Finding rounds, always within their event, and holding them still while something changes."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from concours.base.db import session
from concours.base.errors import Conflict, NotFound
from concours.base.messages import Message, msg
from concours.jury.models import Panelist, Round, RoundStatus

STATUS_NAMES: dict[str, Message] = {
    RoundStatus.DRAFT: msg("being prepared"),
    RoundStatus.OPEN: msg("open to marks"),
    RoundStatus.CLOSED: msg("closed to marks"),
    RoundStatus.SELECTED: msg("already selected"),
}


def rounds_of(event_id: int) -> Sequence[Round]:
    """The event's rounds in their order, with criteria and panel."""
    return (
        session()
        .scalars(
            sa.select(Round)
            .options(selectinload(Round.criteria), selectinload(Round.judges).joinedload(Panelist.account))
            .where(Round.event_id == event_id)
            .order_by(Round.position)
        )
        .all()
    )


def find_round(event_id: int, round_id: int) -> Round:
    """The round with its criteria; raises NotFound for a number outside the event."""
    found = session().scalar(
        sa.select(Round)
        .options(selectinload(Round.criteria))
        .where(Round.id == round_id, Round.event_id == event_id)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(msg("There is no such round."), hint=msg("The list of rounds shows those there are."))
    return found


def hold(event_id: int, round_id: int, *, together: bool = False) -> Round:
    """The round, locked till the end of the transaction, so that its status and assignments stand still.

    `together`: others who also only mark may hold it at the same time. SQLite locks the whole database anyway.
    """
    query = sa.select(Round.id).where(Round.id == round_id, Round.event_id == event_id)
    session().execute(query.with_for_update(read=together))
    return find_round(event_id, round_id)


def require(found: Round, *statuses: RoundStatus) -> None:
    """Raises Conflict where the round is in none of these statuses."""
    if found.status not in statuses:
        raise Conflict(
            msg(
                "The round “%(round)s” is %(status)s now, so this cannot be done.",
                round=found.title,
                status=STATUS_NAMES[found.status],
            ),
            hint=msg("Reload the page to see where the round stands."),
            code="round_status",
        )


def panel_of(found: Round) -> list[Panelist]:
    """All who are or were on the round's panel, in the order in which they came, with accounts and departments."""
    return list(
        session().scalars(
            sa.select(Panelist)
            .options(selectinload(Panelist.account))
            .where(Panelist.round_id == found.id)
            .order_by(Panelist.id)
            .execution_options(populate_existing=True)
        )
    )
