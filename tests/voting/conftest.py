"""Fixtures of the voting room."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import pytest
from a2wsgi import ASGIMiddleware
from apiflask import APIFlask

from concours.base.db import set_reading
from concours.voting.booth import booth
from concours.web.asgi import asgi_app
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, Voter, sequencing


class ThroughTheFront:
    """Votes go through the ASGI front, as they do on the server; everything else to Flask in the test's thread."""

    def __init__(self, app: APIFlask, loop: asyncio.AbstractEventLoop) -> None:
        self.inner: Any = app.wsgi_app
        self.front: Any = ASGIMiddleware(asgi_app(app, threads=4), loop=loop)  # type: ignore[arg-type]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """One request."""
        if environ["REQUEST_METHOD"] != "POST" or not environ["PATH_INFO"].endswith("/votes"):
            return self.inner(environ, start_response)  # type: ignore[no-any-return]
        environ.setdefault("REMOTE_PORT", "1")
        return self.front(environ, start_response)  # type: ignore[no-any-return]


async def _end_all() -> None:
    """Ends what still runs in this loop: left to the garbage collector, it disturbs whoever it is collected under."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@pytest.fixture(autouse=True)
def patient(app: APIFlask) -> Iterator[None]:
    """Waits for the record as long as a busy machine may need; ends the booth's threads with the test."""
    booth().patience_s = 20.0
    set_reading(False)  # an earlier test's GET has left it so: the test writes
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    booth().loop.adopt(loop)
    app.wsgi_app = ThroughTheFront(app, loop)  # type: ignore[method-assign]
    yield
    booth().close()
    asyncio.run_coroutine_threadsafe(_end_all(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)


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
