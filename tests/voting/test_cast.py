"""A vote on its way: counted once, or refused with its reason, in the order of the rules."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask

from tests.conftest import both_databases
from tests.voting.build import PollMaker, PollWorld, Voter

pytestmark = pytest.mark.usefixtures("sequencer")
Come = Callable[[PollWorld], Voter]


@both_databases
def test_a_vote_is_recorded_and_shown(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_day=5, per_candidate_day=1)
    voter = a_voter(world)
    answer = voter.vote(world.candidates[0])
    assert answer.status_code == 201, answer.get_data(as_text=True)
    found = answer.get_json()
    assert found["receipt"]["status"] == "recorded"
    assert found["receipt"]["leaf"] == 0
    assert found["left"] == {"today": 4, "total": None}
    standings = voter.client.get(f"/api/v1/polls/{world.id}/standings")
    assert {"candidate": world.candidates[0], "votes": 1} in standings.get_json()
