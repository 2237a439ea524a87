"""The page of a round's fairness report."""

import pytest

from tests.browser.looking import look_at
from tests.browser.site import Site
from tests.factories import Make
from tests.jury.build import Jury
from tests.jury.test_report import made, points_round


@pytest.fixture
def jury(make: Make) -> Jury:
    """An event with an organiser, for a jury."""
    return Jury(make)


def test_the_report_looks_right_and_axe_finds_nothing(jury: Jury, site: Site) -> None:
    found = points_round(jury)
    made(jury, found)
    base = f"/events/{jury.event.slug}/jury/rounds/{found.id}/report"
    look_at(site, base, "jury-report", account=jury.organiser)
