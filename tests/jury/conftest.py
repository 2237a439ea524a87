"""Fixtures of the jury room."""

import pytest

from tests.factories import Make
from tests.jury.build import Jury


@pytest.fixture
def jury(make: Make) -> Jury:
    """An event with an organiser, for a jury."""
    return Jury(make)
