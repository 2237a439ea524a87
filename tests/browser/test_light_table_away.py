"""The network goes away while a judge works: they go on and are told; nothing is lost, nothing counts twice."""

import pytest
import sqlalchemy as sa
from playwright.sync_api import Error, Page, expect

from concours.base.db import session
from concours.jury.models import Assignment, Mark, Remark, Round
from tests.browser.site import DESK, Asked, Site
from tests.factories import Make
from tests.jury.build import Jury
from tests.jury.large import lay_out

WORKS = 100
PACE_MS = 3_000
CUT_MS = 120_000


@pytest.fixture
def jury(make: Make) -> Jury:
    """A hundred works of different pictures and a judge."""
    made = Jury(make)
    made.category()
    lay_out(made, WORKS, pictures=WORKS)
    made.judge()
    return made


def at_table(page: Page, jury: Jury, found: Round) -> None:
    quiet = Asked(page)
    path = f"/events/{jury.event.slug}/jury/{found.id}/table"
    session().rollback()  # a transaction left open would keep the server from writing
    page.goto(path)
    expect(page.locator("[data-lt=stage] img:not(.is-waiting)")).to_be_visible()
    quiet.wait()


def recorded(found: Round) -> list[tuple[int, dict[str, bool] | None]]:
    """The whole history: the work's place in the judge's order, and what was said."""
    session().rollback()
    rows = session().execute(
        sa.select(Assignment.position, Mark.value)
        .join(Assignment, Assignment.id == Mark.assignment_id)
        .where(Mark.round_id == found.id)
        .order_by(Mark.id)
    )
    found_rows = list(rows.tuples())
    session().rollback()
    return found_rows


def said(number: int) -> bool:
    """A pattern that no slip would make by chance."""
    return number % 3 != 0


def give(page: Page, number: int) -> None:
    page.keyboard.press("y" if said(number) else "n")


def test_two_minutes_without_a_network(jury: Jury, site: Site) -> None:
    found = jury.opened(reviews=1, select_count=3)
    with site.open(DESK, "en", account=jury.judges[0]) as page:
        page.clock.install()
        at_table(page, jury, found)
        give(page, 0)
        expect(page.locator("[data-lt=state]")).to_have_attribute("data-state", "saved")
        page.context.set_offline(True)
        marks = CUT_MS // PACE_MS
        for number in range(1, marks + 1):
            give(page, number)
            expect(page.locator("[data-lt=place]")).to_have_text(f"Work {number + 2} of {WORKS}")
            if number < marks:  # the last one's picture is that of the next after the cut
                expect(page.locator("[data-lt=stage] > img:not(.is-waiting)")).to_be_visible()
            page.clock.run_for(PACE_MS)
        told = page.locator("[data-lt=state-text]")
        expect(told).to_have_text(f"Waiting for the network. Kept on this device: {marks}")
        assert len(recorded(found)) == 1
        page.context.set_offline(False)
        page.clock.run_for(15_000)
        expect(told).to_have_text("All saved")
        expect(page.locator("[data-lt=figures]")).to_have_text(f"{marks + 1} / {WORKS}")
        page.clock.run_for(60_000)
    assert recorded(found) == [(n + 1, {"yes": said(n)}) for n in range(marks + 1)]


def test_reloading_while_away_loses_only_the_page(jury: Jury, site: Site) -> None:
    found = jury.opened(reviews=1, select_count=3)
    with site.open(DESK, "en", account=jury.judges[0]) as page:
        at_table(page, jury, found)
        page.context.set_offline(True)
        for number in range(5):
            give(page, number)
        assert recorded(found) == []
        with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"):
            page.reload()
        page.context.set_offline(False)
        at_table(page, jury, found)
        expect(page.locator("[data-lt=figures]")).to_have_text(f"5 / {WORKS}")
        expect(page.locator("[data-lt=state-text]")).to_have_text("All saved")
        page.reload()
        expect(page.locator("[data-lt=figures]")).to_have_text(f"5 / {WORKS}")
    assert recorded(found) == [(n + 1, {"yes": said(n)}) for n in range(5)]


def test_a_short_cut_in_real_time_with_marks_undone_and_remarks(jury: Jury, site: Site) -> None:
    found = jury.opened(reviews=1, select_count=3)
    with site.open(DESK, "en", account=jury.judges[0]) as page:
        at_table(page, jury, found)
        page.context.set_offline(True)
        give(page, 1)
        page.keyboard.press("u")
        give(page, 0)
        page.keyboard.press("e")
        dialog = page.get_by_role("dialog", name="Besides the mark")
        dialog.get_by_label("Perhaps a copy").check()
        dialog.get_by_label("My own note").fill("回头再看")
        dialog.get_by_role("button", name="Keep").click()
        expect(page.locator("[data-lt=said]")).to_have_text("Perhaps a copy · My own note")
        state = page.locator("[data-lt=state]")
        expect(page.locator("[data-lt=state-text]")).to_have_text("Waiting for the network. Kept on this device: 5")
        page.wait_for_timeout(3_000)
        expect(state).to_have_attribute("data-state", "waiting")
        page.context.set_offline(False)
        expect(state).to_have_attribute("data-state", "saved")
        page.reload()
        expect(page.locator("[data-lt=said]")).to_have_text("Perhaps a copy · My own note")
    assert recorded(found) == [(1, {"yes": True}), (1, None), (1, {"yes": False})]
    rows = session().execute(
        sa.select(Assignment.position, Remark.kind, Remark.text)
        .join(Assignment, Assignment.id == Remark.assignment_id)
        .order_by(Remark.kind)
    )
    assert list(rows.tuples()) == [(2, "copy", ""), (2, "own", "回头再看")]


def test_a_work_that_is_not_here_yet_takes_no_mark_and_comes_by_itself(jury: Jury, site: Site) -> None:
    found = jury.opened(reviews=1, select_count=3)
    with site.open(DESK, "en", account=jury.judges[0]) as page:
        page.route("**/table.json*", lambda route: route.fulfill(status=503, json={}))
        page.goto(f"/events/{jury.event.slug}/jury/{found.id}/table")
        expect(page.locator("[data-lt=place]")).to_have_text(f"Work 1 of {WORKS}")
        expect(page.locator("[data-lt=yes]")).to_be_disabled()
        page.keyboard.press("y")
        page.unroute("**/table.json*")
        expect(page.locator("[data-lt=stage] img:not(.is-waiting)")).to_be_visible()
        expect(page.locator("[data-lt=yes]")).to_be_enabled()
        expect(page.locator("[data-lt=figures]")).to_have_text(f"0 / {WORKS}")
    assert recorded(found) == []
