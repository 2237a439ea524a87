"""The light table's tools: narrowing, comparing, enlarging, speed, large text, one's own figures, remarks, undo."""

import pytest
import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from concours.base.db import session
from concours.events.models import MediaKind
from concours.jury.models import Mark, Remark, Round
from tests.browser.looking import PAIRWISE, check_axe, picture
from tests.browser.site import DESK, PHONE, Site, check_width
from tests.factories import Make
from tests.jury.build import CRITERIA, Jury

WORKS = 8
TABLET = 820
POEM = "云山苍苍，江水泱泱，先生之风，山高水长。" * 6
FIELDS = [{"key": "text", "label": {"zh": "释文", "en": "Transcription"}, "type": "textarea", "max_length": 500}]


@pytest.fixture
def jury(make: Make) -> Jury:
    """Eight works of cursive script with their transcriptions, and a judge."""
    made = Jury(make)
    category = made.category(title="书法", fields=FIELDS)
    for n in range(WORKS):
        entry = made.entry(category, files=0, title=f"作品之{n}", values={"text": POEM})
        made.file(entry, picture=Image.linear_gradient("L").resize((1600, 1200)).rotate(40 * n).convert("RGB"))
    session().commit()
    made.judge()
    return made


def yes_no(jury: Jury) -> Round:
    return jury.opened(reviews=1, select_count=3, maybe=True)


def at_table(page: Page, jury: Jury, found: Round, works: int = WORKS) -> None:
    path = f"/events/{jury.event.slug}/jury/{found.id}/table"
    session().rollback()  # a transaction left open would keep the server from writing
    page.goto(path)
    place(page, 1, works)
    expect(page.locator("[data-lt=yes], .lt-point").first).to_be_enabled()


def place(page: Page, number: int, works: int = WORKS) -> None:
    expect(page.locator("[data-lt=place]")).to_have_text(f"Work {number} of {works}")


def live(page: Page) -> Locator:
    return page.locator("[data-lt=announce]")


def saved(page: Page) -> None:
    expect(page.locator("[data-lt=state]")).to_have_attribute("data-state", "saved")


def test_narrowed_to_undecided_maybe_and_flagged(jury: Jury, site: Site) -> None:
    found = yes_no(jury)
    with site.open(DESK, "en", account=jury.judges[0]) as page:
        at_table(page, jury, found)
        for key in "ymnm":
            page.keyboard.press(key)
        page.keyboard.press("e")
        page.get_by_role("dialog").get_by_label("To be discussed").check()
        page.keyboard.press("Enter")
        names = page.locator("[data-lt=filter] option")
        expect(names).to_have_text(["All works (8)", "Without a mark (4)", "Maybe (2)", "Flagged (1)"])
        page.get_by_role("combobox", name="Works on the table").select_option("maybe")
        place(page, 4)  # the nearest one before: there is none behind
        page.keyboard.press("Escape")
        page.locator("body").click(position={"x": 5, "y": 400})
        page.keyboard.press("ArrowLeft")
        place(page, 2)
        expect(page.locator("[data-lt=previous]")).to_be_disabled()
        page.keyboard.press("y")
        expect(names.nth(2)).to_have_text("Maybe (1)")
        page.keyboard.press("f")
        place(page, 5)
        expect(live(page)).to_have_text("Flagged (1). Work 5 of 8")
        page.keyboard.press("f")
        expect(live(page)).to_have_text("All works (8). Work 5 of 8")
        page.reload()
        expect(names).to_have_text(["All works (8)", "Without a mark (4)", "Maybe (1)", "Flagged (1)"])
        saved(page)


def test_what_was_marked_is_said_aloud(jury: Jury, site: Site) -> None:
    found = yes_no(jury)
    with site.open(DESK, "en", account=jury.judges[0]) as page:
        at_table(page, jury, found)
        page.keyboard.press("m")
        expect(live(page)).to_contain_text("Work 1 of 8: Maybe. Work 2 of 8. 作品之")
        page.keyboard.press("u")
        expect(live(page)).to_have_text("Taken back. Work 1 of 8. no mark yet")
        page.keyboard.press("c")
        expect(live(page)).to_have_text("Put beside the others. To be compared: 1")
        page.keyboard.press("v")
        expect(live(page)).to_contain_text("Choose two to six works first")
        page.keyboard.press("t")
        expect(live(page)).to_have_text("Large text")
        saved(page)


