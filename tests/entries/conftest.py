"""Fixtures of the entries room."""

import pytest

from tests.entries.build import Build
from tests.factories import Make


@pytest.fixture
def build(make: Make) -> Build:
    """Builds entries as their authors would."""
    return Build(make)
