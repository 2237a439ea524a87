"""Rankings, pairs, discussions and the round's form in a real browser."""

from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Page, expect

from concours.base.db import session
from concours.events.models import MediaKind
from concours.jury import comparing
from concours.jury.hands import Hands, discussed, show
from concours.jury.kinds import ranking
from concours.jury.light_table import outline
from concours.jury.models import Comparison, Mark, Round
from tests.browser.looking import look_at
from tests.browser.site import DESK, PHONE, Site
from tests.factories import Make
from tests.jury.build import Jury


@pytest.fixture
def jury(make: Make) -> Jury:
    """An event with five works of calligraphy with pictures, a series of three, and one judge."""
    made = Jury(make)
    category = made.category(title="书法", position=1)
    for n in range(5):
        entry = made.entry(category, files=0, title=f"作品之{n}")
        made.file(entry, picture=Image.new("RGB", (1600, 1200), (40 * n, 90, 120)))
    series = made.entry(made.category(title="组照", position=2, media_kind=MediaKind.SERIES), files=0, title="晨光")
    for n in range(3):
        made.file(series, position=n, picture=Image.new("RGB", (1200, 1600), (60, 60 * n, 90)))
    session().commit()
    made.judge()
    return made


def at(jury: Jury, found: Round, what: str) -> str:
    """The address; a transaction left open would keep the server from writing."""
    address = f"/events/{jury.event.slug}/jury/{found.id}/{what}"
    session().rollback()
    return address


def saved(page: Page) -> None:
    expect(page.locator("[data-kind=state]")).to_have_attribute("data-state", "saved")


def line(jury: Jury, found: Round) -> list[str]:
    session().rollback()
    order = [token for token, _ in ranking.line_of(outline(found, jury.judges[0]))]
    session().rollback()
    return order


def count(model: Any) -> int:
    session().rollback()
    number = session().scalar(sa.select(sa.func.count()).select_from(model))
    session().rollback()
    return int(number or 0)


def handle(page: Page, token: str) -> Any:
    return page.locator(f'.rank[data-token="{token}"] [data-act=drag]')


def test_works_are_ranked_by_keys_buttons_and_drag_and_moves_are_taken_back(jury: Jury, site: Site) -> None:
    found = jury.opened(kind="ranking", reviews=1)
    a, b, c, *_ = tokens = [work.token for work in jury.work(found)]
    session().rollback()
    with site.open(DESK, "en", account=jury.judges[0]) as page:
        page.goto(at(jury, found, "table"))
        for token in (a, b, c):
            handle(page, token).focus()
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Home")
        expect(handle(page, c)).to_be_focused()
        saved(page)
        assert line(jury, found) == [c, a, b]
        page.locator(f'.rank[data-token="{b}"] [value=up]').click()
        page.locator(f'.rank[data-token="{tokens[3]}"] [name=place]').fill("2")
        page.locator(f'.rank[data-token="{tokens[3]}"] [value=put]').click()
        saved(page)
        assert line(jury, found) == [c, tokens[3], b, a]
        source, target = handle(page, a).bounding_box(), handle(page, c).bounding_box()
        assert source is not None
        assert target is not None
        page.mouse.move(source["x"] + 9, source["y"] + 9)
        page.mouse.down()
        page.mouse.move(target["x"] + 9, target["y"] + 30, steps=6)
        page.mouse.move(target["x"] + 9, target["y"] - 4, steps=3)
        page.mouse.up()
        saved(page)
        assert line(jury, found) == [a, c, tokens[3], b]
        for _ in range(3):
            page.get_by_role("button", name="Undo").click()
        saved(page)
        assert line(jury, found) == [c, a, b]
        assert page.locator("[data-list=line] .rank").count() == 3
        assert page.locator(".rank-place", has_text="1").first.inner_text() == "1"
        page.reload()
        shown = page.locator("[data-list=line] .rank").evaluate_all("all => all.map((one) => one.dataset.token)")
        assert shown == [c, a, b]


