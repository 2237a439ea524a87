"""A ballot of several picks counts as a whole or not at all, and no longer or shorter than the poll allows."""

import hashlib
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from werkzeug.test import TestResponse

from concours.base.db import db, session
from concours.voting import journal, keys, ledger, secrets
from concours.voting.booth import booth
from concours.voting.models import RefusedVote, Vote
from concours.voting.reconciliation import reconcile
from tests.conftest import both_databases
from tests.voting.build import PollMaker, PollWorld, Voter, at_work, nonce, sequencing, until_loaded, weighing

Come = Callable[[PollWorld], Voter]


def send(voter: Voter, candidates: object, with_nonce: str | None = None) -> TestResponse:
    return voter.client.post(
        f"/api/v1/polls/{voter.poll_id}/votes",
        json={"candidates": candidates, "nonce": with_nonce or nonce()},
        headers=voter.headers,
    )


def leaves(world: PollWorld) -> list[tuple[int, int]]:
    rows = session().execute(
        sa.select(Vote.leaf, Vote.candidate_id).where(Vote.poll_id == world.id).order_by(Vote.leaf)
    )
    found = [(row.leaf, row.candidate_id) for row in rows]
    session().commit()
    return found


@both_databases
def test_a_ballot_is_one_leaf_and_one_receipt_for_each_pick(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(count=5, per_day=4, per_candidate_day=1, min_picks=2, max_picks=3)
    a, b, c, d, e = world.candidates
    with sequencing(app):
        until_loaded(world)
        voter, mine = a_voter(world), nonce()
        answer = send(voter, [c, a, b], mine)
        told = answer.get_json()
        assert answer.status_code == 201
        assert [receipt["candidate"] for receipt in told["receipts"]] == [a, b, c]
        assert [receipt["leaf"] for receipt in told["receipts"]] == [0, 1, 2]
        assert told["left"] == {"today": 1, "total": None}
        for receipt in told["receipts"]:
            made = secrets.commitment_of(bytes.fromhex(receipt["tag"]), bytes.fromhex(receipt["nonce"]))
            assert made.hex() == receipt["commitment"]
            found = voter.client.get(f"/api/v1/polls/{world.id}/receipts/{receipt['id']}").get_json()
            assert (found["status"], found["leaf"], found["candidate"]) == (
                "recorded",
                receipt["leaf"],
                receipt["candidate"],
            )
        assert len({receipt["commitment"] for receipt in told["receipts"]}) == 3
        again = send(voter, [a, b, c], mine)
        assert again.get_json()["receipts"] == told["receipts"]
        few = send(voter, [d])
        assert (few.status_code, few.get_json()["code"]) == (422, "wrong_picks")
        assert voter.vote(d).get_json()["code"] == "wrong_picks"
        assert send(voter, [a, b, d, e]).get_json()["code"] == "wrong_picks"
        refused = send(voter, [d, e])
        assert (refused.status_code, refused.get_json()["code"]) == (429, "quota_used")
        assert "1 vote left today" in refused.get_json()["detail"]
    assert leaves(world) == [(0, a), (1, b), (2, c)]
    assert reconcile(booth(), world.id).difference == 0


def test_a_nonce_is_one_ballots_alone(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(count=4, max_picks=3)
    a, b, c, d = world.candidates
    with sequencing(app):
        until_loaded(world)
        voter, mine = a_voter(world), nonce()
        assert send(voter, [a, b], mine).status_code == 201
        for others in ([a], [a, c], [b, c], [a, b, c], [c, d]):
            refused = send(voter, others, mine)
            assert (refused.status_code, refused.get_json()["code"]) == (409, "nonce_reused"), others
        assert voter.vote(a, mine).get_json()["code"] == "nonce_reused"
        single = nonce()
        assert send(voter, [d], single).get_json()["receipts"][0]["candidate"] == d
        assert voter.vote(d, single).get_json()["receipt"]["candidate"] == d  # a list of one is the same ballot
        booth().client.flushall()
        until_loaded(world)
        for others in ([a], [a, c], [a, b, c], [c, d]):  # Redis has forgotten, the ledger has not
            assert send(voter, others, mine).get_json()["code"] == "nonce_reused", others
        assert [r["candidate"] for r in send(voter, [b, a], mine).get_json()["receipts"]] == [a, b]
    assert len(leaves(world)) == 3
    assert reconcile(booth(), world.id).difference == 0


@both_databases
def test_what_the_unique_keys_refuse_in_one_pick_they_refuse_in_all(
    app: APIFlask, a_poll: PollMaker, a_voter: Come
) -> None:
    """Redis forgets what one candidate has had; the ledger does not, and takes nothing of the ballot."""
    world = a_poll(count=4, per_candidate_day=1, max_picks=3)
    a, b, c, _ = world.candidates
    with sequencing(app):
        until_loaded(world)
        voter, other = a_voter(world), a_voter(world)
        assert voter.vote(b).status_code == 201
        (name,) = booth().client.scan_iter(match=keys.every_voter(world.id))
        booth().client.delete(name)
        threads = [threading.Thread(target=other.vote, args=(c,)) for _ in range(1)]
        for thread in threads:
            thread.start()
        refused = send(voter, [a, b, c])
        assert (refused.status_code, refused.get_json()["code"]) == (409, "already_voted")
        for thread in threads:
            thread.join(20)
    assert [candidate for _, candidate in leaves(world)] == [b, c]
    rows = session().scalars(sa.select(RefusedVote.candidate_id).where(RefusedVote.poll_id == world.id)).all()
    session().commit()
    assert sorted(rows) == [a, b, c]
    assert reconcile(booth(), world.id).difference == 0


@both_databases
def test_a_ballot_of_a_redis_that_forgot_is_answered_as_before(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(count=4, max_picks=3)
    a, b, c, _ = world.candidates
    with sequencing(app):
        until_loaded(world)
        voter, mine = a_voter(world), nonce()
        first = send(voter, [a, b], mine).get_json()["receipts"]
        (name,) = booth().client.scan_iter(match=keys.every_voter(world.id))
        booth().client.delete(name)  # the script admits it again, the unique keys know it
        assert send(voter, [a, b], mine).get_json()["receipts"] == first
        booth().client.delete(name)
        assert send(voter, [a, b, c], mine).get_json()["code"] == "nonce_reused"
    assert len(leaves(world)) == 2
    assert reconcile(booth(), world.id).difference == 0


def test_what_waits_is_a_ballot_as_well(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll(count=4, max_picks=4)
    a, b, c, _ = world.candidates
    hand = at_work(app)
    booth().patience_s = 0.1
    voter, mine = weighing(world, app.test_client(), 5), nonce()
    waiting = send(voter, [a, c, b], mine)
    told = waiting.get_json()["receipts"]
    assert (waiting.status_code, [r["status"] for r in told]) == (202, ["provisional"] * 3)
    assert send(voter, [a, b, c], mine).get_json()["receipts"] == told
    assert send(voter, [a, b], mine).get_json()["code"] == "nonce_reused"
    for receipt in told:
        found = voter.client.get(f"/api/v1/polls/{world.id}/receipts/{receipt['id']}").get_json()
        assert (found["status"], found["candidate"], found["weight"]) == ("provisional", receipt["candidate"], 5)
    found = reconcile(booth(), world.id)
    assert (found.difference, found.waiting, found.waiting_votes) == (0, 1, 15)
    booth().client.delete(keys.issued(world.id))
    booth().client.hset(keys.state(world.id), "applied", -1)
    hand.forget()
    hand.tend()  # what was issued is known from the journal
    issued = {int(k): int(v) for k, v in booth().client.hgetall(keys.issued(world.id)).items()}
    assert issued == {a: 5, b: 5, c: 5}
    assert hand.step() == 3
    assert reconcile(booth(), world.id).difference == 0
    assert send(voter, [a, b, c], mine).status_code == 201
    hand.release()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ([], "candidates"),
        ([1, 1], "candidates"),
        (["1"], "candidates"),
        ([True], "candidates"),
        ([0], "candidates"),
        ({"1": 1}, "candidates"),
        (list(range(1, 52)), "candidates"),
        ([2**53], "candidates"),
        (None, "candidates"),
    ],
)
def test_what_is_no_ballot_is_refused_with_its_field(
    app: APIFlask, a_poll: PollMaker, a_voter: Come, given: object, field: str
) -> None:
    world = a_poll(max_picks=50)
    at_work(app).release()
    answer = send(a_voter(world), given)
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.get_json()["problems"]] == [field]


@both_databases
def test_a_candidate_gets_no_more_than_its_share_of_the_whole_poll(
    app: APIFlask, a_poll: PollMaker, a_voter: Come
) -> None:
    world = a_poll(per_candidate_total=2)
    a, b, _ = world.candidates
    with sequencing(app):
        until_loaded(world)
        voter = a_voter(world)
        assert [voter.vote(a).status_code for _ in range(2)] == [201, 201]
        refused = voter.vote(a)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "already_voted")
        assert "whole poll" not in refused.get_json()["detail"]
        assert "in this poll" in refused.get_json()["detail"]
        assert voter.client.get(f"/api/v1/polls/{world.id}/voter", headers=voter.headers).get_json()["full"] == [a]
        booth().client.flushall()
        until_loaded(world)
        assert voter.vote(a).get_json()["code"] == "already_voted"
        assert voter.vote(b).status_code == 201
    assert reconcile(booth(), world.id).difference == 0


