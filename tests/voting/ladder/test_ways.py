"""Ways into a poll: each has its weight, voters of two never meet, and no holder can make or change a token."""

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import session
from concours.identity.models import Account, Role
from concours.voting import polls, voters
from concours.voting.booth import announce, booth
from concours.voting.ladder import ways
from concours.voting.ladder.ways import ACCOUNT, CODE, DEVICE, OIDC, PHONE, Way, in_words, only
from concours.voting.reconciliation import reconcile
from concours.voting.rules import Rules
from concours.voting.voters import Voter as Known
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, Voter, nonce

ClientAs = Callable[[Account], FlaskClient]
STAFF_AND_PUBLIC = {ACCOUNT: Way(3), DEVICE: Way(1)}


def ask(client: FlaskClient, poll: int, **given: Any) -> Any:
    """POST …/voters."""
    answer = (
        client.post(f"/api/v1/polls/{poll}/voters", json=given)
        if given
        else client.post(f"/api/v1/polls/{poll}/voters")
    )
    session().rollback()
    return answer


def test_staff_votes_count_three_and_everybody_elses_one(
    sequencer: Any, a_poll: PollMaker, make: Make, client_as: ClientAs, client: FlaskClient
) -> None:
    world = a_poll(ways=STAFF_AND_PUBLIC, per_day=5)
    staff = Voter(client_as(make.account()), world.id)
    public = Voter(client, world.id)
    first = world.candidates[0]
    assert staff.vote(first).get_json()["receipt"]["weight"] == 3
    assert public.vote(first).get_json()["receipt"]["weight"] == 1
    standings = {row["candidate"]: row["votes"] for row in client.get(f"/api/v1/polls/{world.id}/standings").get_json()}
    assert standings[first] == 4
    session().rollback()
    assert reconcile(booth(), world.id).difference == 0


def test_who_is_signed_in_votes_by_account_and_may_say_otherwise(
    a_poll: PollMaker, make: Make, client_as: ClientAs
) -> None:
    world = a_poll(ways=STAFF_AND_PUBLIC)
    browser = client_as(make.account())
    told = ask(browser, world.id).get_json()
    assert (told["way"], told["weight"]) == (ACCOUNT, 3)
    told = ask(browser, world.id, by="device").get_json()
    assert (told["way"], told["weight"], told["expires_at"]) == (DEVICE, 1, None)


def test_an_account_may_need_a_role_in_the_event(a_poll: PollMaker, make: Make, client_as: ClientAs) -> None:
    world = a_poll(ways={ACCOUNT: Way(1, roles=(Role.MEMBER.value,))})
    member = make.with_role(world.event, Role.MEMBER)
    elsewhere = make.with_role(make.event(), Role.MEMBER)
    session().commit()
    assert ask(client_as(member), world.id).status_code == 201
    refused = ask(client_as(elsewhere), world.id)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "not_among_voters")
    page = client_as(elsewhere).get(f"/events/{world.event.slug}/polls/{world.poll.slug}").text
    assert 'data-vote-way=""' in page


def test_an_account_may_need_a_department_and_units_below_count(
    a_poll: PollMaker, make: Make, client_as: ClientAs
) -> None:
    above = make.department()
    below = make.department(parent_id=above.id)
    world = a_poll(ways={ACCOUNT: Way(1, departments=(above.id,))})
    assert ask(client_as(make.account(department_id=below.id)), world.id).status_code == 201
    assert ask(client_as(make.account(department_id=make.department().id)), world.id).status_code == 403
    assert ask(client_as(make.account()), world.id).status_code == 403