def test_a_ranking_goes_on_without_a_network_and_survives_closing_the_page(jury: Jury, site: Site) -> None:
    found = jury.opened(kind="ranking", reviews=1, top=2)
    a, b, *_ = [work.token for work in jury.work(found)]
    session().rollback()
    with site.open(PHONE, "en", account=jury.judges[0]) as page:
        page.goto(at(jury, found, "ranking"))
        saved(page)
        page.context.set_offline(True)
        for token in (a, b):
            page.locator(f'.rank[data-token="{token}"] [value=put]').click()
        page.locator(f'.rank[data-token="{b}"] [value=up]').click()
        page.get_by_role("button", name="All the others are not among the best").click()
        expect(page.locator("[data-kind=state-text]")).to_have_text("Waiting for the network. Kept on this device: 7")
        assert count(Mark) == 0
        page.goto("about:blank")
        page.context.set_offline(False)
        page.goto(at(jury, found, "ranking"))
        saved(page)
        assert page.locator("[data-list=line] .rank").count() == 2
        assert page.locator("[data-list=out] .rank").count() == 4
    assert line(jury, found) == [b, a]
    assert count(Mark) == 7


def test_pairs_are_decided_by_keys_also_without_a_network(jury: Jury, site: Site) -> None:
    found = jury.opened(kind="pairwise", reviews=1, comparisons=2)
    session().rollback()
    with site.open(DESK, "en", account=jury.judges[0]) as page:
        page.goto(at(jury, found, "table"))
        expect(page.locator("[data-kind=place]")).to_have_text("Pair 1 of 6")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowRight")
        saved(page)
        page.context.set_offline(True)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("u")
        page.get_by_role("button", name="The right one").click()
        expect(page.locator("[data-kind=place]")).to_have_text("Pair 4 of 6")
        expect(page.locator("[data-kind=state-text]")).to_have_text("Waiting for the network. Kept on this device: 3")
        assert count(Comparison) == 2
        page.context.set_offline(False)
        saved(page)
        for key in ("ArrowLeft", "ArrowLeft", "ArrowDown"):
            page.keyboard.press(key)
        expect(page.locator("[data-kind=all]")).to_be_visible()
        saved(page)
    session().rollback()
    said = [pair.better for pair in comparing.asked_of(found, jury.judges[0])]
    assert said == ["first", "second", "second", "first", "first", "equal"]
    assert count(Comparison) == 8


def test_an_answer_lost_on_the_way_doubles_no_comparison(jury: Jury, site: Site) -> None:
    found = jury.opened(kind="pairwise", reviews=1, comparisons=2)
    session().rollback()
    lost: list[int] = []

    def swallow(route: Any) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().status)
            route.abort("internetdisconnected")

    with site.open(DESK, "en", account=jury.judges[0]) as page:
        page.goto(at(jury, found, "pairs"))
        page.route("**/comparisons", swallow)
        page.keyboard.press("ArrowLeft")
        expect(page.locator("[data-kind=state]")).to_have_attribute("data-state", "waiting")
        saved(page)
    assert lost == [200]
    assert count(Comparison) == 1


def test_the_pages_of_rankings_and_pairs_look_right(jury: Jury, site: Site) -> None:
    rank = jury.opened(title="排序轮", kind="ranking", reviews=1, group=4, top=3)
    for work in jury.work(rank)[:3]:
        jury.mark(work, {"at": work.position})
    pairs = jury.opened(title="比较轮", kind="pairwise", reviews=1, comparisons=4)
    session().rollback()
    judge = jury.judges[0]
    look_at(site, at(jury, rank, "ranking?group=1"), "ranking", account=judge)
    look_at(site, at(jury, pairs, "pairs"), "pairs", account=judge)
    look_at(site, f"/events/{jury.event.slug}/jury", "my-rounds", account=judge)


def test_the_discussion_and_the_form_look_right(jury: Jury, site: Site) -> None:
    found = jury.opened(kind="discussion", reviews=1, select_count=2)
    listed = f"/events/{jury.event.slug}/jury/rounds"
    first = discussed(found, after=0, limit=1)[0][0].entry.id
    for counts in ((1, 4, 0), (4, 1, 0)):
        hands = Hands(*counts, "重新讨论后，多数评委认为立意更好")
        show(jury.event, found.id, first, hands, actor=jury.organiser, now=jury.now)
    session().commit()
    number, organiser = found.id, jury.organiser
    session().rollback()
    look_at(site, f"{listed}/{number}/discussion", "discussion", account=organiser)
    for kind in ("points", "ranking", "pairwise"):

        def choose(page: Page, kind: str = kind) -> None:
            page.locator(f'input[name=kind][value="{kind}"]').check()
            if kind == "ranking":
                page.locator("select[name=source]").select_option("picked")

        look_at(site, f"{listed}/new", f"round-form-{kind}", account=organiser, before=choose)
