"""Coming in to vote, by hand: the puzzle that a device solves, a card's link, and the pages of the ladder looked at."""

from datetime import datetime

import pytest
from apiflask import APIFlask

from concours.base.db import session
from concours.identity.models import Role
from concours.voting import keys
from concours.voting.booth import booth
from concours.voting.ladder import codes
from concours.voting.ladder.ways import ACCOUNT, ALWAYS, CODE, DEVICE, ON_EVIDENCE, PHONE, Way
from tests.browser.looking import PAIRWISE, check_axe, picture
from tests.browser.site import PHONE as NARROW
from tests.browser.site import Language, Site, Theme, visit
from tests.factories import Make
from tests.voting.build import PollMaker, a_batch, codes_in, sequencing, until_loaded

EVERY_WAY = {ACCOUNT: Way(3), DEVICE: Way(1), CODE: Way(1), PHONE: Way(1)}


def test_the_device_of_a_newcomer_solves_the_puzzle_and_votes(
    app: APIFlask, site: Site, make: Make, now: datetime
) -> None:
    booth().patience_s = 20.0
    world = PollMaker(app, make, now)(count=3, kind="entries", challenge=ALWAYS, per_candidate_day=1)
    session().commit()
    with site.open(NARROW, "en") as page, sequencing(app):
        until_loaded(world)
        page.goto(f"/events/{world.event.slug}/polls/{world.poll.slug}")
        heard: list[str] = []

        def hear(text: str) -> None:
            heard.append(text)

        page.expose_function("heard", hear)
        page.evaluate(
            "new MutationObserver(() => heard(document.querySelector('[data-vote-told]').textContent))"
            ".observe(document.querySelector('[data-vote-told]'), { childList: true })"
        )
        page.focus("button[data-vote-for] >> nth=0")
        page.keyboard.press("Enter")
        page.wait_for_selector(".vote-done", timeout=60_000)
        assert any("small puzzle" in text for text in heard)
    took = {int(second): int(count) for second, count in booth().client.hgetall(keys.solving(world.id)).items()}
    assert sum(took.values()) == 1


def test_the_link_of_a_card_fills_the_code_in_and_leaves_the_address(
    app: APIFlask, site: Site, make: Make, now: datetime
) -> None:
    world = PollMaker(app, make, now)(count=3, ways=EVERY_WAY)
    code = codes_in(world, a_batch(world, weight=2))[0]
    session().commit()
    here = f"/events/{world.event.slug}/polls/{world.poll.slug}"
    with site.open(NARROW, "en") as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url + str(request.headers)))
        page.goto(f"{here}/code#{code}")
        page.wait_for_selector("[data-ladder-filled]:not([hidden])")
        assert page.evaluate("location.href").endswith("/code")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{here}")
        assert page.locator(".vote-door-now").inner_text().startswith("You vote with your invitation code.")
        assert not any(code in text for text in asked)


@pytest.mark.parametrize(("width", "language", "theme"), PAIRWISE)
def test_the_pages_of_the_ladder_are_looked_at(
    width: int, language: Language, theme: Theme, app: APIFlask, site: Site, make: Make, now: datetime
) -> None:
    world = PollMaker(app, make, now)(count=3, kind="entries", ways=EVERY_WAY, challenge=ON_EVIDENCE, per_day=5)
    organiser = make.with_role(world.event, Role.ORGANISER)
    for _ in range(4):
        make.department()
    batch = a_batch(world, count=14, weight=2)
    a_batch(world, name="家属", count=3)
    session().commit()
    public, desk = (
        f"/events/{world.event.slug}/polls/{world.poll.slug}",
        f"/events/{world.event.slug}/voting/{world.id}",
    )
    with site.open(width, language, theme) as page:
        for name, path in (("gallery", ""), ("enter", "/enter"), ("code", "/code"), ("phone", "/phone")):
            visit(page, public + path)
            check_axe(page)
            picture(page, f"ladder-{name}", (width, language, theme))
        page.fill("[name=phone]", "13800138000")
        page.click("[data-ladder-send]")
        page.wait_for_selector("[name=password]")
        check_axe(page)
        picture(page, "ladder-phone-sent", (width, language, theme))
        page.goto(f"{public}/code")
        page.fill("[name=code]", codes.printed("0" * 10 + "7"))
        page.click("form.vote-enter button[type=submit]")
        page.wait_for_selector("[data-error-summary]")
        check_axe(page)
        picture(page, "ladder-code-wrong", (width, language, theme))
    with site.open(width, language, theme, organiser) as page:
        for name, path in (("form", "/edit"), ("codes", "/codes"), ("cards", f"/codes/{batch.id}/cards"), ("desk", "")):
            visit(page, desk + path)
            check_axe(page)
            picture(page, f"ladder-{name}", (width, language, theme))
