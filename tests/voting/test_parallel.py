"""A thousand at once: one vote where one is allowed, five where five are; and SQL's unique keys as the last word."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from concours.base.db import db, session
from concours.voting import keys
from concours.voting.booth import booth
from concours.voting.models import RefusedVote, Vote, VoteSlot
from concours.voting.reconciliation import reconcile
from tests.conftest import both_databases
from tests.voting.build import PollMaker, PollWorld, Voter, nonce

pytestmark = pytest.mark.usefixtures("sequencer")
Come = Callable[[PollWorld], Voter]
MANY = 1_000
TRIES = 40


def at_once(app: APIFlask, voter: Voter, ballots: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Sends all ballots (candidate, nonce) of one voter in the same moment; status and receipt or code of each.

    Who is told to come again (503: a machine that is busy with other tests) sends the same again, as the page does.
    """
    threading.stack_size(512 * 1024)
    barrier = threading.Barrier(len(ballots))
    answers: list[tuple[int, str]] = [(0, "")] * len(ballots)

    def send(place: int, candidate: int, its_nonce: str) -> None:
        browser = app.test_client()
        barrier.wait(60)
        for _ in range(TRIES):
            answer = browser.post(
                f"/api/v1/polls/{voter.poll_id}/votes",
                json={"candidate": candidate, "nonce": its_nonce},
                headers=voter.headers,
            )
            if answer.status_code != 503:
                break
            time.sleep(0.5)
        found = answer.get_json()
        answers[place] = (answer.status_code, found["receipt"]["id"] if "receipt" in found else found["code"])

    threads = [threading.Thread(target=send, args=(n, *ballot)) for n, ballot in enumerate(ballots)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    threading.stack_size(0)
    return answers


def rows(world: PollWorld) -> int:
    """Votes in the ledger."""
    count = session().scalar(sa.select(sa.func.count()).select_from(Vote).where(Vote.poll_id == world.id))
    session().rollback()
    return count or 0


@both_databases
def test_a_thousand_for_one_candidate_are_one(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_candidate_day=1)
    answers = Counter(at_once(app, a_voter(world), [(world.candidates[0], nonce()) for _ in range(MANY)]))
    assert sum(count for (status, _), count in answers.items() if status == 201) == 1
    assert answers[409, "already_voted"] == MANY - 1
    assert rows(world) == 1
    found = reconcile(booth(), world.id)
    assert (found.difference, set(found.refused)) == (0, {"already_voted"})
    assert found.refused["already_voted"] >= MANY - 1  # who hears nothing on a busy machine asks again


def test_a_thousand_of_one_nonce_are_one_receipt(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world, mine = a_poll(per_candidate_day=1), nonce()
    answers = Counter(at_once(app, a_voter(world), [(world.candidates[0], mine)] * MANY))
    assert len(answers) == 1, answers
    assert next(iter(answers))[0] == 201
    assert rows(world) == 1


@both_databases
def test_a_thousand_against_a_quota_of_five_are_five(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(count=20, per_day=5, per_candidate_day=1)
    ballots = [(world.candidates[n % 20], nonce()) for n in range(MANY)]
    answers = Counter(at_once(app, a_voter(world), ballots))
    assert sum(count for (status, _), count in answers.items() if status == 201) == 5
    assert answers[429, "quota_used"] + answers[409, "already_voted"] == MANY - 5
    assert rows(world) == 5
    assert reconcile(booth(), world.id).difference == 0


def forget_voters(world: PollWorld) -> None:
    """What Redis knows of the voters is lost, and nobody has noticed: the state still says that it is loaded."""
    client = booth().client
    lost = list(client.scan_iter(match=keys.every_voter(world.id)))
    assert lost
    client.delete(*lost)


def refusals_kept(world: PollWorld) -> Counter[str]:
    """Why the ledger refused what Redis let through."""
    found = Counter(session().scalars(sa.select(RefusedVote.reason).where(RefusedVote.poll_id == world.id)))
    session().rollback()
    return found


@both_databases
def test_the_ledger_refuses_what_a_forgetful_redis_lets_through(
    app: APIFlask, a_poll: PollMaker, a_voter: Come
) -> None:
    world = a_poll(count=8, per_day=5, per_candidate_day=1, total=5)
    voter = a_voter(world)
    assert [voter.vote(c).status_code for c in world.candidates[:5]] == [201] * 5
    forget_voters(world)
    answers = Counter(at_once(app, voter, [(c, nonce()) for c in world.candidates for _ in range(25)]))
    assert {status for status, _ in answers} <= {409, 429}, answers
    assert rows(world) == 5
    kept = refusals_kept(world)
    assert kept["already_voted"] + kept["quota_used"] == 5  # five were let through once more, all were refused
    found = reconcile(booth(), world.id)
    assert (found.difference, found.refused_late) == (0, 5)
    receipt = voter.vote(world.candidates[0]).get_json()
    assert receipt["code"] in {"already_voted", "quota_used"}


def test_a_lost_nonce_is_found_in_the_ledger(a_poll: PollMaker, a_voter: Come) -> None:
    world, mine = a_poll(per_day=5, per_candidate_day=1), nonce()
    voter = a_voter(world)
    first = voter.vote(world.candidates[0], mine)
    forget_voters(world)
    again = voter.vote(world.candidates[0], mine)
    assert again.status_code == 201
    assert again.get_json()["receipt"] == first.get_json()["receipt"]
    assert rows(world) == 1
    assert reconcile(booth(), world.id).difference == 0


def drop_unique_keys() -> None:
    """The tables of votes and their slots without their unique keys."""
    for table in (Vote.__table__, VoteSlot.__table__):
        kept = [sa.Column(c.name, c.type, primary_key=c.name == "id") for c in table.columns]
        bare = sa.Table(table.name, sa.MetaData(), *kept)
        with db.engine.begin() as connection:
            table.drop(connection)  # type: ignore[attr-defined]
            bare.create(connection)


@both_databases
def test_without_the_unique_keys_it_would_be_more(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    """That the tests above can fail: the same with a ledger that refuses nothing."""
    drop_unique_keys()
    world = a_poll(count=8, per_day=5, per_candidate_day=1, total=5)
    voter = a_voter(world)
    assert [voter.vote(c).status_code for c in world.candidates[:5]] == [201] * 5
    forget_voters(world)
    assert [voter.vote(c).status_code for c in world.candidates[:5]] == [201] * 5
    assert rows(world) == 10
