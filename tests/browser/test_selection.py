"""The results of a round ordered by the model: what moved each score, and the entries near the cut."""

import pytest

from tests.browser.looking import PAIRWISE, look_at
from tests.browser.site import Site
from tests.factories import Make
from tests.jury.build import Jury
from tests.jury.test_cut import marked_round


@pytest.fixture
def jury(make: Make) -> Jury:
    """An event with an organiser, for a jury."""
    return Jury(make)


def test_the_results_by_the_model_look_right_and_axe_finds_nothing(jury: Jury, site: Site) -> None:
    number = marked_round(jury, score="model")
    address = f"/events/{jury.event.slug}/jury/rounds/{number}/results"
    look_at(site, address, "jury-results-model", account=jury.organiser, views=PAIRWISE)
