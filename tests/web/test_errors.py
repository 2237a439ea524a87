"""Refusals: what people read, what programs read, and that the page stands when nothing else does."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask import abort
from flask.testing import FlaskClient
from werkzeug.exceptions import TooManyRequests

from concours.base import errors
from concours.base.db import session
from concours.base.messages import msg
from concours.factory import create_app
from concours.identity.access import PUBLIC, allow
from concours.identity.models import Account
from concours.web.errors import SENTENCES, TITLES
from tests.conftest import both_databases, environment
from tests.factories import Make

STATUSES = [400, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500, 503]
CODES = {413: "too_large"}
PAGE = {"Accept": "text/html,application/xhtml+xml"}
PROGRAM = {"Accept": "application/json"}


def _refuse(app: APIFlask, refusal: Callable[[], Any]) -> None:
    app.add_url_rule("/refused", "refused", allow(PUBLIC)(refusal))


@pytest.mark.parametrize("status", STATUSES)
def test_a_page_says_what_happened_and_what_to_do(app: APIFlask, client: FlaskClient, status: int) -> None:
    _refuse(app, lambda: abort(status))
    answer = client.get("/refused", headers=PAGE)
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert f"<h1>{TITLES[status]}</h1>" in answer.text
    assert str(SENTENCES[status]) in answer.text
    assert 'href="/"' in answer.text
    assert f"{status} · <code>{CODES.get(status, f'http_{status}')}</code>" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("status", STATUSES)
def test_a_program_gets_problem_details(app: APIFlask, client: FlaskClient, status: int) -> None:
    _refuse(app, lambda: abort(status))
    answer = client.get("/refused", headers=PROGRAM)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    told = answer.get_json()
    assert (told["status"], told["code"]) == (status, CODES.get(status, f"http_{status}"))
    assert told["title"] == str(TITLES[status])
    assert told["detail"] == str(SENTENCES[status])


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (errors.NotFound(msg("No work %(n)s.", n=7)), 404),
        (errors.Forbidden(msg("No.")), 403),
        (errors.Closed(msg("Closed."), code="phase_closed"), 403),
        (errors.Conflict(msg("Taken.")), 409),
        (errors.Invalid(problems=[errors.FieldProblem("title", msg("Too long."))]), 422),
        (errors.TooLarge(msg("Too large.")), 413),
        (errors.RateLimited(msg("Slowly."), retry_after=61), 429),
        (errors.Unavailable(msg("Away."), retry_after=3), 503),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_refusal_of_the_domain_has_its_status(
    app: APIFlask, client: FlaskClient, refusal: errors.DomainError, status: int
) -> None:
    def refuse() -> None:
        raise refusal

    _refuse(app, refuse)
    page, told = client.get("/refused", headers=PAGE), client.get("/refused", headers=PROGRAM)
    assert page.status_code == told.status_code == status
    assert str(refusal.message) in page.text
    assert (told.get_json()["code"], told.get_json()["detail"]) == (refusal.code, str(refusal.message))
    if refusal.retry_after is not None:
        assert page.headers["Retry-After"] == told.headers["Retry-After"] == str(refusal.retry_after)


def test_the_fields_of_a_refused_body_are_named(app: APIFlask, client: FlaskClient) -> None:
    def refuse() -> None:
        raise errors.Invalid(problems=[errors.FieldProblem("title", msg("Too long."))])

    _refuse(app, refuse)
    told = client.get("/refused", headers=PROGRAM).get_json()
    assert told["problems"] == [{"field": "title", "message": "Too long."}]


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "1 second"), (61, "61 seconds"), (91, "2 minutes"), (7200, "2 hours")]
)
def test_the_page_says_how_long_to_wait(app: APIFlask, client: FlaskClient, seconds: int, words: str) -> None:
    def refuse() -> None:
        raise errors.RateLimited(msg("Slowly."), retry_after=seconds)

    _refuse(app, refuse)
    assert f"You can try again in {words}." in client.get("/refused", headers=PAGE).text


def test_waiting_time_of_the_limiter_is_kept(app: APIFlask, client: FlaskClient) -> None:
    def refuse() -> None:
        raise TooManyRequests(retry_after=42)

    _refuse(app, refuse)
    answer = client.get("/refused", headers=PAGE)
    assert answer.headers["Retry-After"] == "42"
    assert "42 seconds" in answer.text


def test_a_refused_button_leads_back_to_its_page(app: APIFlask, client: FlaskClient) -> None:
    def refuse() -> Any:
        raise errors.Conflict(msg("A poll needs at least two candidates."))

    app.add_url_rule("/pressed", "pressed", allow(PUBLIC)(refuse), methods=["GET", "POST"])

    def said(came: str | None, method: str = "POST") -> str:
        headers = PAGE | ({"Referer": came} if came else {})
        answer = client.open("/pressed", method=method, headers=headers)
        assert answer.status_code == 409
        assert "<h1>Not as things stand</h1>" in answer.text
        return answer.text

    assert 'href="http://localhost/desk?after=7"' in said("http://localhost/desk?after=7")
    assert 'href="http://localhost/evil.example/"' in said("http://localhost//evil.example/")  # stays on this site
    for came in (None, "http://evil.example/desk", "http://localhost/pressed", "http://[", "javascript:alert(1)"):
        assert "Back to the page before" not in said(came)
    assert "Back to the page before" not in said("http://localhost/desk", "GET")


def test_the_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    answer = client.post("/", headers=PROGRAM)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_refusals_are_said_in_chinese(app: APIFlask, client: FlaskClient) -> None:
    page = client.get("/nothing-here", headers=PAGE | {"Accept-Language": "zh-CN"}).text
    assert '<html lang="zh-CN">' in page
    assert "这里什么也没有" in page


def test_an_address_under_api_gets_problem_details_whatever_it_accepts(client: FlaskClient) -> None:
    answer = client.get("/api/v1/nothing", headers=PAGE)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_nothing_of_the_address_becomes_markup(client: FlaskClient) -> None:
    page = client.get("/<script>alert(1)</script>?a=<b>", headers=PAGE).text
    assert "<script>alert" not in page
    assert "<b>" not in page


@pytest.fixture
def stranded(tmp_path: Path) -> Iterator[APIFlask]:
    """The application with neither SQL nor Redis: both addresses refuse connections."""
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/nothing?connect_timeout=2"
    application = create_app(environment(tmp_path, nowhere, "redis://127.0.0.1:1/0"), TESTING=True)
    with application.app_context():
        yield application


def _signed_in(browser: FlaskClient) -> FlaskClient:
    with browser.session_transaction() as cookie:
        cookie["sid"] = "a-session-that-would-have-to-be-looked-up"
    return browser


@pytest.mark.parametrize("known", [False, True], ids=["anonymous", "with-a-session"])
def test_without_sql_and_redis_the_page_still_stands(stranded: APIFlask, known: bool) -> None:
    browser = _signed_in(stranded.test_client()) if known else stranded.test_client()
    answer = browser.get("/", headers=PAGE | {"Accept-Language": "en"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "3"
    assert "<h1>This part is resting for a moment</h1>" in answer.text
    assert 'class="masthead' in answer.text


@pytest.mark.parametrize("known", [False, True], ids=["anonymous", "with-a-session"])
def test_a_fault_without_sql_and_redis_is_a_page(stranded: APIFlask, known: bool) -> None:
    def fault() -> None:
        raise ZeroDivisionError

    _refuse(stranded, fault)
    browser = _signed_in(stranded.test_client()) if known else stranded.test_client()
    answer = browser.get("/refused", headers=PAGE | {"Accept-Language": "en"})
    assert answer.status_code == 500
    assert "<h1>Something went wrong on our side</h1>" in answer.text
    assert 'class="masthead' in answer.text
    assert "ZeroDivisionError" not in answer.text
    told = browser.get("/refused", headers=PROGRAM)
    assert (told.status_code, told.get_json()["code"]) == (500, "fault")


def test_an_address_that_is_not_there_needs_no_sql(stranded: APIFlask) -> None:
    answer = stranded.test_client().get("/nothing-here", headers=PAGE | {"Accept-Language": "en"})
    assert answer.status_code == 404


def test_a_broken_error_page_is_still_an_answer(app: APIFlask, client: FlaskClient) -> None:
    app.jinja_env.globals["visitor"] = lambda: 1 // 0
    answer = client.get("/nothing-here", headers=PAGE)
    assert answer.status_code == 404
    assert "<h1>There is nothing here</h1>" in answer.text


def test_a_form_without_its_token_is_told_so(app: APIFlask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client.post("/sign-in", data={"username": "a"}, headers=PAGE)
    assert answer.status_code == 400
    assert "open for too long" in answer.text


@both_databases
@pytest.mark.parametrize("values", [{}, {"locale": "王小明" * 9}, {"department_id": 10**12}])
def test_what_people_wrote_does_not_reach_the_log_by_way_of_the_database(
    app: APIFlask, client: FlaskClient, make: Make, caplog: pytest.LogCaptureFixture, values: dict[str, Any]
) -> None:
    """A clash of two requests, a text too long, a reference to nothing: each with a name, a number and a phone."""
    taken = make.account().username if not values else "010-王献之"

    def write() -> str:
        given = {"username": taken, "name": "王献之", "phone": "13800138000", "created_at": make.now, **values}
        session().add(Account(**given))
        session().commit()
        return "written"

    _refuse(app, write)
    answer = client.get("/refused", headers=PAGE)
    assert answer.status_code in {200, 400, 409}
    assert answer.status_code == 200 or "concours" in {record.name for record in caplog.records}
    for secret in (taken, "王献之", "王小明", "13800138000", str(10**12)):
        assert secret not in caplog.text
        assert secret not in answer.text
