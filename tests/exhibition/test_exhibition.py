"""From the jury's selection to the public's visit."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from concours.base.db import session
from concours.entries.models import EntryStatus
from concours.exhibition import verbs, visit
from concours.identity.models import Account, Role
from concours.web.front import exhibited
from tests.conftest import both_databases
from tests.entries.build import Build
from tests.exhibition.build import entry, exhibition, selection
from tests.factories import Make


@both_databases
def test_the_selected_works_hang_in_the_jurys_order(make: Make) -> None:
    event = make.event()
    hall, entries = exhibition(make, event, 5)
    assert [p.entry_id for p in visit.wall(hall).placements] == [one.id for one in entries]


def test_a_hall_takes_only_its_category(make: Make) -> None:
    event = make.event()
    ink, photo, author = make.category(event), make.category(event), make.account()
    inks = [entry(make, event, ink, author, n) for n in (1, 2)]
    photos = [entry(make, event, photo, author, n) for n in (3, 4, 5)]
    selection(make, event, [photos[0], inks[0], photos[1], inks[1], photos[2]])
    hall = verbs.hang(event, title="墨", introduction="", category_id=ink.id, actor=author, now=make.now)
    assert [p.entry_id for p in visit.wall(hall).placements] == [one.id for one in inks]


def test_the_front_shows_a_work_of_each_hall_in_turn(make: Make) -> None:
    event = make.event()
    ink, photo, author = make.category(event), make.category(event), make.account()
    works = [entry(make, event, c, author, n + 1) for n, c in enumerate([ink, ink, ink, photo, photo])]
    for work in works:
        Build(make).file(work)
    selection(make, event, works)
    for category in (ink, photo):
        hall = verbs.hang(event, title="厅", introduction="", category_id=category.id, actor=author, now=make.now)
        verbs.set_open(hall, True, actor=author, now=make.now)
    session().commit()
    assert [work.category_id for work in exhibited(make.now)] == [photo.id, ink.id, photo.id, ink.id, ink.id]


def test_a_closed_hall_and_its_works_are_not_there_for_visitors(make: Make, client: FlaskClient) -> None:
    event = make.event()
    hall, _ = exhibition(make, event, 2, opened=False)
    assert client.get(f"/events/{event.slug}/exhibition/{hall.position}").status_code == 404
    assert client.get(f"/events/{event.slug}/works/1").status_code == 404
    assert hall.title not in client.get(f"/events/{event.slug}/exhibition").text


def test_a_work_shows_its_label_and_its_neighbours(make: Make, client: FlaskClient) -> None:
    event = make.event()
    exhibition(make, event, 3)
    page = client.get(f"/events/{event.slug}/works/2").text
    assert "作品2" in page
    assert "𠮷田" in page
    assert f"/events/{event.slug}/works/1" in page
    assert f"/events/{event.slug}/works/3" in page


def test_private_fields_stay_off_the_label(make: Make, client: FlaskClient) -> None:
    event = make.event()
    category = make.category(
        event,
        fields=[{"key": "phone", "label": "电话", "private": True}, {"key": "script", "label": "书体"}],
    )
    author = make.account()
    one = entry(make, event, category, author, 1, values={"phone": "13800000000", "script": "行书"})
    selection(make, event, [one])
    hall = verbs.hang(event, title="厅", introduction="", category_id=None, actor=author, now=make.now)
    verbs.set_open(hall, True, actor=author, now=make.now)
    session().commit()
    page = client.get(f"/events/{event.slug}/works/1").text
    assert "行书" in page
    assert "13800000000" not in page


@pytest.mark.parametrize("status", [EntryStatus.SUBMITTED, EntryStatus.WITHDRAWN, EntryStatus.REJECTED])
def test_a_work_that_is_not_accepted_any_more_is_not_on_show(make: Make, client: FlaskClient, status: str) -> None:
    """Its author changed or withdrew it after it was hung: nobody has looked at what would be shown."""
    event = make.event()
    _, works = exhibition(make, event, 3)
    for work in works:
        Build(make).file(work)
    assert works[1] in exhibited(make.now)
    works[1].status = status
    session().commit()
    assert client.get(f"/events/{event.slug}/works/2").status_code == 404
    assert "作品2" not in client.get(f"/events/{event.slug}/exhibition/1").text
    assert "2 works" in client.get(f"/events/{event.slug}/exhibition").text
    assert f"/events/{event.slug}/works/3" in client.get(f"/events/{event.slug}/works/1").text
    assert works[1] not in exhibited(make.now)


def test_a_name_among_the_answers_is_told_when_authors_are(make: Make, client: FlaskClient) -> None:
    event = make.event(settings={"show_authors": "never"})
    category = make.category(event, fields=[{"key": "speaker", "label": "讲述人"}, {"key": "script", "label": "书体"}])
    author = make.account()
    selection(make, event, [entry(make, event, category, author, 1, values={"speaker": "王献之", "script": "行书"})])
    hall = verbs.hang(event, title="厅", introduction="", category_id=None, actor=author, now=make.now)
    verbs.set_open(hall, True, actor=author, now=make.now)
    session().commit()
    page = client.get(f"/events/{event.slug}/works/1").text
    assert "行书" in page
    assert "王献之" not in page
    event.settings = {"show_authors": "always"}
    session().commit()
    assert "王献之" in client.get(f"/events/{event.slug}/works/1").text


def test_nothing_selected_is_said_and_what_was_typed_stays(
    make: Make, client_as: Callable[[Account], FlaskClient]
) -> None:
    event = make.event()
    organiser = client_as(make.with_role(event, Role.ORGANISER))
    url = f"/events/{event.slug}/exhibition/halls"
    refused = organiser.post(url, data={"title": "厅", "introduction": "前言", "category": ""})
    assert refused.status_code == 409
    assert "No work is selected" in refused.text
    typed = organiser.post(url, data={"title": "字" * 10_000, "introduction": "留住我", "category": ""})
    assert typed.status_code == 422
    assert "留住我" in typed.text


def test_results_answer_304_while_nothing_changed(make: Make, client: FlaskClient) -> None:
    event = make.event()
    exhibition(make, event, 3)
    first = client.get(f"/events/{event.slug}/results")
    assert first.status_code == 200
    again = client.get(f"/events/{event.slug}/results", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_results_are_closed_to_the_public_before_their_phase(
    make: Make, client: FlaskClient, client_as: Callable[[Account], FlaskClient]
) -> None:
    event = make.event(open_phases=False)
    assert client.get(f"/events/{event.slug}/results").status_code == 403
    organiser = client_as(make.with_role(event, Role.ORGANISER))
    assert organiser.get(f"/events/{event.slug}/results").status_code == 200


def test_a_hall_of_thirty_works_takes_as_many_queries_as_one_of_one(
    make: Make, client: FlaskClient, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    counts = []
    for works in (1, 20):
        event = make.event()
        hall, _ = exhibition(make, event, works)
        for path in (f"exhibition/{hall.position}", "exhibition", "results"):
            url = f"/events/{event.slug}/{path}"
            client.get(url)
            counts.append((path.split("/")[0], count_queries(lambda url=url: client.get(url))))
    half = len(counts) // 2
    assert [c for _, c in counts[:half]] == [c for _, c in counts[half:]]
