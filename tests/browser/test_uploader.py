"""Sending files from a phone whose network comes and goes: paused, broken off, reloaded, refused, without script."""

import os
import re
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask import render_template_string
from playwright.sync_api import CDPSession, Locator, Page, expect

from concours.base.db import session
from concours.identity.access import SIGNED_IN, actor, allow
from concours.identity.models import Account
from concours.media import jobs
from concours.media.limits import MIB
from concours.media.models import Asset
from tests.browser.looking import check_axe, picture
from tests.browser.site import DESK, PHONE, Language, Site, Theme
from tests.factories import Make
from tests.media import files
from tests.media.probe import register

PAGE = """{% extends "web/base.html" %}{% from "media/macros.html" import uploader, picture, video %}
{% block title %}Files{% endblock %}
{% block content %}<h1>Files</h1>
{{ uploader("probe", me.id, "Files", multiple=True, max_bytes=50 * 1024 * 1024, details={"position": "2"}) }}
{% for file in found %}{{ video(file, label="film") if file.kind == "video" else picture(file, "work") }}{% endfor %}
{% endblock %}"""
BIG = "作品 big.mov"


@pytest.fixture
def sender(app: APIFlask, make: Make) -> Account:
    """Who sends; the page `/sending` is theirs."""
    register()

    @allow(SIGNED_IN)
    def sending() -> str:
        found = session().query(Asset).order_by(Asset.id).all()
        return render_template_string(PAGE, me=actor(), found=found)

    app.add_url_rule("/sending", view_func=sending)
    return make.account()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files to choose: good ones, refused ones, and one of 20 MiB."""
    (tmp_path / "good.jpg").write_bytes(files.image())
    (tmp_path / "scan.jpg").write_bytes(b"%PDF-1.7 " + bytes(3000))
    (tmp_path / "empty.mp4").touch()
    (tmp_path / BIG).write_bytes(files.video("mov") + os.urandom(20 * MIB))
    return tmp_path


def choose(page: Page, *paths: Path) -> None:
    """Chooses files as a person does."""
    page.set_input_files("[data-uploader] input[type=file]", [str(path) for path in paths])


class Network:
    """The network of a page: one conversation with the browser, because each has a network of its own in mind."""

    def __init__(self, page: Page) -> None:
        self._browser: CDPSession = page.context.new_cdp_session(page)
        self._browser.send("Network.enable")

    def is_slow(self, bytes_per_second: int) -> None:
        """Sends no faster than that."""
        self._say(offline=False, upload=bytes_per_second)

    def is_gone(self) -> None:
        """Neither sends nor receives."""
        self._say(offline=True, upload=-1)

    def _say(self, *, offline: bool, upload: int) -> None:
        self._browser.send(
            "Network.emulateNetworkConditions",
            {"offline": offline, "latency": 5, "downloadThroughput": -1, "uploadThroughput": upload},
        )


def item(page: Page, name: str) -> Locator:
    """The line of a file."""
    return page.locator(".upload", has_text=name)


def look_inside(site: Site) -> None:
    """The worker's part."""
    assert site.app is not None
    session().rollback()
    for number in session().query(Asset.id).filter_by(status="checking").all():
        session().commit()
        jobs.check(number.id)
    session().commit()


@pytest.mark.parametrize(("width", "language", "theme"), [(PHONE, "zh", "light"), (DESK, "en", "dark")])
def test_files_arrive_and_each_is_told_what_became_of_it(
    site: Site, sender: Account, folder: Path, width: int, language: Language, theme: Theme
) -> None:
    ready, refused = {"zh": ("已通过", "PDF"), "en": ("Accepted", "PDF")}[language]
    with site.open(width, language, theme, account=sender) as page:
        page.goto("/sending")
        page.evaluate(
            """() => { window.heard = []; for (const name of ["concours:uploaded", "concours:checked"])
                 addEventListener(name, (event) => heard.push(name)); }"""
        )
        check_axe(page)
        choose(page, folder / "good.jpg", folder / "scan.jpg", folder / "empty.mp4")
        expect(item(page, "empty.mp4")).to_contain_text("0")
        expect(page.locator(".upload-checking")).to_have_count(2)
        look_inside(site)
        expect(item(page, "good.jpg")).to_contain_text(ready)
        expect(item(page, "good.jpg").locator("img")).to_be_visible()
        expect(item(page, "scan.jpg")).to_contain_text(refused)
        picture(page, "uploader", (width, language, theme))
        check_axe(page)
        assert page.evaluate("heard").count("concours:uploaded") == 2
        assert page.evaluate("heard").count("concours:checked") == 2
        page.reload()
        expect(page.get_by_alt_text("work")).to_be_visible()
        check_axe(page)


