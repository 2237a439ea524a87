"""What the ledger keeps of a vote's network: a pseudonym of the poll, and nothing that leads to the address."""

import threading
from collections.abc import Callable

import sqlalchemy as sa
from apiflask import APIFlask

from concours.base.db import db
from concours.voting import secrets
from concours.voting.booth import booth
from concours.voting.models import Vote
from tests.conftest import both_databases
from tests.voting.build import PollMaker, PollWorld, Voter


@both_databases
def test_a_recorded_vote_keeps_the_pseudonym_of_its_network(
    app: APIFlask, a_poll: PollMaker, sequencer: threading.Thread, a_voter: Callable[[PollWorld], Voter]
) -> None:
    world, other = a_poll(), a_poll()
    for poll in (world, other):
        assert a_voter(poll).vote(poll.candidates[0]).status_code == 201
        assert a_voter(poll).vote(poll.candidates[1]).status_code == 201
    with db.engine.connect() as connection:
        rows = connection.execute(sa.select(Vote.poll_id, Vote.network)).all()
    networks = {poll.id: {row.network for row in rows if row.poll_id == poll.id} for poll in (world, other)}
    key = booth().facts(world.id).key
    assert networks[world.id] == {secrets.network_tag(key, world.id, "127.0.0.1")}, "one address, one pseudonym"
    assert not networks[world.id] & networks[other.id], "and another in another poll"