@both_databases
def test_the_ledger_has_the_last_word_on_a_share_of_the_whole_poll(
    app: APIFlask, a_poll: PollMaker, a_voter: Come
) -> None:
    """The votes lie on two days, so that no key of a day refuses the second."""
    world = a_poll()
    hand = at_work(app)
    first = journal.Entry(
        "5-0", b"t" * 32, b"n" * 16, b"c" * 32, world.candidates[0], world.poll.opens_at.date(), 1, 1, 1
    )
    second = first._replace(
        journal_id="6-0", nonce=b"m" * 16, commitment=b"d" * 32, day=first.day + timedelta(days=1), ordinal=2, nth=1
    )
    third = second._replace(journal_id="7-0", commitment=b"e" * 32, nth=2)
    for entries, reached in (([first], 1), ([second], 1), ([third], 2)):
        with db.engine.begin() as connection:
            after = ledger.progress(connection, world.id).journal_id
            batch = ledger.record(
                connection, world.id, entries, after=after, fence=hand.fence or 0, now=world.poll.opens_at
            )
        assert batch.after == reached
    assert batch.fates == [(b"e" * 32, 1)]
    hand.release()


def test_the_later_nonces_follow_from_the_first() -> None:
    first = bytes(range(16))
    found = secrets.nonces_of(first, 50)
    assert found[0] == first
    assert len(set(found)) == 50
    assert secrets.nonces_of(first, 2) == found[:2]
    assert found[1] == hashlib.sha256(b"pick\0" + first + b"\2").digest()[:16]


