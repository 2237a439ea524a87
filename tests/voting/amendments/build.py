"""Decisions as organisers make them, recorded by a sequencer that works when it is told to."""

from collections.abc import Iterable
from datetime import UTC, datetime

from apiflask import APIFlask
from flask import current_app

from concours.base.db import db, session
from concours.identity.models import Account, Role
from concours.voting import ledger, tally
from concours.voting.amendments import decisions, recording
from concours.voting.amendments.models import VOID, Decision
from concours.voting.booth import booth
from concours.voting.sequencer import Sequencer
from tests.factories import Make
from tests.voting.build import PollWorld, at_work
from tests.voting.logs import record


class Council:
    """Two organisers of a poll's event: the one proposes, the other confirms."""

    def __init__(self, make: Make, world: PollWorld) -> None:
        self.world = world
        self.first: Account = make.with_role(world.event, Role.ORGANISER)
        self.second: Account = make.with_role(world.event, Role.ORGANISER)
        session().commit()

    def propose(self, leaves: Iterable[int], kind: str = VOID, reason: str = "刷票") -> Decision:
        """Proposes and commits."""
        found = decisions.propose(self.world.poll, leaves, kind, reason, None, self.first, datetime.now(UTC))
        session().commit()
        return found

    def decide(self, leaves: Iterable[int], kind: str = VOID, reason: str = "刷票") -> Decision:
        """Proposes, confirms and commits; nothing is recorded yet."""
        found = self.propose(leaves, kind, reason)
        decisions.confirm(found, self.world.poll, actor=self.second, now=datetime.now(UTC))
        session().commit()
        return found


def settle(hand: Sequencer) -> None:
    """The sequencer records all that was confirmed."""
    session().commit()
    waits = True
    while waits:
        hand.forget()
        assert hand.hold()
        hand.tend()
        with db.engine.connect() as connection:
            waits = bool(recording.waiting(connection))


def totals(world: PollWorld) -> dict[int, int]:
    """The tally in SQL; asserts that Redis shows the same."""
    with db.engine.connect() as connection:
        found = {candidate: votes for candidate, votes in ledger.totals(connection, world.id).items() if votes}
    shown = tally.standings(booth().client, world.id)
    assert shown is not None
    assert {candidate: votes for candidate, votes in shown.votes.items() if votes} == found
    return found


def proposal_in(world: PollWorld, proposer: Account | None) -> int:
    """A vote of the poll and a proposal to void it; the proposal's number."""
    assert proposer is not None
    app: APIFlask = current_app._get_current_object()  # type: ignore[attr-defined]
    session().commit()
    hand = at_work(app)
    record(world, hand, 1)
    hand.release()
    found = decisions.propose(world.poll, [0], VOID, "刷票", None, proposer, datetime.now(UTC))
    session().commit()
    return found.number
