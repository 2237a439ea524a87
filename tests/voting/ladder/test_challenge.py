"""The proof of work: signed, bound to its poll, for one voter, for ten minutes; asked of newcomers alone."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import altcha
import pytest
import time_machine
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import session
from concours.identity.models import Account, Role
from concours.voting import keys, secrets, voters
from concours.voting.booth import announce, booth
from concours.voting.ladder import challenge
from concours.voting.ladder.ways import ACCOUNT, ALWAYS, DEVICE, ON_EVIDENCE, PHONE, Way, only
from concours.voting.models import Poll
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, Voter

ClientAs = Callable[[Account], FlaskClient]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same puzzle with fewer iterations of each try."""
    monkeypatch.setattr(challenge, "COST", 10)


def fetch(client: FlaskClient, world: PollWorld) -> dict[str, Any]:
    """A fresh challenge."""
    found: dict[str, Any] = client.get(f"/api/v1/polls/{world.id}/challenge").get_json()
    session().rollback()
    return found


def solved(given: dict[str, Any]) -> str:
    """Its solution, found by trying, as a browser does."""
    made = altcha.Challenge.from_dict(given)
    solution = altcha.solve_challenge(made)
    assert solution is not None
    return str(altcha.Payload(made, solution).to_base64())


def come(client: FlaskClient, world: PollWorld, **given: Any) -> Any:
    """POST …/voters."""
    answer = client.post(f"/api/v1/polls/{world.id}/voters", json=given)
    session().rollback()
    return answer


def test_a_newcomer_solves_once_and_is_known_then(
    sequencer: Any, app: APIFlask, a_poll: PollMaker, client: FlaskClient
) -> None:
    world = a_poll(challenge=ALWAYS)
    refused = come(client, world)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "challenge_required")
    assert come(client, world, challenge=solved(fetch(client, world))).status_code == 201
    assert come(client, world).status_code == 201  # the same browser is not asked again
    voter = Voter(client, world.id)
    assert voter.vote(world.candidates[0]).status_code == 201
    here = booth().client
    assert sum(int(count) for count in here.hvals(keys.solving(world.id))) == 1
    facts = booth().facts(world.id)
    known = voters.voter_of(voter.token, booth().facts(world.id), booth().voter_keys, 0)
    tag = secrets.tag_of(facts.key, world.id, known.id)
    assert 0 <= int(here.hget(keys.voter(world.id, tag), "pw") or -1) < 60_000


def test_a_device_made_in_another_poll_is_a_newcomer_here(a_poll: PollMaker, client: FlaskClient) -> None:
    free, guarded = a_poll(), a_poll(challenge=ALWAYS)
    assert come(client, free).status_code == 201
    assert come(client, guarded).get_json()["code"] == "challenge_required"


def test_a_stock_of_browsers_from_another_poll_passes_by_no_limit(a_poll: PollMaker, app: APIFlask) -> None:
    """Browsers can be made in any poll, slowly; in this one each of them is as new as any other."""
    free, guarded = a_poll(), a_poll(new_devices_per_minute=2)
    stock = [app.test_client() for _ in range(5)]
    assert [come(browser, free).status_code for browser in stock] == [201] * 5
    assert [come(browser, guarded).status_code for browser in stock] == [201, 201, 429, 429, 429]


def test_tokens_that_were_laid_in_before_everybody_is_asked_are_good_no_longer(
    sequencer: Any, a_poll: PollMaker, make: Make, client_as: ClientAs, app: APIFlask
) -> None:
    world = a_poll(challenge=ON_EVIDENCE)
    number, first = world.id, world.candidates[0]
    laid_in, voted = Voter(app.test_client(), number), Voter(app.test_client(), number)
    assert voted.vote(first).status_code == 201
    organiser = client_as(make.with_role(world.event, Role.ORGANISER))
    session().commit()
    address = f"/events/{world.event.slug}/voting/{number}/challenge"
    assert organiser.post(address, data={"asked": "1"}).status_code == 303
    session().commit()
    for voter in (laid_in, voted):
        assert voter.vote(first).get_json()["code"] == "voter_required"
    assert come(laid_in.client, world).get_json()["code"] == "challenge_required"
    again = Voter(voted.client, number)  # as the page does by itself: who has voted is asked nothing
    assert again.vote(world.candidates[1]).status_code == 201


def test_a_solution_serves_one_voter_also_when_many_try_at_once(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll(challenge=ALWAYS)
    payload = solved(fetch(app.test_client(), world))
    session().commit()

    def try_it(_: int) -> int:
        with app.app_context():
            body = {"challenge": payload}
            return int(app.test_client().post(f"/api/v1/polls/{world.id}/voters", json=body).status_code)

    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(try_it, range(24)))
    assert sorted(answers) == [201] + [403] * 23


def test_a_solution_for_another_poll_is_none(a_poll: PollMaker, client: FlaskClient) -> None:
    world, other = a_poll(challenge=ALWAYS), a_poll(challenge=ALWAYS)
    assert come(client, world, challenge=solved(fetch(client, other))).get_json()["code"] == "challenge_failed"


