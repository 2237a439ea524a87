"""The whole journey on a whole platform with its demonstration: every person's pages, on the phone in Chinese and on a
desk in English; axe finds nothing on any of them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import check_axe, picture
from tests.browser.site import DESK, PHONE, Language, Site, Theme, visit
from tests.drills.stack import Stack

EXHIBITION, CONTEST, STORIES = "/events/art-2021", "/events/calisthenics", "/events/stories"
VIEWS: list[tuple[int, Language, Theme]] = [(PHONE, "zh", "light"), (DESK, "en", "dark")]


@pytest.fixture(scope="module")
def demo(stack: Stack) -> dict[str, Any]:
    """The demonstration, loaded into the running platform; its sign-ins."""
    loaded = stack.command("demo", "load", "--url", stack.url, "--json", within=600)
    assert loaded.returncode == 0, loaded.stderr[-3000:]
    found: dict[str, Any] = json.loads(loaded.stdout.strip().splitlines()[-1])
    return found


@contextmanager
def person(site: Site, demo: dict[str, Any], view: tuple[int, Language, Theme], role: str = "") -> Iterator[Page]:
    """A browser of somebody: a visitor, or the demonstration's person with that role, signed in through the form."""
    with site.open(*view) as page:
        if role:
            account = next(account for account in demo["accounts"] if account["role"] == role)
            visit(page, "/sign-in")
            page.fill("input[name=username]", account["username"])
            page.fill("input[name=password]", account["password"])
            page.press("input[name=password]", "Enter")
            page.wait_for_url("**/me")
        yield page


def look(page: Page, path: str, view: tuple[int, Language, Theme]) -> None:
    """Opens the page, holds it against axe, and leaves a picture."""
    visit(page, path)
    check_axe(page)
    picture(page, "journey" + re.sub(r"[^a-z0-9]+", "-", path), view)


@pytest.mark.parametrize("view", VIEWS, ids=["phone-zh", "desk-en"])
def test_everybodys_journey(stack_site: Site, demo: dict[str, Any], view: tuple[int, Language, Theme]) -> None:
    with person(stack_site, demo, view) as page:
        for path in ("/", f"{EXHIBITION}/", f"{EXHIBITION}/exhibition", f"{EXHIBITION}/exhibition/1"):
            look(page, path, view)
        page.locator(".work-title a").first.click()
        check_axe(page)
        for path in (f"{EXHIBITION}/results", f"{CONTEST}/clips/standings", f"{EXHIBITION}/polls"):
            look(page, path, view)
        if not page.locator("[data-vote-for]").count():
            page.locator("main a[href*='/polls/']", has_text="我最喜爱的作品").first.click()
        page.locator("[data-vote-for]").first.click()
        expect(page.locator("[data-vote-told]").first).not_to_be_empty(timeout=15_000)
        check_axe(page)
        picture(page, "journey-voted", view)

    with person(stack_site, demo, view, "organiser") as page:
        for path in ("desk", "desk/phases", "desk/categories", "people", "screening", "jury/rounds", "voting", "audit"):
            look(page, f"{EXHIBITION}/{path}", view)
        look(page, f"{EXHIBITION}/exhibition/desk", view)

    with person(stack_site, demo, view, "coordinator") as page:
        for path in ("teams", "rosters", "invitations"):
            look(page, f"{CONTEST}/{path}", view)

    with person(stack_site, demo, view, "judge") as page:
        look(page, f"{EXHIBITION}/jury", view)
        page.locator("main a[href*='/table']").first.click()
        expect(page.locator("main img, main video").first).to_be_visible(timeout=15_000)
        check_axe(page)
        picture(page, "journey-light-table", view)

    with person(stack_site, demo, view, "member") as page:
        for path in ("/me", f"{CONTEST}/clips/mine", f"{EXHIBITION}/entries", f"{EXHIBITION}/entries/new"):
            look(page, path, view)


def test_a_newcomer_finds_three_events_in_either_language(stack_site: Site, demo: dict[str, Any]) -> None:
    assert {account["role"] for account in demo["accounts"]} >= {"organiser", "coordinator", "judge", "member"}
    languages: list[Language] = ["zh", "en"]
    for language in languages:
        with stack_site.open(PHONE, language) as page:
            visit(page, "/")
            for event in (EXHIBITION, CONTEST, STORIES):
                assert page.locator(f"main a[href^='{event}']").count(), f"{event} is on the front page"


def test_a_code_of_the_demonstration_lets_a_guest_in(stack_site: Site, demo: dict[str, Any]) -> None:
    invited = demo["invited"]
    assert len(set(invited["codes"])) == 3
    with stack_site.open(PHONE, "en") as page:
        look(page, invited["path"], (PHONE, "en", "light"))
        page.fill("input[name=code]", invited["codes"][0])
        page.press("input[name=code]", "Enter")
        expect(page.get_by_text("Welcome. Now choose whom you vote for.")).to_be_visible()
    with person(stack_site, demo, (DESK, "en", "light"), "organiser") as page:
        look(page, invited["sheet"], (DESK, "en", "light"))
        row = page.locator("tbody tr").first
        expect(row).to_contain_text("20")
        row.get_by_role("link", name="Cards to print").click()
        for code in invited["codes"]:
            expect(page.get_by_text(code)).to_be_visible()
