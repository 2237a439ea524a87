"""Every page of the authorisation table in a browser: fits phone and desk, reads in both languages, axe finds nothing.

What a row shows is what the people of its world have; pages with more on them are looked at by their rooms' own tests.
"""

import pytest

from tests.access import Row, World
from tests.browser.looking import View, check_axe, picture
from tests.browser.site import DESK, PHONE, Site, check_width, visit
from tests.factories import Make
from tests.test_access import ROWS

VIEWS: list[View] = [(PHONE, "zh", "light"), (DESK, "en", "dark")]
NARROWEST = 320  # pixels: WCAG 2.2, 1.4.10 Reflow
PREFERRED = ("organiser", "coordinator", "member", "judge", "admin", "anonymous")
PAGES = [row for row in ROWS if row.method == "GET" and row.allowed]


@pytest.mark.parametrize("row", PAGES, ids=lambda row: row.endpoint)
def test_the_page_is_sound(row: Row, site: Site, make: Make) -> None:
    world = World(make)
    path = row.url(world)
    person = next((name for name in PREFERRED if name in row.allowed), sorted(row.allowed)[0])
    account = world.people[person]
    client = site.app.test_client() if site.app else None
    assert client is not None
    if account is not None:
        client.set_cookie("concours", site.cookie_of(account))
    answer = client.get(path, headers=row.headers | {"Accept": "text/html"})
    if answer.status_code != 200 or answer.mimetype != "text/html" or "</html>" not in answer.text:
        pytest.skip(f"no page: {answer.status_code} {answer.mimetype}")
    for view in VIEWS:
        with site.open(*view, account=account) as page:
            visit(page, path)
            picture(page, f"page-{row.endpoint}", view)
            check_axe(page)
            page.set_viewport_size({"width": NARROWEST, "height": 640})
            check_width(page)
