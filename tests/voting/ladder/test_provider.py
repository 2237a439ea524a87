"""Signing in with an identity provider: a real one on loopback, and each thing that must not be believed."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey

from concours.base.db import db, session
from concours.voting import voters
from concours.voting.booth import booth
from concours.voting.ladder import provider as providers
from concours.voting.ladder.provider import Provider
from concours.voting.ladder.ways import DEVICE, OIDC, Way, only
from tests.voting.build import PollMaker, PollWorld
from tests.voting.ladder.identity_provider import CLIENT, SECRET, IdentityProvider, back

LOOPBACK = ("127.0.0.0/8",)


@pytest.fixture
def idp(app: APIFlask) -> Iterator[IdentityProvider]:
    """A provider at work, and the platform set to it."""
    made = IdentityProvider()
    app.extensions["concours_provider"] = Provider(made.issuer, CLIENT, SECRET, "机关统一认证", LOOPBACK)
    yield made
    made.close()


def begin(client: FlaskClient, world: PollWorld) -> str:
    """Where the browser is sent to sign in."""
    answer = client.get(f"/events/{world.event.slug}/polls/{world.poll.slug}/sign-in")
    session().rollback()
    assert answer.status_code == 303
    return str(answer.location)


def come(client: FlaskClient, world: PollWorld) -> dict[str, Any]:
    """The voter this browser is."""
    answer = client.post(f"/api/v1/polls/{world.id}/voters")
    session().rollback()
    found: dict[str, Any] = answer.get_json()
    return found


def sign_in(client: FlaskClient, world: PollWorld, idp: IdentityProvider) -> dict[str, Any]:
    """The whole way there and back."""
    client.get(back(idp.sign_in(begin(client, world))))
    session().rollback()
    return come(client, world)


def test_one_person_is_one_voter_on_every_device(a_poll: PollMaker, app: APIFlask, idp: IdentityProvider) -> None:
    world = a_poll(ways={OIDC: Way(2), DEVICE: Way(1)})
    told = [sign_in(app.test_client(), world, idp) for _ in range(2)]
    idp.person = "li-na"
    told.append(sign_in(app.test_client(), world, idp))
    ids = [each["voter"].split(".")[2] for each in told]
    assert ids[0] == ids[1] != ids[2]
    assert {(each["way"], each["weight"]) for each in told} == {(OIDC, 2)}
    facts = booth().facts(world.id)
    subject = f"{idp.issuer}\0li-na".encode()
    known = voters.voter_of(told[2]["voter"], booth().facts(world.id), booth().voter_keys, time.time())
    assert known == voters.person_voter(facts, subject)


def test_the_gallery_offers_the_sign_in_by_its_name(
    a_poll: PollMaker, client: FlaskClient, idp: IdentityProvider
) -> None:
    world = a_poll(ways={OIDC: Way(2), DEVICE: Way(1)})
    page = client.get(f"/events/{world.event.slug}/polls/{world.poll.slug}").text
    assert "机关统一认证" in page
    sign_in(client, world, idp)
    assert "You vote as who you signed in." in client.get(f"/events/{world.event.slug}/polls/{world.poll.slug}").text


def test_nothing_of_the_person_is_kept(a_poll: PollMaker, client: FlaskClient, idp: IdentityProvider) -> None:
    world = a_poll(ways=only(OIDC))
    assert sign_in(client, world, idp)["way"] == OIDC
    held = ""
    with db.engine.connect() as connection:
        for table in db.metadata.tables.values():
            held += "".join(repr(tuple(row)) for row in connection.execute(table.select()))
    here = booth().client
    held += "".join(repr(name) + repr(here.dump(name)) for name in here.scan_iter())
    assert idp.person not in held


@pytest.mark.parametrize(
    "lie",
    [
        lambda claims: claims.update(iss="https://elsewhere.example"),
        lambda claims: claims.update(aud="another"),
        lambda claims: claims.update(aud=["concours", "another"]),
        lambda claims: claims.update(azp="another"),
        lambda claims: claims.update(exp=int(time.time()) - 120),
        lambda claims: claims.update(nonce="another"),
        lambda claims: claims.pop("nonce"),
        lambda claims: claims.pop("exp"),
        lambda claims: claims.update(sub=""),
        lambda claims: claims.update(sub=["zhang-wei"]),
    ],
)
def test_a_token_that_says_the_wrong_thing_is_refused(
    lie: Callable[[dict[str, Any]], None], a_poll: PollMaker, client: FlaskClient, idp: IdentityProvider
) -> None:
    world = a_poll(ways=only(OIDC))
    idp.claims = lie
    assert sign_in(client, world, idp)["code"] == "way_required"


def test_a_token_with_a_foreign_or_no_signature_is_refused(
    a_poll: PollMaker, client: FlaskClient, idp: IdentityProvider
) -> None:
    world = a_poll(ways=only(OIDC))
    idp.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
    assert sign_in(client, world, idp)["code"] == "way_required"
    idp.algorithm = "none"
    assert sign_in(client, world, idp)["code"] == "way_required"


def test_a_new_key_of_the_provider_is_fetched(
    a_poll: PollMaker, app: APIFlask, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "REFETCH_S", 0)
    world = a_poll(ways=only(OIDC))
    assert sign_in(app.test_client(), world, idp)["way"] == OIDC
    idp.key = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
    idp.shown = [idp.key]
    assert sign_in(app.test_client(), world, idp)["way"] == OIDC
    assert idp.key_requests == 2


def test_an_answer_counts_once_in_the_browser_that_asked(
    a_poll: PollMaker, app: APIFlask, idp: IdentityProvider
) -> None:
    world = a_poll(ways=only(OIDC))
    mine, other = app.test_client(), app.test_client()
    query = idp.sign_in(begin(mine, world))
    assert other.get(back(query)).status_code == 404  # no sign-in was begun there
    begin(other, world)
    other.get(back(query))  # begun, but another state
    assert come(other, world)["code"] == "way_required"
    assert mine.get(back({**query, "iss": "https://elsewhere.example"})).status_code == 303
    assert come(mine, world)["code"] == "way_required"
    assert mine.get(back(query)).status_code == 404  # what was begun is used up


def test_a_sign_in_must_be_finished_in_time(
    a_poll: PollMaker, client: FlaskClient, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "BEGUN_S", -1)
    world = a_poll(ways=only(OIDC))
    assert sign_in(client, world, idp)["code"] == "way_required"


def test_a_provider_that_is_away_is_said(a_poll: PollMaker, client: FlaskClient, app: APIFlask) -> None:
    world = a_poll(ways=only(OIDC))
    app.extensions["concours_provider"] = Provider("http://127.0.0.1:9", CLIENT, SECRET, "机关统一认证", LOOPBACK)
    page = client.get(f"/events/{world.event.slug}/polls/{world.poll.slug}/sign-in")
    assert page.status_code == 503
    assert "机关统一认证 does not answer just now." in page.text
