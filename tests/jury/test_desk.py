"""The organiser's pages and JSON: from a new round to the signed protocol."""

import csv
import hashlib
import io
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from concours.base.db import session
from concours.identity.models import Role
from concours.jury import lookup
from concours.jury.models import Mark, Round, RoundStatus, Selected
from concours.jury.rounds import ties_of
from concours.jury.selection import lottery_seed
from tests.factories import Make
from tests.jury.build import CRITERIA, Jury

ClientAs = Callable[..., FlaskClient]


def address(jury: Jury, found: Round | None = None, what: str = "") -> str:
    return f"/events/{jury.event.slug}/jury/rounds" + (f"/{found.id}" if found is not None else "") + what


def form(**values: Any) -> dict[str, Any]:
    return {
        "title": "初评",
        "kind": "yes_no",
        "reviews": "2",
        "select_count": "3",
        "ties": "median,lottery",
        "titles": "1",
    } | values


def test_the_whole_way_by_forms(jury: Jury, client_as: ClientAs) -> None:
    category = jury.category(title="书法")
    jury.entries(6, category)
    judges = [jury.judge(name=name) for name in ("王建国", "刘秀英", "陈静")]
    client = client_as(jury.organiser)
    assert "No round yet" in client.get(address(jury)).get_data(as_text=True)

    created = client.post(
        address(jury),
        data=form(
            **{
                "kind": "points",
                "criterion-1-title": "立意",
                "criterion-1-weight": "0,4",
                "criterion-2-title": "技法",
                "criterion-2-weight": "0.6",
                "criterion-2-highest": "100",
                f"quota-{category.id}-most": "5",
            }
        ),
    )
    assert created.status_code == 303
    found = session().scalar(sa.select(Round))
    assert found is not None
    assert created.location == address(jury, found)
    assert [(c.title, c.weight, c.lowest, c.highest) for c in found.criteria] == [
        ("立意", 0.4, 1, 9),
        ("技法", 0.6, 1, 100),
    ]
    assert found.rule["quotas"] == {str(category.id): {"min": 0, "max": 5}}

    edit = client.get(address(jury, found, "/edit")).get_data(as_text=True)
    assert 'value="0.4"' in edit
    client.post(address(jury, found, "/panel"), data={"judges": [str(judge.id) for judge in judges]})
    page = client.get(address(jury, found)).get_data(as_text=True)
    assert all(judge.name in page for judge in judges)
    assert client.post(address(jury, found, "/open")).status_code == 303
    for row in jury.work(found)[1:]:
        jury.mark(row, {"c1": 5, "c2": 50})
    page = client.get(address(jury, found)).get_data(as_text=True)
    assert "1 review is missing" in page
    refused = client.post(address(jury, found, "/close"))
    assert refused.status_code == 422
    assert "please say what becomes of it" in refused.get_data(as_text=True)
    assert client.post(address(jury, found, "/close"), data={"missing": "available"}).status_code == 303

    results = client.get(address(jury, found, "/results")).get_data(as_text=True)
    assert "Select exactly 3 entries" in results
    assert "Ties at the cut" in results
    assert "Select exactly 4 entries" in client.get(address(jury, found, "/results?count=4")).get_data(as_text=True)
    assert client.post(address(jury, found, "/select"), data={"count": "3"}).status_code == 303
    assert session().scalar(sa.select(sa.func.count()).select_from(Selected)) == 3

    protocol = client.get(address(jury, found, "/protocol")).get_data(as_text=True)
    for words in ("王建国", "书法", lottery_seed(lookup.find_round(jury.event.id, found.id).seed), "Signatures"):
        assert words in protocol
    assert client.post(address(jury, found, "/withdraw-selection")).status_code == 303
    assert client.post(address(jury, found, "/reopen")).status_code == 303
    assert lookup.find_round(jury.event.id, found.id).status == RoundStatus.OPEN


