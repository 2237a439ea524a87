"""A platform that a browser can visit, and the ways to visit it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Literal

from apiflask import APIFlask
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, TimeoutError
from werkzeug.serving import make_server

from concours.base import clock
from concours.base.db import session
from concours.identity.models import Account
from concours.identity.sign_in import SESSION_FIELD, begin_session

PHONE, DESK = 390, 1440
QUIET_WITHIN_MS = 3_000
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
    answer = page.goto(path)
    assert answer is not None, f"no answer from {path}"
    assert answer.status == status, f"{path}: {answer.status} instead of {status}"
    with suppress(TimeoutError):  # a page that keeps asking for news is never quiet
        page.wait_for_load_state("networkidle", timeout=QUIET_WITHIN_MS)
    check_width(page)
    assert page.locator("h1").count() == 1, f"{path} has {page.locator('h1').count()} h1"
    assert page.title().strip(), f"{path} has no title"
    return answer


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
