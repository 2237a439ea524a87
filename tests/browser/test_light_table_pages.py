"""The light table with the works of the model case: pages and pictures come ahead of the judge, never all at once."""

from playwright.sync_api import Page, expect

from tests.browser.site import DESK, Asked, Site
from tests.factories import Make
from tests.jury.build import Jury
from tests.jury.large import lay_out

WORKS = 1_700
PAGE = 50


def counted(page: Page) -> list[str]:
    """What the page asks for, as it asks."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


def pages(asked: list[str]) -> int:
    return sum("table.json" in url for url in asked)


def test_works_and_pictures_come_ahead_and_never_all_at_once(make: Make, site: Site) -> None:
    jury = Jury(make)
    jury.category()
    lay_out(jury, WORKS, pictures=400)
    judge = jury.judge()
    found = jury.opened(reviews=1, select_count=647)
    with site.open(DESK, "en", account=judge) as page:
        asked, quiet = counted(page), Asked(page)
        page.goto(f"/events/{jury.event.slug}/jury/{found.id}/table")
        expect(page.locator("[data-lt=place]")).to_have_text(f"Work 1 of {WORKS}")
        expect(page.locator("[data-lt=figures]")).to_have_text(f"0 / {WORKS}")
        expect(page.locator("[data-lt=stage] img:not(.is-waiting)")).to_be_visible()
        quiet.wait()
        assert sum("outline.json" in url for url in asked) == 1
        assert pages(asked) == 2  # the judge's own, and as far as 60 works ahead
        ahead = {url for url in asked if url.endswith(".webp")}
        assert 30 <= len(ahead) <= 41

        shown = page.locator("[data-lt=stage] img").get_attribute("src")
        quiet = Asked(page)
        page.keyboard.press("y")
        expect(page.locator("[data-lt=place]")).to_have_text(f"Work 2 of {WORKS}")
        following = page.locator("[data-lt=stage] img").get_attribute("src")
        assert following != shown
        assert any(url.endswith(following or "?") for url in ahead)  # it was here before it was asked for

        for _ in range(PAGE):
            page.keyboard.press("n")
        expect(page.locator("[data-lt=place]")).to_have_text(f"Work {PAGE + 2} of {WORKS}")
        quiet.wait()
        assert pages(asked) == 3
        page.reload()
        expect(page.locator("[data-lt=place]")).to_have_text(f"Work {PAGE + 2} of {WORKS}")
        expect(page.locator("[data-lt=figures]")).to_have_text(f"{PAGE + 1} / {WORKS}")
