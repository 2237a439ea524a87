"""A vote on its way: counted once, or refused with its reason, in the order of the rules."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from concours.base.db import session, set_reading
from concours.entries import register
from concours.entries.models import EntryStatus
from concours.identity.models import Account
from concours.voting import candidates, polls, tally
from concours.voting.booth import announce, booth
from concours.voting.models import Candidate
from concours.voting.reconciliation import reconcile
from tests.conftest import both_databases
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, Voter, nonce

pytestmark = pytest.mark.usefixtures("sequencer")
Come = Callable[[PollWorld], Voter]


def code(answer: TestResponse) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert answer.mimetype == "application/problem+json", answer.get_data(as_text=True)
    return answer.status_code, answer.get_json()["code"]


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
    assert answer.headers["Location"].endswith(f"/receipts/{found['receipt']['id']}")
    standings = voter.client.get(f"/api/v1/polls/{world.id}/standings")
    assert {"candidate": world.candidates[0], "votes": 1} in standings.get_json()
    assert standings.headers["Concours-Ledger-Size"] == "1"


@both_databases
def test_leaves_have_no_gaps_and_everything_agrees(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll()
    leaves = []
    for _ in range(3):
        voter = a_voter(world)
        leaves += [voter.vote(candidate).get_json()["receipt"]["leaf"] for candidate in world.candidates]
    assert leaves == list(range(9))
    found = reconcile(booth(), world.id)
    assert found.difference == 0
    assert [(line.receipts, line.ledger, line.tally, line.redis) for line in found.lines] == [(3, 3, 3, 3)] * 3


def test_the_same_nonce_gets_the_same_answer(a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_day=2, per_candidate_day=1)
    voter, mine = a_voter(world), nonce()
    first = voter.vote(world.candidates[0], mine)
    again = voter.vote(world.candidates[0], mine)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_json()["receipt"] == first.get_json()["receipt"]
    assert reconcile(booth(), world.id).leaves == 1


def test_a_nonce_is_for_one_candidate(a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll()
    voter, mine = a_voter(world), nonce()
    voter.vote(world.candidates[0], mine)
    assert code(voter.vote(world.candidates[1], mine)) == (409, "nonce_reused")


def test_two_voters_with_one_nonce_are_two_votes(a_poll: PollMaker, a_voter: Come) -> None:
    world, mine = a_poll(per_candidate_day=1), nonce()
    receipts = [a_voter(world).vote(world.candidates[0], mine).get_json()["receipt"] for _ in range(2)]
    assert receipts[0]["id"] != receipts[1]["id"]
    assert [receipt["leaf"] for receipt in receipts] == [0, 1]


def test_the_same_candidate_twice_a_day_is_refused(a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_day=5, per_candidate_day=1)
    voter = a_voter(world)
    assert voter.vote(world.candidates[0]).status_code == 201
    assert code(voter.vote(world.candidates[0])) == (409, "already_voted")
    assert voter.vote(world.candidates[1]).status_code == 201


def test_so_often_may_be_more_than_once(a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_day=5, per_candidate_day=2)
    voter = a_voter(world)
    given = [voter.vote(world.candidates[0]).status_code for _ in range(3)]
    assert given == [201, 201, 409]


def test_the_days_votes_run_out_and_say_when_there_are_new_ones(a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_day=2, per_candidate_day=1)
    voter = a_voter(world)
    assert [voter.vote(c).get_json()["left"]["today"] for c in world.candidates[:2]] == [1, 0]
    refused = voter.vote(world.candidates[2])
    assert code(refused) == (429, "quota_used")
    assert 0 < int(refused.headers["Retry-After"]) <= 25 * 3600
    assert "today" in refused.get_json()["detail"]


def test_the_votes_of_the_poll_run_out(a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(total=1)
    voter = a_voter(world)
    assert voter.vote(world.candidates[0]).get_json()["left"] == {"today": None, "total": 0}
    refused = voter.vote(world.candidates[1])
    assert code(refused) == (429, "quota_used")
    assert "poll" in refused.get_json()["detail"]


def test_a_network_is_slowed_down_and_loses_no_vote(a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(network_per_minute=2, per_day=5)
    voters = [a_voter(world) for _ in range(3)]
    assert [voter.vote(world.candidates[0]).status_code for voter in voters[:2]] == [201, 201]
    refused = voters[2].vote(world.candidates[0])
    assert code(refused) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 121
    elsewhere = voters[2].vote(world.candidates[0], environ_overrides={"REMOTE_ADDR": "203.0.113.7"})
    assert elsewhere.status_code == 201
    assert elsewhere.get_json()["left"]["today"] == 4


def test_a_voter_is_slowed_down(a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(voter_per_minute=2)
    voter = a_voter(world)
    assert [voter.vote(c).status_code for c in world.candidates[:2]] == [201, 201]
    assert code(voter.vote(world.candidates[2])) == (429, "rate_limited")
    assert a_voter(world).vote(world.candidates[2]).status_code == 201


def test_who_does_not_stand_gets_no_votes(app: APIFlask, a_poll: PollMaker, a_voter: Come, now: datetime) -> None:
    world = a_poll()
    voter = a_voter(world)
    assert code(voter.vote(10**9)) == (403, "not_eligible")
    assert voter.vote(world.candidates[0]).status_code == 201
    candidates.withdraw(world.poll, world.candidates[0], actor=a_poll.make.account(), now=now)
    session().commit()
    announce(world.id)
    assert code(voter.vote(world.candidates[0])) == (403, "not_eligible")
    assert voter.vote(world.candidates[1]).status_code == 201
    assert reconcile(booth(), world.id).leaves == 2


def test_a_poll_of_another_number_knows_none_of_them(a_poll: PollMaker, a_voter: Come) -> None:
    world, other = a_poll(), a_poll()
    voter = a_voter(world)
    assert code(voter.vote(other.candidates[0])) == (403, "not_eligible")
    voter.poll_id = other.id  # with the token of the first poll
    assert code(voter.vote(other.candidates[0])) == (401, "voter_required")


def test_before_and_after_nothing_is_taken(a_poll: PollMaker, a_voter: Come, now: datetime) -> None:
    early = a_poll(opens_at=now + timedelta(hours=1))
    refused = a_voter(early).vote(early.candidates[0])
    assert code(refused) == (403, "poll_not_open")
    assert early.poll.zone in refused.get_json()["detail"]
    late = a_poll(opens_at=now - timedelta(hours=2), closes_at=now - timedelta(hours=1))
    assert code(a_voter(late).vote(late.candidates[0])) == (403, "poll_closed")


def test_every_rule_is_asked_in_its_order(a_poll: PollMaker, a_voter: Come, now: datetime) -> None:
    world = a_poll(per_day=3, per_candidate_day=1, total=4, network_per_minute=4, voter_per_minute=2)
    voter, mine = a_voter(world), nonce()
    assert voter.vote(world.candidates[0], mine).status_code == 201
    assert voter.vote(world.candidates[1]).status_code == 201
    for _ in range(9):  # refused anyway: nothing of anybody's minute is used up
        assert code(voter.vote(world.candidates[0])) == (409, "already_voted")  # the candidate before the speed
    assert "fast" in voter.vote(world.candidates[2]).get_json()["detail"]  # of the voter; the network's third
    assert a_voter(world).vote(world.candidates[0]).status_code == 201
    for _ in range(2):
        assert code(a_voter(world).vote(world.candidates[0])) == (429, "rate_limited")  # the network's four are used
    assert "network" in voter.vote(world.candidates[2]).get_json()["detail"]  # the network before the voter
    assert code(voter.vote(10**9)) == (403, "not_eligible")  # the candidate before the network
    edit_times(world, now, closes_at=now - timedelta(seconds=1))
    assert code(voter.vote(10**9)) == (403, "poll_closed")  # the clock before the candidate
    assert voter.vote(world.candidates[0], mine).status_code == 201  # the first answer before everything
    refused = reconcile(booth(), world.id).refused
    assert refused == {
        "already_voted": 9,
        "rate_limited:voter": 1,
        "rate_limited:network": 3,
        "not_eligible": 1,
        "poll_closed": 1,
    }


def edit_times(world: PollWorld, now: datetime, *, closes_at: datetime) -> None:
    """Moves the poll's window."""
    world.poll.opens_at, world.poll.closes_at = closes_at - timedelta(days=1), closes_at
    polls.changed(world.poll, now=now)
    session().commit()
    announce(world.id)