def test_a_ballot_by_form_is_kept_when_it_is_refused_and_counted_when_it_fits(
    app: APIFlask, a_poll: PollMaker, a_voter: Come
) -> None:
    world = a_poll(count=4, min_picks=2, max_picks=3)
    a, _, c, d = world.candidates
    with sequencing(app):
        until_loaded(world)
        browser = a_voter(world).client
        address = f"/events/{world.event.slug}/polls/{world.poll.slug}/ballot"
        assert browser.get(address).get_data(as_text=True).count('type="checkbox"') == 4
        session().rollback()
        refused = browser.post(address, data={"candidate": [str(a)]})
        session().rollback()
        assert refused.status_code == 422
        assert refused.get_data(as_text=True).count(" checked") == 1
        assert browser.post(address, data={"candidate": [str(c), str(a), str(d)]}).status_code == 303
        session().rollback()
        assert browser.post(address, data={}).status_code == 422
        session().rollback()
    assert sorted(candidate for _, candidate in leaves(world)) == [a, c, d]


def test_all_receipts_of_a_ballot_stand_on_one_page(
    app: APIFlask, a_poll: PollMaker, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    world = a_poll(count=12, min_picks=1, max_picks=10)
    address = f"/events/{world.event.slug}/polls/{world.poll.slug}"
    with sequencing(app):
        until_loaded(world)
        browser = app.test_client()
        browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
        voter = weighing(world, browser, 4)
        alone = send(voter, world.candidates[:1]).get_json()["receipts"]
        given = send(voter, world.candidates[1:11]).get_json()["receipts"]
        session().rollback()

    # without the sequencer, whose own questions to SQL would be counted
    def page(of: list[dict[str, Any]]) -> TestResponse:
        found = browser.get(f"{address}/receipts", query_string={"id": [receipt["id"] for receipt in of]})
        session().rollback()
        return found

    page(given), page(alone)  # the candidates are remembered
    assert count_queries(lambda: page(alone)) == count_queries(lambda: page(given))
    text = page(given).get_data(as_text=True)
    assert text.count("Recorded</span>") == 10
    assert text.count("Counts 4 votes") == 10
    assert [int(n) for n in re.findall(r"Number (\d+) of the ledger", text)] == list(range(2, 12))
    assert page([*given, *alone]).status_code == 404
    assert page([given[0], given[0]]).status_code == 404
    assert page([]).status_code == 404
    single = browser.get(f"{address}/receipts/{given[0]['id']}").get_data(as_text=True)
    session().rollback()
    assert "Counts 4 votes" in single
    lost = {"id": given[0]["id"].partition(".")[0] + "." + "A" * 43}
    told = page([*given[1:], lost]).get_data(as_text=True)
    assert told.count("Recorded</span>") == 9
    assert told.count("Not counted</span>") == 1


def test_what_is_marked_stays_while_one_looks_for_more(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll(count=60, max_picks=5)
    at_work(app).release()
    browser, address = app.test_client(), f"/events/{world.event.slug}/polls/{world.poll.slug}/ballot"

    def boxes(response: TestResponse) -> tuple[list[int], list[int], str]:
        text = response.get_data(as_text=True)
        session().rollback()
        found = re.findall(r'name="candidate"\s+value="(\d+)"[^>]*?(checked)?>', text)
        more = re.search(r'name="go"\s+value="(\d{2,}|[1-9])"', text)
        return [int(n) for n, mark in found if mark], [int(n) for n, mark in found if not mark], more[1] if more else ""

    marked, first, go = boxes(browser.get(address))
    assert (marked, len(first)) == ([], 24)
    seen = set(first)
    chosen = [first[3], first[7]]
    while go:
        marked, others, go = boxes(browser.post(address, data={"candidate": chosen, "go": go}))
        assert marked == chosen
        assert not seen & set(others)
        seen |= set(others)
    assert seen == set(world.candidates)
    assert boxes(browser.get(address, query_string={"candidate": chosen}))[0] == chosen
    assert boxes(browser.post(address, data={"candidate": chosen, "go": "9" * 5000}))[0] == chosen
    assert boxes(browser.post(address, data={"candidate": ["x", "-1", str(2**60)], "go": "find", "q": "%"}))[0] == []
    assert session().scalar(sa.select(sa.func.count()).select_from(Vote)) == 0
    session().commit()