def test_a_refused_form_keeps_what_was_typed(jury: Jury, client_as: ClientAs) -> None:
    jury.category(title="摄影")
    answer = client_as(jury.organiser).post(
        address(jury), data=form(title="𠮷" * 81, kind="points", reviews="many", **{"criterion-3-title": "构图 😀"})
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "𠮷" * 81 in page
    assert 'value="many"' in page
    assert "构图 😀" in page
    assert "At most 80 characters" in page
    assert "From 1 to 50 reviews" in page


@pytest.mark.parametrize("typed", ["", "-1", "1e9", "٣", "9" * 40, "nan", "<script>", "😀"])
def test_strange_numbers_are_refused_without_a_fault(jury: Jury, client_as: ClientAs, typed: str) -> None:
    category = jury.category()
    client = client_as(jury.organiser)
    data = form(
        **{
            "reviews": typed,
            "select_count": typed,
            "source": typed or "x",
            "categories": typed,
            "kind": "points",
            "criterion-1-title": "x",
            "criterion-1-weight": typed,
            "criterion-1-lowest": typed,
            "criterion-1-highest": typed,
            f"quota-{category.id}-least": typed,
        }
    )
    assert client.post(address(jury), data=data).status_code == 422
    found = jury.round(reviews=1)
    for what, name in (("/panel", "judges"), ("/reviews", "reviews"), ("/select", "count"), ("/close", "missing")):
        assert client.post(address(jury, found, what), data={name: typed}).status_code in {409, 422}, what
    assert (
        client.get(address(jury, found, "/results"), query_string={"count": typed, "after": typed}).status_code == 409
    )
    assert client.get(f"{address(jury)}/{2**63}").status_code == 404


def test_a_plan_that_falls_short_is_shown_and_can_be_opened_anyway(jury: Jury, client_as: ClientAs) -> None:
    jury.entries(3)
    jury.judge()
    found = jury.round(reviews=2, select_count=1)
    client = client_as(jury.organiser)
    answer = client.post(address(jury, found, "/open"))
    assert answer.status_code == 409
    assert "3 reviews would be missing" in answer.get_data(as_text=True)
    assert client.post(address(jury, found, "/open"), data={"anyway": "1"}).status_code == 303
    assert "For 3 reviews no judge free of conflict is left" in client.get(address(jury, found)).get_data(as_text=True)


def test_progress_counts_what_is_there(jury: Jury, client_as: ClientAs) -> None:
    entries = jury.entries(3)
    one, other = jury.judge(name="甲"), jury.judge(name="乙")
    found = jury.opened(reviews=2)
    work = jury.work(found, one)
    jury.mark(work[0], {"yes": True}), jury.mark(work[0], {"yes": False}), jury.mark(work[1], {"yes": True})
    jury.mark(jury.work(found, other, next(e for e in entries if e.id == work[0].entry_id))[0], {"yes": True})
    told = client_as(jury.organiser).get(address(jury, found, "/progress.json")).json
    judges = told.pop("judges")
    assert told == {
        "round": found.id,
        "title": "初评",
        "kind": "yes_no",
        "status": "open",
        "reviews": 2,
        "entries": 3,
        "asked": 6,
        "marks": 3,
        "missing": 3,
        "unassigned": 0,
        "complete": 1,
        "recused": 0,
        "history": 4,
        "coverage": {"0": 1, "1": 1, "2": 1},
    }
    assert {(row["name"], row["assigned"], row["marked"]) for row in judges} == {("甲", 3, 2), ("乙", 3, 1)}


def test_the_selection_as_json_can_be_checked_by_anyone(jury: Jury, client_as: ClientAs, make: Make) -> None:
    entries = jury.entries(6)
    jury.judge(), jury.judge()
    found = jury.opened(kind="points", criteria=CRITERIA, reviews=2, select_count=3)
    jury.mark_all(found, {entries[0].id: 9})
    jury.close(found)
    auditor = client_as(make.with_role(jury.event, Role.AUDITOR))
    before = auditor.get(address(jury, found, "/selection.json")).json
    assert (before["status"], before["selected"]) == ("closed", [])
    jury.select(found, 3)
    told = auditor.get(address(jury, found, "/selection.json")).json
    assert [row["place"] for row in told["selected"]] == [1, 2, 3]
    assert told["selected"][0]["number"] == entries[0].number
    assert (told["selected"][0]["score"], told["selected"][0]["decided_by"]) == (100.0, "score")
    seed = told["lottery_seed"]
    numbers = sorted(
        (entry.number for entry in entries[1:]), key=lambda n: hashlib.sha256(f"{seed}|{n}".encode()).hexdigest()
    )
    assert [row["number"] for row in told["selected"][1:]] == numbers[:2]
    assert [row["number"] for row in told["ties"][0]["entries"]] == numbers
    assert (told["ties_rule"], told["missing_rule"], told["count"]) == (["median", "lottery"], "none", 3)


def test_the_csv_has_all_entries_and_no_formula(jury: Jury, client_as: ClientAs) -> None:
    category = jury.category(title="=书法()")
    jury.entry(category, title="=HYPERLINK(1)", authors="+1", files=0)
    jury.entry(category, title="@x", authors="-2", files=0)
    jury.judge()
    found = jury.opened(reviews=1, select_count=1)
    jury.mark(jury.work(found)[0], {"yes": True})
    jury.close(found, "available")
    jury.select(found, 1)
    answer = client_as(jury.organiser).get(address(jury, found, "/results.csv"))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len(rows) == 3
    assert rows[0][:5] == ["Place", "Selected", "Number", "Title", "Category"]
    assert rows[1][:2] == ["1", "1"]
    assert rows[2][:2] == ["", "0"]
    cells = [cell for row in rows[1:] for cell in row]
    assert not [cell for cell in cells if cell[:1] in "=+-@" and cell]
    chinese = client_as(jury.organiser, "zh").get(address(jury, found, "/results.csv"))
    assert chinese.data.decode("utf-8-sig").startswith("名次,入选,编号")


def test_pages_of_a_large_result_are_paged_and_lose_nothing(jury: Jury, client_as: ClientAs) -> None:
    jury.entries(130)
    jury.judge()
    found = jury.opened(reviews=1, select_count=120)
    jury.close(found, "lowest")
    client = client_as(jury.organiser)
    first = client.get(address(jury, found, "/results")).get_data(as_text=True)
    second = client.get(address(jury, found, "/results?after=100")).get_data(as_text=True)
    all_of = [re.findall(r"No\. (\d+)", page.split('id="all"')[1]) for page in (first, second)]
    assert len(all_of[0]) == 100
    assert sorted(map(int, all_of[0] + all_of[1])) == list(range(1, 131))


@pytest.mark.parametrize(
    "what",
    [
        "",
        "/progress.json",
        "/results",
        "/protocol",
        "/results.csv",
        "/selection.json",
        "/protocol.pdf",
        "/results.xlsx",
    ],
)
def test_no_page_costs_more_queries_with_more_rows(
    jury: Jury, client_as: ClientAs, count_queries: Callable[[Callable[[], Any]], int], what: str
) -> None:
    client = client_as(jury.organiser)
    category = jury.category()

    def cost(size: int) -> int:
        jury.entries(size, category)
        jury.judges = []
        for _ in range(size + 1):
            jury.judge(department_id=jury.make.department().id)
        found = jury.opened(reviews=2, select_count=1)
        for assignment in jury.work(found)[: size + 1]:
            jury.mark(assignment, {"yes": True})
        if what not in {"", "/progress.json"}:
            jury.close(found, "available")
            if what in {"/protocol", "/selection.json", "/protocol.pdf"}:
                jury.select(found, 1)
        return count_queries(lambda: client.get(address(jury, found, what)))

    few = cost(1)
    assert cost(29) == few
    assert few <= 25


def test_the_progress_page_of_the_model_case_takes_less_than_300_ms(jury: Jury, client_as: ClientAs) -> None:
    jury.entries(1700)
    for _ in range(30):
        jury.judge()
    found = jury.opened(reviews=3, select_count=647)
    client = client_as(jury.organiser)
    client.get(address(jury, found))  # templates are read once

    def seconds() -> float:
        began = time.process_time()
        assert client.get(address(jury, found)).status_code == 200
        return time.process_time() - began

    assert min(seconds() for _ in range(5)) < 0.3
    assert session().scalar(sa.select(sa.func.count()).select_from(Mark)) == 0
    assert ties_of(found)[-1] == "lottery"


def test_an_auditor_reads_all_and_is_offered_nothing_to_do(jury: Jury, client_as: ClientAs, make: Make) -> None:
    jury.entries(2)
    jury.judge()
    draft = jury.round(reviews=1)
    closed = jury.opened(reviews=1)
    jury.close(closed, "lowest")
    auditor = client_as(make.with_role(jury.event, Role.AUDITOR))
    for page in (address(jury), address(jury, draft), address(jury, closed), address(jury, closed, "/results")):
        text = auditor.get(page).get_data(as_text=True).split("<main")[1].split("</main>")[0]
        assert '<form method="post"' not in text, page
