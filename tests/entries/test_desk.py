"""The organiser's desk, the coordinator's list, and the JSON for programs."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from concours.base.db import db, session
from concours.entries.lists import PAGE
from concours.entries.models import Entry, EntryStatus
from concours.events.models import Event, Quota
from concours.identity.models import Account, Role
from concours.media.models import AssetStatus
from tests.entries.build import Build
from tests.entries.test_drafts import phase
from tests.factories import Make

As = Callable[[Account], FlaskClient]
Count = Callable[[Callable[[], Any]], int]
JSON = {"Accept": "application/json"}


@pytest.fixture
def event(make: Make) -> Event:
    return make.event()


@pytest.fixture
def organiser(make: Make, event: Event) -> Account:
    return make.with_role(event, Role.ORGANISER)


def rows(page: str) -> int:
    return page.count('class="desk-row"')


def test_the_desk_shows_what_waits_and_counts_the_rest(
    make: Make, build: Build, event: Event, organiser: Account, client_as: As
) -> None:
    category = make.category(event)
    build.draft(event, category, build.author(), title="还是草稿")
    build.submitted(event, category, title="等着审核")
    for verdict in ("accepted", "returned", "rejected"):
        build.screened(event, category, verdict)
    browser = client_as(organiser)
    page = browser.get(f"/events/{event.slug}/screening").text
    assert "等着审核" in page
    assert "还是草稿" not in page
    assert rows(page) == 1
    counts = re.findall(r'desk-count">(\d+)<', page)
    assert counts == ["1", "1", "1", "1", "0"]
    everything = browser.get(f"/events/{event.slug}/screening?status=all").text
    assert rows(everything) == 4
    assert "还是草稿" not in everything


def test_the_desk_is_filtered_and_searched(
    make: Make, build: Build, event: Event, organiser: Account, client_as: As
) -> None:
    painting, photo = make.category(event, code="painting"), make.category(event, code="photo")
    department = make.department()
    build.submitted(event, painting, build.author(department_id=department.id), title="山高水长")
    build.submitted(event, photo, title="百分之100%")
    third = build.submitted(event, photo, title="下划_线")
    browser = client_as(organiser)

    def found(query: str) -> int:
        return rows(browser.get(f"/events/{event.slug}/screening?{query}").text)

    assert found("category=photo") == 2
    assert found(f"department={department.id}") == 1
    assert found(f"category=photo&department={department.id}") == 0
    assert found("q=山高") == 1
    assert found("q=%25") == 1
    assert found("q=_") == 1
    assert found(f"q={third.number}") == 1
    assert found("q=" + "9" * 40) == 0
    for odd in ("category=none", "department=99999999999999999999", "after=x", "status=draft", "after=-1"):
        assert found(odd) == 3


def test_the_desk_pages_by_key(make: Make, build: Build, event: Event, organiser: Account, client_as: As) -> None:
    category = make.category(event)
    for _ in range(PAGE + 3):
        build.submitted(event, category)
    browser = client_as(organiser)
    first = browser.get(f"/events/{event.slug}/screening").text
    assert rows(first) == PAGE
    following = re.search(r'href="([^"]*after=\d+[^"]*)"', first)
    assert following
    second = browser.get(following.group(1).replace("&amp;", "&")).text
    assert rows(second) == 3


def test_the_desk_asks_the_same_however_many(
    make: Make, build: Build, event: Event, organiser: Account, client_as: As, count_queries: Count
) -> None:
    category = make.category(event)
    first = build.submitted(event, category)
    browser = client_as(organiser)
    coordinator = client_as(make.with_role(event, Role.COORDINATOR, session().merge(first.author).department))
    urls = {
        f"/events/{event.slug}/screening": browser,
        f"/events/{event.slug}/screening?status=all": browser,
        f"/events/{event.slug}/entries.json": browser,
        f"/events/{event.slug}/entries/counts.json": browser,
        f"/events/{event.slug}/entries/department": coordinator,
    }
    number, department_id = event.id, first.department_id

    def measure() -> dict[str, int]:
        counted = {}
        for url, who in urls.items():
            db.session.remove()
            counted[url] = count_queries(lambda url=url, who=who: who.get(url))  # type: ignore[misc]
        return counted

    measure()
    one = measure()
    event, category = session().get_one(Event, number), session().merge(category)
    for _ in range(29):
        build.submitted(event, category, build.author(department_id=department_id))
    assert measure() == one
    assert rows(coordinator.get(f"/events/{event.slug}/entries/department").text) == 30


def test_deciding_goes_on_with_the_next_of_the_list(
    make: Make, build: Build, event: Event, organiser: Account, client_as: As
) -> None:
    photo, other = make.category(event, code="photo"), make.category(event)
    first, second = build.submitted(event, photo), build.submitted(event, other)
    third = build.submitted(event, photo)
    browser = client_as(organiser)
    data = {"verdict": "accepted", "revision": first.revision, "status": "submitted", "category": "photo"}
    done = browser.post(f"/events/{event.slug}/screening/{first.id}", data=data)
    assert done.status_code == 303
    assert f"/screening/{third.id}?" in done.location
    data = {"verdict": "returned", "reason": "请补释文", "revision": third.revision, "category": "photo"}
    done = browser.post(f"/events/{event.slug}/screening/{third.id}", data=data)
    assert re.search(r"/screening\?", done.location)
    assert "Nothing waits here" in browser.get(done.location).text
    session().expire_all()
    statuses = [session().get_one(Entry, e.id).status for e in (first, second, third)]
    assert statuses == ["accepted", "submitted", "returned"]


def test_a_refused_decision_keeps_the_reason(
    make: Make, build: Build, event: Event, organiser: Account, client_as: As
) -> None:
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    browser, url = client_as(organiser), f"/events/{event.slug}/screening/{entry.id}"
    without = browser.post(url, data={"verdict": "rejected", "revision": entry.revision, "reason": "  "})
    assert without.status_code == 422
    assert "Please tell the author why." in without.text
    long = "因" * 1500
    too_long = browser.post(url, data={"verdict": "returned", "revision": entry.revision, "reason": long})
    assert too_long.status_code == 422
    assert long in too_long.text
    stale = browser.post(url, data={"verdict": "rejected", "revision": "0.0", "reason": "看过的是旧版"})
    assert stale.status_code == 409
    assert "看过的是旧版" in stale.text
    unknown = browser.post(url, data={"verdict": "maybe", "revision": entry.revision})
    assert unknown.status_code == 422
    phase(event, "screening").closes_at = make.now
    session().commit()
    closed = browser.post(url, data={"verdict": "returned", "revision": entry.revision, "reason": "迟到的原因"})
    assert closed.status_code == 403
    assert "“Screening” closed on" in closed.text
    session().expire_all()
    assert session().get_one(Entry, entry.id).status == EntryStatus.SUBMITTED


def test_a_page_is_accepted_at_once(make: Make, build: Build, event: Event, organiser: Account, client_as: As) -> None:
    category = make.category(event)
    entries = [build.submitted(event, category) for _ in range(3)]
    browser, url = client_as(organiser), f"/events/{event.slug}/screening/accept"
    page = browser.get(f"/events/{event.slug}/screening").text.replace("\n", " ")
    tickets = re.findall(r'name="entry"\s+value="([^"]+)"', page)
    assert tickets == [f"{e.id}:{e.revision}" for e in entries]
    done = browser.post(url, data={"entry": [*tickets, "nonsense", "7", "999999:1.0", ":", "999998:" + "9" * 500]})
    assert done.status_code == 303
    assert "3 entries are accepted." in browser.get(done.location).text
    again = browser.post(url, data={"entry": tickets}, headers=JSON)
    assert again.get_json() == {"accepted": [], "left": [e.id for e in entries]}
    assert browser.post(url, data={"entry": [f"{n}:1.0" for n in range(1, 200)]}).status_code == 422
    assert browser.post(url).status_code == 303


def test_the_desk_shows_all_that_is_needed_to_decide(
    make: Make, build: Build, event: Event, organiser: Account, client_as: As
) -> None:
    category = make.category(
        event, fields=[{"key": "phone", "label": {"zh": "电话", "en": "Phone number"}, "private": True}]
    )
    author = build.author(name="王羲之", phone="13800138000")
    entry = build.draft(event, category, author, files=0)
    build.type(entry, event, author, values={"phone": "010-12345678"})
    build.file(entry, sha256="a" * 64, filename="同一张.jpg")
    from concours.entries.submission import submit

    submit(entry, event, actor=author, now=make.now)
    twin = build.draft(event, category, build.author(), files=0, title="孪生")
    build.file(twin, sha256="a" * 64)
    submit(twin, event, actor=twin.author, now=make.now)
    build.decide(entry, event, "returned", "请换一张")
    build.type(entry, event, author, title="换了题目")
    submit(entry, event, actor=author, now=make.now)
    session().commit()
    page = client_as(organiser).get(f"/events/{event.slug}/screening/{entry.id}").text
    for expected in ("王羲之", "13800138000", "010-12345678", "The same file is in", "孪生", "请换一张"):
        assert expected in page
    assert "Changed since the last decision:" in page
    assert 'name="verdict"' in page
    auditor = client_as(make.with_role(event, Role.AUDITOR)).get(f"/events/{event.slug}/screening/{entry.id}").text
    assert "王羲之" in auditor
    assert 'name="verdict"' not in auditor


def test_a_coordinator_reads_the_own_departments_entries_alone(
    make: Make, build: Build, event: Event, client_as: As
) -> None:
    category, mine, other = make.category(event), make.department(), make.department()
    own = build.submitted(event, category, build.author(department_id=mine.id), title="本部门的")
    foreign = build.submitted(event, category, build.author(department_id=other.id), title="别部门的")
    session().add(Quota(event_id=event.id, department_id=mine.id, max_entries=7))
    session().commit()
    browser = client_as(make.with_role(event, Role.COORDINATOR, mine))
    url = f"/events/{event.slug}/entries"
    for query in ("", f"?department={other.id}", "?department=x"):
        page = browser.get(f"{url}/department{query}").text
        assert "本部门的" in page
        assert "别部门的" not in page
        assert "1 / 7" in page
    assert browser.get(f"{url}/{own.id}").status_code == 200
    assert browser.get(f"{url}/{foreign.id}").status_code == 404
    nowhere = client_as(make.with_role(event, Role.COORDINATOR))
    assert "No entries yet" in nowhere.get(f"{url}/department").text


def test_programs_read_entries_and_counts(
    make: Make, build: Build, event: Event, organiser: Account, client_as: As
) -> None:
    photo, text = make.category(event, code="photo"), make.category(event, code="text", media_kind="text")
    build.draft(event, photo, build.author())
    accepted = build.screened(event, photo, "accepted")
    waiting = build.submitted(event, text)
    browser = client_as(organiser)
    counts = browser.get(f"/events/{event.slug}/entries/counts.json").get_json()
    assert (counts["total"], counts["drafts"]) == (2, 1)
    assert counts["by_status"] == {"submitted": 1, "accepted": 1, "returned": 0, "rejected": 0, "withdrawn": 0}
    assert [(c["code"], c["total"], c["by_status"]["accepted"]) for c in counts["by_category"]] == [
        ("photo", 1, 1),
        ("text", 1, 0),
    ]
    page = browser.get(f"/events/{event.slug}/entries.json?limit=1").get_json()
    assert [e["id"] for e in page["entries"]] == [accepted.id]
    rest = browser.get(f"/events/{event.slug}/entries.json?limit=1&after={page['next']}").get_json()
    assert ([e["id"] for e in rest["entries"]], rest["next"]) == ([waiting.id], None)
    [one] = browser.get(f"/events/{event.slug}/entries.json?status=accepted").get_json()["entries"]
    assert one["number"] == accepted.number
    assert one["title"] == "兰亭序"
    assert one["category"] == {"code": "photo", "title": photo.title}
    assert one["department"] == {"code": accepted.department.code, "title": accepted.department.name}
    assert (one["status"], one["revision"], one["files"]) == ("accepted", accepted.revision, 1)
    for wrong in ("after=x", "limit=0", "limit=100000", "department=99999999999999999999"):
        assert browser.get(f"/events/{event.slug}/entries.json?{wrong}", headers=JSON).status_code == 422


def test_a_file_in_every_state_has_its_place_on_the_pages(
    make: Make, build: Build, event: Event, organiser: Account, client_as: As
) -> None:
    for kind in ("image", "video", "audio"):
        author = build.author()
        entry = build.submitted(event, make.category(event, media_kind=kind), author)
        entry.files[0].asset.kind = kind
        session().commit()
        page = client_as(organiser).get(f"/events/{event.slug}/screening/{entry.id}").text
        assert {"image": "<img", "video": "<video", "audio": "<audio"}[kind] in page
        for state in (AssetStatus.CHECKING, AssetStatus.REFUSED):
            entry.files[0].asset.status = state
            entry.files[0].asset.refusal = {"text": "This file is damaged."}
            session().commit()
            form = client_as(author).get(f"/events/{event.slug}/entries/{entry.id}/edit").text
            expected = "We look inside it" if state == AssetStatus.CHECKING else "This file is damaged."
            assert expected in form
