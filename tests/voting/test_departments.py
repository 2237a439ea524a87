"""An office behind one address gets through with the rules that a new poll has; a script from one address does not.

With the real script and its own clock: what is left to arithmetic is that ten minutes of a department's votes, spread
evenly, are 12 a minute, and that at their worst, all at once, 120 attempts are what the limit lets in.
"""

import time

from apiflask import APIFlask

from concours.voting import keys
from concours.voting.booth import booth
from concours.voting.rules import Facts, Rules
from tests.voting.test_admit_model import CANDIDATES, Step, ask, facts_of

DEFAULT = Rules(network_per_minute=120)  # what the form of a new poll begins with
PEOPLE = 120
SCRIPT_PER_S = 50


def from_one_address(facts: Facts, voter: int, nonce: int) -> str:
    return ask(facts, 700_000, Step(voter, (CANDIDATES[0],), nonce, 1, False, False))[0]


def test_a_department_that_votes_in_the_same_moment_gets_through(app: APIFlask) -> None:
    facts = facts_of(DEFAULT)
    assert [from_one_address(facts, voter, 0) for voter in range(PEOPLE)] == ["admitted"] * PEOPLE


def test_a_script_of_fifty_a_second_is_refused_within_three_seconds(app: APIFlask) -> None:
    facts = facts_of(DEFAULT)
    begun, answers = time.monotonic(), []
    for number in range(3 * SCRIPT_PER_S):
        time.sleep(max(0.0, begun + number / SCRIPT_PER_S - time.monotonic()))
        answers.append(from_one_address(facts, number, 0))
    admitted = answers.count("admitted")
    assert PEOPLE <= admitted <= PEOPLE + 6  # a minute may end meanwhile, and 3 s of it have slid out
    assert set(answers[PEOPLE + 6 :]) <= {"rate_limited:network", "admitted"}
    assert answers.count("rate_limited:network") == len(answers) - admitted
    assert int(booth().client.hget(keys.refused(facts.id), "rate_limited:network") or 0) == len(answers) - admitted
