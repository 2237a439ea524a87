"""The author's pages as a browser sees them: nothing typed is ever lost, every refusal says what to do."""

import base64
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from concours.base.db import db, session
from concours.entries.models import Entry, EntryStatus
from concours.events.models import Event
from concours.identity.models import Account, Role
from concours.media import jobs
from tests.conftest import both_databases
from tests.entries.build import Build
from tests.entries.test_drafts import phase
from tests.factories import Make

As = Callable[[Account], FlaskClient]
JSON = {"Accept": "application/json"}


def jpeg(colour: str = "#446688") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 480), colour).save(out, "JPEG")
    return out.getvalue()


def tus(browser: FlaskClient, entry: Entry, data: bytes, **details: str) -> TestResponse:
    """Sends a file in one request, as the page's uploader does."""
    pairs = {"filename": "作品.jpg", "purpose": "entry", "purpose_id": str(entry.id), **details}
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
    return browser.post(
        "/uploads",
        data=data,
        headers={
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(data)),
            "Upload-Metadata": metadata,
            "Content-Type": "application/offset+octet-stream",
            **JSON,
        },
    )


def words(entry: Entry, **typed: Any) -> dict[str, Any]:
    return {"title": entry.title, "authors": entry.authors, "version": str(entry.version), **typed}


def again(entry: Entry) -> Entry:
    session().rollback()
    session().expire_all()
    return session().get_one(Entry, entry.id)


def close_submission(event: Event, make: Make) -> None:
    times = phase(event, "submission")
    times.closes_at = make.now - timedelta(seconds=1)
    session().commit()


@both_databases
def test_from_the_category_to_the_number(make: Make, client_as: As) -> None:
    event = make.event(settings={"per_author_total": 5})
    category = make.category(event, rules={"per_author": 2})
    author = make.account(department_id=make.department().id, name="王羲之")
    browser = client_as(author)
    assert category.title in browser.get(f"/events/{event.slug}/entries/new").text
    begun = browser.post(f"/events/{event.slug}/entries", data={"category": category.code})
    assert begun.status_code == 303
    found = re.search(r"/entries/(\d+)/edit", begun.location)
    assert found
    entry = session().get_one(Entry, int(found.group(1)))
    sent = tus(browser, entry, jpeg())
    assert sent.status_code == 201, sent.text
    asset_id = int(sent.headers["X-Asset"])
    state = browser.get(f"/events/{event.slug}/entries/{entry.id}/files", headers=JSON).get_json()
    assert [(f["asset"], f["status"], f["filename"]) for f in state["files"]] == [(asset_id, "checking", "作品.jpg")]
    page = browser.get(begun.location).text
    agree = re.search(r'name="agree"[^>]*value="(\d+)"|value="(\d+)"[^>]*name="agree"', page.replace("\n", " "))
    assert agree
    typed = words(entry, title="𠮷日🎨 <b>之</b>", agree=agree.group(1) or agree.group(2), action="submit")
    early = browser.post(f"/events/{event.slug}/entries/{entry.id}", data=typed)
    assert early.status_code == 422
    assert "is still being checked" in early.text
    assert again(entry).title == "𠮷日🎨 <b>之</b>"
    session().rollback()
    jobs.check(asset_id)
    typed["version"] = str(again(entry).version)
    session().rollback()
    submitted = browser.post(f"/events/{event.slug}/entries/{entry.id}", data=typed)
    assert submitted.status_code == 303, submitted.text
    assert (again(entry).status, again(entry).number) == (EntryStatus.SUBMITTED, 1)
    session().rollback()
    mine = browser.get(f"/events/{event.slug}/entries").text
    assert "𠮷日🎨 &lt;b&gt;之&lt;/b&gt;" in mine
    assert "No. 1" in mine


