"""What judges get over HTTP: their works, blind; marks saved once; nothing for anybody else."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from concours.base.db import session
from concours.entries.models import EntryStatus
from concours.identity.models import Role
from concours.jury import panel
from concours.jury.models import Mark, Round
from tests.factories import Make
from tests.jury.build import CRITERIA, Jury

ClientAs = Callable[..., FlaskClient]
FIELDS = [
    {"key": "script", "label": {"zh": "书体", "en": "Script"}, "type": "text"},
    {"key": "transcription", "label": {"zh": "释文", "en": "Transcription"}, "type": "textarea"},
    {"key": "phone", "label": "电话", "type": "text", "private": True},
    {"key": "speaker", "label": "讲述人", "type": "text"},
]
VALUES = {"script": "草书", "transcription": "厚德载物", "phone": "13800000000", "speaker": "张三"}


def address(jury: Jury, found: Round, what: str) -> str:
    return f"/events/{jury.event.slug}/jury/{found.id}/{what}"


def listed(client: FlaskClient, jury: Jury, found: Round) -> list[dict[str, Any]]:
    answer = client.get(address(jury, found, "table.json"))
    assert answer.status_code == 200, answer.json
    works: list[dict[str, Any]] = answer.json["works"]
    return works


def test_two_works_that_differ_only_in_their_makers_look_the_same(jury: Jury, client_as: ClientAs, make: Make) -> None:
    category = jury.category(fields=FIELDS)
    one_author = make.account(name="欧阳修", department_id=make.department(name="文史馆").id)
    other_author = make.account(name="司马光", department_id=make.department(name="编修院").id)
    for author, names in ((one_author, "欧阳修"), (other_author, "司马光、范祖禹")):
        entry = jury.entry(
            category,
            files=0,
            title="兰亭序",
            authors=names,
            author_id=author.id,
            department_id=author.department_id,
            values=VALUES,
            submitted_at=jury.now + timedelta(minutes=len(names)),
        )
        for n in range(3):
            jury.file(entry, position=n, sha256=f"{n}" * 64)
        jury.file(entry, kind="video", position=3, sha256="a" * 64)
        session().commit()
    judge = jury.judge()
    found = jury.opened(reviews=1)
    answer = client_as(judge).get(address(jury, found, "table.json"))
    one, other = answer.json["works"]
    for work in (one, other):
        work.pop("token"), work.pop("position")
    assert json.dumps(one) == json.dumps(other)

    text = answer.get_data(as_text=True)
    for secret in ("欧阳修", "司马光", "文史馆", "编修院", "13800000000", "张三", "IMG", "jpg", "Artist", "originals"):
        assert secret not in text, secret
    pages = [client_as(judge).get(address(jury, found, f"table/plain?at={n}")).get_data(as_text=True) for n in (1, 2)]
    for page in pages:
        for secret in ("欧阳修", "司马光", "文史馆", "编修院", "13800000000", "张三"):
            assert secret not in page, secret


def test_a_work_shows_its_pictures_and_what_is_asked_of_all(jury: Jury, client_as: ClientAs) -> None:
    category = jury.category(title="书法", fields=FIELDS)
    jury.entry(category, title="兰亭序", values=VALUES)
    judge = jury.judge()
    found = jury.opened(reviews=1)
    (work,) = listed(client_as(judge), jury, found)
    assert (work["title"], work["category"], work["kind"], work["mark"]) == ("兰亭序", "书法", "image", None)
    assert work["fields"] == [
        {"label": "Script", "text": "草书", "long": False},
        {"label": "Transcription", "text": "厚德载物", "long": True},
    ]
    (picture,) = work["media"]
    assert [still["width"] for still in picture["stills"]] == [400, 800, 1600]
    assert all(still["url"].startswith("/media/") for still in picture["stills"])
    chinese = client_as(judge, "zh").get(address(jury, found, "table.json"))
    assert [field["label"] for field in chinese.json["works"][0]["fields"]] == ["书体", "释文"]


def test_titles_are_hidden_where_the_round_says_so(jury: Jury, client_as: ClientAs) -> None:
    jury.entry(jury.category(), title="欧阳修自述")
    judge = jury.judge()
    found = jury.opened(reviews=1, titles=False)
    answer = client_as(judge).get(address(jury, found, "table.json"))
    assert "欧阳修" not in answer.get_data(as_text=True)


def test_films_and_sound_come_as_copies_without_metadata(jury: Jury, client_as: ClientAs) -> None:
    entry = jury.entry(jury.category(media_kind="video"), files=0)
    jury.file(entry, kind="video"), jury.file(entry, kind="audio", position=1)
    session().commit()
    judge = jury.judge()
    found = jury.opened(reviews=1)
    film, sound = listed(client_as(judge), jury, found)[0]["media"]
    assert film["plays"][0]["type"] == "video/mp4"
    assert film["stills"]
    assert sound["plays"][0]["type"] == "audio/mpeg"
    assert "/assets/" not in json.dumps([film, sound])


def test_the_list_is_paged_by_position(jury: Jury, client_as: ClientAs) -> None:
    jury.entries(7)
    judge = jury.judge()
    found = jury.opened(reviews=1)
    client = client_as(judge)
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        page = client.get(address(jury, found, f"table.json?after={after}&limit=3")).json
        seen += [work["token"] for work in page["works"]]
        after = page["next"]
    assert seen == [row.token for row in jury.work(found, judge)]
    assert client.get(address(jury, found, "table.json?after=x")).status_code == 422


def test_works_no_longer_accepted_and_works_stepped_aside_from_disappear(jury: Jury, client_as: ClientAs) -> None:
    entries = jury.entries(3)
    judge = jury.judge()
    found = jury.opened(reviews=1)
    client = client_as(judge)
    entries[0].status = EntryStatus.WITHDRAWN
    session().commit()
    works = listed(client, jury, found)
    assert len(works) == 2
    answer = client.post(address(jury, found, "recuse"), json={"token": works[0]["token"], "reason": "亲属"})
    assert answer.json == {"recused": True, "replaced": False, "assigned": 1, "marked": 0}
    assert [work["token"] for work in listed(client, jury, found)] == [works[1]["token"]]
    again = client.post(address(jury, found, "recuse"), json={"token": works[0]["token"], "reason": "亲属"})
    assert (again.status_code, again.json["code"]) == (409, "recused")
    for body in (None, [], {}, {"token": 5, "reason": "x"}, {"token": "x", "reason": None}):
        assert client.post(address(jury, found, "recuse"), json=body).status_code == 422


def test_a_mark_over_http_is_saved_and_counted(jury: Jury, client_as: ClientAs) -> None:
    jury.entries(3)
    judge = jury.judge()
    found = jury.opened(reviews=1)
    client = client_as(judge)
    token = listed(client, jury, found)[0]["token"]
    given = {"token": token, "client_id": "one", "value": {"yes": True}}
    for _ in range(2):
        answer = client.post(address(jury, found, "marks"), json=given)
        assert answer.status_code == 200
        assert answer.json == {"token": token, "client_id": "one", "saved": True, "assigned": 3, "marked": 1}
    assert listed(client, jury, found)[0]["mark"] == {"yes": True}
    taken_back = {"token": token, "client_id": "two", "value": None}
    assert client.post(address(jury, found, "marks"), json=taken_back).json["marked"] == 0
    assert listed(client, jury, found)[0]["mark"] is None
    assert session().scalar(sa.select(sa.func.count()).select_from(Mark)) == 2


def test_a_list_of_marks_is_answered_one_by_one(jury: Jury, client_as: ClientAs) -> None:
    jury.entries(2)
    judge = jury.judge()
    found = jury.opened(reviews=1)
    client = client_as(judge)
    one, other = (work["token"] for work in listed(client, jury, found))
    batch = [
        {"token": one, "client_id": "a", "value": {"yes": True}},
        {"token": "foreign", "client_id": "b", "value": {"yes": True}},
        "nonsense",
        {"token": other, "client_id": "c", "value": {"yes": "yes"}},
        {"token": other, "client_id": "d", "value": {"yes": False}},
    ]
    answer = client.post(address(jury, found, "marks"), json=batch)
    assert answer.status_code == 200
    fates = [(fate["saved"], fate.get("code")) for fate in answer.json["results"]]
    assert fates == [(True, None), (False, "no_such_work"), (False, "bad_mark"), (False, "bad_mark"), (True, None)]
    assert all(fate["message"] for fate in answer.json["results"] if not fate["saved"])
    assert answer.json["marked"] == 2


@pytest.mark.parametrize(
    "body",
    [
        None,
        5,
        "x",
        {},
        {"token": "x"},
        {"token": "x", "client_id": "y"},
        {"token": "", "client_id": "y", "value": None},
        {"token": "x" * 25, "client_id": "y", "value": None},
        {"token": "x", "client_id": "y" * 41, "value": None},
        {"token": "x", "client_id": "y", "value": 5},
        {"token": "x", "client_id": "y", "value": []},
        {"token": "x", "client_id": "y", "value": {"yes": True}},
        [],
        [{}] * 201,
    ],
)
def test_what_is_no_mark_gets_a_clear_answer(jury: Jury, client_as: ClientAs, body: Any) -> None:
    jury.entries(1)
    judge = jury.judge()
    found = jury.opened(reviews=1)
    sent = json.dumps(body)
    answer = client_as(judge).post(address(jury, found, "marks"), data=sent, content_type="application/json")
    assert answer.status_code in {404, 413, 422}
    assert answer.json["detail"]


def test_marks_after_closing_are_refused_with_the_next_step(jury: Jury, client_as: ClientAs) -> None:
    jury.entries(1)
    judge = jury.judge()
    found = jury.opened(reviews=1)
    client = client_as(judge)
    token = listed(client, jury, found)[0]["token"]
    jury.close(found, "lowest")
    answer = client.post(address(jury, found, "marks"), json={"token": token, "client_id": "x", "value": {"yes": True}})
    assert (answer.status_code, answer.json["code"]) == (403, "round_closed")
    assert "reopen" in answer.json["hint"]
    assert client.get(address(jury, found, "table.json")).json["open"] is False


def test_a_judge_who_is_not_on_the_panel_or_left_it_is_away(jury: Jury, client_as: ClientAs) -> None:
    jury.entries(2)
    judge = jury.judge()
    found = jury.opened(reviews=1)
    outsider = jury.judge()
    insider = client_as(judge)
    assert insider.get(address(jury, found, "table")).status_code == 200
    panel.drop_judge(jury.event, found.id, judge.id, actor=jury.organiser, now=jury.now)
    session().commit()
    for client in (client_as(outsider), insider):
        for what in ("table", "table.json", "table/plain"):
            assert client.get(address(jury, found, what)).status_code == 403, what
        answer = client.post(address(jury, found, "recuse"), json={"token": "x", "reason": "x"})
        assert answer.status_code == 403


def test_a_round_being_prepared_is_not_shown_to_its_judges(jury: Jury, client_as: ClientAs) -> None:
    judge = jury.judge()
    found = jury.round(reviews=1)
    assert client_as(judge).get(address(jury, found, "table")).status_code == 403
    page = client_as(judge).get(f"/events/{jury.event.slug}/jury").get_data(as_text=True)
    assert "Nothing to judge yet" in page


def test_an_organiser_who_is_also_judge_sees_only_the_works_of_their_seat(
    jury: Jury, client_as: ClientAs, make: Make
) -> None:
    jury.entries(2)
    make.grant(jury.organiser, jury.event, Role.JUDGE)
    judge = jury.judge()
    found = jury.opened(reviews=1, judges=[judge])
    assert client_as(jury.organiser).get(address(jury, found, "table")).status_code == 403


def test_without_script_one_marks_work_by_work(jury: Jury, client_as: ClientAs) -> None:
    for entry in jury.entries(2):
        jury.file(entry)
    session().commit()
    judge = jury.judge()
    found = jury.opened(reviews=1, kind="points", criteria=CRITERIA)
    client = client_as(judge)
    one, other = jury.work(found)
    form = {"token": one.token, "client_id": "f1", "position": str(one.position)}
    wrong = client.post(address(jury, found, "table/plain"), data={**form, "points-c1": "12", "points-c2": "3"})
    assert wrong.status_code == 422
    assert "takes whole points from 1 to 9" in wrong.get_data(as_text=True)
    assert 'value="12"' in wrong.get_data(as_text=True)
    good = {**form, "points-c1": "7", "points-c2": "3"}
    for _ in range(2):
        answer = client.post(address(jury, found, "table/plain"), data=good)
        assert answer.status_code == 303
    assert session().scalar(sa.select(sa.func.count()).select_from(Mark)) == 1
    page = client.get(answer.location).get_data(as_text=True)
    assert other.token in page
    assert "Saved." in page
    client.post(address(jury, found, "table/plain"), data={**form, "client_id": "f2", "undo": "1"})
    assert listed(client, jury, found)[0]["mark"] is None
    aside = {"token": other.token, "position": str(other.position)}
    assert client.post(address(jury, found, "table/recuse"), data={**aside, "reason": ""}).status_code == 422
    assert client.post(address(jury, found, "table/recuse"), data={**aside, "reason": "亲属"}).status_code == 303
    assert len(listed(client, jury, found)) == 1


def test_the_cost_of_a_judges_requests_does_not_grow(
    jury: Jury, client_as: ClientAs, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    category = jury.category(fields=FIELDS)

    def costs(size: int) -> dict[str, int]:
        for _ in range(size):
            jury.entry(category, values=VALUES, files=2)
        judge = jury.judge()
        found = jury.opened(reviews=1, judges=[judge])
        client = client_as(judge)
        works = listed(client, jury, found)
        one = {"token": works[0]["token"], "client_id": "a", "value": {"yes": True}}
        many = [{"token": work["token"], "client_id": "b", "value": {"yes": False}} for work in works]
        writes = 2 * len(many)  # of a batch: one row and one update each, in their order
        return {
            "list": count_queries(lambda: client.get(address(jury, found, "table.json"))),
            "outline": count_queries(lambda: client.get(address(jury, found, "outline.json"))),
            "mark": count_queries(lambda: client.post(address(jury, found, "marks"), json=one)),
            "batch": count_queries(lambda: client.post(address(jury, found, "marks"), json=many)) - writes,
            "page": count_queries(lambda: client.get(address(jury, found, "table"))),
            "plain": count_queries(lambda: client.get(address(jury, found, "table/plain"))),
        }

    few = costs(1)
    assert costs(29) == few
    assert max(few.values()) <= 20


def test_an_account_gets_nothing_of_another_judges_marks(jury: Jury, client_as: ClientAs) -> None:
    jury.entries(1)
    one, other = jury.judge(), jury.judge()
    found = jury.opened(reviews=2)
    mine = jury.work(found, one)[0]
    jury.mark(mine, {"yes": True})
    assert [work["mark"] for work in listed(client_as(other), jury, found)] == [None]
    tokens = {work["token"] for work in listed(client_as(other), jury, found)}
    assert mine.token not in tokens
