"""The organiser's desk: making, changing, publishing a poll; what is typed is never lost."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.audit import AuditRecord
from concours.base.db import session
from concours.base.errors import Conflict, Invalid
from concours.events.models import Event, EventStatus
from concours.identity.models import Account, Role
from concours.voting import candidates, polls
from concours.voting.ladder.models import CodeBatch
from concours.voting.ladder.ways import in_words as said_of
from concours.voting.ladder.ways import only
from concours.voting.models import Candidate, Poll, PollLog, PollProgress
from concours.voting.pages import poll_form
from concours.voting.rules import Rules, in_words
from tests.conftest import both_databases
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, Voter

Come = Callable[[PollWorld], Voter]
FORM = {
    "title": "网络人气奖",
    "introduction": "每人每天五票",
    "way_device": "1",
    "opens_at": "2021-07-08T00:00:00",
    "closes_at": "2041-07-10T18:00:00",
    "per_day": "5",
    "per_candidate_day": "1",
    "total": "0",
    "network_per_minute": "120",
    "voter_per_minute": "0",
    "new_devices_per_minute": "600",
}


def form(**more: str) -> dict[str, str]:
    """A form that is accepted, for a year."""
    return {**FORM, "closes_at": "2022-07-07T18:00:00", **more}


@pytest.fixture
def organiser(make: Make, client_as: Callable[[Account], FlaskClient]) -> tuple[Event, FlaskClient]:
    """An event and its organiser's browser."""
    event = make.event()
    return event, client_as(make.with_role(event, Role.ORGANISER))


def soon(days: int) -> str:
    """A wall-clock time in Beijing, as the form's field gives it."""
    return (datetime.now(UTC) + timedelta(days=days, hours=8)).strftime("%Y-%m-%dT%H:%M:%S")


@both_databases
def test_an_organiser_makes_fills_and_publishes_a_poll(
    app: APIFlask, make: Make, a_poll: PollMaker, organiser: tuple[Event, FlaskClient]
) -> None:
    event, browser = organiser
    a_poll.works(event, 3)
    made = browser.post(f"/events/{event.slug}/voting/new", data={**FORM, "opens_at": soon(-1), "closes_at": soon(3)})
    assert made.status_code == 303, made.get_data(as_text=True)
    address = made.headers["Location"]
    number = int(address.rsplit("/", 1)[1])
    early = browser.post(f"{address}/publish")
    assert early.status_code == 409
    assert browser.post(f"{address}/candidates", data={"group": "accepted"}).status_code == 303
    assert browser.post(f"{address}/publish").status_code == 303
    page = browser.get(address).get_data(as_text=True)
    assert "作品1" in page
    session().rollback()
    poll = session().get(Poll, number)
    assert poll is not None
    assert poll.published
    assert poll.slug == f"{event.slug}-1"
    kept = sa.select(AuditRecord.verb).where(AuditRecord.verb.startswith("voting.")).order_by(AuditRecord.id)
    verbs = list(session().scalars(kept))
    assert verbs == ["voting.create_poll", "voting.add_candidates", "voting.publish_poll"]
    shown = browser.get(f"/api/v1/polls/{number}").get_json()
    assert shown["rules"]["per_day"] == 5
    assert [c["title"] for c in shown["candidates"]] == ["作品1", "作品2", "作品3"]
    assert browser.get(f"/api/v1/events/{event.slug}/polls").get_json()["polls"][0]["id"] == number


