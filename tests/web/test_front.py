"""The front page: what is open now comes first, with the doors that are open by the clock."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from apiflask import APIFlask
from flask import url_for
from flask.testing import FlaskClient

from concours.base.db import session
from concours.events.models import Event, EventStatus, PhaseKind
from concours.identity.models import Account, Role
from concours.web.front import PAGE, SHOWS, events_for
from concours.web.steps import steps_at
from tests.factories import Make


def _set(event: Event, kind: PhaseKind, opens: datetime, closes: datetime) -> None:
    phase = next(phase for phase in event.phases if phase.kind == kind)
    phase.opens_at, phase.closes_at = opens, closes
    session().commit()


Groups = Callable[[Account | None], dict[str, str]]


@pytest.fixture
def groups(app: APIFlask, now: datetime) -> Groups:
    """The group of each event that an account sees."""

    def seen(account: Account | None) -> dict[str, str]:
        with app.test_request_context():
            cards, _ = events_for(account, now)
            return {card.event.slug: card.group for card in cards}

    return seen


def test_a_new_instance_says_what_will_be_here(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "The walls are still empty" in page
    assert "No event has been opened yet" in page


def test_an_admin_of_a_new_instance_is_led_to_the_first_event(
    app: APIFlask, client_as: Callable[[Account], FlaskClient], make: Make
) -> None:
    page = client_as(make.admin()).get("/").text
    assert "Create the first event" in page
    with app.test_request_context():
        assert f'href="{url_for("events.create")}"' in page


def test_events_are_grouped_by_the_clock(make: Make, now: datetime, groups: Groups) -> None:
    running, over = make.event(), make.event(open_phases=False)
    archived = make.event(status=EventStatus.ARCHIVED)
    coming = make.event()
    for kind in PhaseKind:
        _set(coming, kind, now + timedelta(days=1), now + timedelta(days=2))
    assert groups(None) == {running.slug: "now", over.slug: "past", archived.slug: "past", coming.slug: "next"}


def test_a_phase_is_open_from_its_first_second_until_its_last(make: Make) -> None:
    event = make.event(open_phases=False)
    opens, closes = datetime(2021, 7, 8, tzinfo=UTC), datetime(2021, 7, 10, 10, tzinfo=UTC)
    _set(event, PhaseKind.VOTING, opens, closes)

    def state(moment: datetime) -> str:
        return next(step.state for step in steps_at(event, moment) if step.kind is PhaseKind.VOTING)

    second = timedelta(seconds=1)
    assert [state(opens - second), state(opens), state(closes - second), state(closes)] == [
        "next",
        "now",
        "now",
        "past",
    ]


def test_drafts_are_shown_to_their_people_alone(make: Make, groups: Groups) -> None:
    draft = make.event(status=EventStatus.DRAFT)
    assert groups(None) == groups(make.account()) == {}
    assert groups(make.with_role(draft, Role.AUDITOR)) == {draft.slug: "draft"}
    assert groups(make.admin()) == {draft.slug: "draft"}


Doors = Callable[..., list[str]]


@pytest.fixture
def doors(app: APIFlask, make: Make, client: FlaskClient, client_as: Callable[[Account], FlaskClient]) -> Doors:
    """The doors on the front page while only that phase is open, as (endpoint) names, for an account or for anybody."""

    def shown(event: Event, kind: PhaseKind, account: Account | None = None) -> list[str]:
        _set(event, kind, make.now - timedelta(hours=1), make.now + timedelta(hours=1))
        page = (client if account is None else client_as(account)).get("/").text
        part = re.search(r'<p class="event-doors">(.*?)</p>', page, re.S)
        addresses = re.findall(r'href="([^"]+)"', part.group(1)) if part else []
        adapter = app.url_map.bind("localhost")
        return [str(adapter.match(address)[0]) for address in addresses]

    return shown


@pytest.mark.parametrize(
    ("kind", "endpoint"),
    [
        (PhaseKind.SUBMISSION, "entries.mine"),
        (PhaseKind.VOTING, "voting.gallery"),
        (PhaseKind.EXHIBITION, "exhibition.entrance"),
        (PhaseKind.RESULTS, "exhibition.show_results"),
    ],
)
def test_what_is_open_has_a_door(make: Make, doors: Doors, kind: PhaseKind, endpoint: str) -> None:
    event = make.event(open_phases=False, settings={})
    assert doors(event, kind) == [endpoint]
    assert doors(event, kind, make.account()) == [endpoint]


def test_doors_are_those_of_ones_roles(make: Make, doors: Doors) -> None:
    event = make.event(open_phases=False, settings={})
    coordinator = make.with_role(event, Role.COORDINATOR, make.department())
    assert doors(event, PhaseKind.REGISTRATION) == []
    assert doors(event, PhaseKind.REGISTRATION, make.with_role(event, Role.MEMBER)) == []
    assert doors(event, PhaseKind.REGISTRATION, coordinator) == ["teams.index"]


def test_what_is_over_has_no_door(make: Make, client: FlaskClient) -> None:
    make.event(open_phases=False)
    assert "event-doors" not in client.get("/").text


def test_every_show_leads_somewhere(app: APIFlask) -> None:
    assert {endpoint for endpoint, _ in SHOWS.values()} <= set(app.view_functions)


def test_the_page_turns_by_key(make: Make, client: FlaskClient, now: datetime) -> None:
    titles = [make.event(title=f"No{n:03d}.").title for n in range(PAGE + 3)][::-1]
    first = client.get("/").text
    assert re.findall(r"No\d{3}\.", re.sub(r"<svg.*?</svg>", "", first)) == titles[:PAGE]
    onward = re.search(r'href="(/\?after=\d+)"\s+rel="next"', first)
    assert onward
    second = client.get(onward.group(1)).text
    assert re.findall(r"No\d{3}\.", second) == titles[PAGE:]
    assert 'rel="next"' not in second
    assert 'rel="first"' in second


@pytest.mark.parametrize("after", ["x", "-1", "99999999999999999999", ""])
def test_a_strange_key_is_no_fault(make: Make, client: FlaskClient, after: str) -> None:
    make.event()
    assert client.get("/", query_string={"after": after}).status_code == (400 if after.startswith("999") else 200)


def test_the_number_of_queries_does_not_grow(
    make: Make, client: FlaskClient, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    make.event()
    one = count_queries(lambda: client.get("/"))
    for _ in range(30):
        make.event()
    assert count_queries(lambda: client.get("/")) == one


def test_markup_in_a_title_is_text(make: Make, client: FlaskClient) -> None:
    make.event(title="<b>𠮷</b> & co", summary='"><script>alert(1)</script>')
    page = client.get("/").text
    assert "&lt;b&gt;𠮷&lt;/b&gt; &amp; co" in page
    assert "<script>alert" not in page
