"""Fixtures of the voting room."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from apiflask import APIFlask

from concours.base.db import set_reading
from concours.voting.booth import booth
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, Voter, sequencing


@pytest.fixture(autouse=True)
def patient(app: APIFlask) -> Iterator[None]:
    """Waits for the record as long as a busy machine may need; ends the booth's threads with the test."""
    booth().patience_s = 20.0
    set_reading(False)  # an earlier test's GET has left it so: the test writes
    yield
    booth().listener.stop()
    booth().gate.stop()


@pytest.fixture
def a_poll(app: APIFlask, make: Make, now: datetime) -> PollMaker:
    """`a_poll(per_day=5)`: a published poll over three teams."""
    return PollMaker(app, make, now)


@pytest.fixture
def sequencer(app: APIFlask) -> Iterator[threading.Thread]:
    """A sequencer at work."""
    with sequencing(app) as thread:
        yield thread


@pytest.fixture
def a_voter(app: APIFlask) -> Callable[[PollWorld], Voter]:
    """`a_voter(world)`: a new browser with a voter token."""

    def come(world: PollWorld) -> Voter:
        browser = app.test_client()
        browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
        return Voter(browser, world.id)

    return come
