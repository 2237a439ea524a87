"""What others may show of entries: accepted ones, and nothing private."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from concours.base.db import db, session
from concours.entries.public import public_entries, public_entry
from concours.events.models import Event
from tests.entries.build import Build
from tests.entries.test_drafts import phase
from tests.factories import Make

FIELDS = [
    {"key": "note", "label": {"zh": "说明", "en": "Note"}, "type": "textarea"},
    {"key": "height", "label": {"zh": "高", "en": "Height"}, "type": "number", "unit": "cm"},
    {"key": "phone", "label": "电话", "private": True},
    {"key": "speaker", "label": "讲述人"},
]
VALUES = {"note": "一句话", "height": "68.5", "phone": "13800138000", "speaker": "王羲之"}


def accepted(make: Make, build: Build, event: Event) -> int:
    author = build.author(name="王羲之")
    entry = build.draft(event, make.category(event, fields=FIELDS), author)
    build.type(entry, event, author, values=VALUES)
    from concours.entries.submission import submit

    submit(entry, event, actor=author, now=make.now)
    build.decide(entry, event, "accepted")
    return entry.id


def test_only_accepted_entries_are_public(make: Make, build: Build) -> None:
    event = make.event()
    category = make.category(event)
    build.draft(event, category, build.author())
    build.submitted(event, category)
    for verdict in ("returned", "rejected"):
        build.screened(event, category, verdict)
    shown = build.screened(event, category, "accepted")
    assert [e.id for e in public_entries(event, make.now)] == [shown.id]
    assert shown.number is not None
    assert public_entry(event, shown.number, make.now) is not None
    assert public_entry(event, 1, make.now) is None
    assert public_entry(make.event(), shown.number, make.now) is None
    assert public_entries(event, make.now, ids=[shown.id + 1]) == []
    assert public_entries(event, make.now, category_id=category.id + 1) == []
    assert public_entries(event, make.now, after=shown.number) == []


def test_authors_are_told_with_the_results_or_as_the_event_says(make: Make, build: Build) -> None:
    event = make.event()
    accepted(make, build, event)
    results = phase(event, "results").opens_at
    [before] = public_entries(event, results - timedelta(seconds=1))
    [behind] = public_entries(event, results)
    assert (before.authors, before.department) == ("", "")
    assert behind.authors == "王羲之"
    assert behind.department
    for setting, told in (("always", "王羲之"), ("never", "")):
        event.settings = {"show_authors": setting}
        session().commit()
        moment = results - timedelta(days=1) if setting == "always" else results + timedelta(days=1)
        assert public_entries(event, moment)[0].authors == told


def test_nothing_private_is_in_a_public_entry(make: Make, build: Build) -> None:
    event = make.event(settings={"show_authors": "never"})
    accepted(make, build, event)
    [entry] = public_entries(event, make.now)
    assert [(a.key, a.text["en"], a.long) for a in entry.answers] == [
        ("note", "一句话", True),
        ("height", "68.5 cm", False),
    ]
    assert "13800138000" not in repr(entry.answers)
    assert "王羲之" not in repr(entry)
    [file] = entry.files
    assert set(file.renditions) == {"w400", "w800", "w1600"}
    assert not hasattr(file, "filename")


def test_reading_thirty_takes_as_many_queries_as_one(
    make: Make, build: Build, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    event = make.event()
    category = make.category(event)
    build.screened(event, category, "accepted")
    number, now = event.id, make.now

    def read() -> list[Any]:
        event = session().get_one(Event, number)
        return [(e.title, e.files[0].renditions["w400"].storage_name) for e in public_entries(event, now)]

    db.session.remove()
    one = count_queries(read)
    event, category = session().get_one(Event, number), session().merge(category)
    for _ in range(29):
        build.screened(event, category, "accepted")
    db.session.remove()
    assert count_queries(read) == one
    assert len(read()) == 30