def test_two_to_six_side_by_side_are_marked_there(jury: Jury, site: Site) -> None:
    found = yes_no(jury)
    with site.open(DESK, "en", account=jury.judges[0]) as page:
        at_table(page, jury, found)
        for _ in range(7):
            page.keyboard.press("c")
            page.keyboard.press("ArrowRight")
        expect(page.locator("[data-lt=compare-count]")).to_have_text("6")
        page.keyboard.press("v")
        cells = page.locator(".lt-cell-work")
        expect(cells).to_have_count(6)
        expect(cells.first).to_have_attribute("aria-pressed", "true")
        assert all(page.evaluate("[...document.querySelectorAll('.lt-cell img')].map((i) => i.naturalWidth > 0)"))
        page.keyboard.press("ArrowRight")
        page.keyboard.press("y")
        expect(cells.nth(1)).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".lt-cell").nth(1)).to_contain_text("Yes")
        cells.nth(4).click()
        page.keyboard.press("n")
        place(page, 5)
        page.keyboard.press("c")
        expect(cells).to_have_count(5)
        check_axe(page)
        page.keyboard.press("Escape")
        expect(page.locator("[data-lt=comparison]")).to_be_hidden()
        page.reload()
        page.keyboard.press("v")
        expect(cells).to_have_count(5)
        saved(page)
    rows = session().execute(sa.select(Mark.value).where(Mark.round_id == found.id).order_by(Mark.id))
    assert [value for (value,) in rows.tuples()] == [{"yes": True}, {"yes": False}]


def test_enlarged_to_its_largest_rendition_while_what_is_shown_stays(jury: Jury, site: Site) -> None:
    found = yes_no(jury)
    with site.open(PHONE, "en", account=jury.judges[0]) as page:
        at_table(page, jury, found)
        image = page.locator("[data-lt=stage] img")
        small = image.get_attribute("src")
        held: list[object] = []
        largest = page.evaluate(
            "async () => (await (await fetch(document.getElementById('light-table').dataset.works)).json())"
            ".works[0].media[0].stills.at(-1).url"
        )
        assert largest != small
        page.route(f"**{largest}", lambda route: held.append(route))  # noqa: PLW0108  (Playwright marks its handlers)
        page.get_by_role("button", name="Full size").tap()
        stage = page.locator("[data-lt=stage]")
        expect(stage).to_have_attribute("data-full", "no")
        assert page.evaluate("document.querySelector('[data-lt=stage] img').naturalWidth") > 0
        wide = page.evaluate("document.querySelector('[data-lt=stage] img').clientWidth")
        held[0].continue_()  # type: ignore[attr-defined]
        expect(stage).to_have_attribute("data-full", "yes")
        expect(image).to_have_attribute("src", largest)
        assert page.evaluate("document.querySelector('[data-lt=stage] img').clientWidth") == wide == 1600
        page.keyboard.press("+")
        assert page.evaluate("document.querySelector('[data-lt=stage] img').clientWidth") == 3200
        left = page.evaluate("document.querySelector('[data-lt=stage]').scrollLeft")
        page.keyboard.press("Shift+ArrowRight")
        assert page.evaluate("document.querySelector('[data-lt=stage]').scrollLeft") > left
        page.keyboard.press("Escape")
        expect(image).to_have_attribute("src", str(small))
        check_width(page)


def test_film_and_sound_from_half_to_double_speed(make: Make, site: Site) -> None:
    jury = Jury(make)
    for kind in ("video", "audio"):
        jury.entry(jury.category(media_kind=MediaKind.VIDEO), kind=kind)
    jury.judge()
    found = jury.opened(reviews=1, select_count=1)
    with site.open(DESK, "en", account=jury.judges[0]) as page:
        page.route("**/media/*", lambda route: route.fulfill(status=200, body=b""))
        path = f"/events/{jury.event.slug}/jury/{found.id}/table"
        session().rollback()
        page.goto(path)
        place(page, 1, 2)
        expect(page.locator(".lt-player")).to_be_visible()
        rate = "document.querySelector('.lt-player video, .lt-player audio').playbackRate"
        for key, wanted in (("..", 1.5), ("....", 2), (",", 1.75), (",,,,,,,,", 0.5), (".", 0.75)):
            for one in key:
                page.keyboard.press(one)
            assert page.evaluate(rate) == wanted
            expect(live(page)).to_have_text(f"Speed {wanted:g}×")
        page.keyboard.press("ArrowRight")
        place(page, 2, 2)
        expect(page.locator(".lt-player")).to_be_visible()
        assert page.evaluate(rate) == 0.75
        page.get_by_role("combobox", name="Speed").select_option("2×")
        assert page.evaluate(rate) == 2


def test_the_transcription_stands_beside_the_work(jury: Jury, site: Site) -> None:
    found = yes_no(jury)
    with site.open(DESK, "en", account=jury.judges[0]) as page:
        at_table(page, jury, found)
        words = page.locator("[data-lt=fields] .is-long dd")
        expect(words).to_have_text(POEM)
        before = words.bounding_box()
        stage = page.locator("[data-lt=stage]").bounding_box()
        assert before is not None
        assert stage is not None
        assert before["x"] >= stage["x"] + stage["width"]
        size = "getComputedStyle(document.querySelector('[data-lt=fields] .is-long dd')).fontSize"
        small = page.evaluate(size)
        page.keyboard.press("t")
        assert float(page.evaluate(size)[:-2]) > float(small[:-2])
        page.keyboard.press("t")
        assert page.evaluate(size) == small


