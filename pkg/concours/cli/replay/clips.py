"""Members check in: each sends clips from the phone, real H.264, several members at a time."""

import re
from typing import Any

from concours.cli.replay import tus
from concours.cli.replay.browser import Browser
from concours.cli.replay.film import exercise, with_mark
from concours.cli.replay.people import Person
from concours.cli.replay.setting import Cast
from concours.cli.replay.stage import Stage

STOCK = 12  # films that are encoded; every clip is one of them with a mark of its own
SECONDS = 3.5


def check_in(stage: Stage, cast: Cast, members: list[Person]) -> None:
    """All clips of the plan, spread evenly over the members."""
    films = stage.together("filming", range(STOCK), lambda n: exercise(stage.rng(4, n), seconds=SECONDS))
    share, rest = divmod(stage.plan.clips, len(members))

    def send(item: tuple[int, Person]) -> int:
        index, person = item
        browser = cast.browsers[person.staff_number]
        number = member_number(browser, cast.contest)
        count = share + (index < rest)
        for clip in range(count):
            data = with_mark(films[(index + clip) % STOCK], f"{person.staff_number} {clip}")
            tus.upload(browser, data, purpose="clip", purpose_id=number, filename=f"打卡{clip + 1}.mp4")
        return count

    stage.together("members sending clips", enumerate(members), send)


def member_number(browser: Browser, slug: str) -> int:
    """The member's number, as the upload widget of their page has it."""
    page = browser.get(f"/events/{slug}/clips/mine")
    found = re.search(r'data-purpose="clip"[^>]*data-purpose-id="(\d+)"', page.html)
    if found is None:
        raise LookupError(f"{page.url} offers no upload")
    return int(found.group(1))


def wait_until_checked(stage: Stage, cast: Cast) -> dict[str, Any]:
    """Waits until every clip was looked into; returns the event's counts."""
    state: dict[str, Any] = {}

    def checked() -> bool:
        state.update(stage.admin.json(f"/events/{cast.contest}/clips/counts.json"))
        return int(state["clips"].get("checking", 0)) == 0

    stage.until("clips checked", checked, within=12 * 3600, pause=1.0)
    return state