def test_a_replacement_arrives_through_the_uploader(make: Make, build: Build, client_as: As) -> None:
    event = make.event()
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    old = entry.files[0]
    full = tus(client_as(author), entry, jpeg())
    assert (full.status_code, full.get_json()["code"]) == (409, "too_many_files")
    sent = tus(client_as(author), entry, jpeg("#aa3322"), replaces=str(old.id))
    assert sent.status_code == 201, sent.text
    session().rollback()
    jobs.check(int(sent.headers["X-Asset"]))
    assert [f.asset_id for f in again(entry).files] == [int(sent.headers["X-Asset"])]
    session().rollback()
    foreign = tus(client_as(build.author()), entry, jpeg())
    assert foreign.status_code == 404


def test_a_refused_form_comes_back_with_everything_that_was_typed(make: Make, build: Build, client_as: As) -> None:
    event = make.event()
    category = make.category(
        event,
        fields=[
            {"key": "note", "label": {"zh": "说明", "en": "Note"}, "type": "textarea", "max_length": 300},
            {"key": "year", "label": {"zh": "年份", "en": "Year"}, "type": "number"},
        ],
    )
    author = build.author()
    entry = build.draft(event, category, author, title="春")
    long = "长" * 10_000
    typed = words(entry, title=long, **{"field-note": "山河无恙", "field-year": "去年"})
    refused = client_as(author).post(f"/events/{event.slug}/entries/{entry.id}", data=typed)
    assert refused.status_code == 422
    assert long in refused.text
    assert "This has 10000 characters; at most 120 are possible." in refused.text
    assert "山河无恙" in refused.text
    assert 'value="去年"' in refused.text
    assert 'href="#f-field-year"' in refused.text
    assert again(entry).title == "春"


def test_two_windows_see_both_versions(make: Make, build: Build, client_as: As) -> None:
    event = make.event()
    author = build.author()
    entry = build.draft(event, make.category(event), author, title="旧题")
    first = words(entry, title="手机上改的")
    second = words(entry, title="电脑上改的", authors="王、李")
    browser = client_as(author)
    url = f"/events/{event.slug}/entries/{entry.id}"
    assert browser.post(url, data=first).status_code == 303
    refused = browser.post(url, data=second)
    assert refused.status_code == 409
    assert "电脑上改的" in refused.text
    assert "手机上改的" in refused.text
    assert "Kept meanwhile" in refused.text
    version = re.search(r'name="version"[^>]*value="(\d+)"', refused.text)
    assert version
    assert browser.post(url, data={**second, "version": version.group(1)}).status_code == 303
    assert again(entry).title == "电脑上改的"


def test_a_deadline_that_passed_while_typing_loses_nothing(make: Make, build: Build, client_as: As) -> None:
    event = make.event()
    category, author = make.category(event), build.author()
    draft, standing = build.draft(event, category, author), build.submitted(event, category, author)
    close_submission(event, make)
    browser = client_as(author)
    agree = str(draft.statement_id)
    late = browser.post(
        f"/events/{event.slug}/entries/{draft.id}",
        data=words(draft, title="写到最后一秒", agree=agree, action="submit"),
    )
    assert late.status_code == 403
    assert "“Submission” closed on" in late.text
    assert "写到最后一秒" in late.text
    assert (again(draft).title, again(draft).status) == ("写到最后一秒", EntryStatus.DRAFT)
    session().rollback()
    late = browser.post(
        f"/events/{event.slug}/entries/{standing.id}", data=words(standing, title="想改的题目", agree=agree)
    )
    assert late.status_code == 403
    assert "想改的题目" in late.text
    assert again(standing).title == "兰亭序"


def test_a_form_saves_itself_and_hears_what_is_missing(make: Make, build: Build, client_as: As) -> None:
    event = make.event()
    author = build.author()
    entry = build.draft(event, make.category(event), author, files=0)
    browser, url = client_as(author), f"/events/{event.slug}/entries/{entry.id}"
    opened = words(entry, action="save")
    saved = browser.post(url, data={**opened, "title": "新"}, headers=JSON)
    assert saved.status_code == 200
    answer = saved.get_json()
    assert answer["version"] == int(opened["version"]) + 1
    assert [(m["field"], m["where"]) for m in answer["missing"]] == [("agree", "#f-agree"), ("files", "#f-files")]
    twice = browser.post(url, data={**opened, "title": "新"}, headers=JSON)
    assert (twice.status_code, twice.get_json()["version"]) == (200, answer["version"])
    stale = browser.post(url, data={**opened, "title": "别的"}, headers=JSON)
    assert (stale.status_code, stale.get_json()["code"]) == (409, "changed_elsewhere")
    wrong = browser.post(url, data=words(entry, title="长" * 200, version=str(answer["version"])), headers=JSON)
    assert wrong.status_code == 422
    assert wrong.get_json()["problems"][0]["field"] == "title"


