"""Blind means blind: two events that differ only in who made the works give a judge the same bytes."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from concours.base.db import session
from concours.entries.models import Entry
from concours.events.models import Category
from concours.jury.models import Assignment, Round
from tests.factories import Make
from tests.jury.build import Jury

ClientAs = Callable[..., FlaskClient]
FIELDS = [
    {"key": "script", "label": {"zh": "书体", "en": "Script"}, "type": "text"},
    {"key": "phone", "label": "电话", "type": "text", "private": True},
    {"key": "speaker", "label": "讲述人", "type": "text"},
]
MAKERS = (
    {"name": "欧阳修", "department": "文史馆", "phone": "13800000000", "files": "欧阳修-兰亭-{}.jpg", "minutes": 1},
    {"name": "司马光、范祖禹", "department": "国史编修院", "phone": "", "files": "IMG_{}.HEIC", "minutes": 5_000},
)
SECRETS = (
    "欧阳修",
    "司马光",
    "范祖禹",
    "文史馆",
    "编修院",
    "13800000000",
    "IMG_",
    "HEIC",
    "兰亭-",
    "Canon",
    "originals",
)
DRAWN = re.compile(
    r"nonce-[\w-]+|nonce=\"[\w-]+\"|csrf_token\" value=\"[^\"]+|data-csrf=\"[^\"]+"
    r"|client_id\" value=\"[^\"]+|concours=[^;]+"
)
"""What is drawn anew for each answer, whoever asks."""
NEVER_COMPARED = {"Date", "X-Request-Id", "Server-Timing"}


def lay_out(jury: Jury, category: Category, maker: dict[str, Any], content: str) -> Entry:
    """A series of three pictures and a film; only what `maker` says differs."""
    department = jury.make.department(name=maker["department"])
    author = jury.make.account(name=maker["name"], department_id=department.id)
    sent = jury.now + timedelta(minutes=maker["minutes"])
    entry = jury.entry(
        category,
        files=0,
        title="兰亭序",
        authors=maker["name"],
        author_id=author.id,
        department_id=department.id,
        values={"script": "行书", "phone": maker["phone"], "speaker": maker["name"]},
        created_at=sent,
        changed_at=sent + timedelta(minutes=maker["minutes"]),
        submitted_at=sent + timedelta(minutes=maker["minutes"]),
    )
    for n in range(4):
        asset = jury.file(entry, position=n, kind="video" if n == 3 else "image", sha256=content + f"{n}" * 63)
        asset.filename = maker["files"].format(n)
        asset.size = 3_000_000 + len(maker["name"])
        asset.created_at = sent
        asset.facts = {"exif": {"Artist": maker["name"], "Model": f"Canon {maker['minutes']}", "GPS": [39.9, 116.4]}}
    session().commit()
    return entry


def exactly(answer: TestResponse, *drawn: str) -> tuple[int, list[tuple[str, str]], str]:
    """Status, headers and body, without what is drawn at random for this judge or this answer."""
    body = answer.get_data(as_text=True)
    for name in drawn:
        body = body.replace(name, "T" * len(name))
    same, drawn_anew = DRAWN.subn("*", body)
    left_out = NEVER_COMPARED | ({"Content-Length"} if drawn_anew else set())
    headers = [(name, DRAWN.sub("*", value)) for name, value in answer.headers if name not in left_out]
    return answer.status_code, sorted(headers), same


def all_answers(client: FlaskClient, jury: Jury, found: Round, work: Assignment) -> dict[str, Any]:
    """Every answer a judge can get about their only work in a round."""
    base, token = f"/events/{jury.event.slug}/jury/{found.id}", work.token
    mark = {"token": token, "client_id": "m", "value": {"yes": True}}
    remark = {"token": token, "client_id": "r", "kind": "comment", "text": "很好"}
    gone = {"token": token, "client_id": "x", "kind": "praise", "text": "很好"}
    typed = {"token": token, "client_id": "p", "position": "1"}
    return {
        name: exactly(answer, token)
        for name, answer in (
            ("rounds", client.get(f"/events/{jury.event.slug}/jury")),
            ("table", client.get(f"{base}/table")),
            ("works", client.get(f"{base}/table.json")),
            ("none behind", client.get(f"{base}/table.json?after=1")),
            ("outline", client.get(f"{base}/outline.json")),
            ("plain", client.get(f"{base}/table/plain")),
            ("plain beyond", client.get(f"{base}/table/plain?at=2")),
            ("mark", client.post(f"{base}/marks", json=mark)),
            ("mark again", client.post(f"{base}/marks", json=[mark])),
            ("other mark of that name", client.post(f"{base}/marks", json=mark | {"value": {"yes": False}})),
            ("plain mark", client.post(f"{base}/table/plain", data=typed | {"yes": "1"})),
            ("plain nothing", client.post(f"{base}/table/plain", data=typed | {"client_id": "q"})),
            ("remark", client.post(f"{base}/remarks", json=[remark])),
            ("no remark", client.post(f"{base}/remarks", json=[gone])),
            ("after the remark", client.get(f"{base}/table.json")),
            ("outline after", client.get(f"{base}/outline.json")),
            ("aside for nothing", client.post(f"{base}/recuse", json={"token": token, "reason": ""})),
            ("aside", client.post(f"{base}/recuse", json={"token": token, "reason": "亲属"})),
            ("mark after aside", client.post(f"{base}/marks", json=mark | {"client_id": "z"})),
            ("remark after aside", client.post(f"{base}/remarks", json=remark)),
            ("works after aside", client.get(f"{base}/table.json")),
        )
    }


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_judge_gets_the_same_bytes_whoever_made_the_work(
    jury: Jury, client_as: ClientAs, make: Make, language: str
) -> None:
    """One round, one judge, one place; only the maker of the work in it is exchanged between the two runs."""
    category = jury.category(fields=FIELDS)
    entry = lay_out(jury, category, MAKERS[0], "a")
    judge = jury.judge()
    found = jury.opened(reviews=1, select_count=1)
    (work,) = jury.work(found, judge)
    client = client_as(judge, language)
    client.get("/")
    first = all_answers(client, jury, found, work)

    forget_all(work)
    other = lay_out(jury, category, MAKERS[1], "b")
    exchange(entry, other, work)
    second = all_answers(client, jury, found, work)
    for name, answer in first.items():
        assert second[name] == answer, name
    for name, (status, _headers, body) in (first | {f"{name} 2": answer for name, answer in second.items()}).items():
        assert status < 500, name
        for secret in SECRETS:
            assert secret not in body, f"{name}: {secret}"


def forget_all(work: Assignment) -> None:
    """The round as it was before anything was said."""
    for table in ("remark", "mark"):
        session().execute(sa.text(f"delete from {table}"))  # the two names above
    session().execute(sa.update(Assignment).values(value=None, marked_at=None, recused_at=None, recusal_reason=""))
    session().commit()


def exchange(before: Entry, after: Entry, work: Assignment) -> None:
    """Puts another's work in the place of the first; its pictures keep the first one's content, as the premise is."""
    for was, now in zip(before.files, after.files, strict=True):
        names = [rendition.storage_name for rendition in was.asset.renditions]
        for rendition, name in zip(now.asset.renditions, names, strict=True):
            rendition.storage_name = name
    work.entry_id = after.id
    session().execute(sa.update(Entry).where(Entry.id == before.id).values(status="withdrawn"))
    session().commit()
    session().expire_all()


def test_order_and_names_are_drawn_and_tell_nothing_of_number_time_or_maker(jury: Jury) -> None:
    """Positions are a permutation of their own for each judge; tokens carry no number and are never seen twice."""
    jury.entries(120)
    judges = [jury.judge(), jury.judge()]
    found = jury.opened(reviews=2, select_count=3)
    orders = [[work.entry_id for work in jury.work(found, judge)] for judge in judges]
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]
    between = [orders[1].index(entry) for entry in orders[0]]
    for order in (*orders, between):
        assert abs(rank_correlation(order)) < 0.46  # five standard deviations, 5 / sqrt(119), of a random order
    tokens = [work.token for work in jury.work(found)]
    assert len(set(tokens)) == len(tokens) == 240
    assert {len(token) for token in tokens} == {len(tokens[0])}
    assert len(tokens[0]) >= 16


def rank_correlation(order: list[int]) -> float:
    """Spearman's rank correlation of an order with the ascending one: 1 - 6 Σ d² / (n (n² - 1))."""
    ranks = {value: rank for rank, value in enumerate(sorted(order))}
    n = len(order)
    return 1 - 6 * sum((place - ranks[value]) ** 2 for place, value in enumerate(order)) / (n * (n * n - 1))
