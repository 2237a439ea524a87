"""What somebody is offered first is their own duty: the desk, the jury's table, the day's check-in; then the rest."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from concours.identity.models import Account, Role
from tests.entries.build import Build
from tests.factories import Make

ClientAs = Callable[[Account], FlaskClient]
FIRST = re.compile(r'<a class="btn btn-primary btn-lg"\s+href="([^"]+)"')


@pytest.mark.parametrize(
    ("role", "path"),
    [
        (Role.ORGANISER, "desk"),
        (Role.AUDITOR, "desk"),
        (Role.JUDGE, "jury"),
        (Role.COORDINATOR, "teams"),
        (Role.MEMBER, "clips/mine"),
    ],
)
def test_ones_duty_comes_first(make: Make, client_as: ClientAs, role: Role, path: str) -> None:
    event = make.event()
    department = make.department() if role is Role.COORDINATOR else None
    page = client_as(make.with_role(event, role, department)).get(f"/events/{event.slug}/")
    assert FIRST.findall(page.text) == [f"/events/{event.slug}/{path}"]


def test_a_visitor_is_offered_no_desk(make: Make, client: FlaskClient) -> None:
    event = make.event()
    assert f"/events/{event.slug}/desk" not in client.get(f"/events/{event.slug}/").text


def test_the_desk_leads_to_what_is_open_for_the_organiser(make: Make, client_as: ClientAs) -> None:
    event = make.event()
    page = client_as(make.with_role(event, Role.ORGANISER)).get(f"/events/{event.slug}/desk").text
    assert re.search(rf'<a class="btn btn-primary"\s+href="/events/{event.slug}/screening"', page)
    assert not re.search(rf'<a class="btn[^>]*href="/events/{event.slug}/entries"', page), "submitting is no desk work"


def test_ones_works_stand_on_ones_own_page_whatever_the_event(
    make: Make, client_as: ClientAs, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    build = Build(make)
    event = make.event(title="书画展")
    author = build.author()
    browser = client_as(author)
    assert "书画展" not in browser.get("/me").text
    kept = build.draft(event, make.category(event), author, title="江山多娇")
    one = count_queries(lambda: browser.get("/me"))
    page = browser.get("/me").text
    assert "江山多娇" in page
    assert f"/events/{event.slug}/entries/{kept.id}" in page
    assert "书画展" in page
    for n in range(8):
        other = make.event()
        build.draft(other, make.category(other), author, title=f"又一幅{n}")
    assert browser.get("/me").text.count("my-work-title") == 6
    assert count_queries(lambda: browser.get("/me")) <= one
