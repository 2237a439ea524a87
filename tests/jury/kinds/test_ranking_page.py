"""The page of a ranking, without script."""

import re
from typing import Any

import pytest

from concours.base.db import session
from concours.jury.kinds import ranking
from concours.jury.light_table import outline
from concours.jury.models import Mark, Round
from tests.jury.build import Jury


@pytest.fixture
def found(jury: Jury) -> Round:
    """An open ranking of four works with pictures by one judge."""
    category = jury.category()
    for _ in range(4):
        jury.entry(category)
    jury.judge()
    return jury.opened(kind="ranking", reviews=1)


def address(jury: Jury, found: Round) -> str:
    return f"/events/{jury.event.slug}/jury/{found.id}/ranking"


def line(jury: Jury, found: Round) -> list[str]:
    session().rollback()
    return [token for token, _ in ranking.line_of(outline(found, jury.judges[0]))]


def test_works_are_put_in_order_by_buttons(jury: Jury, found: Round, client_as: Any) -> None:
    client = client_as(jury.judges[0])
    at = address(jury, found)
    a, b, c, d = (work.token for work in jury.work(found))
    for n, (token, act, place) in enumerate(
        [(a, "put", 1), (b, "put", 1), (c, "put", 9), (c, "up", 0), (d, "put", 2), (b, "down", 0), (a, "back", 0)]
    ):
        form = {"token": token, "act": act, "place": str(place), "client_id": f"n{n}"}
        assert client.post(at, data=form).status_code == 303
    assert line(jury, found) == [d, b, c]
    page = client.get(at).get_data(as_text=True)
    shown = re.findall(r'data-token="([^"]+)"', page)
    assert shown == [d, b, c, a]
    assert page.count("rank-thumb") == 4


def test_a_form_sent_twice_moves_once(jury: Jury, found: Round, client_as: Any) -> None:
    client = client_as(jury.judges[0])
    a, b, c = (work.token for work in jury.work(found)[:3])
    for token in (a, b, c):
        client.post(address(jury, found), data={"token": token, "act": "put", "place": "9", "client_id": token[:8]})
    for _ in range(2):
        sent = client.post(address(jury, found), data={"token": c, "act": "up", "client_id": "once"})
        assert sent.status_code == 303
    assert line(jury, found) == [a, c, b]
    assert session().query(Mark).count() == 4


def test_what_does_not_fit_is_refused_on_the_page(jury: Jury, found: Round, client_as: Any) -> None:
    client = client_as(jury.judges[0])
    token = jury.work(found)[0].token
    assert client.post(address(jury, found), data={"token": "nowhere", "act": "put"}).status_code == 404
    assert client.post(address(jury, found), data={"token": token, "act": "out"}).status_code == 422
    for place in ("", "x", "-5", "9" * 30):
        data = {"token": token, "act": "put", "place": place}
        assert client.post(address(jury, found), data=data).status_code == 303
    jury.close(found, "available")
    assert client.post(address(jury, found), data={"token": token, "act": "put"}).status_code == 403


def test_the_table_leads_to_the_ranking_and_other_kinds_have_none(jury: Jury, found: Round, client_as: Any) -> None:
    client = client_as(jury.judges[0])
    for what in ("table", "table/plain"):
        answer = client.get(f"/events/{jury.event.slug}/jury/{found.id}/{what}")
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (303, address(jury, found))
    other = jury.opened(reviews=1)
    assert client.get(address(jury, other)).status_code == 404


def test_a_page_costs_the_same_for_few_works_and_many(jury: Jury, client_as: Any, count_queries: Any) -> None:
    category = jury.category()
    jury.entry(category)
    judge = jury.judge()
    small = jury.opened(kind="ranking", reviews=1)
    for _ in range(29):
        jury.entry(category)
    large = jury.opened(kind="ranking", reviews=1)
    client = client_as(judge)
    client.get(address(jury, small))
    few = count_queries(lambda: client.get(address(jury, small)))
    assert few == count_queries(lambda: client.get(address(jury, large)))


def test_groups_are_shown_one_by_one(jury: Jury, client_as: Any) -> None:
    jury.entries(5)
    judge = jury.judge()
    found = jury.opened(kind="ranking", reviews=1, group=2, top=1)
    client = client_as(judge)
    tokens = [work.token for work in jury.work(found)]
    page = client.get(address(jury, found), query_string={"group": 2}).get_data(as_text=True)
    assert re.findall(r'data-token="([^"]+)"', page) == tokens[2:4]
    for token in tokens[:2]:
        assert client.post(address(jury, found), data={"token": token, "act": "out"}).status_code == 303
    page = client.get(address(jury, found)).get_data(as_text=True)
    assert re.findall(r'data-token="([^"]+)"', page) == tokens[2:4]
