"""Every route of the URL map has its row, and every row holds for every kind of person."""

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.identity.models import Account
from concours.web.rooms import ROOMS
from tests.access import PEOPLE, Row, World
from tests.factories import Make

TURNED_AWAY = {401, 403, 404}


def all_rows() -> Iterator[Row]:
    for room in ROOMS:
        name = f"tests.{room}.access_rows"
        if find_spec(f"tests.{room}") and find_spec(name):
            yield from import_module(name).ROWS


ROWS = list(all_rows())


def test_every_route_has_a_row(app: APIFlask) -> None:
    listed = {(row.endpoint, row.method) for row in ROWS}
    missing = [
        f"{method} {rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if not rule.endpoint.endswith("static") and (rule.endpoint, method) not in listed
    ]
    assert not missing, "routes without a row in tests/<room>/access_rows.py:\n" + "\n".join(missing)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method}-{row.endpoint}")
def test_only_those_named_get_past_the_gate(
    row: Row, make: Make, client: FlaskClient, client_as: Callable[[Account], FlaskClient]
) -> None:
    world = World(make)
    url = row.url(world)
    wrong: list[str] = []
    for person in sorted(PEOPLE, key=lambda name: name in row.allowed):  # acts that succeed come last
        account = world.people[person]
        url = row.url(world) if row.anew and person in row.allowed else url
        browser = client if account is None else client_as(account)
        more = {"data": row.data(world)} if row.data else {"json": row.json(world)} if row.json else {}
        response = browser.open(url, method=row.method, headers=row.headers, **more)
        to_sign_in = response.status_code in {302, 303} and "/sign-in" in response.headers.get("Location", "")
        away = response.status_code in TURNED_AWAY or to_sign_in
        if away == (person in row.allowed):
            wrong.append(f"{person}: {response.status_code} (expected {'in' if person in row.allowed else 'away'})")
        assert response.status_code in {503, *range(500)}, f"{person}: {response.status_code}"
    assert not wrong, f"{row.method} {url}: " + "; ".join(wrong)
