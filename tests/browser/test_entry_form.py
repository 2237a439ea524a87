"""The author's form and the organiser's desk in a browser: what their scripts promise."""

import io
from pathlib import Path

import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Page, expect

from concours.base.db import session
from concours.entries.models import Entry, EntryStatus
from concours.identity.models import Account, Role
from concours.media import jobs
from concours.media.models import Asset, AssetStatus
from tests.browser.looking import look_at
from tests.browser.site import DESK, PHONE, Site, visit
from tests.entries.build import Build
from tests.factories import Make

WITHIN_MS = 15_000


def pictures(folder: Path, count: int) -> list[Path]:
    """JPEGs of falling size, so that the later ones arrive first."""
    made = []
    for n in range(count):
        out = io.BytesIO()
        Image.effect_noise((400 * (count - n), 300 * (count - n)), 60).convert("RGB").save(out, "JPEG", quality=95)
        path = folder / f"{n}.jpg"
        path.write_bytes(out.getvalue())
        made.append(path)
    return made


def work_off(page: Page, count: int) -> None:
    """Waits until `count` files have arrived, then does what the worker would."""
    expect(page.locator("[data-file]")).to_have_count(count, timeout=WITHIN_MS)
    session().rollback()
    waiting = session().scalars(sa.select(Asset.id).where(Asset.status == AssetStatus.CHECKING)).all()
    session().rollback()
    for number in waiting:
        jobs.check(number)
    session().rollback()
    expect(page.locator("[data-files]")).to_have_attribute("data-checking", "0", timeout=WITHIN_MS)


def kept(entry_id: int) -> tuple[str, str]:
    """The entry's title and status as the database has them; leaves no transaction open."""
    session().rollback()
    found = session().execute(sa.select(Entry.title, Entry.status).where(Entry.id == entry_id)).one()
    session().rollback()
    return found.title, found.status


def names(page: Page) -> list[str]:
    return page.locator(".file-name").all_inner_texts()


def draft(make: Make, kind: str = "image", files: int = 0) -> tuple[str, Account, int]:
    """The address of a draft's form, its author, and its number in the database."""
    event, build = make.event(), Build(make)
    author = build.author()
    entry = build.draft(event, make.category(event, media_kind=kind), author, files=files)
    return f"/events/{event.slug}/entries/{entry.id}", author, entry.id


def test_the_form_saves_itself_and_keeps_what_the_network_lost(site: Site, make: Make) -> None:
    path, author, number = draft(make)
    with site.open(PHONE, "en", account=author) as page:
        visit(page, f"{path}/edit")
        state = page.locator("[data-save-state]")
        page.fill("#f-title", "𠮷日🎨")
        expect(state).to_contain_text("Saved at", timeout=WITHIN_MS)
        expect(page.locator("[data-missing]")).to_contain_text("A file is missing.")
        assert kept(number)[0] == "𠮷日🎨"
        page.fill("#f-title", "长" * 130)
        expect(page.locator("#f-title")).to_have_attribute("aria-invalid", "true", timeout=WITHIN_MS)
        expect(state).to_contain_text("see the marked fields")
        page.route(f"**{path}", lambda route: route.fulfill(status=503, json={"code": "away"}))
        page.fill("#f-title", "没有网的时候写的")
        expect(state).to_contain_text("kept on this device", timeout=WITHIN_MS)
        assert kept(number)[0] == "𠮷日🎨"
        page.unroute(f"**{path}")
        page.reload()
        expect(page.locator("#f-title")).to_have_value("没有网的时候写的")
        expect(state).to_contain_text("Saved at", timeout=WITHIN_MS)
        page.wait_for_function("!localStorage.length", timeout=WITHIN_MS)
    assert kept(number)[0] == "没有网的时候写的"


def test_two_windows_are_compared_side_by_side(site: Site, make: Make) -> None:
    path, author, number = draft(make)
    with site.open(PHONE, "en", account=author) as phone, site.open(DESK, "en", account=author) as desk:
        visit(phone, f"{path}/edit")
        visit(desk, f"{path}/edit")
        phone.fill("#f-title", "手机上写的")
        expect(phone.locator("[data-save-state]")).to_contain_text("Saved at", timeout=WITHIN_MS)
        desk.fill("#f-title", "电脑上写的")
        expect(desk.locator("[data-save-state]")).to_contain_text("another window", timeout=WITHIN_MS)
        desk.get_by_role("button", name="Save", exact=True).click()
        expect(desk.locator("#f-title")).to_have_value("电脑上写的")
        expect(desk.locator(".elsewhere")).to_contain_text("手机上写的")
        desk.get_by_role("button", name="Take this instead").click()
        expect(desk.locator("#f-title")).to_have_value("手机上写的")
    assert kept(number)[0] == "手机上写的"


