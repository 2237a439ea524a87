"""A real Chromium, and platforms it can visit."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from playwright.sync_api import Browser, sync_playwright

from tests.browser.site import Site, served
from tests.drills.stack import Stack

HERE = Path(__file__).parent
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder carries the marker `browser`. What shares the one whole platform stays in one process;
    all else is shared out test by test."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if "stack" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group("stack"))


def chromium_path() -> str:
    """CHROMIUM, or what is on PATH. Without one the tests are skipped, loudly; in CI they fail."""
    given = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if given:
        return given
    sentence = "No Chromium: install the package chromium, or set CHROMIUM to its path."
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(sentence, pytrace=False)
    pytest.skip(f"NOTHING WAS LOOKED AT. {sentence}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium of this test process; profiles are fresh for each page."""
    path = chromium_path()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield chromium
        chromium.close()


@pytest.fixture
def site(app: APIFlask, browser: Browser) -> Iterator[Site]:
    """The application of the test, with form tokens as in production, on a port of its own."""
    app.config["WTF_CSRF_ENABLED"] = True
    with served(app) as url:
        yield Site(browser, url, app)


@pytest.fixture(scope="session")
def stack(run_folder: Path) -> Iterator[Stack]:
    """A whole platform as people start it: `concours serve` with its Valkey, worker and sequencer, still empty."""
    with Stack(run_folder / "stack") as platform:
        yield platform.start()


@pytest.fixture
def stack_site(stack: Stack, browser: Browser) -> Site:
    """That platform, with the browser that visits it."""
    return Site(browser, stack.url)
