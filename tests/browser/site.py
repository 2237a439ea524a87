"""A platform that a browser can visit, and the ways to visit it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Literal

from apiflask import APIFlask
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response
from werkzeug.serving import make_server

from concours.base import clock
from concours.base.db import session
from concours.identity.models import Account
from concours.identity.sign_in import SESSION_FIELD, begin_session

PHONE, DESK = 390, 1440
QUIET_S, QUIET_WITHIN_S = 0.1, 3.0
NETWORK_TAKEN_AWAY = "Failed to load resource: net::ERR_INTERNET_DISCONNECTED"
Language = Literal["zh", "en"]
Theme = Literal["light", "dark"]
LOCALES = {"zh": "zh-CN", "en": "en-GB"}


@dataclass
class Site:
    """A served platform at `url` and the browser that visits it; `app` is None where it runs in its own processes."""

    browser: Browser
    url: str
    app: APIFlask | None = None

    @contextmanager
    def open(
        self,
        width: int = PHONE,
        language: Language = "zh",
        theme: Theme = "light",
        account: Account | None = None,
        *,
        scripts: bool = True,
        touch: bool | None = None,
    ) -> "Iterator[Page]":
        """A fresh browser profile with one page. With `account` it is signed in (only where `app` is here).

        What the browser complains about (faults of scripts, things the policy forbids) fails the test at the end.
        """
        if self.app is not None:
            session().commit()  # an open transaction of the test would hold SQLite's write lock
        context = self.browser.new_context(
            base_url=self.url,
            viewport={"width": width, "height": 844 if width < 800 else 900},
            locale=LOCALES[language],
            timezone_id="Asia/Shanghai",
            color_scheme=theme,
            java_script_enabled=scripts,
            has_touch=width < 800 if touch is None else touch,
        )
        context.set_default_timeout(15_000)
        if account is not None:
            context.add_cookies([{"name": "concours", "value": self.cookie_of(account), "url": self.url}])
        page = context.new_page()
        complaints = Complaints()
        page.on("console", complaints.hear)
        page.on("pageerror", lambda fault: complaints.heard.append(f"fault: {fault}"))
        try:
            yield page
            assert not complaints.heard, "the browser complains:\n" + "\n".join(complaints.heard)
        finally:
            context.close()

    def cookie_of(self, account: Account) -> str:
        """The session cookie of a browser in which `account` is signed in."""
        assert self.app is not None, "this platform runs in processes of its own: sign in through its form"
        secret = begin_session(account, user_agent="browser", days=1, now=clock.now())
        session().commit()
        signer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        value: str = signer.dumps({SESSION_FIELD: secret, "_permanent": True})
        return value


@dataclass
class Complaints:
    """Errors and warnings of a page's console. An answer of 4xx or 5xx is none, nor is a network that a test takes
    away: pages are asked for those too."""

    heard: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """Keeps what is worth a failure."""
        meant = message.text.startswith(("Failed to load resource: the server responded", NETWORK_TAKEN_AWAY))
        if message.type in {"error", "warning"} and not meant:
            self.heard.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")


def visit(page: Page, path: str, *, status: int = 200) -> Response:
    """Opens `path`, waits until it is quiet (at most 3 s), and holds it against the promises of every page.

    The status is the expected one, nothing is wider than the window, there is one h1 and a title.
    """
    asked = Asked(page)
    answer = page.goto(path)
    assert answer is not None, f"no answer from {path}"
    assert answer.status == status, f"{path}: {answer.status} instead of {status}"
    asked.wait()
    check_width(page)
    assert page.locator("h1").count() == 1, f"{path} has {page.locator('h1').count()} h1"
    assert page.title().strip(), f"{path} has no title"
    return answer


class Asked:
    """What a page has asked for and not got yet. (Playwright's own `networkidle` waits half a second each time.)"""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._open: set[Request] = set()
        self._changed = time.monotonic()
        page.on("request", self._begins)
        page.on("requestfinished", self._ends)
        page.on("requestfailed", self._ends)

    def _begins(self, request: Request) -> None:
        self._open.add(request)
        self._changed = time.monotonic()

    def _ends(self, request: Request) -> None:
        self._open.discard(request)
        self._changed = time.monotonic()

    def wait(self) -> None:
        """Until nothing has been asked for during QUIET_S; a page that keeps asking for news is never quiet."""
        until = time.monotonic() + QUIET_WITHIN_S
        while time.monotonic() < until and (self._open or time.monotonic() - self._changed < QUIET_S):
            self._page.wait_for_timeout(20)
        for event, act in (("request", self._begins), ("requestfinished", self._ends), ("requestfailed", self._ends)):
            self._page.remove_listener(event, act)


WIDEST = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > width + 1)
    .slice(0, 5)
    .map((e) => `${e.tagName.toLowerCase()}.${e.className} to ${Math.round(e.getBoundingClientRect().right)} px`);
}"""


def check_width(page: Page) -> None:
    """Nothing makes the page scroll sideways."""
    too_wide = page.evaluate(WIDEST)
    assert not too_wide, f"{page.url} is wider than {page.viewport_size}: {too_wide}"


@contextmanager
def served(app: APIFlask) -> Iterator[str]:
    """Serves `app` on a free port of this machine in threads of this process; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