def test_an_upload_goes_on_after_a_pause_a_lost_network_and_a_reload(site: Site, sender: Account, folder: Path) -> None:
    with site.open(PHONE, "en", account=sender) as page:
        page.goto("/sending")
        network = Network(page)
        network.is_slow(3 * MIB)
        choose(page, folder / BIG)
        expect(item(page, BIG)).to_contain_text(re.compile(r"[2-9]\.\d MB / 20"))
        item(page, BIG).get_by_role("button", name="Pause").click()
        expect(item(page, BIG)).to_contain_text("Paused")
        item(page, BIG).get_by_role("button", name="Resume").click()
        expect(item(page, BIG)).to_contain_text("Sending")

        network.is_gone()
        expect(item(page, BIG)).to_contain_text("It goes on by itself when the network is back.")
        network.is_slow(2 * MIB)
        expect(item(page, BIG)).to_contain_text("Sending")
        expect(item(page, BIG)).to_contain_text(re.compile(r"([6-9]|1\d)\.\d MB / 20"))

        page.on("dialog", lambda dialog: dialog.accept())
        page.reload()
        expect(item(page, BIG)).to_contain_text("Was interrupted. Choose the same file again")
        network.is_slow(3 * MIB)
        choose(page, folder / BIG)
        expect(item(page, BIG)).to_contain_text(re.compile(r"\d+\.\d MB / 20"))
        sent = float((item(page, BIG).inner_text().split(" MB /")[0]).split()[-1])
        assert sent > 1, "it did not begin anew"
        expect(item(page, BIG)).to_contain_text("Arrived", timeout=30_000)
        look_inside(site)
        expect(item(page, BIG)).to_contain_text("Accepted")
        assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('tus::')).length") == 0
        page.reload()
        expect(page.locator("video")).to_be_visible()


def test_a_cancelled_upload_leaves_nothing_and_a_signed_out_person_is_told(
    site: Site, sender: Account, folder: Path
) -> None:
    assert site.app is not None
    parts = Path(site.app.config["INSTANCE"], "uploads")
    with site.open(PHONE, "en", account=sender) as page:
        page.goto("/sending")
        Network(page).is_slow(2 * MIB)
        choose(page, folder / BIG)
        expect(item(page, BIG)).to_contain_text(re.compile(r"[1-9]\.\d MB / 20"))
        item(page, BIG).get_by_role("button", name="Cancel").click()
        expect(page.locator(".upload")).to_have_count(0)
        expect(page.locator("[data-uploader] input[type=file]")).to_be_focused()
        page.wait_for_timeout(500)
        assert list(parts.glob("*.part")) == []
        page.context.clear_cookies()
        choose(page, folder / "good.jpg")
        expect(item(page, "good.jpg")).to_contain_text("You are signed out.")


def test_without_script_the_form_sends_the_files(site: Site, sender: Account, folder: Path) -> None:
    with site.open(PHONE, "zh", account=sender, scripts=False) as page:
        page.goto("/sending")
        choose(page, folder / "good.jpg", folder / "empty.mp4")
        page.get_by_role("button", name="上传").click()
        page.wait_for_url("**/sending")
        expect(page.locator(".notice-success")).to_contain_text("“good.jpg”已送达")
        expect(page.locator(".notice-danger")).to_contain_text("“empty.mp4”未被接收：这个文件是空的")
    session().rollback()
    asset = session().query(Asset).one()
    assert (asset.filename, asset.size) == ("good.jpg", len(files.image()))
