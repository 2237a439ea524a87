"""The exhibition: a hall for each category, opened; every visitor's page answers."""

import re

from concours.cli.replay.setting import Cast
from concours.cli.replay.stage import Stage

TITLES = ("翰墨厅", "丹青厅", "光影厅", "组照厅")
INTRODUCTION = "来自各部门干部职工的作品，一笔一画、一光一影，都是身边的日子。"


def open_halls(stage: Stage, cast: Cast) -> None:
    """Hangs what was selected, opens the doors, and walks through as a visitor."""
    slug = cast.exhibition
    page = stage.admin.get(f"/events/{slug}/exhibition/desk")
    categories = re.findall(r'<option value="(\d+)"', page.html)
    hung = 0
    for number, category in enumerate(categories):
        title = TITLES[number % len(TITLES)]
        if not _has_works(stage, slug, category):
            continue
        page = stage.admin.submit(
            stage.admin.get(f"/events/{slug}/exhibition/desk"),
            "/exhibition/halls",
            {"title": title, "introduction": INTRODUCTION, "category": category},
            having="title",
        )
        doors = next(form for form in page.reader.forms if "/doors" in form.action and form.fields["open"] == ["yes"])
        stage.admin.submit(page, doors.action)
    visitor = stage.browser()
    entrance = visitor.get(f"/events/{slug}/exhibition")
    for position in dict.fromkeys(re.findall(rf"/events/{slug}/exhibition/(\d+)", entrance.html)):
        path: str | None = f"/events/{slug}/exhibition/{position}"
        while path:
            hall = visitor.get(path)
            works = list(dict.fromkeys(re.findall(rf"/events/{slug}/works/(\d+)", hall.html)))
            hung += len(works)
            visitor.get(f"/events/{slug}/works/{works[0]}")
            onward = re.search(r'href="([^"]*after=\d+[^"]*)" rel="next"', hall.html)
            path = onward.group(1).replace("&amp;", "&") if onward else None
    stage.reckoning.compare("works hung in open halls", stage.plan.selected, hung)


def _has_works(stage: Stage, slug: str, category: str) -> bool:
    results = stage.admin.get(f"/events/{slug}/results")
    return f"category={category}" in results.html
