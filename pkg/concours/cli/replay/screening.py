"""The organiser screens: a few are returned and submitted again, a few rejected, the rest accepted."""

import re

from concours.cli.replay.browser import Browser
from concours.cli.replay.stage import Stage
from concours.cli.replay.works import Submitted, change_title, draw, send

RETURNED_EVERY = 25  # one in 25 works is returned first
REJECTED_EVERY = 40  # one in 40 is rejected


def _decide(browser: Browser, slug: str, entry_id: int, verdict: str, reason: str = "") -> None:
    page = browser.get(f"/events/{slug}/screening/{entry_id}")
    fields = {"reason": reason} if reason else {}
    browser.submit(page, f"/screening/{entry_id}", fields, having="revision", button=("verdict", verdict))


def rejected_of(stage: Stage, works: list[Submitted]) -> list[Submitted]:
    """Which works will be rejected."""
    keep = stage.plan.first_cut + 1
    return [one for index, one in enumerate(works) if index % REJECTED_EVERY == REJECTED_EVERY - 1][
        : max(0, len(works) - keep)
    ]


def screen(stage: Stage, organiser: Browser, browsers: dict[str, Browser], slug: str, works: list[Submitted]) -> int:
    """Plays the screening of all works; returns how many were accepted."""
    rejected = {one.entry_id for one in rejected_of(stage, works)}
    returned = [one for i, one in enumerate(works) if i % RETURNED_EVERY == 3 and one.entry_id not in rejected]
    for one in returned:
        _decide(organiser, slug, one.entry_id, "returned", "题目请写完整，并核对释文。")
        author = browsers[one.work.author.staff_number]
        typed, _files = draw(stage, one.work)
        edit = author.get(f"/events/{slug}/entries/{one.entry_id}/edit")
        send(author, edit, one.entry_id, change_title(typed))
    with stage.progress("screening", len(works)) as advance:
        for entry_id in sorted(rejected):
            _decide(organiser, slug, entry_id, "rejected", "照片经合成，不符合征稿要求。")
            advance(1)
        accepted = 0
        while True:
            page = organiser.get(f"/events/{slug}/screening?status=submitted")
            try:
                page.form("/screening/accept", having="entry")
            except LookupError:
                break
            tickets = _tickets(page.html)
            if not tickets:
                break
            organiser.submit(page, "/screening/accept", {"entry": tickets}, having="entry")
            accepted += len(tickets)
            advance(len(tickets))
    return accepted


def _tickets(html: str) -> list[str]:
    found = re.findall(r'<input[^>]*name="entry"[^>]*>', html)
    return [value.group(1) for value in (re.search(r'value="([^"]+)"', one) for one in found) if value]
