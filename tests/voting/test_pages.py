"""The public's pages: they work without script, in two languages, with few queries, and while Redis is away."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import session
from concours.entries.models import Entry, EntryStatus
from concours.identity.models import Account
from concours.voting import limits
from concours.voting.booth import announce, booth
from concours.voting.models import Candidate
from concours.voting.pages import cards
from concours.voting.pages.cards import PAGE, neighbours, order_of, page_of
from concours.voting.reconciliation import reconcile
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, Voter, at_work

Come = Callable[[PollWorld], Voter]
Count = Callable[[Callable[[], Any]], int]


def url(world: PollWorld, path: str = "") -> str:
    """A page of the poll."""
    return f"/events/{world.event.slug}/polls/{world.poll.slug}{path}"


def text_of(page: str) -> str:
    """What a reader sees."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@contextmanager
def redis_away(app: APIFlask) -> Iterator[None]:
    """Redis cannot be reached by anything that asks for votes."""
    here = booth()
    client, gate = here.client, here.gate
    nowhere = "unix:///tmp/there-is-no-valkey-here.sock"
    here.client, here.gate = limits.connect(nowhere), limits.Gate(nowhere)
    try:
        yield
    finally:
        here.client, here.gate = client, gate


def vote_by_form(client: FlaskClient, world: PollWorld, candidate: int) -> Any:
    """What a browser without script does: opens the page, sends its form."""
    page = client.get(url(world, f"/candidates/{candidate}")).get_data(as_text=True)
    nonce = re.search(r'name="nonce" value="([0-9a-f]{32})"', page)
    assert nonce is not None
    answer = client.post(url(world, f"/candidates/{candidate}/vote"), data={"nonce": nonce[1]})
    session().rollback()
    return answer


@pytest.mark.usefixtures("sequencer")
def test_a_browser_without_script_votes_and_gets_its_receipt(
    app: APIFlask, a_poll: PollMaker, client: FlaskClient
) -> None:
    world = a_poll(kind="works", per_day=5, per_candidate_day=1)
    first = world.candidates[0]
    gone = vote_by_form(client, world, first)
    assert gone.status_code == 303
    receipt = client.get(gone.headers["Location"])
    seen = text_of(receipt.get_data(as_text=True))
    assert receipt.status_code == 200
    assert "You have 4 votes left today" in seen
    assert "This vote is counted" in seen
    again = vote_by_form(client, world, first)
    assert again.headers["Location"].endswith(f"/candidates/{first}")
    seen = text_of(client.get(again.headers["Location"]).get_data(as_text=True))
    assert "counted already today" in seen
    assert "You have 4 votes left today" in seen
    assert reconcile(booth(), world.id).leaves == 1
    mine = text_of(client.get(url(world, "/mine")).get_data(as_text=True))
    assert "作品1" in mine