def test_without_script_moving_a_file_keeps_what_was_typed(make: Make, build: Build, client_as: As) -> None:
    event = make.event()
    author = build.author()
    entry = build.draft(event, make.category(event, media_kind="series"), author)
    ids = [f.id for f in entry.files]
    base = f"/events/{event.slug}/entries/{entry.id}/files"
    browser = client_as(author)
    moved = browser.post(f"{base}/{ids[0]}/move", data=words(entry, title="边写边排", to="down"))
    assert moved.status_code == 303
    assert again(entry).title == "边写边排"
    assert [f.id for f in again(entry).files] == [ids[1], ids[0], *ids[2:]]
    session().rollback()
    too_long = browser.post(f"{base}/{ids[0]}/remove", data=words(again(entry), title="长" * 500))
    assert too_long.status_code == 422
    assert "长" * 500 in too_long.text
    assert len(again(entry).files) == 3
    session().rollback()
    for url, data in (
        (f"{base}/{ids[1]}/move", {"to": "sideways"}),
        (f"{base}/999999999999999999999/remove", {}),
        (f"{base}/order", {"order": "1,x,,-5,99999999999999999999999"}),
    ):
        assert browser.post(url, data=data).status_code in {404, 409, 422}


def test_withdrawing_and_bringing_back(make: Make, build: Build, client_as: As) -> None:
    event = make.event()
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    browser, url = client_as(author), f"/events/{event.slug}/entries/{entry.id}"
    assert "Withdraw this entry?" in browser.get(url).text
    assert browser.post(f"{url}/withdraw").status_code == 303
    assert browser.post(f"{url}/withdraw").status_code == 409
    assert again(entry).status == EntryStatus.WITHDRAWN
    session().rollback()
    assert browser.get(f"{url}/edit").status_code == 303
    assert "1 withdrawn or discarded" in browser.get(f"/events/{event.slug}/entries").text
    assert browser.post(f"{url}/reopen").status_code == 303
    assert browser.post(f"{url}/reopen").status_code == 409
    assert again(entry).status == EntryStatus.DRAFT


def test_the_author_sees_at_once_why_it_came_back(make: Make, build: Build, client_as: As) -> None:
    event = make.event()
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    build.decide(entry, event, "returned", "落款不清，请重新扫描 <img>")
    browser = client_as(author)
    for address in ("entries", f"entries/{entry.id}", f"entries/{entry.id}/edit"):
        page = browser.get(f"/events/{event.slug}/{address}").text
        assert "落款不清，请重新扫描 &lt;img&gt;" in page
    build.decide(entry, event, "rejected", "不符合要求")
    assert browser.get(f"/events/{event.slug}/entries/{entry.id}/edit").status_code == 303
    assert "不符合要求" in browser.get(f"/events/{event.slug}/entries/{entry.id}").text


def test_starting_is_refused_with_a_sentence_on_the_same_page(make: Make, build: Build, client_as: As) -> None:
    event = make.event()
    category, author = make.category(event), build.author()
    url = f"/events/{event.slug}/entries"
    assert client_as(author).post(url, data={"category": "nothing"}).status_code == 422
    nobody = client_as(make.account()).post(url, data={"category": category.code})
    assert nobody.status_code == 403
    assert "your account has none yet" in nobody.text
    close_submission(event, make)
    late = client_as(author).post(url, data={"category": category.code})
    assert late.status_code == 403
    assert "closed on" in late.text
    program = client_as(author).post(url, data={"category": category.code}, headers=JSON)
    assert (program.status_code, program.get_json()["code"]) == (403, "phase_closed")


