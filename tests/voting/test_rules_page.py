"""The rules as voters read them, how they changed, and how a change reads before it is made."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import session, set_reading
from concours.identity.models import Account, Role
from concours.voting import polls
from concours.voting.ladder import ways
from concours.voting.ladder.ways import Way
from concours.voting.rules import Rules
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, Voter, at_work, sequencing, until_loaded


def edited(world: PollWorld, actor: Account, now: datetime, *, longer: bool = False, **rules: Any) -> None:
    set_reading(False)
    poll = world.poll
    draft = polls.Draft(
        title=poll.title,
        introduction="",
        ways=ways.read(poll.ways),
        opens_at=poll.opens_at,
        closes_at=poll.closes_at + timedelta(days=1 if longer else 0),
        rules=replace(Rules.read(poll.rules), **rules),
    )
    polls.edit(poll, draft, version=poll.version, actor=actor, now=now)
    session().commit()


def text_of(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    session().rollback()
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_the_page_tells_what_changed_and_only_the_desk_by_whom(
    app: APIFlask,
    make: Make,
    a_poll: PollMaker,
    now: datetime,
    client: FlaskClient,
    client_as: Callable[[Account], FlaskClient],
    count_queries: Callable[[Callable[[], Any]], int],
) -> None:
    world = a_poll(per_day=4, publish=False)
    at_work(app).release()
    organiser = make.with_role(world.event, Role.ORGANISER)
    organiser.name = "王改之"
    edited(world, organiser, now, per_day=5)
    polls.publish(world.poll, world.event, actor=organiser, now=now)
    session().commit()
    here = f"/events/{world.event.slug}/polls/{world.poll.slug}"
    english = app.test_client()
    english.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    before = text_of(english, f"{here}/rules")
    assert "You have 5 votes a day." in before
    assert "They have not changed" in before
    assert f"{here}/rules" in text_of(english, here)
    assert all(f'href="{here}{way}"' in before for way in ("/check", "/decisions"))
    edited(world, organiser, now, per_day=7)
    edited(world, organiser, now)  # nothing that a voter could notice
    few = count_queries(lambda: text_of(english, f"{here}/rules"))
    edited(world, organiser, now, longer=True, shown="hidden")
    page = text_of(english, f"{here}/rules")
    assert "<del>You have 5 votes a day.</del>" in page
    assert "<ins>You have 7 votes a day.</ins>" in page
    assert "<ins>Who has how many votes is shown after the close.</ins>" in page
    assert "You have 4 votes a day." not in page  # from before it was published
    assert page.count("Open from") == 1
    assert page.count('<th scope="row">') == 2
    assert "王改之" not in page
    assert "王改之" not in text_of(client_as(make.account()), f"{here}/rules")
    assert "王改之" in text_of(client_as(organiser), f"{here}/rules")
    assert count_queries(lambda: text_of(english, f"{here}/rules")) == few


def test_the_form_says_what_a_change_means_before_it_is_made(
    app: APIFlask, make: Make, a_poll: PollMaker, client_as: Callable[[Account], FlaskClient]
) -> None:
    world = a_poll(per_day=4)
    at_work(app).release()
    desk = client_as(make.with_role(world.event, Role.ORGANISER))
    desk.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    here = f"/events/{world.event.slug}/voting"
    form = {"way_device": "1", "per_day": "6", "min_picks": "2", "max_picks": "3", "title": "未存"}

    def answered(path: str, data: dict[str, str], **headers: str) -> str:
        answer = desk.post(f"{here}{path}", data=data, headers=headers)
        session().rollback()
        assert answer.status_code == 200
        return answer.get_data(as_text=True)

    live = answered(f"/{world.id}/preview", form, **{"HX-Request": "true"})
    assert "<html" not in live
    assert "<li>You have 6 votes a day.</li>" in live
    assert "<del>You have 4 votes a day.</del>" in live
    assert "You choose from 2 to 3 candidates and send them together." in live
    assert "The poll is open." in live
    whole = answered(f"/{world.id}/preview", form)
    assert 'value="未存"' in whole
    assert f'action="{here}/{world.id}/edit"' in whole  # Save on the preview's page saves
    assert "<li>You have 6 votes a day.</li>" in whole
    fresh = answered("/new/preview", {**form, "per_day": "many", "max_picks": "9" * 5000})
    assert "Something in the form is not right yet" in fresh
    assert "The poll is open." not in fresh
    assert f'action="{here}/new"' in fresh
    set_reading(False)
    session().refresh(world.poll)
    assert world.poll.rules["per_day"] == 4
    session().commit()


def test_a_poll_with_votes_can_still_be_previewed_and_changed(
    app: APIFlask,
    make: Make,
    a_poll: PollMaker,
    client_as: Callable[[Account], FlaskClient],
    a_voter: Callable[[PollWorld], Voter],
) -> None:
    """Who votes is fixed then: the form shows it disabled, and a browser sends nothing of it."""
    world = a_poll(per_day=4, ways={"account": Way(3), "device": Way(2)})
    with sequencing(app):
        until_loaded(world)
        assert a_voter(world).vote(world.candidates[0]).status_code == 201
    desk = client_as(make.with_role(world.event, Role.ORGANISER))
    desk.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    here = f"/events/{world.event.slug}/voting/{world.id}"
    zone = ZoneInfo(world.poll.zone)
    form = {
        "title": "人气奖",
        "version": str(world.poll.version),
        "opens_at": world.poll.opens_at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S"),
        "closes_at": world.poll.closes_at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S"),
        "per_day": "6",
    }
    session().rollback()
    shown = desk.post(f"{here}/preview", data=form, headers={"HX-Request": "true"})
    session().rollback()
    assert shown.status_code == 200
    assert "Each vote counts 3." in shown.get_data(as_text=True)
    assert desk.post(f"{here}/edit", data=form).status_code == 303
    session().rollback()
    session().refresh(world.poll)
    assert world.poll.rules["per_day"] == 6
    assert ways.read(world.poll.ways) == {"account": Way(3), "device": Way(2)}
    session().commit()
