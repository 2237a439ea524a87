"""The light table in a real browser: by key, by touch, without a network, without script."""

from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Page, expect

from concours.base.db import session
from concours.events.models import MediaKind
from concours.jury import closing
from concours.jury.kinds.criteria import CriterionDraft
from concours.jury.models import Assignment, Mark, Round
from tests.browser.looking import check_axe
from tests.browser.site import DESK, PHONE, Site
from tests.factories import Make
from tests.jury.build import CRITERIA, Jury


@pytest.fixture
def jury(make: Make) -> Jury:
    """An event with an organiser, for a jury."""
    return Jury(make)


@pytest.fixture
def laid_out(jury: Jury) -> Jury:
    """Eight works of calligraphy with pictures, a series of four and a story; one judge."""
    category = jury.category(title="书法", position=1)
    for n in range(8):
        entry = jury.entry(category, files=0, title=f"作品之{n}")
        jury.file(entry, picture=Image.new("RGB", (1600, 1200), (20 * n, 90, 120)))
    series = jury.entry(jury.category(title="组照", position=2, media_kind=MediaKind.SERIES), files=0, title="晨光")
    for n in range(4):
        jury.file(series, position=n, picture=Image.new("RGB", (1200, 1600), (60, 40 * n, 90)))
    fields = [{"key": "text", "label": {"zh": "正文", "en": "Story"}, "type": "textarea", "max_length": 5000}]
    story = jury.category(title="故事", position=3, media_kind=MediaKind.TEXT, fields=fields)
    jury.entry(story, files=0, title="算盘", values={"text": "小时候。\n父亲的算盘挂在门后。"})
    session().commit()
    jury.judge()
    return jury


def yes_no(jury: Jury) -> Round:
    return jury.opened(reviews=1, select_count=3)


def points(jury: Jury, criteria: Any = CRITERIA) -> Round:
    return jury.opened(title="复评", kind="points", criteria=criteria, reviews=1, select_count=3)


def at_table(page: Page, jury: Jury, found: Round) -> None:
    page.goto(f"/events/{jury.event.slug}/jury/{found.id}/table")
    expect(page.locator("[data-lt=place]")).to_have_text("Work 1 of 10")
    expect(page.locator("[data-lt=stage] img:not(.is-waiting)")).to_be_visible()


def saved(page: Page) -> None:
    expect(page.locator("[data-lt=state]")).to_have_attribute("data-state", "saved")


def read(query: sa.Select[Any]) -> list[Any]:
    """What is recorded now; a transaction left open would keep the server from writing."""
    session().rollback()
    rows = list(session().execute(query).tuples())
    session().rollback()
    return rows


def standing(found: Round) -> list[Any]:
    of_round = sa.select(Assignment.value, Assignment.marked_at).where(Assignment.round_id == found.id)
    return [value if marked is not None else None for value, marked in read(of_round.order_by(Assignment.position))]


def history(found: Round) -> list[Any]:
    return [value for (value,) in read(sa.select(Mark.value).where(Mark.round_id == found.id).order_by(Mark.id))]


def test_yes_and_no_by_the_keyboard_with_undo(laid_out: Jury, site: Site) -> None:
    found = yes_no(laid_out)
    with site.open(DESK, "en", account=laid_out.judges[0]) as page:
        at_table(page, laid_out, found)
        for key in "ynyy":
            page.keyboard.press(key)
        expect(page.locator("[data-lt=place]")).to_have_text("Work 5 of 10")
        expect(page.locator("[data-lt=figures]")).to_have_text("4 / 10")
        page.keyboard.press("u")
        expect(page.locator("[data-lt=place]")).to_have_text("Work 4 of 10")
        page.keyboard.press("u")
        expect(page.locator("[data-lt=figures]")).to_have_text("2 / 10")
        page.keyboard.press("ArrowLeft")
        expect(page.locator("[data-lt=no]")).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("y")
        page.keyboard.press("g")
        expect(page.locator("[data-lt=place]")).to_have_text("Work 3 of 10")
        saved(page)
    yes, no = {"yes": True}, {"yes": False}
    assert standing(found)[:4] == [yes, yes, None, None]
    assert history(found) == [yes, no, yes, yes, None, None, yes]


