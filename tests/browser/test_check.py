"""From the vote to its proof, by hand: vote, open the receipt, have it checked claim by claim."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from apiflask import APIFlask

from concours.base.db import session
from concours.voting.booth import booth
from tests.browser.site import DESK, PHONE, Site
from tests.factories import Make
from tests.voting.build import PollMaker, at_work, sequencing, until_loaded
from tests.voting.logs import keep, keeper_of


@pytest.mark.parametrize(("width", "language", "theme"), [(PHONE, "zh", "light"), (DESK, "en", "dark")])
def test_a_voter_has_the_receipt_of_this_browser_checked(
    width: int, language: Any, theme: Any, app: APIFlask, site: Site, make: Make, now: datetime
) -> None:
    booth().patience_s = 20.0
    world = PollMaker(app, make, now)(count=3, kind="entries")
    here = f"/events/{world.event.slug}/polls/{world.poll.slug}"
    session().commit()
    with site.open(width, language, theme) as page:
        with sequencing(app):
            until_loaded(world)
            page.goto(f"{here}/candidates/{world.candidates[0]}")
            page.click("button[data-vote-for]")
            page.wait_for_function(
                "() => localStorage.length > 0 && JSON.stringify(localStorage).includes('signature')"
            )
        hand = at_work(app)
        with time_machine.travel(datetime.now().astimezone() + timedelta(seconds=15), tick=True):
            keep(keeper_of(hand))
        receipt = page.evaluate(f"JSON.parse(localStorage.getItem('concours.receipts.{world.id}'))[0]")
        page.goto(f"{here}/receipts/{receipt['id']}")
        page.click(f"a[href*='#{receipt['id'][:10]}']")
        page.wait_for_function("() => document.querySelector('textarea').value.includes('signature')")
        page.click("form.vote-check button[type=submit]")
        page.wait_for_selector(".vote-claims")
        states = page.eval_on_selector_all(
            ".vote-claim", "found => found.map(one => one.className.split('vote-claim-')[1])"
        )
        assert states == ["good", "good", "good", "good", "open", "wait"]
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