def test_new_rules_hold_from_the_next_vote_on(a_poll: PollMaker, a_voter: Come, now: datetime) -> None:
    world = a_poll(per_day=1)
    voter = a_voter(world)
    assert [voter.vote(c).status_code for c in world.candidates[:2]] == [201, 429]
    world.poll.rules = {**world.poll.rules, "per_day": 2}
    polls.changed(world.poll, now=now)
    session().commit()
    announce(world.id)
    assert [voter.vote(c).status_code for c in world.candidates[1:]] == [201, 429]


def test_an_account_votes_once_from_wherever_it_signs_in(
    a_poll: PollMaker, make: Make, client: FlaskClient, client_as: Callable[[Account], FlaskClient]
) -> None:
    world = a_poll(who="account", per_candidate_day=1)
    anonymous = client.post(f"/api/v1/polls/{world.id}/voters")
    assert code(anonymous) == (401, "sign_in_required")
    account = make.account()
    phone, desk = (Voter(client_as(account), world.id) for _ in range(2))
    assert phone.vote(world.candidates[0]).status_code == 201
    assert code(desk.vote(world.candidates[0])) == (409, "already_voted")
    assert Voter(client_as(make.account()), world.id).vote(world.candidates[0]).status_code == 201


def test_an_account_that_is_put_to_rest_votes_for_an_hour_at_most(
    a_poll: PollMaker, make: Make, client_as: Callable[[Account], FlaskClient], now: datetime
) -> None:
    world = a_poll(who="account")
    account = make.account()
    voter = Voter(client_as(account), world.id)
    told = client_as(account).post(f"/api/v1/polls/{world.id}/voters").get_json()["expires_at"]
    assert timedelta(minutes=55) < datetime.fromisoformat(told) - now < timedelta(minutes=65)
    session().refresh(account)
    account.is_active = False
    session().commit()
    refused = voter.client.post(f"/api/v1/polls/{world.id}/voters")
    assert code(refused) == (401, "sign_in_required")  # no other token after that one


