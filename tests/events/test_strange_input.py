"""No address, no number and no text makes a page of these rooms fail."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from concours.identity.models import Account, Role
from tests.factories import Make

Browser = Callable[[Account], FlaskClient]
NUMBERS = ("0", "-1", "9" * 30, "9223372036854775808", "1.5", "x", "１", "%00", "𠮷")
TEXTS = (
    "",
    "字" * 10_000,
    "😀𠮷\u202e",
    "<script>alert(1)</script>",
    "a" * 300_000,
    "\r\n\r\n",
    "${7*7}{{7*7}}%s%(x)s",
)


@pytest.fixture
def anybody(make: Make, client_as: Browser) -> tuple[FlaskClient, str, int]:
    event = make.event()
    category = make.category(event, fields=[{"key": "note", "label": "说明"}])
    account = make.admin()
    make.grant(account, event, Role.ORGANISER)
    return client_as(account), f"/events/{event.slug}", category.id


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_in_addresses(anybody: tuple[FlaskClient, str, int], number: str) -> None:
    browser, event, category = anybody
    gets = [
        f"{event}/people?after={number}&role={number}",
        f"{event}/invitations?after={number}",
        f"{event}/audit?after={number}&day={number}&who={number}&verb={number}",
        f"{event}/desk/categories/{number}",
        f"{event}/desk/categories/{category}/fields/{number}",
        f"/admin/accounts?after={number}&q={number}",
        f"/admin/accounts/{number}",
        f"/admin/departments/{number}",
        f"/api/v1/events?after={number}",
        f"/api/v1/events/{number}",
        f"/events/{number}/",
        f"/invitations/{number}",
        f"/sign-in?next={number}",
    ]
    posts = [
        (f"{event}/people/{number}/take", {}),
        (f"{event}/invitations/links", {"account": number}),
        (f"{event}/desk/categories/{category}/move", {"step": number}),
        (f"/me/sessions/{number}/revoke", {}),
        (f"/me/tokens/{number}/revoke", {}),
        (f"/admin/accounts/{number}/link", {}),
        (f"/admin/accounts/{number}/active", {"active": "1"}),
    ]
    for url in gets:
        assert browser.get(url).status_code < 500, url
    for url, data in posts:
        assert browser.post(url, data=data).status_code < 500, url


@pytest.mark.parametrize("text", TEXTS)
def test_texts_in_forms(anybody: tuple[FlaskClient, str, int], text: str) -> None:
    browser, event, category = anybody
    forms: list[tuple[str, tuple[str, ...]]] = [
        ("/sign-in", ("username", "password", "next")),
        ("/me/password", ("old", "password", "password_again")),
        ("/me/language", ("locale",)),
        ("/me/tokens", ("label",)),
        ("/admin/departments", ("code", "name", "parent")),
        ("/admin/departments/import", ("rows",)),
        ("/admin/accounts", ("username", "name", "department", "phone", "email", "is_admin")),
        ("/events/new", ("template", "title", "begins", "slug", "zone", "language")),
        (
            f"{event}/desk/settings",
            ("title", "summary", "zone", "statement", "team_min", "clip_max_seconds", "check_in"),
        ),
        (f"{event}/desk/phases", ("opens_voting", "closes_voting")),
        (f"{event}/desk/quotas", ("department", "max_teams", "max_entries")),
        (f"{event}/desk/categories", ("title", "media_kind", "code")),
        (
            f"{event}/desk/categories/{category}",
            ("title", "per_author", "min_count", "max_mb", "formats", "orientation", "description_zh", "needs_exif"),
        ),
        (
            f"{event}/desk/categories/{category}/fields/new",
            ("label_zh", "label_en", "type", "choices", "minimum", "max_length", "unit", "help_zh", "when_field"),
        ),
        (f"{event}/people", ("username", "role", "department")),
        (f"{event}/people/import", ("rows", "role", "format")),
        (f"{event}/invitations/links", ("account", "format")),
    ]
    for url, names in forms:
        for name in names:
            answer = browser.post(url, data={name: text})
            assert answer.status_code < 500, (url, name)
            assert "<script>alert(1)" not in answer.text, (url, name)
        answer = browser.post(url, data=dict.fromkeys(names, text))
        assert answer.status_code < 500, url
    for page in ("/me", event + "/", f"{event}/desk", f"{event}/audit", f"{event}/desk/categories"):
        assert browser.get(page).status_code in {200, 302}, page
