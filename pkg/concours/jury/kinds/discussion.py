"""Discussion: the jury talks over a shortlist, and the organiser records a show of hands for each entry."""

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from concours.base.db import session
from concours.base.messages import Message, msg
from concours.entries.models import Entry, EntryStatus
from concours.jury.kinds.standing import Worth
from concours.jury.models import Round, RoundEntry, ShowOfHands
from concours.jury.scoring import TOP


def problem(found: Round, value: Mapping[str, Any]) -> Message | None:  # noqa: ARG001 -- as every kind's
    """No mark will do: hands are shown."""
    return msg("In this round the jury discusses together, and the organiser records the show of hands.")


def standing_hands(found: Round, entries: Collection[int] | None = None) -> dict[int, ShowOfHands]:
    """The last show of hands on each entry (of `entries`; of all for None); one query."""
    last = sa.select(sa.func.max(ShowOfHands.id)).where(ShowOfHands.round_id == found.id).group_by(ShowOfHands.entry_id)
    if entries is not None:
        last = last.where(ShowOfHands.entry_id.in_(entries))
    rows = session().scalars(sa.select(ShowOfHands).where(ShowOfHands.id.in_(last)).order_by(ShowOfHands.id))
    return {hands.entry_id: hands for hands in rows}


def share(hands: ShowOfHands) -> Fraction | None:
    """The share in favour of those for or against, 0 to 100; None where nobody is either: nothing is decided."""
    voices = hands.in_favour + hands.against
    return Fraction(TOP * hands.in_favour, voices) if voices else None


def worth(found: Round, entries: Collection[int] | None = None) -> Worth:
    """One mark of each entry on which hands were shown: the share in favour."""
    wanted = None if entries is None else set(entries)
    shares = {entry: share(hands) for entry, hands in standing_hands(found).items()}
    return Worth({e: [value] for e, value in shares.items() if value is not None and (wanted is None or e in wanted)})


def counts(found: Round) -> tuple[int, int]:
    """How many accepted entries the round has, and on how many of them hands have decided; two queries."""
    inside = set(
        session().scalars(
            sa.select(RoundEntry.entry_id)
            .join(Entry, Entry.id == RoundEntry.entry_id)
            .where(RoundEntry.round_id == found.id, Entry.status == EntryStatus.ACCEPTED)
        )
    )
    return len(inside), len(worth(found, inside).marks)
