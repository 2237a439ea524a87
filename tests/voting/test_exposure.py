"""Whose card was shown how often, and an order that is each visitor's own."""

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import session
from concours.base.redis import connect
from concours.identity.models import Account, Role
from concours.voting.booth import booth
from concours.voting.pages import exposure
from concours.web.shared_cache import _keep_s
from tests.factories import Make
from tests.voting.build import PollMaker, at_work


def test_each_card_of_a_page_is_counted_once_and_never_in_sql(
    app: APIFlask,
    make: Make,
    a_poll: PollMaker,
    client_as: Callable[[Account], FlaskClient],
    count_queries: Callable[[Callable[[], Any]], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = a_poll(count=30)
    at_work(app).release()
    browser, here = app.test_client(), f"/events/{world.event.slug}/polls/{world.poll.slug}"
    browser.get(here)
    session().rollback()
    shown = exposure.of_candidates(booth().client, world.id, world.candidates)
    assert sorted(shown.values()) == [0] * 6 + [1] * 24
    with monkeypatch.context() as without:
        without.setattr(exposure, "count", lambda *_: None)
        plain = count_queries(lambda: browser.get(here))
    assert count_queries(lambda: browser.get(here)) == plain
    session().rollback()
    assert sum(exposure.of_candidates(booth().client, world.id, world.candidates).values()) == 48
    desk = client_as(make.with_role(world.event, Role.ORGANISER))
    assert desk.get(f"/events/{world.event.slug}/voting/{world.id}").status_code == 200
    session().rollback()

    away = connect("unix:///nowhere/valkey.sock")
    exposure.count(away, world.id, world.candidates)
    assert exposure.of_candidates(away, world.id, world.candidates) == {}


def test_the_order_is_each_visitors_own_and_kept_in_no_shared_cache(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll(count=20, shown="hidden")
    at_work(app).release()
    here = f"/events/{world.event.slug}/polls/{world.poll.slug}"

    def order(browser: FlaskClient) -> list[int]:
        answer = browser.get(here)
        session().rollback()
        headers = [(k.lower().encode(), v.encode()) for k, v in answer.headers.items()]
        assert _keep_s({"status": answer.status_code, "headers": headers}) == 0
        text = answer.get_data(as_text=True)
        assert "data-vote-votes" not in text  # hidden: no place for counts, and no order by them
        return [int(part.split('"')[0]) for part in text.split('data-vote-card="')[1:]]

    one, two = app.test_client(), app.test_client()
    first, other = order(one), order(two)
    assert sorted(first) == sorted(other) == sorted(world.candidates)
    assert first != other
    assert order(one) == first
    assert order(two) == other