def test_a_work_that_is_no_longer_accepted_takes_no_votes(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(kind="works")
    entry = session().get_one(Candidate, world.candidates[0]).entry
    assert entry is not None
    voter = a_voter(world)
    assert voter.vote(world.candidates[0]).status_code == 201
    for status, expected in ((EntryStatus.RETURNED, 403), (EntryStatus.ACCEPTED, 201), (EntryStatus.WITHDRAWN, 403)):
        set_reading(False)
        register.move(entry, status)
        session().commit()
        version = world.poll.version
        until = time.monotonic() + 5
        while (tally.loaded(booth().client, [world.id])[world.id].version or 0) < version:
            assert time.monotonic() < until, "the sequencer saw nothing of it"
            time.sleep(0.01)
        assert voter.vote(world.candidates[0]).status_code == expected, status
    assert voter.vote(world.candidates[1]).status_code == 201


def test_clearing_the_storage_makes_no_new_voter(a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_candidate_day=1)
    voter = a_voter(world)
    assert voter.vote(world.candidates[0]).status_code == 201
    back = Voter(voter.client, world.id)  # the same cookie, a token of its own
    assert code(back.vote(world.candidates[0])) == (409, "already_voted")


def test_a_network_cannot_bring_any_number_of_new_devices(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(new_devices_per_minute=2)
    known = a_voter(world)
    a_voter(world)
    refused = app.test_client().post(f"/api/v1/polls/{world.id}/voters")
    assert code(refused) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) >= 1
    assert Voter(known.client, world.id).token  # who was here before comes in
    elsewhere = app.test_client().post(
        f"/api/v1/polls/{world.id}/voters", environ_overrides={"REMOTE_ADDR": "2001:db8::1"}
    )
    assert elsewhere.status_code == 201


@pytest.mark.parametrize(
    "token", ["", "x", "1.0.AAAA.BBBB", "é" * 30, "." * 300, "1.0.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA"]
)
def test_a_made_up_token_is_no_voter(token: str, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll()
    answer = client.post(
        f"/api/v1/polls/{world.id}/votes",
        json={"candidate": world.candidates[0], "nonce": nonce()},
        headers={"Authorization": f"Voter {token}"},
    )
    assert code(answer) == (401, "voter_required")


BAD_BODIES = [
    b"",
    b"[]",
    b"nonsense",
    b"[" * 2_000,
    b'{"candidate": 1}',
    b'{"candidate": "1", "nonce": "00000000000000000000000000000000"}',
    b'{"candidate": true, "nonce": "00000000000000000000000000000000"}',
    b'{"candidate": 1e400, "nonce": "00000000000000000000000000000000"}',
    b'{"candidate": 99999999999999999999, "nonce": "00000000000000000000000000000000"}',
    b'{"candidate": -1, "nonce": "00000000000000000000000000000000"}',
    b'{"candidate": 1, "nonce": "0000000000000000000000000000000"}',
    b'{"candidate": 1, "nonce": "00 00 00 00 00 00 00 00 00 00 00"}',
    b'{"candidate": 1, "nonce": "\xed\xa0\x80"}',
    '{"candidate": 1, "nonce": "００００００００００００００００００００００００００００００００"}'.encode(),
    b'{"candidate": 1, "nonce": {"a": 1}}',
    b"\xff\xfe\x00",
]


@pytest.mark.parametrize("body", BAD_BODIES)
def test_bad_input_is_answered_in_words(body: bytes, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll()
    voter = a_voter(world)
    answer = voter.client.post(
        f"/api/v1/polls/{world.id}/votes", data=body, headers=voter.headers, content_type="application/json"
    )
    assert answer.status_code == 422, answer.get_data(as_text=True)
    assert answer.get_json()["code"] == "invalid"


def test_too_much_is_refused(a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll()
    voter = a_voter(world)
    answer = voter.client.post(f"/api/v1/polls/{world.id}/votes", data=b"x" * 10_000, headers=voter.headers)
    assert code(answer) == (413, "too_large")


def test_refusals_speak_the_readers_language(a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_candidate_day=1)
    voter = a_voter(world)
    voter.vote(world.candidates[0])
    refused = voter.client.post(
        f"/api/v1/polls/{world.id}/votes",
        json={"candidate": world.candidates[0], "nonce": nonce()},
        headers={**voter.headers, "Accept-Language": "zh-CN"},
    )
    assert refused.get_json()["detail"] == "您今天已投过这个候选，那一票已计入。"


def test_the_view_behind_the_front_does_the_same(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_candidate_day=1)
    front = app.wsgi_app
    app.wsgi_app = front.inner  # type: ignore[method-assign,attr-defined]
    voter = a_voter(world)
    mine = nonce()
    first = voter.vote(world.candidates[0], mine)
    assert first.status_code == 201
    assert "Content-Security-Policy" in first.headers  # it went through Flask
    assert code(voter.vote(world.candidates[0])) == (409, "already_voted")
    app.wsgi_app = front  # type: ignore[method-assign]
    again = voter.vote(world.candidates[0], mine)
    assert again.get_json()["receipt"] == first.get_json()["receipt"]
    assert "Content-Security-Policy" not in again.headers


def test_an_unpublished_poll_is_none(app: APIFlask, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(publish=False)
    for path in ("", "/standings", "/voters", "/votes"):
        ask = client.post if path in {"/voters", "/votes"} else client.get
        answer = ask(
            f"/api/v1/polls/{world.id}{path}",
            **({"json": {"candidate": 1, "nonce": nonce()}} if path == "/votes" else {}),
        )
        assert code(answer) == (404, "not_found"), path


def test_a_poll_taken_back_takes_no_votes(app: APIFlask, a_poll: PollMaker, a_voter: Come, now: datetime) -> None:
    world = a_poll()
    voter = a_voter(world)
    polls.unpublish(world.poll, actor=a_poll.make.account(), now=now)
    session().commit()
    until = time.monotonic() + 60
    while (answer := voter.vote(world.candidates[0])).status_code != 404:
        assert time.monotonic() < until, answer.get_data(as_text=True)
        time.sleep(0.05)
    assert reconcile(booth(), world.id).waiting == 0
