"""Authors submit works: a draft, its fields, its files, the statement; then it is submitted. Some are taken back."""

import re
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from concours.cli.replay import art, tus
from concours.cli.replay.browser import Browser, Page
from concours.cli.replay.people import Person
from concours.cli.replay.stage import Stage
from concours.cli.replay.verses import PAINTINGS, PHOTOGRAPHS, VERSES

LEAST_OF_A_PHOTOGRAPH = 1024 * 1024  # bytes, as the call for entries asks
LEAST_OF_A_SCAN = 1024 * 1024 // 5
SERIES_OF = 4
CHECKED_WITHIN_S = 600.0


@dataclass(frozen=True)
class Work:
    """A work to submit: by whom, in which category, and what is typed and uploaded."""

    index: int
    author: Person
    category: str


@dataclass(frozen=True)
class Submitted:
    """A work as it stands on the platform."""

    work: Work
    entry_id: int


def plan_works(stage: Stage, authors: list[Person]) -> list[Work]:
    """The works of the plan over authors and categories: of a dozen five are calligraphy, one a series."""
    kinds = ("calligraphy", "painting", "photography") * 3 + ("calligraphy", "calligraphy", "series")
    return [Work(i, authors[i % len(authors)], kinds[i % len(kinds)]) for i in range(stage.plan.works)]


def _jpeg(rng: np.random.Generator, picture: Image.Image, *, camera: bool, least: int) -> bytes:
    for quality in (92, 96, 99, 100):
        data = art.jpeg(rng, picture, camera=camera, quality=quality)
        if len(data) >= least:
            return data
    grained = np.asarray(picture, np.float32) + rng.normal(0, 9, (*np.asarray(picture).shape[:2], 1))
    return art.jpeg(rng, Image.fromarray(np.clip(grained, 0, 255).astype(np.uint8)), camera=camera, quality=99)


def draw(stage: Stage, work: Work) -> tuple[dict[str, str], list[tuple[str, bytes]]]:
    """What is typed for the work (by field name) and its files (name, bytes)."""
    rng = stage.rng(2, work.index)
    typed: dict[str, str] = {"authors": work.author.name}
    if work.category == "calligraphy":
        hand = list(art.HANDS)[work.index % 3]
        picture, title = art.calligraphy(rng, hand)
        verse = next(text for name, text in VERSES if name == title)
        typed |= {"title": title, "field-script": hand, "field-transcription": verse}
        files = [("书法.jpg", _jpeg(rng, picture, camera=False, least=LEAST_OF_A_SCAN))]
    elif work.category == "painting":
        typed |= {"title": PAINTINGS[rng.integers(len(PAINTINGS))], "field-medium": "国画"}
        files = [("国画.jpg", _jpeg(rng, art.landscape(rng), camera=False, least=LEAST_OF_A_SCAN))]
    else:
        title = PHOTOGRAPHS[rng.integers(len(PHOTOGRAPHS))]
        typed |= {"title": title, "field-place": "北京", "field-shot_on": "2021-05-01"}
        count = SERIES_OF if work.category == "series" else 1
        files = [
            (f"IMG_{n}.jpg", _jpeg(rng, art.photograph(rng, 2100), camera=True, least=LEAST_OF_A_PHOTOGRAPH))
            for n in range(count)
        ]
    if work.category in {"calligraphy", "painting"}:
        typed |= {"field-height_cm": "138", "field-width_cm": "69", "field-year": "2021"}
    typed["field-note"] = "写于辛丑年夏，愿山河无恙，人间皆安。"
    return typed, files


def submit(stage: Stage, browser: Browser, slug: str, work: Work) -> Submitted:
    """The author's whole way: choose the category, upload, fill in, agree, submit."""
    typed, files = draw(stage, work)
    begin = browser.get(f"/events/{slug}/entries/new")
    begun = browser.submit(begin, "/entries", {"category": work.category})
    found = re.search(r"/entries/(\d+)/edit", begun.url)
    if found is None:
        raise LookupError(f"a draft should open its form; it opened {begun.url}")
    entry_id = int(found.group(1))
    for name, data in files:
        asset = tus.upload(browser, data, purpose="entry", purpose_id=entry_id, filename=name)
        wait_until_checked(browser, asset)
    edit = browser.get(f"/events/{slug}/entries/{entry_id}/edit")
    send(browser, edit, entry_id, typed)
    return Submitted(work, entry_id)


def send(browser: Browser, edit: Page, entry_id: int, typed: dict[str, str]) -> None:
    """Fills in the form of an entry, agrees to the statement and submits. Raises Refused."""
    form = edit.form(f"/entries/{entry_id}", having="title")
    agreed = re.search(r'name="agree"[^>]*value="(\d+)"|value="(\d+)"[^>]*name="agree"', edit.html)
    fields: dict[str, Any] = dict(typed)
    if "agree" in form.names and agreed is not None:
        fields["agree"] = agreed.group(1) or agreed.group(2)
    browser.submit(edit, f"/entries/{entry_id}", fields, having="title", button=("action", "submit"))


def wait_until_checked(browser: Browser, asset: int) -> dict[str, Any]:
    """Waits until the worker has looked into the asset; raises TimeoutError after ten minutes."""
    pause, end = 0.05, time.monotonic() + CHECKED_WITHIN_S
    while True:
        status: dict[str, Any] = browser.json(f"/assets/{asset}/status.json")
        if status["status"] != "checking":
            return status
        if time.monotonic() > end:
            raise TimeoutError(f"asset {asset} is still being checked")
        time.sleep(pause)
        pause = min(1.0, pause * 1.5)


def change_title(typed: dict[str, str]) -> dict[str, str]:
    """The same words with an amended title, as after a return."""
    return {**typed, "title": typed["title"] + "（修订）"}
