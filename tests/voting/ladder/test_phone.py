"""A mobile number as a voter: one-time passwords that cannot be guessed, limits that hold, and nothing in clear."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.config import ConfigError
from concours.base.db import db, session
from concours.voting import keys
from concours.voting.booth import booth
from concours.voting.ladder import phone, senders
from concours.voting.ladder.ways import PHONE, Way, only
from tests.voting.build import PollMaker, PollWorld

NUMBER = "+8613800138000"
LOOPBACK = ("127.0.0.0/8",)


class Gateway:
    """A gateway for messages, on loopback."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.secrets: list[str | None] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.sent.append(json.loads(body))
                outer.secrets.append(self.headers.get(senders.SECRET_HEADER))
                self.send_response(outer.status)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/send"


@pytest.fixture
def gateway(app: APIFlask) -> Iterator[Gateway]:
    """The platform's sender is a webhook to a gateway that this test runs."""
    made = Gateway()
    app.extensions["concours_sms"] = senders.webhook(made.url, secret="s" * 16, allow=LOOPBACK)
    yield made
    made.server.shutdown()


def ask(client: FlaskClient, world: PollWorld, number: str = NUMBER, **more: Any) -> Any:
    """Asks for a password."""
    answer = client.post(f"/api/v1/polls/{world.id}/phone", json={"phone": number}, **more)
    session().rollback()
    return answer


def come(client: FlaskClient, world: PollWorld, password: str, number: str = NUMBER) -> Any:
    """Comes in with one."""
    answer = client.post(f"/api/v1/polls/{world.id}/voters", json={"phone": number, "password": password})
    session().rollback()
    return answer


def wrong(password: str, off: int = 1) -> str:
    """Another password."""
    return f"{(int(password) + off) % 1_000_000:06}"


def again_at_once(world: PollWorld) -> None:
    """As if the wait before another message were over."""
    here = booth().client
    for name in here.scan_iter(match=f"{{p:{world.id}}}:otp:*"):
        if here.type(name) == b"hash":
            here.hdel(name, "at")


def test_a_number_is_one_voter_however_it_is_written(a_poll: PollMaker, app: APIFlask, gateway: Gateway) -> None:
    world = a_poll(ways={PHONE: Way(2)})
    known = set()
    for written in ("138 0013 8000", "+86 138-0013-8000", "008613800138000", "１３８００１３８０００"):
        browser = app.test_client()
        again_at_once(world)
        assert ask(browser, world, written).status_code == 202
        told = come(browser, world, gateway.sent[-1]["password"], written).get_json()
        assert (told["way"], told["weight"]) == (PHONE, 2)
        known.add(told["voter"].split(".")[2])
    assert len(known) == 1
    assert {message["to"] for message in gateway.sent} == {NUMBER}
    assert gateway.secrets[0] == "s" * 16
    assert gateway.sent[0]["password"] in gateway.sent[0]["text"]


@pytest.mark.parametrize("typed", ["", "12345", "010 6512 3456", "+1", "abc", "9" * 39, "13800138000 ext. 5", "💡"])
def test_what_is_no_mobile_number_is_refused(
    typed: str, a_poll: PollMaker, client: FlaskClient, gateway: Gateway
) -> None:
    world = a_poll(ways=only(PHONE))
    refused = ask(client, world, typed)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "no_mobile_number")
    assert not gateway.sent


def test_five_wrong_passwords_end_it_also_for_the_right_one(
    a_poll: PollMaker, client: FlaskClient, gateway: Gateway
) -> None:
    world = a_poll(ways=only(PHONE))
    ask(client, world)
    right = gateway.sent[0]["password"]
    codes = [come(client, world, wrong(right, off)).get_json()["code"] for off in range(1, phone.TRIES + 1)]
    assert codes == ["wrong_password"] * phone.TRIES
    assert come(client, world, right).get_json()["code"] == "wrong_password"
    assert ask(client, world).status_code == 429  # and another is not sent at once


def test_a_password_is_used_once_and_is_for_its_number_and_poll(
    a_poll: PollMaker, client: FlaskClient, gateway: Gateway
) -> None:
    world, other = a_poll(ways=only(PHONE)), a_poll(ways=only(PHONE))
    ask(client, world)
    right = gateway.sent[0]["password"]
    assert come(client, other, right).status_code == 403
    assert come(client, world, right, "+8613800138001").status_code == 403
    assert come(client, world, right).status_code == 201
    assert come(client, world, right).get_json()["code"] == "wrong_password"