def test_ones_own_marks_and_nobody_elses_are_counted(jury: Jury, site: Site) -> None:
    found = jury.opened(title="复评", kind="points", criteria=CRITERIA, reviews=1, select_count=3)
    with site.open(DESK, "en", account=jury.judges[0]) as page:
        at_table(page, jury, found)
        for key in "793755":
            page.keyboard.press(key)
        place(page, 4)
        page.keyboard.press("d")
        dialog = page.get_by_role("dialog", name="How your own marks lie")
        one = dialog.get_by_role("table", name="立意 · mean 5.0")
        expect(one.get_by_role("row")).to_have_count(9)
        expect(one.get_by_role("row", name="7 1")).to_be_visible()
        expect(dialog.get_by_role("table", name="技法 · mean 7.0")).to_be_visible()
        check_axe(page)
        page.keyboard.press("Escape")
        saved(page)


def test_every_mark_of_the_visit_can_be_taken_back(jury: Jury, site: Site) -> None:
    found = yes_no(jury)
    times = 520
    with site.open(DESK, "en", account=jury.judges[0]) as page:
        at_table(page, jury, found)
        page.keyboard.press("y")
        page.keyboard.press("ArrowLeft")
        page.context.set_offline(True)
        press = "(keys) => { for (const key of keys) document.dispatchEvent(new KeyboardEvent('keydown', { key })); }"
        page.evaluate(press, "ny" * (times // 2))
        page.context.set_offline(False)
        saved_within = page.locator("[data-lt=state][data-state=saved]")
        saved_within.wait_for(timeout=60_000)
        page.reload()
        place(page, 1)
        expect(page.locator("[data-lt=yes]")).to_have_attribute("aria-pressed", "true")
        page.evaluate(press, "u" * times)
        expect(page.locator("[data-lt=yes]")).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("u")
        expect(page.locator("[data-lt=figures]")).to_have_text("0 / 8")
        expect(page.locator("[data-lt=undo]")).to_be_disabled()
        saved_within.wait_for(timeout=60_000)
    assert session().scalar(sa.select(sa.func.count()).select_from(Mark)) == 2 * (times + 1)


def test_remarks_are_kept_shown_and_taken_back(jury: Jury, site: Site) -> None:
    found = yes_no(jury)
    with site.open(PHONE, "en", account=jury.judges[0]) as page:
        at_table(page, jury, found)
        page.get_by_role("button", name="Flag or note").tap()
        dialog = page.get_by_role("dialog", name="Besides the mark")
        dialog.get_by_label("Against the rules").check()
        dialog.get_by_label("Comment to the author").fill("笔力很好。")
        check_axe(page)
        dialog.get_by_role("button", name="Keep").tap()
        expect(page.locator("[data-lt=said]")).to_have_text("Against the rules · Comment to the author")
        saved(page)
        page.reload()
        expect(page.locator("[data-lt=said]")).to_have_text("Comment to the author · Against the rules")
        page.get_by_role("button", name="Flag or note").tap()
        expect(dialog.get_by_label("Comment to the author")).to_have_value("笔力很好。")
        dialog.get_by_label("Against the rules").uncheck()
        dialog.get_by_role("button", name="Keep").tap()
        expect(page.locator("[data-lt=said]")).to_have_text("Comment to the author")
        saved(page)
    rows = session().execute(sa.select(Remark.kind, Remark.withdrawn_at).order_by(Remark.kind)).tuples()
    assert [(kind, at is None) for kind, at in rows] == [("comment", True), ("rule", False)]


@pytest.mark.parametrize("view", [*PAIRWISE, (TABLET, "zh", "light"), (TABLET, "en", "dark")])
def test_it_looks_right_and_axe_finds_nothing(jury: Jury, site: Site, view: tuple[int, str, str]) -> None:
    found = yes_no(jury)
    width, language, theme = view
    with site.open(width, language, theme, account=jury.judges[0]) as page:  # type: ignore[arg-type]
        path = f"/events/{jury.event.slug}/jury/{found.id}/table"
        session().rollback()
        page.goto(path)
        expect(page.locator("[data-lt=stage] img:not(.is-waiting)")).to_be_visible()
        if theme == "light":
            page.keyboard.press("b")
        page.keyboard.press("m")
        for _ in range(3):
            page.keyboard.press("c")
            page.keyboard.press("ArrowRight")
        check_width(page)
        check_axe(page)
        picture(page, "light-table", view)  # type: ignore[arg-type]
        for name, key in (("compare", "v"), ("help", "?"), ("figures", "d"), ("remark", "e")):
            page.keyboard.press(key)
            check_width(page)
            picture(page, f"light-table-{name}", view)  # type: ignore[arg-type]
            check_axe(page)
            page.keyboard.press("Escape")