def test_points_by_digits_go_from_criterion_to_criterion_and_on(laid_out: Jury, site: Site) -> None:
    found = points(laid_out)
    with site.open(DESK, "en", account=laid_out.judges[0]) as page:
        at_table(page, laid_out, found)
        page.keyboard.press("7")
        assert history(found) == []
        page.reload()
        expect(page.locator("[data-lt=place]")).to_have_text("Work 1 of 10")
        expect(page.get_by_role("group", name="立意").get_by_text("7", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
        page.keyboard.press("8")
        expect(page.locator("[data-lt=place]")).to_have_text("Work 2 of 10")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("3")
        page.keyboard.press("9")
        expect(page.locator("[data-lt=place]")).to_have_text("Work 3 of 10")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("1")
        expect(page.locator("[data-lt=place]")).to_have_text("Work 2 of 10")
        saved(page)
    assert standing(found)[:3] == [{"c1": 7, "c2": 8}, {"c1": 1, "c2": 3}, None]


def test_long_scales_are_typed_as_numbers(laid_out: Jury, site: Site) -> None:
    found = points(laid_out, (CriterionDraft("立意", 1, 0, 100), CriterionDraft("技法", 1, 0, 100)))
    with site.open(DESK, "en", account=laid_out.judges[0]) as page:
        at_table(page, laid_out, found)
        page.keyboard.type("88")
        page.keyboard.press("Enter")
        page.keyboard.type("101")
        page.keyboard.press("Enter")
        expect(page.locator("[data-lt=place]")).to_have_text("Work 1 of 10")
        page.keyboard.press("Control+a")
        page.keyboard.type("91")
        page.keyboard.press("Enter")
        expect(page.locator("[data-lt=place]")).to_have_text("Work 2 of 10")
        page.keyboard.type("70")
        page.keyboard.press("Tab")
        page.keyboard.type("60")
        page.keyboard.press("Tab")
        expect(page.locator("[data-lt=place]")).to_have_text("Work 3 of 10")
        saved(page)
    assert standing(found)[:2] == [{"c1": 88, "c2": 91}, {"c1": 70, "c2": 60}]


def test_while_the_network_is_gone_marks_wait_on_the_device_in_order(laid_out: Jury, site: Site) -> None:
    found = yes_no(laid_out)
    with site.open(DESK, "en", account=laid_out.judges[0]) as page:
        at_table(page, laid_out, found)
        page.keyboard.press("y")
        saved(page)
        page.context.set_offline(True)
        for key in "nyuyn":
            page.keyboard.press(key)
        state = page.locator("[data-lt=state-text]")
        expect(state).to_have_text("Waiting for the network. Kept on this device: 5")
        assert len(history(found)) == 1
        page.context.set_offline(False)
        expect(state).to_have_text("All saved")
    yes, no = {"yes": True}, {"yes": False}
    assert history(found) == [yes, no, yes, None, yes, no]
    assert standing(found)[:4] == [yes, no, yes, no]


def test_marks_survive_closing_the_page_without_a_network(laid_out: Jury, site: Site) -> None:
    found = yes_no(laid_out)
    with site.open(DESK, "en", account=laid_out.judges[0]) as page:
        at_table(page, laid_out, found)
        page.context.set_offline(True)
        for key in "yny":
            page.keyboard.press(key)
        expect(page.locator("[data-lt=state]")).to_have_attribute("data-state", "waiting")
        page.goto("about:blank")
        page.context.set_offline(False)
        page.goto(f"/events/{laid_out.event.slug}/jury/{found.id}/table")
        expect(page.locator("[data-lt=figures]")).to_have_text("3 / 10")
        saved(page)
    assert [value["yes"] for value in history(found)] == [True, False, True]


def test_an_answer_that_was_lost_on_the_way_doubles_nothing(laid_out: Jury, site: Site) -> None:
    found = yes_no(laid_out)
    with site.open(DESK, "en", account=laid_out.judges[0]) as page:
        at_table(page, laid_out, found)
        lost: list[int] = []

        def swallow(route: Any) -> None:
            if len(lost) < 2:
                lost.append(route.fetch().status)  # the server has it, the browser never hears of it
                route.abort("internetdisconnected")
            else:
                route.continue_()

        page.route("**/marks", swallow)
        for key in "yn":
            page.keyboard.press(key)
        saved(page)
        assert lost == [200, 200]
    assert [value["yes"] for value in history(found)] == [True, False]


def test_a_busy_server_is_asked_again(laid_out: Jury, site: Site) -> None:
    found = yes_no(laid_out)
    with site.open(DESK, "en", account=laid_out.judges[0]) as page:
        at_table(page, laid_out, found)
        answers = iter([503, 429])

        def busy(route: Any) -> None:
            status = next(answers, None)
            if status:
                route.fulfill(status=status, json={"detail": "busy"}, headers={"Retry-After": "1"})
            else:
                route.continue_()

        page.route("**/marks", busy)
        page.keyboard.press("y")
        expect(page.locator("[data-lt=state]")).to_have_attribute("data-state", "waiting")
        saved(page)
    assert len(history(found)) == 1


def test_marks_after_closing_are_shown_as_not_counted_and_can_be_sent_again(laid_out: Jury, site: Site) -> None:
    found = yes_no(laid_out)
    with site.open(DESK, "en", account=laid_out.judges[0]) as page:
        at_table(page, laid_out, found)
        laid_out.close(found, "lowest")
        page.keyboard.press("y")
        button = page.locator("[data-lt=refused]")
        expect(button).to_have_text("Not counted: 1")
        page.reload()
        expect(page.locator("[data-lt=closed]")).to_be_visible()
        expect(page.locator("[data-lt=yes]")).to_be_disabled()
        button.click()
        expect(page.locator("[data-lt=refused-list]")).to_contain_text("is closed: this mark was not counted")
        assert history(found) == []
        closing.reopen(laid_out.event, found.id, actor=laid_out.organiser, now=laid_out.now)
        session().commit()
        page.get_by_role("button", name="Send again").click()
        saved(page)
        expect(button).to_be_hidden()
    assert history(found) == [{"yes": True}]


def test_who_is_signed_out_keeps_their_marks_and_goes_on_after_signing_in(laid_out: Jury, site: Site) -> None:
    found = yes_no(laid_out)
    with site.open(DESK, "en", account=laid_out.judges[0]) as page:
        at_table(page, laid_out, found)
        page.context.clear_cookies()
        page.keyboard.press("y")
        expect(page.locator("[data-lt=sign-in]")).to_be_visible()
        expect(page.locator("[data-lt=state-text]")).to_have_text("You are signed out. Kept on this device: 1")
        cookie = site.cookie_of(laid_out.judges[0])
        page.context.add_cookies([{"name": "concours", "value": cookie, "url": site.url}])
        page.keyboard.press("n")
        saved(page)
    assert [value["yes"] for value in history(found)] == [True, False]


def test_on_the_phone_with_a_finger(laid_out: Jury, site: Site) -> None:
    found = yes_no(laid_out)
    with site.open(PHONE, "zh", account=laid_out.judges[0]) as page:
        page.goto(f"/events/{laid_out.event.slug}/jury/{found.id}/table")
        expect(page.locator("[data-lt=place]")).to_have_text("第 1 件，共 10 件")
        for name in ("通过", "不通过"):
            button = page.get_by_role("button", name=name, exact=True)
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 56
            assert box["width"] >= 150
            button.tap()
        expect(page.locator("[data-lt=place]")).to_have_text("第 3 件，共 10 件")
        page.get_by_role("button", name="撤销").tap()
        expect(page.locator("[data-lt=figures]")).to_have_text("1 / 10")
        saved(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    assert standing(found)[:2] == [{"yes": True}, None]


def test_series_stories_help_and_stepping_aside(laid_out: Jury, site: Site) -> None:
    found = yes_no(laid_out)
    with site.open(DESK, "en", account=laid_out.judges[0]) as page:
        at_table(page, laid_out, found)
        for _ in range(8):
            page.keyboard.press("ArrowRight")
        expect(page.locator(".lt-thumb")).to_have_count(4)
        first = page.locator("[data-lt=stage] img").get_attribute("src")
        page.keyboard.press("]")
        expect(page.locator(".lt-thumb").nth(1)).to_have_attribute("aria-pressed", "true")
        assert page.locator("[data-lt=stage] img").get_attribute("src") != first
        page.keyboard.press("z")
        expect(page.locator("[data-lt=stage]")).to_have_class("lt-stage is-zoomed")
        page.keyboard.press("ArrowRight")
        expect(page.locator(".lt-text")).to_contain_text("父亲的算盘挂在门后。")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        page.keyboard.press("y")
        assert history(found) == []
        page.keyboard.press("Escape")
        page.keyboard.press("r")
        page.get_by_role("dialog").get_by_role("textbox").fill("作者是我的学生")
        page.get_by_role("dialog").get_by_role("button", name="Step aside").click()
        expect(page.locator("[data-lt=place]")).to_have_text("Work 9 of 9")
    reasons = read(sa.select(Assignment.recusal_reason).where(Assignment.recused_at.is_not(None)))
    assert reasons == [("作者是我的学生",)]


def test_without_script_the_simple_form_does(laid_out: Jury, site: Site) -> None:
    found = points(laid_out)
    with site.open(PHONE, "en", account=laid_out.judges[0], scripts=False) as page:
        page.goto(f"/events/{laid_out.event.slug}/jury/{found.id}/table")
        page.get_by_role("link", name="Use the simple form").click()
        page.get_by_label("立意").fill("7")
        page.get_by_label("技法").fill("8")
        page.get_by_role("button", name="Save the mark").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
    assert standing(found)[0] == {"c1": 7, "c2": 8}


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("kind", ["yes_no", "points"])
def test_axe_finds_nothing_on_the_table(laid_out: Jury, site: Site, width: int, kind: str) -> None:
    found = yes_no(laid_out) if kind == "yes_no" else points(laid_out)
    with site.open(width, "en", account=laid_out.judges[0]) as page:
        at_table(page, laid_out, found)
        check_axe(page)
        page.keyboard.press("?")
        check_axe(page)
        page.keyboard.press("Escape")
        page.keyboard.press("b")
        check_axe(page)
