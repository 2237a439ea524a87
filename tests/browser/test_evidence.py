"""The evidence's pages of a poll with two farms, looked at; the plots' figures can be had as a table."""

from datetime import datetime

import pytest
from apiflask import APIFlask
from playwright.sync_api import expect

from concours.base.db import session
from concours.identity.models import Role
from concours.voting.evidence import jobs, runs
from tests.browser.looking import PAIRWISE, check_axe, picture
from tests.browser.site import Language, Site, Theme, visit
from tests.factories import Make
from tests.voting.build import PollMaker, at_work
from tests.voting.evidence.build import cast


@pytest.mark.parametrize(("width", "language", "theme"), PAIRWISE)
def test_the_evidence_is_looked_at(
    width: int, language: Language, theme: Theme, app: APIFlask, site: Site, make: Make, now: datetime
) -> None:
    view = (width, language, theme)
    world = PollMaker(app, make, now)(count=6)
    organiser = make.with_role(world.event, Role.ORGANISER)
    desk = f"/events/{world.event.slug}/voting/{world.id}/evidence"
    with site.open(*view, account=organiser) as page:
        visit(page, desk)
        picture(page, "evidence-before", view)
        check_axe(page)
    cast(world, at_work(app), farms=2)
    run = runs.ask(world.poll, actor=organiser, now=now)
    session().commit()
    jobs.look_through(run.id)
    session().expire_all()
    groups, _ = runs.groups_of(run, runs.Wanted(strong=True))
    first, second = (group.id for group in groups)
    runs.dismiss(runs.group_of(world.poll, second), world.poll, "一台平板在食堂里传着投。", actor=organiser, now=now)
    session().commit()
    with site.open(*view, account=organiser) as page:
        for name, path in (("list", desk), ("group", f"{desk}/{first}"), ("seen", f"{desk}/{second}")):
            visit(page, path)
            picture(page, f"evidence-{name}", view)
            check_axe(page)
        visit(page, f"{desk}/{first}")
        page.locator(".evidence-table > summary").first.click()
        rows = page.locator(".evidence-table[open] tbody tr")
        expect(rows.first).to_be_visible()
        counted = [
            int(cell.replace(",", ""))
            for cell in page.locator(".evidence-table[open] tbody td:last-child").all_inner_texts()
        ]
        assert sum(counted) == 120, "the group's votes, column by column"
        picture(page, "evidence-table", view)
        check_axe(page)