def test_ids_of_different_ways_never_meet(a_poll: PollMaker) -> None:
    world = a_poll(ways={kind: Way() for kind in ways.KINDS})
    facts = booth().facts(world.id)
    same = b"13800138000"
    known = {
        voters.device_voter(facts, same).id,
        voters.code_voter(facts, same, 1).id,
        voters.phone_voter(facts, same.decode()).id,
        voters.person_voter(facts, same).id,
        voters.account_voter(facts, int(same)).id,
    }
    assert len(known) == 5


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_a_token_cannot_be_changed(part: int, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(ways=STAFF_AND_PUBLIC)
    voter = Voter(client, world.id)
    parts = voter.token.split(".")
    parts[part] = {0: str(world.id + 1), 1: "4102444800", 2: base64.urlsafe_b64encode(b"x" * 16).decode()[:22], 3: "3"}[
        part
    ]
    voter.token = ".".join(parts)
    refused = voter.vote(world.candidates[0])
    assert (refused.status_code, refused.get_json()["code"]) == (401, "voter_required")


def test_a_token_of_another_poll_or_another_key_is_none(app: APIFlask, a_poll: PollMaker, client: FlaskClient) -> None:
    world, other = a_poll(), a_poll()
    voter = Voter(client, world.id)
    voter.poll_id = other.id
    assert voter.vote(other.candidates[0]).status_code == 401
    facts = booth().facts(other.id)
    forged = voters.VoterKeys.of("another-secret-key-another-secret-key")
    voter.token = voters.token_of(facts, Known(b"x" * 16, 1000), forged, int(time.time()))
    assert voter.vote(other.candidates[0]).status_code == 401


def test_a_poll_without_a_way_for_the_visitor_says_so(a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(ways={CODE: Way(), PHONE: Way()})
    refused = ask(client, world.id)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "way_required")
    here = f"/events/{world.event.slug}/polls/{world.poll.slug}"
    page = client.get(here, headers={"Accept-Language": "en"}).text
    assert f'data-vote-first-step="{here}/enter"' in page
    assert "Enter a code" in page
    answer = client.post(f"{here}/candidates/{world.candidates[0]}/vote", data={"nonce": nonce()})
    assert (answer.status_code, answer.location) == (303, f"{here}/enter")


def test_the_cookie_of_a_way_is_worth_nothing_when_the_way_is_closed(a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(ways=only(DEVICE))
    facts = booth().facts(world.id)
    token = voters.token_of(facts, Known(b"x" * 16, 1000), booth().voter_keys, int(time.time()), CODE)
    client.set_cookie(f"concours_way_{world.id}", f"code.{token}")
    assert ask(client, world.id).get_json()["way"] == DEVICE


@pytest.mark.parametrize(
    "body",
    [b"[]", b"null", b'{"by": "god"}', b'{"code": 7}', b'{"codes": ""}', b"{", b'{"phone": "' + b"1" * 300 + b'"}'],
)
def test_strange_bodies_are_refused_in_words(body: bytes, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll()
    answer = client.post(f"/api/v1/polls/{world.id}/voters", data=body, content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")


def test_a_body_that_a_foreign_form_could_send_is_refused(a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll()
    answer = client.post(f"/api/v1/polls/{world.id}/voters", data=b'{"by": "device"}', content_type="text/plain")
    assert answer.status_code == 422
    assert not answer.headers.getlist("Set-Cookie")


def test_ways_and_weights_are_said_in_words() -> None:
    said = [str(sentence) for sentence in in_words(STAFF_AND_PUBLIC, ways.ALWAYS)]
    assert said[0] == "Please use one of these ways, the first that fits you."
    assert said[1] == "You vote with your account. Each vote counts 3."
    assert said[2].endswith("this browser is remembered as one voter. Each vote counts 1.")
    assert "small puzzle" in said[-1]
    assert len(in_words({kind: Way() for kind in (CODE, PHONE, OIDC)})) == 4


def change_ways(world: PollWorld, made: dict[str, Way], make: Make) -> None:
    """What an organiser changes before the first vote."""
    draft = polls.Draft(
        world.poll.title, "", made, world.poll.opens_at, world.poll.closes_at, Rules.read(world.poll.rules)
    )
    polls.edit(world.poll, draft, version=world.poll.version, actor=make.account(), now=make.now)
    session().commit()
    announce(world.id)


def test_tokens_from_before_a_change_of_who_votes_are_good_no_longer(
    sequencer: Any, a_poll: PollMaker, make: Make, client: FlaskClient, client_as: ClientAs
) -> None:
    """Browsers that came while everybody could vote, and accounts whose votes counted five, vote no more like that."""
    world = a_poll(ways={ACCOUNT: Way(5), DEVICE: Way()})
    anybody, heavy = Voter(client, world.id), Voter(client_as(make.account()), world.id)
    change_ways(world, only(ACCOUNT), make)
    for voter in (anybody, heavy):
        answer = voter.vote(world.candidates[0])
        assert (answer.status_code, answer.get_json()["code"]) == (401, "voter_required")
    heavy = Voter(heavy.client, world.id)  # as the page does by itself
    answer = heavy.vote(world.candidates[0])
    assert (answer.status_code, answer.get_json()["receipt"]["weight"]) == (201, 1)


def test_a_process_that_has_not_heard_of_the_change_asks_before_it_takes_or_refuses_a_token(
    sequencer: Any, a_poll: PollMaker, make: Make, client: FlaskClient, client_as: ClientAs
) -> None:
    world = a_poll(ways={ACCOUNT: Way(), DEVICE: Way()})
    number, anybody, known = world.id, Voter(client, world.id), booth().facts(world.id)
    change_ways(world, only(ACCOUNT), make)
    account = Voter(client_as(make.account()), world.id)
    session().commit()
    booth()._facts[number] = known  # another process, as it was
    booth()._asked.clear()
    assert anybody.vote(world.candidates[0]).get_json()["code"] == "voter_required"
    session().commit()
    booth()._facts[number] = known
    booth()._asked.clear()
    assert account.vote(world.candidates[0]).status_code == 201
