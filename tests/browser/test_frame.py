"""The frame in a real browser: the front page, sign-in, refusals; themes, languages, menus, keyboard."""

from datetime import timedelta

import pytest
from apiflask import APIFlask
from flask import abort
from playwright.sync_api import Page, expect

from concours.base.db import session
from concours.events.models import EventStatus
from concours.identity.access import PUBLIC, allow
from concours.identity.models import Role
from tests.browser.looking import ALL, check_axe, look_at
from tests.browser.site import DESK, PHONE, Site, visit
from tests.factories import Make


def test_the_front_page_of_a_new_instance(site: Site, make: Make) -> None:
    look_at(site, "/", "front-empty")
    look_at(site, "/", "front-empty-admin", account=make.admin(), views=[(PHONE, "zh", "light"), (DESK, "en", "light")])


def test_the_front_page_with_events(site: Site, make: Make) -> None:
    make.event(
        title="庆祝建党百年书画摄影展", summary="面向全体干部职工征集书法、绘画、摄影作品，入选作品将在大厅展出。"
    )
    coming = make.event(
        title="我的抗疫故事分享会", kind="story_session", summary="用声音和影像讲述平凡岗位上的不平凡。"
    )
    for phase in coming.phases:
        phase.opens_at, phase.closes_at = make.now + timedelta(days=3), make.now + timedelta(days=9)
    make.event(title="广播体操工间操云比赛", kind="team_contest", open_phases=False)
    make.event(title="二〇一九年职工摄影展", status=EventStatus.ARCHIVED)
    session().commit()
    look_at(site, "/", "front", views=ALL)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 422, 429, 500, 503])
def test_refusals(site: Site, app: APIFlask, status: int) -> None:
    app.add_url_rule("/refused", "refused", allow(PUBLIC)(lambda: abort(status)))
    views = ALL if status == 404 else [(PHONE, "zh", "light"), (DESK, "en", "dark")]
    look_at(site, "/refused", f"refused-{status}", status=status, views=views)  # type: ignore[arg-type]


def test_sign_in(site: Site) -> None:
    look_at(site, "/sign-in", "sign-in")


def test_the_description_of_the_api(site: Site) -> None:
    look_at(site, "/api/docs", "api-docs")


def test_the_theme_is_the_systems_until_the_switch_is_pressed(site: Site) -> None:
    def ground(page: Page) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    with site.open(theme="dark") as page:
        visit(page, "/")
        dark, root = ground(page), page.locator("html")
        page.emulate_media(color_scheme="light")
        expect(root).to_have_attribute("data-bs-theme", "light")
        page.emulate_media(color_scheme="dark")
        expect(root).to_have_attribute("data-bs-theme", "dark")
        switch = page.locator("[data-theme-switch]")
        expect(switch).to_have_attribute("aria-pressed", "true")
        switch.click()
        expect(switch).to_have_attribute("aria-pressed", "false")
        light = ground(page)
        assert light != dark
        visit(page, "/api/docs")
        assert ground(page) == light


def test_without_scripts_the_system_theme_and_the_menu_work(site: Site, make: Make) -> None:
    with site.open(theme="dark", scripts=False, account=make.account(name="王羲之")) as page:
        visit(page, "/")
        page.locator("details.menu summary").click()
        expect(page.get_by_role("button", name="退出登录")).to_be_visible()
        expect(page.locator("[data-theme-switch]")).to_be_hidden()


def test_the_language_switch_stays_on_the_page(site: Site) -> None:
    with site.open(language="en") as page:
        visit(page, "/api/docs?x=1")
        page.get_by_role("link", name="中文").click()
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        assert page.url.endswith("/api/docs?x=1")
        page.get_by_role("link", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_keyboard_reaches_the_content_first_and_closes_the_menu(site: Site, make: Make) -> None:
    with site.open(DESK, "en", account=make.account()) as page:
        visit(page, "/")
        page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        summary = page.locator("details.menu summary")
        summary.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="My pages")).to_be_visible()
        check_axe(page)
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name="My pages")).to_be_hidden()
        expect(summary).to_be_focused()


def test_a_menu_closes_on_a_press_elsewhere(site: Site, make: Make) -> None:
    with site.open(DESK, "en", account=make.account()) as page:
        visit(page, "/")
        page.locator("details.menu summary").click()
        page.locator("h1").click()
        expect(page.get_by_role("link", name="My pages")).to_be_hidden()


def test_signing_out_is_one_press(site: Site, make: Make) -> None:
    with site.open(language="en", account=make.account()) as page:
        visit(page, "/")
        page.locator("details.menu summary").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.locator(".masthead").get_by_role("link", name="Sign in")).to_be_visible()


def test_the_places_of_an_event_scroll_to_the_current_one_on_a_phone(site: Site, make: Make) -> None:
    event = make.event()
    organiser = make.with_role(event, Role.ORGANISER)
    with site.open(language="en", account=organiser) as page:
        visit(page, f"/events/{event.slug}/exhibition")
        current = page.locator(".places [aria-current=page]")
        expect(current).to_be_in_viewport()
        check_axe(page)
