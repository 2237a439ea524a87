"""The ledger alone, whatever Redis let in: a slot of a voter is taken once, and a ballot counts whole or not at all."""

import os
from datetime import date

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from concours.base.db import db
from concours.voting import ledger
from concours.voting.journal import Entry
from concours.voting.models import Vote, VoteSlot
from tests.conftest import both_databases
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld

FIRST, NEXT = date(2024, 2, 29), date(2024, 3, 1)
TAG = b"t" * 32


def an_entry(number: int, candidate: int, day: date = FIRST, slots: tuple[int, int, int, int] = (1, 1, 1, 1)) -> Entry:
    """An admitted vote of TAG's owner with its slot, repeat, nth and ordinal."""
    slot, repeat, nth, ordinal = slots
    return Entry(
        f"{number}-0", TAG, os.urandom(16), os.urandom(32), candidate, day, slot, repeat, ordinal, None, 1, nth
    )


def recorded(world: PollWorld, entries: list[Entry], make: Make) -> list[int]:
    """The fates of the entries, recorded in one batch after all before them."""
    with db.engine.begin() as connection:
        fence = ledger.take_term(connection, make.now)
        after = ledger.progress(connection, world.id).journal_id
        batch = ledger.record(connection, world.id, entries, after=after, fence=fence, now=make.now)
    return [fate for _, fate in batch.fates]


@both_databases
@pytest.mark.parametrize(
    ("same", "day", "slots", "fate"),
    [
        ("another candidate", FIRST, (1, 9, 9, 9), ledger.QUOTA_USED),  # the day's slot
        ("the candidate", FIRST, (9, 1, 9, 9), ledger.ALREADY_VOTED),  # the repeat of that day
        ("the candidate", NEXT, (9, 9, 1, 9), ledger.ALREADY_VOTED),  # the nth in all
        ("another candidate", NEXT, (9, 9, 9, 1), ledger.QUOTA_USED),  # the ordinal
        ("another candidate", NEXT, (1, 1, 1, 9), 1),  # none: the same numbers on another day, for another
        ("the candidate", FIRST, (2, 2, 2, 2), 1),
    ],
)
def test_each_slot_of_a_voter_is_taken_once(
    app: APIFlask, a_poll: PollMaker, make: Make, same: str, day: date, slots: tuple[int, int, int, int], fate: int
) -> None:
    world = a_poll(count=2)
    one, other = world.candidates
    assert recorded(world, [an_entry(1, one)], make) == [0]
    again = an_entry(2, one if same == "the candidate" else other, day, slots)
    assert recorded(world, [again], make) == [fate]
    with db.engine.connect() as connection:
        votes = connection.scalar(sa.select(sa.func.count()).where(Vote.poll_id == world.id))
        rows = connection.execute(sa.select(VoteSlot.__table__).order_by(VoteSlot.leaf)).all()
        assert ledger.progress(connection, world.id).next_leaf == votes == (2 if fate == 1 else 1)
    assert len(rows) == ledger.SLOTS_OF_A_VOTE * votes
    first = {(row.candidate_id, row.day, row.number) for row in rows if row.leaf == 0}
    on = FIRST.toordinal()
    assert first == {(0, on, 1), (one, on, 1), (one, 0, 1), (0, 0, 1)}
    assert {bytes(row.voter) for row in rows} == {TAG[: ledger.VOTER_BYTES]}


@both_databases
def test_a_refused_pick_takes_its_ballot_with_it_and_no_slot(app: APIFlask, a_poll: PollMaker, make: Make) -> None:
    world = a_poll(count=3)
    one, two, three = world.candidates
    picks = [an_entry(1, one), an_entry(1, two, slots=(2, 1, 1, 2))]
    picks[1] = picks[1]._replace(journal_id="1-0-1")
    late = [an_entry(2, three, slots=(3, 1, 1, 3)), an_entry(2, one, slots=(4, 1, 2, 4))._replace(journal_id="2-0-1")]
    free = an_entry(3, three, slots=(3, 1, 1, 3))
    assert recorded(world, [*picks, *late, free], make) == [0, 1, ledger.ALREADY_VOTED, ledger.ALREADY_VOTED, 2]
    with db.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(VoteSlot)) == 12
