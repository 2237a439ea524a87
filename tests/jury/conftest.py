"""Fixtures of the jury room."""

import pytest

from tests.browser.conftest import browser, site
from tests.factories import Make
from tests.jury.build import Jury

__all__ = ["browser", "jury", "site"]


@pytest.fixture
def jury(make: Make) -> Jury:
    """An event with an organiser, for a jury."""
    return Jury(make)
