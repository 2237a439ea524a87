"""The jury at work: a yes/no round, then points on weighted criteria; exactly N are selected by the recorded rule.

Judges differ as people do: in severity, in noise, and now and then one changes their mind.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from concours.cli.replay.browser import Browser, Page
from concours.cli.replay.people import Person
from concours.cli.replay.setting import Cast
from concours.cli.replay.stage import Stage

CRITERIA = (("笔墨与技法", 40), ("构图与章法", 30), ("立意与创新", 30))
SECOND_THOUGHTS = 0.05  # share of marks that are changed afterwards


@dataclass(frozen=True)
class Judged:
    """A round that was played: its number, how many marks were sent, and how many entries it selected."""

    round_id: int
    marks: int
    selected: int


def judge_round(stage: Stage, cast: Cast, *, title: str, kind: str, select: int, source: int | None) -> Judged:
    """Makes, opens, plays, closes a round and selects `select` entries of it."""
    slug = cast.exhibition
    round_id = make_round(stage, slug, title=title, kind=kind, select=select, source=source)
    page = seat_judges(stage, slug, round_id)
    stage.admin.submit(page, f"/rounds/{round_id}/open")
    sent = stage.together(f"judging: {title}", cast.judges, lambda judge: mark_all(stage, cast, judge, round_id, kind))
    page = stage.admin.get(f"/events/{slug}/jury/rounds/{round_id}")
    results = stage.admin.submit(page, f"/rounds/{round_id}/close")
    stage.admin.submit(results, f"/rounds/{round_id}/select", {"count": str(select)}, having="count")
    chosen = stage.admin.json(f"/events/{slug}/jury/rounds/{round_id}/selection.json")
    return Judged(round_id, sum(sent), len(chosen["selected"]))


def make_round(stage: Stage, slug: str, *, title: str, kind: str, select: int, source: int | None) -> int:
    """The organiser makes a round; returns its number."""
    page = stage.admin.get(f"/events/{slug}/jury/rounds/new")
    fields: dict[str, Any] = {
        "title": title,
        "kind": kind,
        "reviews": str(stage.plan.reviews),
        "select_count": str(select),
        "source": str(source) if source is not None else "",
    }
    if kind == "points":
        for n, (words, weight) in enumerate(CRITERIA, 1):
            fields |= {f"criterion-{n}-title": words, f"criterion-{n}-weight": str(weight)}
            fields |= {f"criterion-{n}-lowest": "1", f"criterion-{n}-highest": "9"}
    made = stage.admin.submit(page, "/jury/rounds", fields, having="title")
    found = re.search(r"/rounds/(\d+)", made.url)
    if found is None:
        raise LookupError(f"a new round should open its page; it opened {made.url}")
    return int(found.group(1))


def seat_judges(stage: Stage, slug: str, round_id: int) -> Page:
    """Puts every judge of the event on the panel; returns the round's page."""
    page = stage.admin.get(f"/events/{slug}/jury/rounds/{round_id}")
    offered = re.findall(r'<input[^>]*name="judges"[^>]*>', page.html)
    numbers = [found.group(1) for found in (re.search(r'value="(\d+)"', one) for one in offered) if found]
    return stage.admin.submit(page, f"/rounds/{round_id}/panel", {"judges": numbers}, having="judges")


def table(browser: Browser, slug: str, round_id: int) -> tuple[list[str], list[dict[str, Any]]]:
    """The round's criteria (their keys), and all of a judge's works, page after page."""
    works: list[dict[str, Any]] = []
    path = f"/events/{slug}/jury/{round_id}/table.json"
    after: int | None = 0
    criteria: list[str] = []
    while after is not None:
        answer = browser.json(f"{path}?after={after}")
        works += answer["works"]
        criteria = [criterion["key"] for criterion in answer["round"]["criteria"]]
        after = answer["next"]
    return criteria, works


def mark_all(stage: Stage, cast: Cast, judge: Person, round_id: int, kind: str) -> int:
    """The judge marks all their works as the light table does; returns how many marks were saved."""
    browser = cast.browsers[judge.staff_number]
    rng = stage.rng(5, round_id, cast.judges.index(judge))
    severity = rng.normal(0, 0.6)
    browser.get(f"/events/{cast.exhibition}/jury/{round_id}/table")
    criteria, works = table(browser, cast.exhibition, round_id)
    saved = 0
    for work in works:
        values = [_value(rng, kind, severity, criteria)]
        if rng.random() < SECOND_THOUGHTS:
            values.append(_value(rng, kind, severity, criteria))
        for value in values:
            _send(browser, cast.exhibition, round_id, work["token"], value)
            saved += 1
    return saved


def _value(rng: np.random.Generator, kind: str, severity: float, criteria: list[str]) -> Mapping[str, Any]:
    quality = rng.normal(5.6 - severity, 1.7)
    if kind == "yes_no":
        return {"yes": bool(quality > 4.6)}
    return {key: int(np.clip(round(quality + rng.normal(0, 0.8)), 1, 9)) for key in criteria}


def _send(browser: Browser, slug: str, round_id: int, token: str, value: Mapping[str, Any]) -> None:
    mark = {"token": token, "client_id": os.urandom(12).hex(), "value": value}
    response = browser.post_json(f"/events/{slug}/jury/{round_id}/marks", mark)
    if response.status_code != 200 or not response.json().get("saved"):
        raise AssertionError(f"a mark was not saved: {response.status_code} {response.text[:300]}")


def marks_kept(stage: Stage, slug: str, round_id: int) -> int:
    """How many marks the platform has of the round, every change of mind included."""
    return int(stage.admin.json(f"/events/{slug}/jury/rounds/{round_id}/progress.json")["history"])
