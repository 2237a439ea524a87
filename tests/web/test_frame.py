"""What every page stands in: its links, its notices, who is here, addresses of assets."""

import re
from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask import flash, g, get_flashed_messages
from flask.testing import FlaskClient

from concours.base.messages import Message, msg
from concours.base.notices import notify
from concours.events import navigation
from concours.events.navigation import navigate
from concours.identity.access import PUBLIC, allow
from concours.identity.models import Account, Role
from concours.web.assets import asset, vendor
from concours.web.frame import event_places, flashed, here, link, relative
from tests.factories import Make


def test_a_link_to_what_no_room_has_is_none(app: APIFlask) -> None:
    with app.test_request_context():
        assert link("web.front") == "/"
        assert link("nowhere.at_all") is None
        assert link("web.switch_language") is None  # needs a value that is not given
        assert link("web.front", after=None) == "/"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("/a/b?x=1&y=%E4%B8%AD", "/a/b?x=1&y=%E4%B8%AD"),
        ("/中", "/%E4%B8%AD"),
        ('/"><b>', "/%22%3E%3Cb%3E"),
        ("/", "/"),
    ],
)
def test_here_is_the_address_that_was_asked(app: APIFlask, asked: str, expected: str) -> None:
    with app.test_request_context(asked):
        assert here() == expected
    with app.test_request_context(asked, method="POST"):
        assert here() == "/"


@pytest.mark.parametrize(
    ("address", "expected"),
    [("/a?b=c#d", "/a?b=c#d"), ("", "/"), ("a", "/"), ("//a", "/"), ("/\\a", "/"), ("http://a/", "/"), ("/\t/a", "/")],
)
def test_only_paths_of_this_site_are_relative(address: str, expected: str) -> None:
    assert relative(address) == expected


def test_assets_carry_their_fingerprint(app: APIFlask, client: FlaskClient) -> None:
    with app.test_request_context():
        address, vendored = asset("css/site.css"), vendor("htmx.js")
    assert re.fullmatch(r"/static/css/site\.css\?v=[0-9a-f]{10}", address)
    for path in (address, vendored):
        assert client.get(path).status_code == 200


def test_every_address_in_the_frame_answers(client: FlaskClient) -> None:
    page = client.get("/").text
    addresses = set(re.findall(r'(?:src|href)="(/[^"#]*)', page))
    assert len(addresses) > 8
    for address in addresses:
        assert client.get(address.replace("&amp;", "&")).status_code < 400, address


def test_the_policy_is_strict(client: FlaskClient) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
    assert "http" not in policy


@pytest.fixture
def notices(app: APIFlask, client: FlaskClient) -> Callable[[Callable[[], None]], str]:
    """Notices that a request leaves, as the next page shows them in the given language."""

    def shown(leave: Callable[[], None], language: str = "en") -> str:
        app.add_url_rule("/leave", "leave", allow(PUBLIC)(lambda: leave() or "left"))
        client.get("/leave")
        page = client.get("/", headers={"Accept-Language": language}).text
        return "\n".join(re.findall(r'<p class="notice.*?</p>', page))

    return shown


def test_a_notice_is_said_in_the_language_of_the_page_that_shows_it(notices: Callable[..., str]) -> None:
    sentence = msg("%(phase)s opens on %(time)s", phase=msg("Draft"), time="9:00")
    assert "草稿将于9:00开始" in notices(lambda: notify(sentence), "zh")


def test_notices_may_be_texts_messages_or_kept_messages(notices: Callable[..., str]) -> None:
    def leave() -> None:
        flash("plain <b>", "warning")
        flash(msg("Draft"), "danger")  # type: ignore[arg-type]
        notify(msg("Submitted"), "unheard-of")

    shown = notices(leave)
    assert 'notice-warning">plain &lt;b&gt;<' in shown
    assert 'notice-danger">Draft<' in shown
    assert 'notice-info">Submitted<' in shown


def test_flashed_of_the_same_request(app: APIFlask) -> None:
    with app.test_request_context(headers={"Accept-Language": "zh"}):
        flash(msg("Draft"))  # type: ignore[arg-type]
        assert [flashed(message) for message in get_flashed_messages()] == ["草稿"]
        assert flashed(Message("Draft")) == "草稿"


def test_who_is_here_is_named_and_can_leave(client_as: Callable[..., FlaskClient], make: Make) -> None:
    page = client_as(make.account(name="欧阳𠮷")).get("/").text
    assert "欧阳𠮷" in page
    assert re.search(r'<form method="post" action="/sign-out">\s*<input type="hidden" name="csrf_token"', page)
    assert "/sign-in" not in page


def test_a_stranger_can_sign_in_and_comes_back(client: FlaskClient) -> None:
    assert 'href="/sign-in?next=/api/docs"' in client.get("/api/docs").text


@pytest.fixture
def two_places(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> APIFlask:
    """An application whose events have two pages: one for all, and one below it for organisers."""
    monkeypatch.setattr(navigation, "_places", {})
    everyone, organisers = allow(PUBLIC)(lambda: "all"), allow(Role.ORGANISER)(lambda: "organisers")
    app.add_url_rule("/events/<event_slug>/open", "open", everyone)
    app.add_url_rule("/events/<event_slug>/open/below", "below", organisers)
    app.add_url_rule("/events/<event_slug>/open/other/<int:number>", "other", allow(PUBLIC)(lambda number: "other"))
    navigate("below", msg("Draft"), order=20, who={Role.ORGANISER})
    navigate("open", msg("Submitted"), order=10, who={PUBLIC})
    navigate("not.there", msg("Returned"), order=5, who={PUBLIC})
    return app


def _places(app: APIFlask, path: str, account: Account | None = None) -> list[tuple[str, bool]]:
    with app.test_request_context(path):
        for name in list(g):  # the test's context is shared; a request begins with an empty one
            g.pop(name)
        if account is not None:
            g._login_user = account
        app.preprocess_request()
        return [(place.url, place.current) for place in event_places()]


def test_the_visitor_sees_their_places_and_where_they_are(two_places: APIFlask, make: Make) -> None:
    event = make.event()
    way = f"/events/{event.slug}/open"
    assert _places(two_places, way) == [(way, True)]
    assert _places(two_places, f"{way}/other/3") == [(way, True)]
    organiser = make.with_role(event, Role.ORGANISER)
    assert _places(two_places, f"{way}/below", organiser) == [(way, False), (f"{way}/below", True)]


def test_the_events_own_page_is_current_only_when_one_is_on_it(app: APIFlask, make: Make) -> None:
    event = make.event()
    root = f"/events/{event.slug}/"
    assert (root, True) in _places(app, root)
    assert (root, False) in _places(app, f"{root}works/1")


def test_a_page_of_no_event_has_no_places(two_places: APIFlask) -> None:
    assert _places(two_places, "/") == []
