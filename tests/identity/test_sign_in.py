"""Signing in: the right password gets in, a guess waits, and no answer tells who has an account."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import time_machine
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import session
from concours.base.errors import RateLimited
from concours.identity import address_limit, attempts
from concours.identity.accounts import find_by_username, set_active
from concours.identity.addresses import inside
from concours.identity.models import Account, SignInSession
from concours.identity.passwords import hash_password
from tests.conftest import both_databases
from tests.factories import Make

PASSWORD = "a cup of green tea"
KEPT = hash_password(PASSWORD)


@pytest.fixture
def person(make: Make) -> Account:
    account: Account = make.account(username="D01-001", password_hash=KEPT)
    return account


def enter(client: FlaskClient, username: str = "D01-001", password: str = PASSWORD, **more: str):  # type: ignore[no-untyped-def]
    return client.post("/sign-in", data={"username": username, "password": password, **more})


@both_databases
def test_the_right_password_opens_a_session_that_can_be_ended(client: FlaskClient, person: Account) -> None:
    answer = enter(client)
    assert (answer.status_code, answer.location) == (303, "/me")
    assert person.name in client.get("/me").text
    assert client.post("/sign-out").status_code == 303
    assert "/sign-in" in client.get("/me").location


@pytest.mark.parametrize("typed", ["d01-001", "Ｄ０１-００１", "  D01-001 "])
def test_the_staff_number_may_be_typed_as_phones_type_it(client: FlaskClient, person: Account, typed: str) -> None:
    assert enter(client, typed).status_code == 303


@pytest.mark.parametrize(("username", "password"), [("D01-001", "wrong"), ("nobody", PASSWORD), ("", ""), ("𠮷", "😀")])
def test_a_wrong_answer_keeps_the_name_and_says_the_same_for_all(
    client: FlaskClient, person: Account, username: str, password: str
) -> None:
    answer = enter(client, username, password)
    assert answer.status_code == 422
    assert "The name or the password is wrong." in answer.text
    if username.isascii() and username.isprintable() and username:
        assert f'value="{username}"' in answer.text


def test_half_a_character_is_no_fault(client: FlaskClient) -> None:
    answer = client.post(
        "/sign-in", data=b"username=%ED%A0%BD&password=%00%FF", content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code in {400, 422}


@both_databases
def test_the_fifth_failure_locks_the_name_for_a_minute_and_the_sixth_for_two(
    client: FlaskClient, person: Account, now: datetime
) -> None:
    with time_machine.travel(now, tick=False) as clock:
        for _ in range(5):
            assert enter(client, password="wrong").status_code == 422
        locked = enter(client)
        assert locked.status_code == 429
        assert 55 <= int(locked.headers["Retry-After"]) <= 61
        assert "another 1 minute" in locked.text or "another 2 minutes" in locked.text
        clock.shift(61)
        assert enter(client, password="wrong").status_code == 422
        assert int(enter(client).headers["Retry-After"]) > 110
        clock.shift(121)
        assert enter(client).status_code == 303
        assert enter(client, password="wrong").status_code == 422
        assert enter(client, password="wrong").status_code == 422, "the right password forgot the failures"


def test_a_name_nobody_has_is_locked_in_the_same_way(client: FlaskClient) -> None:
    answers = [enter(client, "nobody", "wrong").status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]


def test_the_delay_doubles_up_to_an_hour() -> None:
    assert [attempts.delay_after(n).total_seconds() for n in (4, 5, 6, 7, 10, 11, 12, 99)] == [
        0, 60, 120, 240, 1920, 3600, 3600, 3600,
    ]  # fmt: skip


@both_databases
def test_guesses_sent_at_once_are_counted_one_by_one(app: APIFlask, person: Account) -> None:
    def guess(_: int) -> int:
        return enter(app.test_client(), password="wrong").status_code

    with ThreadPoolExecutor(12) as crowd:
        answers = list(crowd.map(guess, range(24)))
    assert sorted(answers) == [422] * 5 + [429] * 19


def test_an_address_that_tries_names_by_the_hundred_has_to_wait(client: FlaskClient) -> None:
    for _n in range(address_limit.FAILURES):
        address_limit.take("203.0.113.9")
    with pytest.raises(RateLimited) as refused:
        address_limit.take("203.0.113.9")
    assert 1 <= (refused.value.retry_after or 0) <= address_limit.WINDOW_S
    answer = client.post(
        "/sign-in", data={"username": "x", "password": "y"}, environ_base={"REMOTE_ADDR": "203.0.113.9"}
    )
    assert answer.status_code == 429
    address_limit.take("203.0.113.10")


def test_right_passwords_of_one_office_never_add_up(client: FlaskClient, person: Account) -> None:
    for _ in range(3):
        assert enter(client).status_code == 303
        client.post("/sign-out")
    for _ in range(address_limit.FAILURES):
        address_limit.take("127.0.0.1")


def test_no_address_can_be_read_from_the_counters(app: APIFlask) -> None:
    """Also not by hashing all there are: for IPv4 that is done in seconds."""
    address_limit.take("203.0.113.9")
    keys = b" ".join(app.extensions["concours_redis"].keys("signin:*")).decode()
    assert keys
    assert "203.0.113.9" not in keys
    for known in (hashlib.sha256, hashlib.sha1, hashlib.md5):
        assert known(b"203.0.113.9").hexdigest()[:32] not in keys


def test_addresses_of_one_ipv6_network_count_together(app: APIFlask) -> None:
    for n in range(address_limit.FAILURES):
        address_limit.take(f"2001:db8::{n:x}")
    with pytest.raises(RateLimited):
        address_limit.take("2001:db8::ffff")


def test_the_session_is_another_one_after_signing_in_and_old_cookies_are_void(
    app: APIFlask, client: FlaskClient, person: Account
) -> None:
    with client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
    enter(client)
    with client.session_transaction() as cookie:
        assert "planted" not in cookie
        first = cookie["sid"]
    enter(client)
    with client.session_transaction() as cookie:
        assert cookie["sid"] != first


def test_a_resting_account_is_out_at_once_and_stays_out(
    client: FlaskClient, person: Account, make: Make, now: datetime
) -> None:
    enter(client)
    set_active(person, False, actor=make.admin(), now=now)
    session().commit()
    assert client.get("/me").status_code == 302
    assert enter(client).status_code == 422


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/%0d%0aSet-Cookie",
        "\t//x",
        "/a\nb",
    ],
)
def test_nobody_is_led_off_the_site_after_signing_in(client: FlaskClient, person: Account, target: str) -> None:
    answer = enter(client, next=target)
    assert answer.status_code == 303
    assert answer.location == "/me" or (inside(target) and answer.location.startswith("/%"))


def test_whoever_was_on_the_way_somewhere_arrives_there(client: FlaskClient, person: Account) -> None:
    away = client.get("/me?x=1")
    page = client.get(away.location)
    assert 'name="next" value="/me?x=1"' in page.text
    assert enter(client, next="/me?x=1").location == "/me?x=1"


def test_a_session_that_is_used_goes_on_and_one_that_is_not_ends(
    client: FlaskClient, person: Account, now: datetime
) -> None:
    with time_machine.travel(now, tick=False) as clock:
        enter(client)
        clock.shift(timedelta(days=10))
        assert client.post("/me/language", data={"locale": "en"}).status_code == 303
        clock.shift(timedelta(days=10))
        assert client.get("/me").status_code == 200
        clock.shift(timedelta(days=5))
        assert client.get("/me").status_code == 302


def test_a_browser_is_signed_out_from_another_one(
    client_as: Callable[[Account], FlaskClient], person: Account, make: Make
) -> None:
    phone, desk = client_as(person), client_as(person)
    rows = session().query(SignInSession).order_by(SignInSession.id).all()
    assert desk.post(f"/me/sessions/{rows[0].id}/revoke").status_code == 303
    assert phone.get("/me").status_code == 302
    assert desk.get("/me").status_code == 200
    tablet = client_as(person)
    desk.post("/me/sessions/revoke-others")
    assert (tablet.get("/me").status_code, desk.get("/me").status_code) == (302, 200)


def test_another_persons_browser_cannot_be_signed_out(
    client_as: Callable[[Account], FlaskClient], person: Account, make: Make
) -> None:
    client_as(person)
    row = session().query(SignInSession).one()
    assert client_as(make.account()).post(f"/me/sessions/{row.id}/revoke").status_code == 404


def test_a_new_password_signs_the_other_browsers_out(
    client_as: Callable[[Account], FlaskClient], person: Account
) -> None:
    phone, desk = client_as(person), client_as(person)
    form = {"old": PASSWORD, "password": "seven grey herons", "password_again": "seven grey herons"}
    assert desk.post("/me/password", data=form | {"old": "wrong"}).status_code == 422
    assert desk.post("/me/password", data=form | {"password_again": "x"}).status_code == 422
    assert desk.post("/me/password", data=form).status_code == 303
    assert (phone.get("/me").status_code, desk.get("/me").status_code) == (302, 200)


def test_a_token_works_for_scripts_until_it_is_revoked(
    app: APIFlask, client_as: Callable[[Account], FlaskClient], person: Account
) -> None:
    browser = client_as(person)
    made = browser.post("/me/tokens", data={"label": "夜间导出"})
    assert made.status_code == 201
    token = made.text.split("data-token>")[1].split("<")[0]
    script = app.test_client()
    headers = {"Authorization": f"Bearer {token}"}
    assert script.get("/me", headers=headers).status_code == 200
    assert token not in browser.get("/me").text
    assert script.post("/me/tokens", data={"label": "another"}, headers=headers).status_code == 422
    from concours.identity.models import ApiToken

    number = session().query(ApiToken).one().id
    assert browser.post(f"/me/tokens/{number}/revoke").status_code == 303
    assert script.get("/me", headers=headers).status_code == 302


def test_signing_in_goes_on_without_redis(app: APIFlask, client: FlaskClient, person: Account) -> None:
    import redis

    app.extensions["concours_redis"] = redis.Redis(unix_socket_path="/nonexistent/socket")
    assert enter(client).status_code == 303


def test_a_name_is_found_whatever_case_and_nobody_by_nothing(person: Account) -> None:
    assert find_by_username("d01-001") is person
    assert find_by_username("") is None
