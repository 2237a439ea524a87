"""Voting by hand: the pages of a poll of several choices, looked at and used with script."""

from datetime import datetime

import pytest
from apiflask import APIFlask

from concours.base.db import session
from concours.identity.models import Role
from concours.voting.booth import booth
from concours.voting.ladder.ways import ACCOUNT, CODE, DEVICE, Way
from tests.browser.looking import PAIRWISE, check_axe, picture
from tests.browser.site import PHONE as NARROW
from tests.browser.site import Language, Site, Theme, visit
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, nonce, sequencing, until_loaded, weighing

WAYS = {ACCOUNT: Way(3), DEVICE: Way(1), CODE: Way(1)}


def public(world: PollWorld) -> str:
    return f"/events/{world.event.slug}/polls/{world.poll.slug}"


@pytest.mark.parametrize(("width", "language", "theme"), PAIRWISE)
def test_the_pages_of_ballots_are_looked_at(
    width: int, language: Language, theme: Theme, app: APIFlask, site: Site, make: Make, now: datetime
) -> None:
    booth().patience_s = 20.0
    view = (width, language, theme)
    world = PollMaker(app, make, now)(count=30, kind="entries", ways=WAYS, min_picks=2, max_picks=5, per_day=10)
    single = PollMaker(app, make, now)(count=3, kind="entries", per_day=5, per_candidate_day=1)
    organiser = make.with_role(world.event, Role.ORGANISER)
    session().commit()
    with sequencing(app):
        until_loaded(world)
        until_loaded(single)
        voter = weighing(world, app.test_client(), 3)
        sent = voter.client.post(
            f"/api/v1/polls/{world.id}/votes",
            json={"candidates": world.candidates[:4], "nonce": nonce()},
            headers=voter.headers,
        )
        receipts = sent.get_json()["receipts"]
        session().rollback()
        with site.open(*view) as page:
            for name, path in (
                ("gallery", public(world)),
                ("gallery-single", public(single)),
                ("candidate", f"{public(world)}/candidates/{world.candidates[0]}"),
                ("candidate-single", f"{public(single)}/candidates/{single.candidates[0]}"),
                ("ballot", f"{public(world)}/ballot"),
                ("receipt", f"{public(world)}/receipts/{receipts[0]['id']}"),
                ("receipts", f"{public(world)}/receipts?" + "&".join(f"id={r['id']}" for r in receipts)),
                ("marked", f"{public(world)}/ballot?candidate={world.candidates[9]}&candidate={world.candidates[8]}"),
                ("standings", f"{public(world)}/standings"),
                ("mine", f"{public(world)}/mine"),
                ("rules", f"{public(world)}/rules"),
                ("enter", f"{public(world)}/enter"),
            ):
                visit(page, path)
                picture(page, f"ballot-{name}", view)
                check_axe(page)
        desk = f"/events/{world.event.slug}/voting/{world.id}"
        with site.open(*view, organiser) as page:
            for name, path in (("overview", desk), ("form", f"{desk}/edit"), ("reconcile", f"{desk}/reconciliation")):
                visit(page, path)
                picture(page, f"ballot-{name}", view)
                check_axe(page)


def test_choices_are_kept_over_pages_and_sent_together(app: APIFlask, site: Site, make: Make, now: datetime) -> None:
    booth().patience_s = 20.0
    world = PollMaker(app, make, now)(
        count=30, kind="entries", min_picks=2, max_picks=3, per_day=10, per_candidate_day=1
    )
    session().commit()
    with site.open(NARROW, "en") as page, sequencing(app):
        until_loaded(world)
        page.goto(public(world))
        bar = page.locator("[data-vote-chosen]")
        page.check("input[data-vote-choice] >> nth=0")
        assert bar.inner_text() == "1 chosen, 1 more to go"
        page.focus("[data-vote-send]")
        page.keyboard.press("Enter")
        assert page.locator("[data-vote-told]").inner_text() == "1 chosen, 1 more to go"
        page.click("a[rel=next]")
        page.wait_for_url("**after=*")
        page.check("input[data-vote-choice] >> nth=0")
        page.check("input[data-vote-choice] >> nth=1")
        assert bar.inner_text() == "3 of 2–3 chosen"
        page.click("[data-vote-review]")
        page.wait_for_url("**/ballot?*")
        assert page.locator("input[data-vote-choice]:checked").count() == 3
        page.uncheck("input[data-vote-choice] >> nth=0")
        assert bar.inner_text() == "2 of 2–3 chosen"
        page.fill("[name=q]", "作品")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        page.wait_for_selector("input[data-vote-choice]:checked")
        assert page.locator("input[data-vote-choice]:checked").count() == 2
        page.click("[data-vote-send]")
        page.wait_for_url("**/receipts?*")
        assert page.locator(".vote-pick .tag").all_inner_texts() == ["Recorded", "Recorded"]
        title = page.locator(".vote-pick-who a").first.inner_text()
        page.goto(f"{public(world)}/mine")
        assert page.locator("[data-vote-kept] a").count() == 2
        page.goto(f"{public(world)}?q={title}")
        page.wait_for_selector("input[data-vote-choice]:disabled", state="attached")
        assert bar.inner_text() == "0 of 2–3 chosen"
    with site.open(NARROW, "en", scripts=False) as page, sequencing(app):
        page.goto(public(world))
        page.check("input[name=candidate] >> nth=0")
        page.check("input[name=candidate] >> nth=1")
        page.click("[data-vote-send]")
        page.wait_for_url("**/ballot?*")
        page.click("[data-vote-send]")
        page.wait_for_url("**/receipts?*")
        assert page.locator(".vote-pick").count() == 2


def test_the_form_of_a_poll_says_what_it_means_while_one_types(
    app: APIFlask, site: Site, make: Make, now: datetime
) -> None:
    world = PollMaker(app, make, now)(per_day=5)
    organiser = make.with_role(world.event, Role.ORGANISER)
    session().commit()
    with site.open(NARROW, "en", account=organiser) as page:
        visit(page, f"/events/{world.event.slug}/voting/{world.id}/edit")
        page.fill("[name=per_day]", "6")
        page.wait_for_selector("#preview ins")
        assert page.locator("#preview ins").inner_text() == "You have 6 votes a day."
        check_axe(page)
        picture(page, "poll-preview", (NARROW, "en", "light"))