def test_files_stand_as_chosen_and_move_by_buttons_and_by_hand(site: Site, make: Make, tmp_path: Path) -> None:
    path, author, _number = draft(make, "series")
    with site.open(PHONE, "en", account=author) as page:
        visit(page, f"{path}/edit")
        page.set_input_files("[data-uploader] input[type=file]", pictures(tmp_path, 4))
        work_off(page, 4)
        expect(page.locator(".file-name").first).to_have_text("0.jpg", timeout=WITHIN_MS)
        assert names(page) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
        expect(page.locator(".upload")).to_have_count(0)
        page.get_by_role("button", name="Move “0.jpg” one place later").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".file-name").first).to_have_text("1.jpg", timeout=WITHIN_MS)
        expect(page.get_by_role("button", name="Move “0.jpg” one place later")).to_be_focused()
        page.evaluate("document.querySelector('[data-files]').scrollIntoView({ behavior: 'instant' })")
        handle = page.locator("[data-handle]").nth(1).bounding_box()
        first = page.locator("[data-file]").first.bounding_box()
        assert handle
        assert first
        page.mouse.move(handle["x"] + 20, handle["y"] + 20)
        page.mouse.down()
        page.mouse.move(first["x"] + 30, first["y"] + 10, steps=8)
        page.mouse.up()
        expect(page.locator(".file-name").first).to_have_text("0.jpg", timeout=WITHIN_MS)
        (tmp_path / "new.jpg").write_bytes((tmp_path / "3.jpg").read_bytes())
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Replace “2.jpg”").click()
        chooser.value.set_files(tmp_path / "new.jpg")
        expect(page.locator("[data-files]")).to_have_attribute("data-checking", "1", timeout=WITHIN_MS)
        work_off(page, 4)
        assert names(page) == ["0.jpg", "1.jpg", "new.jpg", "3.jpg"]
        page.get_by_role("button", name="Remove “3.jpg”").click()
        expect(page.locator("[data-file]")).to_have_count(3, timeout=WITHIN_MS)


def test_without_scripts_the_form_and_its_buttons_work(site: Site, make: Make) -> None:
    path, author, number = draft(make, "series", files=4)
    with site.open(PHONE, "en", account=author, scripts=False) as page:
        visit(page, f"{path}/edit")
        first = page.locator(".file-name").first.inner_text()
        page.fill("#f-title", "没有脚本也行")
        page.get_by_role("button", name=f"Move “{first}” one place later").click()
        assert page.input_value("#f-title") == "没有脚本也行"
        assert names(page)[1] == first
        page.fill("#f-title", "按回车保存")
        page.press("#f-title", "Enter")
        expect(page.locator(".notice-success")).to_contain_text("Saved as a draft.")
        page.get_by_role("button", name="Submit", exact=True).click()
        expect(page.locator(".notice-success")).to_contain_text("Its number is 1")
    assert kept(number) == ("按回车保存", EntryStatus.SUBMITTED)


def test_the_desk_is_worked_by_keys(site: Site, make: Make) -> None:
    event, build = make.event(), Build(make)
    category = make.category(event)
    numbers = [build.submitted(event, category).id for _ in range(4)]
    organiser = make.with_role(event, Role.ORGANISER)
    with site.open(DESK, "en", account=organiser) as page:
        visit(page, f"/events/{event.slug}/screening")
        page.get_by_role("link", name="Look through one by one").click()
        heading = page.locator("h1")
        expect(heading).to_contain_text("No. 1")
        page.wait_for_load_state("load")  # keys work once the page's script does
        page.keyboard.press("j")
        expect(heading).to_contain_text("No. 2")
        page.keyboard.press("k")
        expect(heading).to_contain_text("No. 1")
        page.keyboard.press("a")
        expect(heading).to_contain_text("No. 2")
        page.keyboard.press("r")
        expect(page.locator("#f-reason")).to_be_focused()
        page.keyboard.type("Please a r x j k")
        page.keyboard.press("Control+Enter")
        expect(heading).to_contain_text("No. 3")
        page.keyboard.press("x")
        page.get_by_role("button", name="Please a r x j k").click()
        page.keyboard.press("Control+Enter")
        expect(heading).to_contain_text("No. 4")
        page.keyboard.press("a")
        expect(page.get_by_role("heading", name="Nothing waits here")).to_be_visible()
    assert [kept(number)[1] for number in numbers] == ["accepted", "returned", "rejected", "accepted"]


def test_the_pages_with_much_on_them(site: Site, make: Make) -> None:
    event, build = make.event(), Build(make)
    fields = [
        {"key": "script", "label": {"zh": "书体", "en": "Script"}, "type": "choice", "choices": ["楷书", "草书"]},
        {"key": "note", "label": {"zh": "说明", "en": "Note"}, "type": "textarea", "max_length": 300},
        {"key": "height", "label": {"zh": "高", "en": "Height"}, "type": "number", "unit": "cm", "required": True},
    ]
    series = make.category(event, media_kind="series", fields=fields)
    author = build.author()
    entry = build.draft(event, series, author, title="长" * 120)
    for state in (AssetStatus.CHECKING, AssetStatus.REFUSED):
        build.file(entry, state, filename="很长很长的文件名" * 12 + ".jpg")
    photo = make.category(event)
    for verdict in ("accepted", "returned", "rejected"):
        build.screened(event, photo, verdict, author)
    build.submitted(event, photo, author, title="W" * 120)
    organiser = make.with_role(event, Role.ORGANISER)
    coordinator = make.with_role(event, Role.COORDINATOR, author.department)
    returned = session().scalars(sa.select(Entry).where(Entry.status == EntryStatus.RETURNED)).one()
    for account, path, name in (
        (author, f"entries/{entry.id}/edit", "entry-form"),
        (author, f"entries/{returned.id}/edit", "entry-form-returned"),
        (author, f"entries/{returned.id}", "entry-returned"),
        (author, "entries", "my-entries"),
        (organiser, "screening?status=all", "desk"),
        (organiser, f"screening/{returned.id}", "screening-one"),
        (coordinator, "entries/department", "department-entries"),
    ):
        look_at(site, f"/events/{event.slug}/{path}", name, account=account)
