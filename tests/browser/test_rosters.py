"""A coordinator's day in a real browser: a roster is uploaded, looked at, corrected, confirmed; a team is changed."""

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from concours.base.db import session
from concours.identity.models import Role
from concours.teams.models import Team
from tests.browser.looking import check_axe, picture
from tests.browser.site import DESK, PHONE, Language, Site, Theme, visit
from tests.factories import Make
from tests.teams.files import HEADER, person, text
from tests.teams.work import work

WORDS = {
    "zh": {
        "refused": "名单不会只导入一半",
        "good": "每一行都没有问题",
        "confirm": "确认导入",
        "applied": "名单已导入",
        "upload": "上传并检查",
    },
    "en": {
        "refused": "Nothing is half imported",
        "good": "Every row is good",
        "confirm": "Confirm and import",
        "applied": "The roster is applied",
        "upload": "Upload and check",
    },
}


@pytest.mark.parametrize(("width", "language", "theme"), [(PHONE, "zh", "light"), (DESK, "en", "dark")])
def test_a_roster_from_the_file_to_the_team(
    site: Site, make: Make, width: int, language: Language, theme: Theme
) -> None:
    assert site.app is not None
    event, department = make.event(settings={"check_in": True, "team_min": 2}), make.department(name="办公厅")
    coordinator = make.with_role(event, Role.COORDINATOR, department)
    words, view, base = WORDS[language], (width, language, theme), f"/events/{event.slug}"
    good = [list(HEADER), *(person(1000 + n, f"王{n}", "办公厅", "一队", "", "是" if n == 0 else "") for n in range(5))]
    bad = [*good, person("1000", "李四", "办公厅", "一队"), person("", "无号", "没有", "一队")]
    with site.open(width, language, theme, account=coordinator) as page:
        visit(page, f"{base}/rosters")
        for rows, told in ((bad, words["refused"]), (good, words["good"])):
            page.goto(f"{base}/rosters")
            page.set_input_files(
                "input[type=file]", {"name": "名单.csv", "mimeType": "text/csv", "buffer": text(rows, "gb18030")}
            )
            page.get_by_role("button", name=words["upload"]).click()
            expect(page.locator("#progress progress")).to_be_visible()
            check_axe(page)
            work(site.app)
            expect(page.get_by_text(told).first).to_be_visible()  # the page has refreshed itself
            expect(page.locator("#progress")).to_have_count(0)
            picture(page, f"roster-{'bad' if rows is bad else 'good'}", view)
            check_axe(page)
        page.get_by_role("button", name=words["confirm"]).click()
        expect(page.locator("#progress progress")).to_be_visible()
        work(site.app)
        expect(page.get_by_text(words["applied"]).first).to_be_visible()
        check_axe(page)
        session().rollback()
        team_id, members = session().execute(sa.select(Team.id, Team.member_count)).one()
        assert members == 5
        session().rollback()  # an open transaction would keep the platform from writing
        visit(page, f"{base}/teams/{team_id}")
        picture(page, "team", view)
        check_axe(page)


def test_without_script_the_roster_works_as_well(site: Site, make: Make) -> None:
    assert site.app is not None
    event, department = make.event(), make.department(name="办公厅")
    coordinator = make.with_role(event, Role.COORDINATOR, department)
    rows = [list(HEADER), person("1000", "王", "办公厅", "一队")]
    with site.open(PHONE, "zh", "light", account=coordinator, scripts=False) as page:
        page.goto(f"{site.url}/events/{event.slug}/rosters")
        page.set_input_files("input[type=file]", {"name": "名单.csv", "mimeType": "text/csv", "buffer": text(rows)})
        page.get_by_role("button", name="上传并检查").click()
        work(site.app)
        page.reload()
        page.get_by_role("button", name="确认导入").click()
        work(site.app)
        page.reload()
        expect(page.get_by_text("名单已导入").first).to_be_visible()


def test_by_keyboard_alone_a_member_is_taken_out_in_two_presses(site: Site, make: Make) -> None:
    event, department = make.event(), make.department()
    team = make.team(event, department)
    make.member(team)
    with site.open(DESK, "en", "light", account=make.with_role(event, Role.ORGANISER)) as page:
        visit(page, f"/events/{event.slug}/teams/{team.id}")
        page.get_by_text("Take out", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Yes, take out")).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_text("is no longer in the team")).to_be_visible()
        expect(page.get_by_text("Nobody is in the team yet")).to_be_visible()
