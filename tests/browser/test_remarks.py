"""The organiser's page of flags, notes and comments, and the author's page with a released comment."""

import pytest

from concours.base.db import session
from concours.identity.models import Account
from concours.jury import remarks
from concours.jury.models import Round
from tests.browser.looking import look_at
from tests.browser.site import DESK, Site
from tests.factories import Make
from tests.jury.build import Jury

LONG = "笔力沉着，章法疏密得当；落款处略显局促，下一幅可以多留一点余地。" * 3


@pytest.fixture
def jury(make: Make) -> Jury:
    """Three works, two judges."""
    made = Jury(make)
    made.entries(3)
    made.judge(name="王建国"), made.judge(name="刘秀英")
    return made


def remarked(jury: Jury) -> Round:
    found = jury.opened(reviews=2)
    for judge in jury.judges:
        one, other, *_ = jury.work(found, judge)
        said = [
            remarks.Said(one.token, "a", "copy", ""),
            remarks.Said(one.token, "b", "comment", LONG),
            remarks.Said(other.token, "c", "discuss", "题材与上一届的获奖作品接近"),
        ]
        remarks.give(jury.event, found.id, said, actor=judge, now=jury.now)
    session().commit()
    return found


def test_the_list_looks_right_and_axe_finds_nothing(jury: Jury, site: Site) -> None:
    found = remarked(jury)
    base = f"/events/{jury.event.slug}/jury/rounds/{found.id}/remarks"
    look_at(site, base, "remarks", account=jury.organiser)
    look_at(site, f"{base}?list=comments", "remarks-comments", account=jury.organiser)
    look_at(site, f"{base}?list=notes", "remarks-none", account=jury.organiser)


def test_the_organiser_releases_a_comment_and_its_author_reads_it(jury: Jury, site: Site) -> None:
    found = remarked(jury)
    entry = jury.work(found, jury.judges[0])[0].entry
    author = session().get(Account, entry.author_id)
    base, own_page = f"/events/{jury.event.slug}", f"/events/{jury.event.slug}/entries/{entry.id}"
    with site.open(DESK, "en", account=jury.organiser) as page:
        page.goto(f"{base}/jury/rounds/{found.id}")
        page.get_by_role("link", name="Flags and comments").click()
        page.get_by_role("link", name="Comments to authors 2 · 2 open").click()
        for _ in range(2):
            one = page.locator(".remark", has_text="not looked at yet").first
            one.get_by_label("For your own record").fill("可以放行")
            one.get_by_role("button", name="Release to the author").click()
        page.get_by_role("link", name="Comments to authors 2").wait_for()
        assert page.get_by_text("not looked at yet").count() == 0
    jury.mark_all(found)
    jury.close(found)
    jury.select(found, 1)
    look_at(site, own_page, "entry-with-comment", account=author)
