"""How fast the light table is under a judge's hands: from a key to the next picture, in a real Chromium, 1,700 works.

One judge has all works of a round. Their pictures are a dozen noisy ones of 1,600 x 1,200 pixels at different works,
all served by the platform's own server. Measured in the page: from the key's own time stamp to the frame after the one
in which the next work's picture is complete and on the stage.
"""

import io
import statistics
from contextlib import ExitStack
from typing import Any

from bench import contest, stack
from bench.frame import Options, at_most, say
from bench.vote import environ_of

WORKS, QUICK_WORKS = 1_700, 170
PICTURES = 12
STEPS, QUICK_STEPS = 30, 10
THINK_MS = 400
GOALS = {
    "key_to_picture_median_ms": at_most(100),
    "key_to_picture_slowest_ms": at_most(100),
    "key_held_median_ms": at_most(100),
}
WATCH = """() => {
  window.taken = [];
  document.addEventListener("keydown", (event) => {
    if (event.key !== "y") return;
    const began = event.timeStamp;
    performance.mark("key");
    const before = document.querySelector("[data-lt=place]").textContent;
    const look = () => {
      const picture = document.querySelector("[data-lt=stage] > img:not(.is-waiting)");
      const moved = document.querySelector("[data-lt=place]").textContent !== before;
      if (!moved || !picture?.complete || !picture.naturalWidth) return requestAnimationFrame(look);
      requestAnimationFrame(() => {
        performance.measure("next picture", { start: began, end: performance.now() });
        window.taken.push(performance.now() - began);
      });
    };
    requestAnimationFrame(look);
  }, true);
}"""


def method(options: Options) -> str:
    """How it is taken."""
    return (
        f"{options.sized(WORKS, QUICK_WORKS)} works of one judge, {options.sized(STEPS, QUICK_STEPS)} marks by key, "
        f"one each {THINK_MS} ms, then as many one right after the other; Chromium without a screen, 1440 x 900"
    )


def run(options: Options) -> dict[str, Any]:
    """Measures; returns the figures by name."""
    works, steps = options.sized(WORKS, QUICK_WORKS), options.sized(STEPS, QUICK_STEPS)
    with stack.folder() as where, ExitStack() as parts:
        redis_url, _ = parts.enter_context(stack.valkey(where))
        environ = environ_of(where, redis_url, "")
        (where / "instance").mkdir()
        cookie = _fill(environ, works)
        say(f"a round of {works} works is laid out")
        served = stack.platform(environ, where / "log", workers=1, threads=8)
        port, _ = parts.enter_context(served)
        return _judge(port, cookie, steps)


def _fill(environ: dict[str, str], works: int) -> str:
    """A contest with one judge for all works; their session's cookie."""
    import sqlalchemy as sa

    from concours.base.db import db, session
    from concours.base.storage import storage
    from concours.factory import create_app
    from concours.identity.sign_in import SESSION_FIELD
    from concours.jury.models import Assignment, Mark, Round, RoundKind
    from concours.media import names
    from concours.media.models import Rendition

    app = create_app(environ)
    with app.app_context():
        db.create_all()
        made = contest.build(contest.Size(works, 1, 24, contest.REVIEWS, works))
        session().execute(sa.delete(Mark))
        session().execute(sa.update(Assignment).values(value=None, marked_at=None))
        session().execute(sa.update(Round).values(kind=RoundKind.YES_NO))
        for width in contest.WIDTHS:
            for n in range(PICTURES):
                name = f"{width:020x}{n:020x}.webp"
                storage().put(names.path_of(name), _picture(n, width))
                session().execute(
                    sa.update(Rendition)
                    .where(Rendition.width == width, Rendition.asset_id % PICTURES == n)
                    .values(storage_name=name)
                )
        session().commit()
        signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        cookie: str = signer.dumps({SESSION_FIELD: made.judge, "_permanent": True})
        db.session.remove()
        db.engine.dispose()
    return cookie


def _picture(n: int, width: int) -> bytes:
    """Noise over colour, so that it takes as long to decode as a photograph."""
    from PIL import Image

    noise = Image.effect_noise((width, width * 3 // 4), 60).convert("RGB")
    ground = Image.new("RGB", noise.size, (20 * n % 255, 90, 200 - 10 * n))
    kept = io.BytesIO()
    Image.blend(noise, ground, 0.5).save(kept, "WEBP", quality=80)
    return kept.getvalue()


def _judge(port: int, cookie: str, steps: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright
    from tests.browser.conftest import chromium_path

    url = f"http://127.0.0.1:{port}"
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
        context.add_cookies([{"name": "concours", "value": cookie, "url": url}])
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{url}/events/{contest.SLUG}/jury/1/table")
        page.wait_for_selector("[data-lt=stage] > img:not(.is-waiting)")
        opened = page.evaluate("performance.now()")
        page.wait_for_timeout(3000)
        pages_at_first = sum("table.json" in one for one in asked)
        page.evaluate(WATCH)
        paced = _steps(page, steps, THINK_MS)
        held = _steps(page, steps, 0)
        page.wait_for_selector('[data-lt=state][data-state="saved"]', timeout=60_000)
        browser.close()
    return {
        "key_to_picture_median_ms": statistics.median(paced),
        "key_to_picture_slowest_ms": max(paced),
        "key_held_median_ms": statistics.median(held),
        "key_held_slowest_ms": max(held),
        "first_picture_ms": opened,
        "pages_of_works_at_first": pages_at_first,
        "pages_of_works_in_all": sum("table.json" in one for one in asked),
    }


def _steps(page: Any, steps: int, pause_ms: int) -> list[float]:
    page.evaluate("() => { window.taken = []; }")
    for n in range(steps):
        page.keyboard.press("y")
        page.wait_for_function("(n) => window.taken.length > n", arg=n, polling="raf", timeout=15_000)
        if pause_ms:
            page.wait_for_timeout(pause_ms)
    taken: list[float] = page.evaluate("window.taken")
    return taken