def test_times_are_read_in_the_events_zone_to_the_second() -> None:
    draft = poll_form.read(form(opens_at="2021-07-08T00:00:01"), "Asia/Shanghai")
    assert draft.opens_at == datetime(2021, 7, 7, 16, 0, 1, tzinfo=UTC)
    assert draft.rules == Rules(5, 1, 0, 120, 0, 600)


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"title": "  "}, ["title"]),
        ({"title": "长" * 10_000}, ["title"]),
        ({"introduction": "长" * 2_001}, ["introduction"]),
        ({"way_device": "0"}, ["ways"]),
        ({"way_code": "1", "weight_code": "1001"}, ["weight_code"]),
        ({"challenge": "sometimes"}, ["challenge"]),
        ({"opens_at": ""}, ["opens_at"]),
        ({"opens_at": "2021-07-08T00:00:00+08:00"}, ["opens_at"]),
        ({"opens_at": "9999-99-99T00:00"}, ["opens_at"]),
        ({"opens_at": "0001-01-01T00:00:00"}, ["opens_at"]),
        ({"opens_at": "9999-12-31T01:00", "closes_at": "9999-12-31T23:59"}, ["opens_at", "closes_at"]),
        ({"closes_at": "2021-07-07T00:00:00"}, ["closes_at"]),
        ({"closes_at": "2031-07-07T00:00:00"}, ["closes_at"]),
        ({"per_day": "five"}, ["per_day"]),
        ({"per_day": "-1"}, ["per_day"]),
        ({"per_day": "1e3"}, ["per_day"]),
        ({"per_day": "٣"}, ["per_day"]),
        ({"per_day": "99999999999999999999"}, ["per_day"]),
        ({"title": "", "total": "x", "network_per_minute": "1.5"}, ["title", "total", "network_per_minute"]),
    ],
)
def test_each_wrong_field_is_named(wrong: dict[str, str], fields: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        poll_form.read(form(**wrong), "Asia/Shanghai")
    assert list(refused.value.by_field()) == fields


def test_a_refused_form_comes_back_as_it_was_typed(organiser: tuple[Event, FlaskClient]) -> None:
    event, browser = organiser
    typed = {**FORM, "title": "<b>𠮷 & 'quotes'</b>", "per_day": "many", "opens_at": "2021-07-08T00:00:07"}
    answer = browser.post(f"/events/{event.slug}/voting/new", data=typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "&lt;b&gt;𠮷 &amp; &#39;quotes&#39;&lt;/b&gt;" in page
    assert 'value="many"' in page
    assert 'value="2021-07-08T00:00:07"' in page
    assert "A whole number from 0 to 1000" in page


def test_two_organisers_do_not_overwrite_each_other(
    a_poll: PollMaker, make: Make, client_as: Callable[[Account], FlaskClient]
) -> None:
    world = a_poll()
    browser = client_as(make.with_role(world.event, Role.ORGANISER))
    address = f"/events/{world.event.slug}/voting/{world.id}/edit"
    page = browser.get(address).get_data(as_text=True)
    version = re.findall(r'name="version" value="(\d+)"', page)[0]
    mine = {**FORM, "opens_at": soon(-1), "closes_at": soon(3), "version": version}
    assert browser.post(address, data={**mine, "title": "第一"}).status_code == 303
    second = browser.post(address, data={**mine, "title": "第二"})
    assert second.status_code == 422
    assert "Somebody else changed this poll" in second.get_data(as_text=True)
    assert "第二" in second.get_data(as_text=True)


@pytest.mark.usefixtures("sequencer")
def test_who_votes_is_fixed_by_the_first_vote(a_poll: PollMaker, a_voter: Come, make: Make, now: datetime) -> None:
    world = a_poll()
    actor = make.account()
    draft = polls.Draft("x", "", only("account"), world.poll.opens_at, world.poll.closes_at, Rules())
    polls.edit(world.poll, draft, version=world.poll.version, actor=actor, now=now)
    back = polls.Draft("x", "", only("device"), world.poll.opens_at, world.poll.closes_at, Rules())
    polls.edit(world.poll, back, version=world.poll.version, actor=actor, now=now)
    session().commit()
    from concours.voting.booth import announce

    announce(world.id)
    assert a_voter(world).vote(world.candidates[0]).status_code == 201
    with pytest.raises(Invalid):
        polls.edit(world.poll, draft, version=world.poll.version, actor=actor, now=now)
    with pytest.raises(Conflict):
        polls.unpublish(world.poll, actor=actor, now=now)
    session().rollback()


@both_databases
def test_a_poll_that_was_never_public_can_be_deleted(make: Make, a_poll: PollMaker, now: datetime) -> None:
    world = a_poll(publish=False)
    session().add(CodeBatch(poll_id=world.id, name="请柬", weight=1, count=3, created_at=now))
    session().flush()
    number = world.id
    polls.discard(world.poll, actor=make.account(), now=now)
    session().commit()
    for column in (Poll.id, Candidate.poll_id, PollProgress.poll_id, CodeBatch.poll_id):
        assert session().scalar(sa.select(sa.func.count()).where(column == number)) == 0, column


@pytest.mark.usefixtures("sequencer")
def test_a_poll_that_was_public_stays_on_record(make: Make, a_poll: PollMaker, now: datetime) -> None:
    world = a_poll()
    with pytest.raises(Conflict, match="public once"):
        polls.discard(world.poll, actor=make.account(), now=now)
    until = time.monotonic() + 20
    while session().scalar(sa.select(PollLog.poll_id)) is None and time.monotonic() < until:
        session().rollback()
        time.sleep(0.05)
    polls.unpublish(world.poll, actor=make.account(), now=now)
    session().commit()
    with pytest.raises(Conflict, match="public once"):
        polls.discard(world.poll, actor=make.account(), now=now)
    session().rollback()


def test_a_draft_event_has_no_public_poll(make: Make, a_poll: PollMaker, now: datetime) -> None:
    world = a_poll(publish=False, event=make.event(status=EventStatus.DRAFT))
    with pytest.raises(Conflict):
        polls.publish(world.poll, world.event, actor=make.account(), now=now)
    session().rollback()


def test_candidates_are_added_once_and_by_group(make: Make, a_poll: PollMaker, now: datetime) -> None:
    event = make.event()
    a_poll.works(event, 2)
    world = a_poll(event=event, kind="works", count=1)  # a second category
    actor = make.account()
    assert len(world.candidates) == 3
    assert candidates.add(world.poll, event, "accepted", actor=actor, now=now) == 0
    category = event.categories[0] if event.categories else None
    session().commit()
    session().refresh(event, ["categories"])
    category = event.categories[0]
    empty = a_poll(event=event, publish=False, kind="works", count=1)
    session().execute(sa.delete(Candidate).where(Candidate.poll_id == empty.id))
    assert candidates.add(empty.poll, event, f"category-{category.id}", actor=actor, now=now) == 2
    for nonsense in ("", "category-999999", "selection"):
        with pytest.raises(Invalid):
            candidates.add(world.poll, event, nonsense, actor=actor, now=now)
    session().rollback()


def test_a_room_above_can_offer_its_groups(make: Make, a_poll: PollMaker, now: datetime) -> None:
    from concours.base.messages import msg

    event = make.event()
    works = a_poll.works(event, 5)
    world = a_poll(event=event, publish=False, kind="works", count=1)
    session().execute(sa.delete(Candidate).where(Candidate.poll_id == world.id))
    chosen = [work.id for work in works[:2]]
    session().commit()

    def selections(of: Event) -> list[candidates.Source]:
        return [candidates.Source("selection", msg("The selection"), candidates.ENTRIES, lambda: chosen)]

    candidates.offer(selections)
    try:
        assert candidates.add(world.poll, event, "selection", actor=make.account(), now=now) == 2
    finally:
        candidates._offers.remove(selections)
    session().rollback()


def test_the_desk_costs_the_same_for_two_candidates_and_for_thirty(
    app: APIFlask,
    make: Make,
    a_poll: PollMaker,
    client_as: Callable[[Account], FlaskClient],
    count_queries: Callable[[Callable[[], Any]], int],
) -> None:
    admin = client_as(make.admin())
    costs: dict[str, list[int]] = {"": [], "/voting": []}
    for count in (2, 30):
        world = a_poll(kind="works", count=count)
        if count == 30:
            for _ in range(5):
                a_poll(event=world.event, publish=False)
        address = f"/events/{world.event.slug}/voting/{world.id}"
        admin.get(address)
        app.extensions["concours_showcase"]._cards.clear()
        costs[""].append(count_queries(lambda address=address: admin.get(address)))  # type: ignore[misc]
        desk = f"/events/{world.event.slug}/voting"
        costs["/voting"].append(count_queries(lambda desk=desk: admin.get(desk)))  # type: ignore[misc]
    assert costs[""][0] == costs[""][1]
    assert costs["/voting"][0] == costs["/voting"][1]


@pytest.mark.usefixtures("sequencer")
def test_the_desk_shows_figures_and_reconciles(
    a_poll: PollMaker, a_voter: Come, make: Make, client_as: Callable[[Account], FlaskClient]
) -> None:
    world = a_poll(per_candidate_day=1)
    voter = a_voter(world)
    assert [voter.vote(world.candidates[0]).status_code for _ in range(2)] == [201, 409]
    auditor = client_as(make.with_role(world.event, Role.AUDITOR))
    page = auditor.get(f"/events/{world.event.slug}/voting/{world.id}").get_data(as_text=True)
    assert "The same candidate again on that day" in page
    assert "Withdraw candidate" not in page  # an auditor reads
    page = auditor.get(f"/events/{world.event.slug}/voting/{world.id}/reconciliation").get_data(as_text=True)
    assert "agree for every candidate" in page
    told = auditor.get(f"/api/v1/events/{world.event.slug}/polls/{world.id}/reconciliation").get_json()
    assert (told["difference"], told["ledger"], told["receipts"], told["redis"]) == (0, 1, 1, 1)
    assert told["refused"] == {"already_voted": 1}


def test_rules_are_said_in_plain_words() -> None:
    said = [str(sentence) for sentence in in_words(Rules(5, 1, 20, 100), said_of(only("device")))]
    assert "You have 5 votes a day." in said
    assert "In the whole poll you have 20 votes." in said
    unlimited = [str(sentence) for sentence in in_words(Rules(0, 0, 0, 0), said_of(only("account")))]
    assert "There is no limit to how often you vote." in unlimited
    assert "You may give the same candidate 2 votes a day." in [
        str(s) for s in in_words(Rules(0, 2, 0), said_of(only("device")))
    ]


def test_the_desk_offers_what_the_poll_s_state_allows(
    a_poll: PollMaker, make: Make, client_as: Callable[[Account], FlaskClient], now: datetime
) -> None:
    """A draft has no figures and no evidence; a poll that is over takes no more candidates."""

    def shown(world: PollWorld) -> str:
        client = client_as(make.with_role(world.event, Role.ORGANISER))
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
        page = client.get(f"/events/{world.event.slug}/voting/{world.id}").get_data(as_text=True)
        session().rollback()
        return page

    draft, opened = shown(a_poll(publish=False)), shown(a_poll())
    over = shown(a_poll(opens_at=now - timedelta(days=3), closes_at=now - timedelta(days=1)))
    assert ["Votes recorded" in page for page in (draft, opened, over)] == [False, True, True]
    assert ["Evidence of fraud" in page for page in (draft, opened, over)] == [False, True, True]
    assert ["Put up as candidates" in page for page in (draft, opened, over)] == [True, True, False]
    assert "Nobody but organisers and auditors sees this poll yet" in draft