def test_a_solution_expires(a_poll: PollMaker, client: FlaskClient, app: APIFlask) -> None:
    world = a_poll(challenge=ALWAYS)
    payload = solved(fetch(client, world))
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=challenge.LIFE_S + 1)):
        assert come(client, world, challenge=payload).get_json()["code"] == "challenge_failed"
    assert come(client, world, challenge=payload).status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p["challenge"]["parameters"].update(cost=1),
        lambda p: p["challenge"]["parameters"].update(expiresAt=4_102_444_800),
        lambda p: p["challenge"]["parameters"]["data"].update(made=0),
        lambda p: p["challenge"]["parameters"].update(nonce="00" * 16),
        lambda p: p["challenge"].update(signature="00" * 32),
        lambda p: p["challenge"].pop("signature"),
        lambda p: p["solution"].update(derivedKey="00" * 32),
        lambda p: p["solution"].update(derivedKey=7),
        lambda p: p.update(solution=None),
        lambda p: p.update(challenge=[]),
    ],
)
def test_what_was_changed_or_not_solved_is_refused(
    change: Callable[[dict[str, Any]], Any], a_poll: PollMaker, client: FlaskClient
) -> None:
    world = a_poll(challenge=ALWAYS)
    payload = json.loads(base64.b64decode(solved(fetch(client, world))))
    change(payload)
    refused = come(client, world, challenge=base64.b64encode(json.dumps(payload).encode()).decode())
    assert (refused.status_code, refused.get_json()["code"]) == (403, "challenge_failed")


@pytest.mark.parametrize(
    "text", ["x", "====", base64.b64encode(b"[]").decode(), base64.b64encode(b"[" * 2000).decode()]
)
def test_rubbish_is_refused(text: str, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(challenge=ALWAYS)
    assert come(client, world, challenge=text).get_json()["code"] == "challenge_failed"


def test_on_evidence_a_department_passes_and_a_farm_is_asked(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll(challenge=ON_EVIDENCE)
    asked = []
    for number in range(voters.CHALLENGE_FROM + 5):
        browser = app.test_client()
        browser.environ_base["REMOTE_ADDR"] = "198.51.100.7"
        asked.append(come(browser, world).status_code == 403)
        if number == voters.CHALLENGE_FROM // 2:
            elsewhere = app.test_client()
            elsewhere.environ_base["REMOTE_ADDR"] = "203.0.113.9"
            assert come(elsewhere, world).status_code == 201
    assert asked == [False] * voters.CHALLENGE_FROM + [True] * 5
    late = app.test_client()
    late.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    assert come(late, world, challenge=solved(fetch(late, world))).status_code == 201


def test_near_the_limit_of_attempts_newcomers_are_asked(
    sequencer: Any, app: APIFlask, a_poll: PollMaker, client: FlaskClient
) -> None:
    world = a_poll(challenge=ON_EVIDENCE, network_per_minute=10)
    voter = Voter(client, world.id)
    for number in range(8):
        voter.vote(world.candidates[number % 3])
    assert come(app.test_client(), world).get_json()["code"] == "challenge_required"


def test_the_organiser_has_everybody_asked(a_poll: PollMaker, make: Make, client_as: ClientAs, app: APIFlask) -> None:
    world = a_poll(challenge=ON_EVIDENCE)
    organiser = client_as(make.with_role(world.event, Role.ORGANISER))
    session().commit()
    assert come(app.test_client(), world).status_code == 201
    url = f"/events/{world.event.slug}/voting/{world.id}/challenge"
    assert organiser.post(url, data={"asked": "1"}).status_code == 303
    assert come(app.test_client(), world).get_json()["code"] == "challenge_required"
    assert organiser.post(url, data={"asked": "0"}).status_code == 303
    assert come(app.test_client(), world).status_code == 201
    session().rollback()
    other = a_poll(event=world.event)
    assert (
        organiser.post(f"/events/{world.event.slug}/voting/{other.id}/challenge", data={"asked": "1"}).status_code
        == 409
    )
    assert session().get_one(Poll, other.id).challenge_now is False


def test_who_proved_more_is_not_asked(a_poll: PollMaker, make: Make, client_as: ClientAs) -> None:
    world = a_poll(ways={ACCOUNT: Way(), DEVICE: Way()}, challenge=ALWAYS)
    assert come(client_as(make.account()), world).status_code == 201


def test_no_message_is_sent_without_a_solution_where_all_solve(a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(ways=only(PHONE), challenge=ALWAYS)
    url = f"/api/v1/polls/{world.id}/phone"
    assert client.post(url, json={"phone": "13800138000"}).get_json()["code"] == "challenge_required"
    session().rollback()
    payload = solved(fetch(client, world))
    assert client.post(url, json={"phone": "13800138000", "challenge": payload}).status_code == 202
    assert (
        client.post(url, json={"phone": "13800138001", "challenge": payload}).get_json()["code"] == "challenge_failed"
    )


def test_after_a_lost_redis_a_known_voter_solves_again_and_keeps_the_votes(
    sequencer: Any, a_poll: PollMaker, client: FlaskClient
) -> None:
    world = a_poll(challenge=ALWAYS, per_candidate_day=1)
    assert come(client, world, challenge=solved(fetch(client, world))).status_code == 201
    voter = Voter(client, world.id)
    assert voter.vote(world.candidates[0]).status_code == 201
    booth().client.delete(keys.solving(world.id))
    announce(world.id)
    assert voter.vote(world.candidates[0]).status_code == 409
