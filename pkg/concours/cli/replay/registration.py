"""Coordinators register their teams by roster: XLSX, CSV as a Chinese spreadsheet saves it (GB18030), CSV in UTF-8."""

import re
from collections import defaultdict
from typing import Any

from concours.cli.replay.browser import Browser
from concours.cli.replay.people import Person, Unit, csv_bytes, people_of_teams, xlsx
from concours.cli.replay.setting import Cast, accept, links_in
from concours.cli.replay.stage import Stage

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def register(stage: Stage, cast: Cast) -> list[Person]:
    """Every department's roster is brought in by its coordinator; returns all members."""
    members = people_of_teams(
        stage.rng(3), cast.units, stage.plan.teams, stage.plan.members, lambda n: stage.number("M", n)
    )
    of_unit: dict[Unit, list[Person]] = defaultdict(list)
    for person in members:
        of_unit[person.unit].append(person)
    work = [(index, unit) for index, unit in enumerate(cast.units) if of_unit[unit]]

    def bring_in(item: tuple[int, Unit]) -> None:
        index, unit = item
        browser = cast.browsers[cast.coordinators[index].staff_number]
        _refused_first(stage, browser, cast, of_unit[unit])
        done = send_roster(stage, browser, cast.contest, _file(index, of_unit[unit]))
        if done["counts"].get("refused"):
            raise AssertionError(f"a good roster was refused in part: {done}")

    stage.together("rosters", work, bring_in)
    return members


def _file(index: int, people: list[Person]) -> tuple[str, bytes, str]:
    if index % 3 == 0:
        return "名单.xlsx", xlsx(people), XLSX_TYPE
    if index % 3 == 1:
        return "名单.csv", csv_bytes(people, "gb18030"), "text/csv"
    return "roster.csv", csv_bytes(people, "utf-8-sig"), "text/csv"


def _refused_first(stage: Stage, browser: Browser, cast: Cast, people: list[Person]) -> None:
    """A roster with the first person in it twice must be refused at both rows, and cannot be confirmed."""
    twice = csv_bytes([people[0], people[0]], "utf-8-sig")
    checked = upload(stage, browser, cast.contest, ("twice.csv", twice, "text/csv"))
    if checked["counts"].get("duplicate") != 2 or checked.get("confirm_url"):
        raise AssertionError(f"a person who is in a roster twice must be refused: {checked}")


def upload(stage: Stage, browser: Browser, slug: str, file: tuple[str, bytes, str]) -> dict[str, Any]:
    """Uploads a roster and waits for its dry run; returns its state as JSON."""
    page = browser.get(f"/events/{slug}/rosters")
    after = browser.submit(page, "/rosters", files={"file": file}, having="file")
    found = re.search(r"/rosters/(\d+)", after.url)
    if found is None:
        raise LookupError(f"an uploaded roster should open its page; it opened {after.url}")
    return _settled(stage, browser, f"/events/{slug}/rosters/{found.group(1)}.json", {"checked", "failed"})


def send_roster(stage: Stage, browser: Browser, slug: str, file: tuple[str, bytes, str]) -> dict[str, Any]:
    """Uploads a roster, looks at its dry run, confirms it and waits until it is applied."""
    checked = upload(stage, browser, slug, file)
    if checked["status"] != "checked":
        raise AssertionError(f"the roster could not be read: {checked}")
    page = browser.get(f"/events/{slug}/rosters/{checked['id']}")
    browser.submit(page, f"/rosters/{checked['id']}/confirm")
    done = _settled(stage, browser, f"/events/{slug}/rosters/{checked['id']}.json", {"applied", "failed"})
    if done["status"] != "applied":
        raise AssertionError(f"the roster was not applied: {done}")
    return done


def _settled(stage: Stage, browser: Browser, path: str, wanted: set[str]) -> dict[str, Any]:
    state: dict[str, Any] = {}

    def settled() -> bool:
        state.update(browser.json(path))
        return state["status"] in wanted

    stage.until(f"roster {path}", settled)
    return state


def enter_members(stage: Stage, cast: Cast, members: list[Person]) -> None:
    """Every member opens the invitation, which the department's coordinator hands on, and sets a password."""
    links: dict[str, str] = {}
    for coordinator in cast.coordinators:
        browser = cast.browsers[coordinator.staff_number]
        page = browser.get(f"/events/{cast.contest}/invitations")
        answer = browser.submit(page, "/invitations/links", having="format")
        links |= links_in(answer.html)
    missing = [person.staff_number for person in members if person.staff_number not in links]
    if missing:
        raise AssertionError(f"{len(missing)} members have no invitation, {missing[0]} first")
    browsers = stage.together("accounts of members", members, lambda person: accept(stage, links, person))
    cast.browsers |= {person.staff_number: browser for person, browser in zip(members, browsers, strict=True)}
