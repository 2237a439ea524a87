"""A member sends a film from the phone; it counts when it was looked into, on the day its upload began."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import session
from concours.clips.models import Clip, ClipDay
from concours.clips.recount import recount
from concours.events.models import Event, PhaseKind
from concours.events.phases import phase_of
from concours.identity.models import Role
from concours.teams.models import Member, Team
from tests.clips.sending import film, go_on, marked, send
from tests.conftest import both_databases
from tests.factories import Make
from tests.teams.work import work

ClientAs = Callable[..., FlaskClient]


@pytest.fixture
def event(make: Make) -> Event:
    return make.event(
        settings={"check_in": True, "clips_per_member_day": 2, "clip_min_seconds": 1, "clip_max_seconds": 4}
    )


@pytest.fixture
def team(make: Make, event: Event) -> Team:
    return make.team(event, make.department())


@pytest.fixture
def member(make: Make, team: Team) -> Member:
    return make.member(team)


def statuses() -> list[str]:
    session().rollback()
    session().expire_all()
    return list(session().scalars(sa.select(Clip.status).order_by(Clip.id)))


@both_databases
def test_a_film_is_taken_looked_into_and_counted(
    app: APIFlask, event: Event, member: Member, client_as: ClientAs
) -> None:
    browser = client_as(member.account)
    answer = send(browser, member.id, film(2))
    assert answer.status_code == 201, answer.text
    assert answer.headers["X-Asset"]
    assert statuses() == ["checking"]
    assert session().get_one(Member, member.id).clip_count == 0
    work(app)
    assert statuses() == ["valid"]
    counted = session().get_one(Member, member.id)
    assert (counted.clip_count, counted.day_count) == (1, 1)
    of_team = session().get_one(Team, member.team_id)
    assert (of_team.clip_count, of_team.day_count, of_team.active_count) == (1, 1, 1)
    assert recount(event) == []
    told = browser.get(f"/events/{event.slug}/clips/mine.json").json
    assert (told["left_today"], told["streak"], told["clip_count"]) == (1, 1, 1)
    assert told["clips"][0]["status"] == "valid"
    assert told["clips"][0]["seconds"] == pytest.approx(2, abs=0.2)
    assert browser.get(told["clips"][0]["poster"]).mimetype.startswith("image/")
    page = browser.get(f"/events/{event.slug}/clips/mine").text
    assert "Counted" in page
    assert f"/assets/{answer.headers['X-Asset']}/stream" in page


@both_databases
def test_what_is_too_short_too_long_or_no_film_is_refused_and_takes_no_place(
    app: APIFlask, event: Event, member: Member, client_as: ClientAs
) -> None:
    browser = client_as(member.account)
    for data in (film(0.5), film(5), b"this is no film at all" * 50):
        assert send(browser, member.id, data).status_code == 201
        work(app)
    assert statuses() == ["refused"] * 3
    told = browser.get(f"/events/{event.slug}/clips/mine.json").json
    assert told["left_today"] == 2
    assert all(clip["refusal"] for clip in told["clips"])
    page = browser.get(f"/events/{event.slug}/clips/mine").text
    assert "Refused" in page
    assert recount(event) == []


def test_a_film_that_is_too_large_is_refused_before_a_byte_is_sent(member: Member, client_as: ClientAs) -> None:
    browser = client_as(member.account)
    answer = send(browser, member.id, b"", size=200 * 1024 * 1024 + 1)
    assert answer.status_code == 413
    assert "200 MB" in answer.json["detail"]
    assert send(browser, member.id, b"", size=200 * 1024 * 1024).status_code == 201


def test_a_day_takes_what_the_event_says(event: Event, member: Member, client_as: ClientAs) -> None:
    browser = client_as(member.account)
    for n in range(2):
        assert send(browser, member.id, marked(2, str(n))).status_code == 201
    answer = send(browser, member.id, marked(2, "3"))
    assert (answer.status_code, answer.json["code"]) == (429, "clips_of_day")
    assert "tomorrow" in answer.json["hint"]
    assert "Done for today" in browser.get(f"/events/{event.slug}/clips/mine").text


def test_two_uploads_begun_before_the_day_was_full_do_not_both_get_its_last_place(
    member: Member, client_as: ClientAs
) -> None:
    browser = client_as(member.account)
    assert send(browser, member.id, marked(2, "0")).status_code == 201
    films = [marked(2, "1"), marked(2, "2")]
    urls = [send(browser, member.id, b"", size=len(data)).headers["Location"] for data in films]
    answers = [go_on(browser, url, data) for url, data in zip(urls, films, strict=True)]
    assert [a.status_code for a in answers] == [204, 429]
    assert len(statuses()) == 2


def test_a_clip_belongs_to_the_day_in_the_zone_on_which_its_upload_began(
    app: APIFlask, make: Make, member: Member, client_as: ClientAs, event: Event
) -> None:
    midnight = datetime(2021, 6, 8, 16, tzinfo=UTC)  # 9 June, 00:00 in Shanghai
    phase = phase_of(event, PhaseKind.SUBMISSION)
    assert phase is not None
    phase.opens_at, phase.closes_at = midnight - timedelta(days=30), midnight + timedelta(days=30)
    session().commit()
    with time_machine.travel(midnight - timedelta(days=1), tick=False):
        make.now = datetime.now(UTC)
    data = marked(2, "late")
    with time_machine.travel(midnight - timedelta(seconds=1), tick=False):
        browser = client_as(member.account)
        url = send(browser, member.id, b"", size=len(data)).headers["Location"]
    with time_machine.travel(midnight + timedelta(minutes=5), tick=False):
        assert go_on(browser, url, data).status_code == 204
        assert send(browser, member.id, marked(2, "early")).status_code == 201
        work(app)
    session().expire_all()
    assert session().scalars(sa.select(Clip.day).order_by(Clip.id)).all() == [date(2021, 6, 8), date(2021, 6, 9)]
    assert session().scalars(sa.select(ClipDay.clips)).all() == [1, 1]


def test_the_submission_phase_is_kept_to_the_second(
    event: Event, member: Member, client_as: ClientAs, now: datetime
) -> None:
    phase = phase_of(event, PhaseKind.SUBMISSION)
    assert phase is not None
    phase.opens_at, phase.closes_at = now + timedelta(hours=1), now + timedelta(hours=2)
    session().commit()
    browser, second = client_as(member.account), timedelta(seconds=1)
    for moment, status in [
        (phase.opens_at - second, 403),
        (phase.opens_at, 201),
        (phase.closes_at - second, 201),
        (phase.closes_at, 403),
    ]:
        with time_machine.travel(moment, tick=False):
            answer = send(browser, member.id, b"", size=1000)
        assert answer.status_code == status, moment
    assert answer.json["code"] == "phase_closed"
    with time_machine.travel(phase.closes_at, tick=False):
        assert "The time for clips is over" in browser.get(f"/events/{event.slug}/clips/mine").text


@pytest.mark.parametrize(
    ("began", "ended", "status"),
    [
        (timedelta(hours=-30), timedelta(minutes=59, seconds=59), 204),
        (timedelta(seconds=-1), timedelta(minutes=59, seconds=59), 204),
        (timedelta(seconds=-1), timedelta(hours=1), 403),
    ],
)
def test_what_began_before_the_close_may_arrive_within_an_hour_of_it(
    event: Event, member: Member, client_as: ClientAs, now: datetime, began: timedelta, ended: timedelta, status: int
) -> None:
    phase = phase_of(event, PhaseKind.SUBMISSION)
    assert phase is not None
    phase.opens_at, phase.closes_at = now - timedelta(days=2), now + timedelta(hours=2)
    session().commit()
    data = marked(2, "over the close")
    with time_machine.travel(phase.closes_at + began, tick=False):
        browser = client_as(member.account)
        url = send(browser, member.id, b"", size=len(data)).headers["Location"]
    with time_machine.travel(phase.closes_at + ended, tick=False):
        assert go_on(browser, url, data).status_code == status
        assert send(browser, member.id, b"", size=1000).status_code == 403, "nothing begins after the close"
    session().expire_all()
    assert len(statuses()) == (1 if status == 204 else 0)


def test_the_captain_sends_for_the_team_and_nobody_else_does(
    make: Make, event: Event, team: Team, member: Member, client_as: ClientAs
) -> None:
    captain, mate = make.member(team), make.member(team)
    team.captain_id = captain.account_id
    elsewhere = make.member(make.team(event, make.department()))
    organiser = make.with_role(event, Role.ORGANISER)
    session().commit()
    assert send(client_as(captain.account), member.id, film(2)).status_code == 201
    assert send(client_as(captain.account), captain.id, marked(2, "a"), member=mate.id).status_code == 201
    for account in (mate.account, elsewhere.account, organiser, make.account()):
        assert send(client_as(account), member.id, film(2)).status_code == 404
    assert send(client_as(captain.account), elsewhere.id, film(2)).status_code == 404
    assert send(client_as(captain.account), captain.id, film(2), member=elsewhere.id).status_code == 404
    assert send(client_as(captain.account), 999_999, film(2)).status_code == 404
    session().rollback()
    assert session().scalars(sa.select(Clip.member_id).order_by(Clip.id)).all() == [member.id, mate.id]
    page = client_as(captain.account).get(f"/events/{event.slug}/clips/mine?member={member.id}")
    assert f"Check-in of {member.name}" in page.text
    for account, other in ((captain.account, elsewhere), (mate.account, member)):
        assert client_as(account).get(f"/events/{event.slug}/clips/mine?member={other.id}").status_code == 404


def test_an_event_without_check_in_takes_no_clips(make: Make, client_as: ClientAs) -> None:
    event = make.event(settings={})
    member = make.member(make.team(event, make.department()))
    browser = client_as(member.account)
    assert send(browser, member.id, film(2)).status_code == 404
    for page in ("mine", "mine.json", "standings", "standings.json"):
        assert browser.get(f"/events/{event.slug}/clips/{page}").status_code == 404
    assert "My check-in" not in browser.get(f"/events/{event.slug}/teams/{member.team_id}").text


def test_a_film_is_watched_by_its_people_alone(
    app: APIFlask, make: Make, event: Event, team: Team, member: Member, client_as: ClientAs
) -> None:
    number = send(client_as(member.account), member.id, film(2)).headers["X-Asset"]
    work(app)
    other = make.member(make.team(event, make.department()))
    seeing = [
        member.account,
        make.member(team).account,
        make.with_role(event, Role.COORDINATOR, team.department),
        make.with_role(event, Role.ORGANISER),
        make.with_role(event, Role.AUDITOR),
        make.admin(),
    ]
    hidden = [
        other.account,
        make.with_role(event, Role.COORDINATOR, other.team.department),
        make.with_role(event, Role.JUDGE),
        make.account(),
    ]
    for accounts, status in ((seeing, 200), (hidden, 404)):
        for account in accounts:
            assert client_as(account).get(f"/assets/{number}/stream").status_code == status