def test_tries_from_elsewhere_neither_burn_nor_learn_anything(
    a_poll: PollMaker, app: APIFlask, client: FlaskClient, gateway: Gateway
) -> None:
    world, stranger = a_poll(ways=only(PHONE)), app.test_client()
    ask(client, world)
    right = gateway.sent[0]["password"]
    told = {come(stranger, world, wrong(right, off)).data for off in range(1, phone.TRIES + 3)}
    told.add(come(stranger, world, right).data)  # also the right one is none there
    told.add(come(stranger, world, right, "+8613800138001").data)  # nor does a number that nobody uses answer otherwise
    assert len(told) == 1
    assert come(client, world, wrong(right)).get_json()["code"] == "wrong_password"
    again_at_once(world)
    stranger.set_cookie(f"concours_phone_{world.id}", "0" * 32)
    assert ask(stranger, world).status_code == 202  # a message asked for elsewhere does not end this one
    assert come(stranger, world, right).status_code == 403
    assert come(client, world, right).status_code == 201


def test_passwords_last_five_minutes(a_poll: PollMaker, client: FlaskClient, gateway: Gateway) -> None:
    world = a_poll(ways=only(PHONE))
    ask(client, world)
    facts = booth().facts(world.id)
    cookie = client.get_cookie(f"concours_phone_{world.id}")
    assert cookie is not None
    assert cookie.http_only
    name = keys.password(world.id, phone.tag_of(facts, NUMBER, cookie.value))
    assert 295 < booth().client.ttl(name) <= 300
    booth().client.pexpire(name, 1)
    assert come(client, world, gateway.sent[0]["password"]).get_json()["code"] == "wrong_password"


def test_messages_are_limited_by_time_and_by_number(a_poll: PollMaker, client: FlaskClient, gateway: Gateway) -> None:
    world = a_poll(ways=only(PHONE))
    assert ask(client, world).status_code == 202
    refused = ask(client, world)
    assert refused.status_code == 429
    assert 55 <= int(refused.headers["Retry-After"]) <= 60
    for _ in range(phone.NUMBER_A_DAY - 1):
        again_at_once(world)
        assert ask(client, world).status_code == 202
    again_at_once(world)
    assert "today" in ask(client, world).get_json()["detail"]
    assert len(gateway.sent) == phone.NUMBER_A_DAY


def test_messages_are_limited_by_network(
    a_poll: PollMaker, client: FlaskClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone, "NETWORK_A_MINUTE", 3)
    world = a_poll(ways=only(PHONE))
    answers = [ask(client, world, f"+861380013800{digit}").status_code for digit in range(5)]
    assert answers == [202, 202, 202, 429, 429]
    assert ask(client, world, "+8613800138009", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 202


def test_number_and_password_are_nowhere_in_clear(
    a_poll: PollMaker, client: FlaskClient, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    world = a_poll(ways=only(PHONE))
    ask(client, world)
    password = gateway.sent[0]["password"]
    here = booth().client
    held = ""
    for name in here.scan_iter():
        held += repr(name) + repr(here.hgetall(name) if here.type(name) == b"hash" else here.dump(name))
    assert come(client, world, password).status_code == 201
    with db.engine.connect() as connection:
        for table in db.metadata.tables.values():
            held += "".join(repr(tuple(row)) for row in connection.execute(table.select()))
    held += caplog.text
    for text in (NUMBER, NUMBER[3:], f"'{password}'", f" {password} "):
        assert text not in held


def test_a_gateway_that_fails_is_said_and_costs_no_wait(
    a_poll: PollMaker, client: FlaskClient, gateway: Gateway
) -> None:
    world = a_poll(ways=only(PHONE))
    for gateway.status in (500, 302):  # a redirect is not followed
        refused = ask(client, world)
        assert (refused.status_code, refused.get_json()["code"]) == (503, "message_not_sent")
    gateway.status = 200
    assert ask(client, world).status_code == 202


def test_a_gateway_in_a_private_network_is_not_asked_unless_it_is_named(gateway: Gateway) -> None:
    inward = senders.webhook(gateway.url, secret="s" * 16, allow=())
    with pytest.raises(senders.NotSent, match="private"):
        inward(NUMBER, "text", password="123456", language="zh")
    assert not gateway.sent


def test_the_console_writes_to_the_log_and_the_page_says_so(
    a_poll: PollMaker, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    world = a_poll(ways=only(PHONE))
    here = f"/events/{world.event.slug}/polls/{world.poll.slug}/phone"
    assert "log of the web server" in client.get(here).text
    page = client.post(here, data={"phone": "13800138000"})
    assert "A message is on its way to +8613800138000" in page.text
    line = next(text for text in caplog.messages if "one-time password" in text)
    assert NUMBER not in line
    password = line.split(": ")[1][:6]
    refused = client.post(here, data={"phone": NUMBER, "sent": "1", "password": wrong(password)})
    assert refused.status_code == 403
    assert NUMBER in refused.text  # nothing typed is lost
    answer = client.post(here, data={"phone": NUMBER, "sent": "1", "password": password})
    assert answer.status_code == 303
    assert "You vote with your mobile number." in client.get(answer.location).text


def test_an_unknown_sender_stops_the_start(app: APIFlask) -> None:
    with pytest.raises(ConfigError, match="carrier-pigeon"):
        senders.sender_of({**app.config, "SMS_SENDER": "carrier-pigeon"})
