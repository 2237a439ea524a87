"""The published description of the API knows every public JSON route of votes and of the log, and tells the truth."""

import os
from typing import Any

import pytest
from apiflask import APIFlask
from flask import Response
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from concours.base.db import session
from concours.voting.booth import booth
from concours.voting.ladder.ways import CODE, DEVICE, PHONE, Way
from concours.web.apidoc import path_of
from tests.voting.build import PollMaker, PollWorld, at_work
from tests.voting.logs import keep, keeper_of, record

JSON_ROOMS = ("voting_api", "voting_log")
POLL = "/api/v1/polls/{poll_id}"
WRITES = {f"{POLL}/voters", f"{POLL}/votes", f"{POLL}/phone", "/log/{poll_name}/cosignatures"}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    """The description as it is published."""
    found: dict[str, Any] = client.get("/api/openapi.json").get_json()
    return found


def operations(document: dict[str, Any], app: APIFlask) -> dict[tuple[str, str], dict[str, Any]]:
    """The description of each route that the URL map has in this room's JSON: (method, path) -> operation."""
    found = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.split(".")[0] in JSON_ROOMS:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                place = (method, path_of(rule))
                assert place[1] in document["paths"], f"{place} is not described"
                assert method.lower() in document["paths"][place[1]], f"{place} is not described"
                found[place] = document["paths"][place[1]][method.lower()]
    return found


def test_every_route_is_described_with_what_it_takes_and_gives(document: dict[str, Any], app: APIFlask) -> None:
    described = operations(document, app)
    assert len(described) == 17
    assert {path for method, path in described if method == "POST"} == WRITES
    for (method, path), operation in described.items():
        here = f"{method} {path}"
        assert operation["summary"], here
        assert len(operation["description"]) > 30, here
        assert ("requestBody" in operation) == (method == "POST"), here
        for media in operation.get("requestBody", {}).get("content", {}).values():
            assert media["schema"].get("properties") or media["schema"].get("oneOf") or path.endswith("cosignatures")
        good = [answer for status, answer in operation["responses"].items() if status < "3"]
        assert good, here
        assert all(next(iter(answer["content"].values()))["schema"] for answer in good), here
        numbers = [one["schema"]["type"] for one in operation["parameters"] if one["name"] == "poll_id"]
        assert numbers == (["integer"] if "{poll_id}" in path else []), here
        for status, answer in operation["responses"].items():
            assert (status >= "4") == ("application/problem+json" in answer["content"]), (here, status)


def test_nothing_of_the_room_is_described_that_is_not_there(document: dict[str, Any], app: APIFlask) -> None:
    there = {path_of(rule) for rule in app.url_map.iter_rules()}
    assert set(document["paths"]) <= there


def test_who_must_show_a_token_is_told(document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["VoterToken"]
    assert (scheme["in"], scheme["name"]) == ("header", "Authorization")
    for path, method in ((f"{POLL}/votes", "post"), (f"{POLL}/voter", "get")):
        assert document["paths"][path][method]["security"] == [{"VoterToken": []}]
        assert "401" in document["paths"][path][method]["responses"]


def holds(document: dict[str, Any], path: str, method: str, answer: Any) -> Any:
    """Asserts that the answer is one that the description has, and as it has it."""
    session().rollback()
    assert isinstance(answer, Response)
    responses = document["paths"][path][method]["responses"]
    assert str(answer.status_code) in responses, (method, path, answer.status_code, answer.text)
    content = responses[str(answer.status_code)]["content"]
    assert answer.mimetype in content, (method, path, answer.mimetype, list(content))
    if answer.is_json:
        schema = {**content[answer.mimetype]["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(answer.get_json())
        return answer.get_json()
    return None


def fits(document: dict[str, Any], path: str, body: object) -> bool:
    """Whether the description has such a request."""
    schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return bool(Draft202012Validator(schema).is_valid(body))


def test_answers_are_as_described(
    app: APIFlask, a_poll: PollMaker, client: FlaskClient, document: dict[str, Any]
) -> None:
    world: PollWorld = a_poll(ways={DEVICE: Way(1), CODE: Way(1), PHONE: Way(1)}, max_picks=2)
    hand = at_work(app)
    booth().patience_s = 0.2  # nobody records these: the answers are 202
    address, one, two = f"/api/v1/polls/{world.id}", *sorted(world.candidates)[:2]

    def asked(method: str, what: str, path: str = "", **more: Any) -> Any:
        answer = client.open(f"{address}{what}", method=method, **more)
        return holds(document, f"{POLL}{path or what}", method.lower(), answer)

    asked("GET", "")
    asked("GET", "/challenge")
    come = asked("POST", "/voters", json={"by": "device"})
    token = {"Authorization": f"Voter {come['voter']}"}
    for refused in ({"code": "no code"}, {"who": "?"}, {"phone": "+8613800138000", "password": "123456"}):
        asked("POST", "/voters", json=refused)
    asked("POST", "/phone", json={"phone": "no number"})
    for body in ({"candidate": one, "nonce": os.urandom(16).hex()}, {"candidates": [one, two], "nonce": "0" * 32}):
        assert fits(document, f"{POLL}/votes", body)
        told = asked("POST", "/votes", json=body, headers=token)
        assert ("receipts" in told) == ("candidates" in body) or told["code"] == "already_voted"
    for wrong in ({"candidate": 0, "nonce": "0" * 32}, {"candidates": [], "nonce": "0" * 32}, {"candidate": one}):
        assert not fits(document, f"{POLL}/votes", wrong)
        asked("POST", "/votes", json=wrong, headers=token)
    asked("POST", "/votes", json={"candidate": one, "nonce": "0" * 32})
    asked("POST", "/votes", data=b"x" * 5_000, headers=token)
    asked("GET", "/voter", headers=token)
    asked("GET", "/voter")
    asked("GET", "/standings")
    asked("GET", "/receipts/no-receipt", "/receipts/{receipt_id}")
    hand.release()


def test_the_logs_answers_are_as_described(
    app: APIFlask, a_poll: PollMaker, client: FlaskClient, document: dict[str, Any]
) -> None:
    world = a_poll()
    hand = at_work(app)
    record(world, hand, 300)
    keep(keeper_of(hand))
    for where, path in (
        ("checkpoint", "checkpoint"),
        ("keys", "keys"),
        ("tile/0/000", "tile/{level}/{where}"),
        ("tile/entries/000", "tile/entries/{where}"),
        ("closing", "closing"),
        ("closings/0", "closings/{number}"),
        ("tile/0/nowhere", "tile/{level}/{where}"),
    ):
        holds(document, f"/log/{{poll_name}}/{path}", "get", client.get(f"/log/{world.poll.slug}/{where}"))
    for sent in (b"nothing", b"x" * 20_000):
        answer = client.post(f"/log/{world.poll.slug}/cosignatures", data=sent)
        holds(document, "/log/{poll_name}/cosignatures", "post", answer)
