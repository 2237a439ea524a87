"""Which language a visitor reads, and how they change it."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.messages import Message, msg
from concours.web.i18n import COOKIE, stored, translate
from tests.factories import Make

CHINESE, ENGLISH = '<html lang="zh-CN">', '<html lang="en">'


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("zh-CN,zh;q=.9,en;q=.8", CHINESE),
        ("zh", CHINESE),
        ("zh-Hans-CN,zh-Hans;q=0.9", CHINESE),
        ("zh-TW,zh;q=0.9", CHINESE),
        ("en-GB,en;q=0.9", ENGLISH),
        ("en,zh-CN;q=0.8", ENGLISH),
        ("fr,en;q=0.5", ENGLISH),
        ("fr", CHINESE),
        ("", CHINESE),
        ("*;;;q=,", CHINESE),
    ],
)
def test_the_browser_is_asked(app: APIFlask, accepted: str, expected: str) -> None:
    assert expected in app.test_client().get("/", headers={"Accept-Language": accepted}).text


def test_the_switch_goes_before_the_browser(client: FlaskClient) -> None:
    answer = client.get("/language/zh?next=/api/docs")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/api/docs")
    assert CHINESE in client.get("/").text
    client.get("/language/en")
    assert ENGLISH in client.get("/", headers={"Accept-Language": "zh"}).text


def test_the_switch_is_remembered_for_a_year_and_kept_from_scripts(client: FlaskClient) -> None:
    cookie = client.get("/language/zh").headers["Set-Cookie"]
    assert f"{COOKIE}=zh" in cookie
    assert "Max-Age=31536000" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "evil",
        "/\n/evil",
    ],
)
def test_the_switch_never_leaves_the_site(client: FlaskClient, elsewhere: str) -> None:
    assert client.get("/language/en", query_string={"next": elsewhere}).headers["Location"] == "/"


def test_another_language_is_not_there(client: FlaskClient) -> None:
    assert client.get("/language/fr").status_code == 404


def test_a_cookie_with_nonsense_is_passed_over(client: FlaskClient) -> None:
    client.set_cookie(COOKIE, "xx")
    assert ENGLISH in client.get("/").text


def test_the_account_has_its_language(app: APIFlask, make: Make) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        from flask import g

        g._login_user = make.account(locale="zh")
        assert translate(msg("Draft")) == "草稿"


def test_values_that_are_sentences_are_translated_too(app: APIFlask) -> None:
    with app.test_request_context(headers={"Accept-Language": "zh"}):
        said = translate(msg("%(phase)s opens on %(time)s", phase=msg("Draft"), time="9:00"))
        assert said == "草稿将于9:00开始"
        kept = {
            "text": "%(phase)s opens on %(time)s",
            "values": {"phase": {"text": "Draft", "values": {}}, "time": "9:00"},
        }
        assert stored(kept) == said
        assert stored(None) == ""


def test_what_is_no_sentence_stays_what_it_is(app: APIFlask) -> None:
    with app.test_request_context():
        assert translate("100% 𠮷") == "100% 𠮷"
        assert translate(7) == "7"
        assert translate(Message("50%")) == "50%"
