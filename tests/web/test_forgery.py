"""No page of another site can act for somebody who is signed in here: each route that changes something asks."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, Rule

from concours.base.db import session
from concours.identity.models import Account
from concours.identity.tokens import create_token
from tests.access import World
from tests.factories import Make

NEED_NONE = {"uploads", "voting_api", "voting_log"}
"""Blueprints whose requests carry a header that no foreign page can send: tus, and a voter's token or a signature."""


@pytest.fixture
def guarded(app: APIFlask) -> APIFlask:
    """The application as it runs, with its protection."""
    app.config["WTF_CSRF_ENABLED"] = True
    return app


def some(rule: Rule, name: str) -> str | int:
    """A value that may stand in the address: the first of those named, where only some may."""
    converter = rule._converters[name]
    return min(converter.items) if isinstance(converter, AnyConverter) else 1


def changing(app: APIFlask, world: World) -> list[tuple[str, str, str]]:
    """Method, address and endpoint of every route that changes something; what the address names need not exist."""
    adapter = app.url_map.bind("localhost")
    return [
        (
            method,
            adapter.build(
                rule.endpoint,
                {name: world.event.slug if name == "event_slug" else some(rule, name) for name in rule.arguments},
                method=method,
            ),
            rule.endpoint,
        )
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"})
    ]


def test_every_route_that_changes_something_asks_for_the_token_of_the_page(
    guarded: APIFlask, make: Make, client_as: Callable[[Account], FlaskClient]
) -> None:
    world = World(make)
    browser = client_as(world.admin)
    routes = changing(guarded, world)
    assert len(routes) > 60
    for method, url, endpoint in routes:
        answer = browser.open(url, method=method, data={"x": "1"}, headers={"Accept": "application/json"})
        if endpoint.partition(".")[0] in NEED_NONE:
            continue
        assert (answer.status_code, answer.json["code"]) == (400, "csrf"), f"{method} {url}"


def test_a_tus_upload_needs_the_header_that_no_form_sends(
    guarded: APIFlask, make: Make, client_as: Callable[[Account], FlaskClient]
) -> None:
    browser = client_as(make.account())
    assert browser.post("/uploads").status_code == 412


def test_a_script_signs_in_by_its_token_and_needs_no_page(guarded: APIFlask, make: Make) -> None:
    world = World(make)
    token = create_token(world.organiser, "import", actor=world.organiser, now=make.now)
    session().commit()
    answer = guarded.test_client().post(
        f"/events/{world.event.slug}/rosters",
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
    )
    assert (answer.status_code, answer.json["code"]) == (422, "roster_missing")


@pytest.mark.parametrize("given", ["Bearer nonsense", "Bearer ", "bearer x", "Basic eDp5", "Voter x"])
def test_an_authorization_that_is_none_of_ours_borrows_no_cookie(
    guarded: APIFlask, make: Make, client_as: Callable[[Account], FlaskClient], given: str
) -> None:
    world = World(make)
    answer = client_as(world.organiser).post(
        f"/events/{world.event.slug}/desk/archive", headers={"Authorization": given, "Accept": "application/json"}
    )
    assert (answer.status_code, answer.json["code"]) in {(400, "csrf"), (401, "sign_in_required")}
    session().refresh(world.event)
    assert world.event.status == "published"