def test_a_program_starts_and_submits_too(make: Make, build: Build, client_as: As) -> None:
    event = make.event()
    category = make.category(
        event, media_kind="text", fields=[{"key": "story", "label": "正文", "type": "textarea", "max_length": 8000}]
    )
    author = build.author()
    browser = client_as(author)
    begun = browser.post(f"/events/{event.slug}/entries", data={"category": category.code}, headers=JSON)
    assert begun.status_code == 201
    entry = session().get_one(Entry, begun.get_json()["id"])
    data = words(entry, title="父亲", agree="1", action="submit", **{"field-story": "那年。\n" * 900})
    data["agree"] = str(build.typed(entry).agreed)
    session().rollback()
    done = browser.post(f"/events/{event.slug}/entries/{entry.id}", data=data, headers=JSON)
    assert (done.status_code, done.get_json()["number"], done.get_json()["status"]) == (200, 1, "submitted")


def test_a_coordinator_enters_a_team(make: Make, client_as: As) -> None:
    event = make.event(kind="team_contest")
    category = make.category(event, media_kind="video")
    department = make.department()
    team, _other = make.team(event, department), make.team(event, department)
    browser = client_as(make.with_role(event, Role.COORDINATOR, department))
    url = f"/events/{event.slug}/entries"
    assert team.name in browser.get(f"{url}/new").text
    assert browser.post(url, data={"category": category.code}).status_code == 422
    assert browser.post(url, data={"category": category.code, "team": "x" * 50}).status_code == 422
    assert browser.post(url, data={"category": category.code, "team": str(team.id)}).status_code == 303
    assert team.name in browser.get(url).text


@pytest.mark.parametrize("number", ["0", "999999", "9223372036854775808", "99999999999999999999999999"])
def test_numbers_that_are_nobodys_are_not_found(make: Make, client_as: As, build: Build, number: str) -> None:
    event = make.event()
    browser = client_as(make.admin())
    for what in ("", "/edit", "/files"):
        assert browser.get(f"/events/{event.slug}/entries/{number}{what}").status_code == 404
    assert browser.get(f"/events/{event.slug}/screening/{number}").status_code == 404
    assert browser.post(f"/events/{event.slug}/entries/{number}", data={}).status_code == 404


@pytest.mark.parametrize(
    "text", ["\x00", "a\x00b", "\u202e", "🎨" * 119, "x" * 100_000, "<script>alert(1)</script>", "%s %(a)s {0}", "\r\n"]
)
def test_no_text_breaks_the_form(make: Make, build: Build, client_as: As, text: str) -> None:
    event = make.event()
    category = make.category(event, fields=[{"key": "note", "label": "说明", "type": "textarea"}])
    author = build.author()
    entry = build.draft(event, category, author)
    data = words(entry, title=text, authors=text, **{"field-note": text, "agree": text, "version": text})
    for action in ("save", "submit", text):
        answer = client_as(author).post(f"/events/{event.slug}/entries/{entry.id}", data={**data, "action": action})
        assert answer.status_code < 500
    answer = client_as(author).post(
        f"/events/{event.slug}/entries/{entry.id}", data={**data, "version": str(entry.version)}
    )
    assert answer.status_code < 500
    assert "<script>alert" not in answer.text


def test_my_entries_ask_the_same_however_many(
    make: Make, build: Build, client_as: As, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    event = make.event()
    category, author = make.category(event), build.author()
    build.screened(event, category, "returned", author)
    browser = client_as(author)
    url = f"/events/{event.slug}/entries"
    browser.get(url)
    db.session.remove()
    one = count_queries(lambda: browser.get(url))
    event, category, author = (session().merge(row) for row in (event, category, author))
    for _ in range(29):
        build.submitted(event, category, author)
    db.session.remove()
    assert count_queries(lambda: browser.get(url)) == one
    assert browser.get(url).text.count('class="my-entry sheet"') == 30