@pytest.mark.usefixtures("sequencer")
def test_a_vote_by_form_is_recorded_when_the_page_comes(a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll()
    answer = vote_by_form(client, world, world.candidates[0])
    page = text_of(client.get(answer.headers["Location"]).get_data(as_text=True))
    assert "will be recorded in a moment" not in page  # as it would where the request kept the sequencer from writing
    assert "Your vote is counted" in page


@pytest.mark.usefixtures("sequencer")
def test_the_same_form_sent_twice_is_one_vote(a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll()
    page = client.get(url(world, f"/candidates/{world.candidates[0]}")).get_data(as_text=True)
    nonce = re.findall(r'name="nonce" value="([0-9a-f]{32})"', page)[0]
    places = set()
    for _ in range(2):
        answer = client.post(url(world, f"/candidates/{world.candidates[0]}/vote"), data={"nonce": nonce})
        session().rollback()
        places.add(answer.headers["Location"])
    assert len(places) == 1
    assert reconcile(booth(), world.id).leaves == 1


@pytest.mark.usefixtures("sequencer")
def test_a_poll_for_accounts_leads_to_the_sign_in_form(
    a_poll: PollMaker, client: FlaskClient, client_as: Callable[[Account], FlaskClient], make: Make
) -> None:
    world = a_poll(who="account", per_candidate_day=1)
    first = world.candidates[0]
    page = client.get(url(world, f"/candidates/{first}")).get_data(as_text=True)
    assert "Sign in to vote" in page
    sent = client.post(url(world, f"/candidates/{first}/vote"))
    assert "/sign-in" in sent.headers["Location"]
    assert vote_by_form(client_as(make.account()), world, first).status_code == 303
    assert reconcile(booth(), world.id).leaves == 1


@pytest.mark.usefixtures("sequencer")
def test_standings_rank_and_share_places(a_poll: PollMaker, a_voter: Come, client: FlaskClient) -> None:
    world = a_poll(count=4)
    one, two, three, _ = world.candidates
    for candidate, votes in ((one, 2), (two, 3), (three, 2)):
        for _ in range(votes):
            assert a_voter(world).vote(candidate).status_code == 201
    page = client.get(url(world, "/standings"))
    places = re.findall(r"Rank</span>\s*(\d+)", page.get_data(as_text=True))
    assert places == ["1", "2", "2", "4"]
    again = client.get(url(world, "/standings"), headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304
    a_voter(world).vote(one)
    assert client.get(url(world, "/standings"), headers={"If-None-Match": page.headers["ETag"]}).status_code == 200


@pytest.mark.usefixtures("sequencer")
def test_the_apis_standings_are_cheap_to_ask_again(a_poll: PollMaker, a_voter: Come, client: FlaskClient) -> None:
    world = a_poll()
    address = f"/api/v1/polls/{world.id}/standings"
    first = client.get(address)
    assert client.get(address, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    a_voter(world).vote(world.candidates[0])
    changed = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.get_json() == [{"candidate": world.candidates[0], "votes": 1}]


def test_pages_cost_the_same_for_one_candidate_and_for_thirty(
    app: APIFlask, make: Make, a_poll: PollMaker, client: FlaskClient, count_queries: Count
) -> None:
    small, large = a_poll(kind="works", count=2), a_poll(kind="works", count=30)
    at_work(app).release()
    for path in ("", "/standings", "/mine"):
        costs = []
        for world in (small, large):
            client.get(url(world, path))  # the fields of the polls are read once per version
            app.extensions["concours_showcase"]._cards.clear()
            costs.append(count_queries(lambda world=world, path=path: client.get(url(world, path))))  # type: ignore[misc]
        assert costs[0] == costs[1], path


def test_a_gallery_that_was_just_shown_asks_for_no_candidates(
    app: APIFlask, a_poll: PollMaker, client: FlaskClient, count_queries: Count
) -> None:
    world = a_poll(kind="works", count=10)
    first = client.get(url(world))
    assert first.status_code == 200
    assert count_queries(lambda: client.get(url(world))) <= 5  # the event with phases and categories, the poll
    kept = client.get(url(world))
    again = client.get(url(world), headers={"If-None-Match": kept.headers["ETag"]})
    assert again.status_code == 304


def test_cards_that_were_drawn_before_are_drawn_anew_in_another_language_when_voting_ends_and_when_the_work_changes(
    a_poll: PollMaker, app: APIFlask, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = a_poll(kind="works", count=3)
    english, chinese = app.test_client(), app.test_client()
    english.environ_base["HTTP_ACCEPT_LANGUAGE"], chinese.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en", "zh-CN"

    def buttons(reader: FlaskClient) -> list[str]:
        page = reader.get(url(world)).get_data(as_text=True)
        return re.findall(r"data-vote-for=[^>]*>([^<]+)</button>", page)

    for _ in range(2):
        assert buttons(english) == ["Vote"] * 3
        assert buttons(chinese) == ["投票"] * 3
    entry = session().get(Candidate, world.candidates[0]).entry  # type: ignore[union-attr]
    entry.title = "改过的题目"  # type: ignore[union-attr]
    session().commit()
    with monkeypatch.context() as later:
        there = time.monotonic() + cards.KEPT_S + 1
        later.setattr("concours.voting.pages.cards.time.monotonic", lambda: there)
        assert "改过的题目" in english.get(url(world)).get_data(as_text=True)
    world.poll.closes_at = world.poll.opens_at + timedelta(seconds=1)
    session().commit()
    assert buttons(english) == []


def test_each_visitor_has_an_order_of_their_own_and_keeps_it(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll(kind="works", count=30)
    orders = []
    for _ in range(4):
        browser = app.test_client()
        seen = [re.findall(r'data-vote-card="(\d+)"', browser.get(url(world)).get_data(as_text=True)) for _ in range(2)]
        assert seen[0] == seen[1]
        assert len(seen[0]) == PAGE
        orders.append(tuple(seen[0]))
    assert len(set(orders)) == 4


def test_paging_shows_everybody_once(app: APIFlask, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(kind="works", count=30)
    seen: list[str] = []
    address: str | None = url(world)
    while address:
        page = client.get(address).get_data(as_text=True)
        seen += re.findall(r'data-vote-card="(\d+)"', page)
        following = re.search(r'href="([^"]*after=[^"]*)"[^>]*rel="next"', page)
        address = following[1].replace("&amp;", "&") if following else None
    assert sorted(map(int, seen)) == sorted(world.candidates)


def test_first_places_are_given_evenly() -> None:
    firsts = [order_of(tuple(range(10)), str(seed))[0] for seed in range(2_000)]
    counts = [firsts.count(n) for n in range(10)]
    assert min(counts) > 140  # 200 on average, standard deviation 13
    assert page_of((1, 2, 3), 99) == ((1, 2, 3), None)
    assert neighbours((1, 2, 3), 2) == (1, 3)
    assert neighbours((1, 2, 3), 9) == (None, None)


@pytest.mark.parametrize("query", ["作品3", "100%", "_", "\\", "'", "<script>", "𠮷", "1" * 500, "0007", "\x00x"])
def test_search_takes_anything(query: str, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(kind="works", count=12)
    answer = client.get(url(world), query_string={"q": query})
    assert answer.status_code in {200, 400}
    found = re.findall(r'data-vote-card="(\d+)"', answer.get_data(as_text=True))
    if query == "作品3":
        assert len(found) == 1
    elif answer.status_code == 200:
        assert found == []


def test_a_withdrawn_candidate_is_told_on_its_page_and_gone_from_the_gallery(
    a_poll: PollMaker, client: FlaskClient, now: datetime
) -> None:
    from concours.voting import candidates

    world = a_poll(count=3)
    candidates.withdraw(world.poll, world.candidates[0], actor=a_poll.make.account(), now=now)
    session().commit()
    announce(world.id)
    assert f'data-vote-card="{world.candidates[0]}"' not in client.get(url(world)).get_data(as_text=True)
    page = text_of(client.get(url(world, f"/candidates/{world.candidates[0]}")).get_data(as_text=True))
    assert "takes no votes any more" in page


def test_a_poll_says_when_it_opens_and_that_it_is_over(a_poll: PollMaker, client: FlaskClient, now: datetime) -> None:
    early = a_poll(opens_at=now + timedelta(hours=1))
    late = a_poll(opens_at=now - timedelta(hours=2), closes_at=now - timedelta(hours=1))
    page = client.get(url(early, f"/candidates/{early.candidates[0]}")).get_data(as_text=True)
    assert "You can vote from" in page
    assert "data-vote-form" not in page
    page = client.get(url(late, f"/candidates/{late.candidates[0]}")).get_data(as_text=True)
    assert "The poll is closed" in page


@pytest.mark.usefixtures("sequencer")
def test_without_redis_one_cannot_vote_but_look(app: APIFlask, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(kind="works", new_devices_per_minute=10)
    first = url(world, f"/candidates/{world.candidates[0]}")
    with redis_away(app):
        for path in ("", f"/candidates/{world.candidates[0]}", "/mine"):
            assert client.get(url(world, path)).status_code == 200, path
        refused = client.post(f"{first}/vote")
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "2"
        assert "press the button again" in refused.get_data(as_text=True)
        assert client.get(url(world, "/standings")).status_code == 503
        voter = client.post(f"/api/v1/polls/{world.id}/voters")
        assert voter.status_code == 503
    assert vote_by_form(client, world, world.candidates[0]).status_code == 303


@pytest.mark.usefixtures("sequencer")
def test_a_vote_in_a_redis_outage_may_be_sent_again(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(per_candidate_day=1)
    voter, mine = a_voter(world), "ab" * 16
    with redis_away(app):
        away = voter.vote(world.candidates[0], mine)
        assert (away.status_code, away.get_json()["code"]) == (503, "voting_unavailable")
        assert int(away.headers["Retry-After"]) >= 1
    assert voter.vote(world.candidates[0], mine).status_code == 201
    assert reconcile(booth(), world.id).leaves == 1


def test_the_only_poll_is_where_voting_leads(a_poll: PollMaker, client: FlaskClient, make: Make) -> None:
    event = make.event()
    address = f"/events/{event.slug}/polls"
    assert "There is no poll yet" in client.get(address).get_data(as_text=True)
    only = a_poll(event=event)
    assert client.get(address).headers["Location"].endswith(only.poll.slug)
    a_poll(event=event, title="第二项")
    assert "第二项" in client.get(address).get_data(as_text=True)


def test_a_poll_is_not_found_under_another_event(a_poll: PollMaker, client: FlaskClient) -> None:
    world, other = a_poll(), a_poll()
    for path in ("", "/standings", "/mine", f"/candidates/{world.candidates[0]}"):
        assert client.get(f"/events/{other.event.slug}/polls/{world.poll.slug}{path}").status_code == 404
    assert client.get(url(world, f"/candidates/{other.candidates[0]}")).status_code == 404


def test_the_pages_speak_chinese(a_poll: PollMaker, app: APIFlask) -> None:
    world = a_poll(kind="works", per_day=5, per_candidate_day=1)
    at_work(app).release()
    reader = app.test_client()
    reader.environ_base["HTTP_ACCEPT_LANGUAGE"] = "zh-CN"
    page = text_of(reader.get(url(world)).get_data(as_text=True))
    assert "每天可投 5 票" in page
    assert "其中每天投给同一候选的不超过 1 票" in page
    for path in ("", "/standings", "/mine", f"/candidates/{world.candidates[0]}"):
        english = re.findall(
            r"\b(?:vote|votes|candidate|poll)\b", text_of(reader.get(url(world, path)).get_data(as_text=True))
        )
        assert not english, (path, english)


def test_a_work_that_is_no_longer_accepted_is_named_to_nobody(a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(kind="works")
    gone = session().scalars(sa.select(Entry).where(Entry.event_id == world.event.id)).first()
    assert gone is not None
    gone.status, gone.title = EntryStatus.REJECTED, "不该再出现的题目"
    number, api = gone.number, f"/api/v1/polls/{world.id}"
    ways = [
        api,
        *(f"/events/{world.event.slug}/polls/{world.poll.slug}{more}" for more in ("", "/standings", "/ballot")),
    ]
    session().commit()
    for address in ways:
        assert "不该再出现的题目" not in client.get(address).get_data(as_text=True), address
        session().rollback()
    told = client.get(api).get_json()["candidates"]
    session().rollback()
    assert [(row["kind"], bool(row["title"])) for row in told] == [("entry", False), ("entry", True), ("entry", True)]
    assert number not in [row["number"] for row in told]
