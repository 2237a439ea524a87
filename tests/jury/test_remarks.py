"""What judges say besides marks: given, changed, taken back, handled; and who reads it."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concours.audit.models import AuditRecord
from concours.base.db import session
from concours.base.errors import Conflict, Forbidden, Invalid, NotFound
from concours.identity.models import Account
from concours.jury import limits, panel, remarks
from concours.jury.models import Assignment, Remark, RemarkKind, Round
from tests.factories import Make
from tests.jury.build import Jury

ClientAs = Callable[..., FlaskClient]


@pytest.fixture
def laid_out(jury: Jury) -> Jury:
    """Three works and a judge; nothing opened."""
    jury.entries(3)
    jury.judge(name="王建国")
    return jury


def say(
    jury: Jury, found: Round, work: Assignment, kind: str, text: str | None = "", judge: Account | None = None
) -> Any:
    said = remarks.Said(work.token, "r", kind, text)
    (answer,) = remarks.give(jury.event, found.id, [said], actor=judge or jury.judges[0], now=jury.now)
    session().commit()
    return answer


def handle(jury: Jury, found: Round, handled: str, answer: str = "", number: int | None = None) -> Remark:
    number = number or session().scalar(sa.select(Remark.id).order_by(Remark.id.desc()))
    assert number is not None
    made = remarks.handle(jury.event, found.id, number, handled, answer, actor=jury.organiser, now=jury.now)
    session().commit()
    return made


def standing(found: Round) -> list[tuple[str, str, str]]:
    rows = session().execute(
        sa.select(Remark.kind, Remark.text, Remark.handled)
        .where(Remark.round_id == found.id, Remark.withdrawn_at.is_(None))
        .order_by(Remark.kind)
        .execution_options(populate_existing=True)
    )
    return list(rows.tuples())


def address(jury: Jury, found: Round, what: str) -> str:
    return f"/events/{jury.event.slug}/jury/{found.id}/{what}"


def desk(jury: Jury, found: Round, what: str = "") -> str:
    return f"/events/{jury.event.slug}/jury/rounds/{found.id}/remarks{what}"


def said_in(answer: Any) -> dict[str, Any]:
    body: dict[str, Any] = answer.json
    return body


def acts(verb: str) -> int:
    return session().scalar(sa.select(sa.func.count()).select_from(AuditRecord).where(AuditRecord.verb == verb)) or 0


def test_said_again_it_is_the_same_remark_and_changed_it_is_the_organisers_anew(laid_out: Jury) -> None:
    found = laid_out.opened(reviews=1)
    work = laid_out.work(found)[0]
    for _ in range(2):
        assert say(laid_out, found, work, "copy").saved
        assert say(laid_out, found, work, "comment", " 笔力很好。\r\n结构也稳。 ").saved
    assert standing(found) == [("comment", "笔力很好。\n结构也稳。", ""), ("copy", "", "")]
    assert acts("jury.remark") == 2
    handle(laid_out, found, "released", number=session().scalar(sa.select(Remark.id).where(Remark.kind == "comment")))
    assert say(laid_out, found, work, "comment", "笔力很好。\n结构也稳。").saved
    assert standing(found)[0][2] == "released"
    assert say(laid_out, found, work, "comment", "笔力一般。").saved
    assert standing(found)[0] == ("comment", "笔力一般。", "")


def test_a_remark_is_taken_back_and_given_again(laid_out: Jury) -> None:
    found = laid_out.opened(reviews=1)
    work = laid_out.work(found)[0]
    assert say(laid_out, found, work, "note", None).saved  # there was none: nothing to take back
    say(laid_out, found, work, "note", "见过类似的作品")
    assert say(laid_out, found, work, "note", None).saved
    assert standing(found) == []
    with pytest.raises(Conflict):
        handle(laid_out, found, "seen")
    say(laid_out, found, work, "note", "见过类似的作品")
    assert standing(found) == [("note", "见过类似的作品", "")]
    assert session().scalar(sa.select(sa.func.count()).select_from(Remark)) == 1
    assert (acts("jury.remark"), acts("jury.withdraw_remark")) == (2, 1)


def test_an_own_note_is_nobody_elses(laid_out: Jury, client_as: ClientAs) -> None:
    found = laid_out.opened(reviews=1)
    work = laid_out.work(found)[0]
    say(laid_out, found, work, "own", "回头再看")
    with pytest.raises(NotFound):
        handle(laid_out, found, "seen")
    assert remarks.listed(found, kinds=list(RemarkKind)) == []
    assert remarks.waiting(found) == {}
    assert acts("jury.remark") == 0
    for wanted in ("flags", "notes", "comments", "own"):
        page = client_as(laid_out.organiser).get(desk(laid_out, found, f"?list={wanted}"))
        assert "回头再看" not in page.get_data(as_text=True)
    mine = said_in(client_as(laid_out.judges[0]).get(address(laid_out, found, "table.json")))
    assert [shown["remarks"] for shown in mine["works"] if shown["token"] == work.token] == [{"own": "回头再看"}]


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("comment", "", "bad_remark"),
        ("note", " \n ", "bad_remark"),
        ("note", "字" * (limits.REMARK_CHARACTERS + 1), "bad_remark"),
        ("praise", "好", "bad_remark"),
    ],
)
def test_what_is_no_remark_is_refused(laid_out: Jury, kind: str, text: str, code: str) -> None:
    found = laid_out.opened(reviews=1)
    answer = say(laid_out, found, laid_out.work(found)[0], kind, text)
    assert not answer.saved
    assert answer.refusal.code == code
    assert standing(found) == []


def test_remarks_are_taken_while_marks_are(laid_out: Jury) -> None:
    found = laid_out.opened(reviews=1)
    one, other, *_ = laid_out.work(found)
    judge = laid_out.judges[0]
    stranger = laid_out.judge()
    with pytest.raises(Forbidden):
        say(laid_out, found, one, "copy", judge=stranger)
    assert say(laid_out, found, Assignment(token="foreign"), "copy").refusal.code == "no_such_work"
    laid_out.mark(one, {"yes": True})
    laid_out.close(found, "lowest")
    assert say(laid_out, found, one, "copy").refusal.code == "round_closed"
    assert standing(found) == []
    assert judge.id == other.account_id


def test_a_judge_who_left_says_no_more_but_what_they_said_stays(laid_out: Jury) -> None:
    found = laid_out.opened(reviews=1)
    work = laid_out.work(found)[0]
    say(laid_out, found, work, "rule", "尺寸不符")
    laid_out.judge()
    panel.add_judges(laid_out.event, found.id, [laid_out.judges[1].id], actor=laid_out.organiser, now=laid_out.now)
    panel.drop_judge(laid_out.event, found.id, laid_out.judges[0].id, actor=laid_out.organiser, now=laid_out.now)
    session().commit()
    assert say(laid_out, found, work, "rule", None).refusal.code == "not_on_panel"
    assert [row.text for row in remarks.listed(found, kinds=["rule"])] == ["尺寸不符"]


def test_the_organiser_handles_each_kind_its_own_way(laid_out: Jury) -> None:
    found = laid_out.opened(reviews=1)
    work = laid_out.work(found)[0]
    say(laid_out, found, work, "copy", "与去年的获奖作品雷同")
    for wrong in ("released", "withheld", "", "gone"):
        with pytest.raises(Invalid):
            handle(laid_out, found, wrong)
    with pytest.raises(Invalid):
        handle(laid_out, found, "seen", "字" * (limits.ANSWER_CHARACTERS + 1))
    handle(laid_out, found, "seen", "已核实，不是")
    handle(laid_out, found, "seen", "已核实，不是")
    assert acts("jury.handle_remark") == 1
    assert remarks.waiting(found) == {"copy": (1, 0)}
    other = laid_out.opened(title="另一轮", reviews=1)
    with pytest.raises(NotFound):
        handle(laid_out, other, "seen", number=session().scalar(sa.select(Remark.id)))


def test_the_author_reads_a_released_comment_when_the_round_is_selected(laid_out: Jury, client_as: ClientAs) -> None:
    found = laid_out.opened(reviews=1)
    work = laid_out.work(found)[0]
    author = session().get(Account, work.entry.author_id)
    entry_page = f"/events/{laid_out.event.slug}/entries/{work.entry_id}"
    say(laid_out, found, work, "comment", "笔力很好，留白还可以更大胆。")

    def seen() -> str:
        return client_as(author).get(entry_page).get_data(as_text=True)

    assert "笔力很好" not in seen()
    handle(laid_out, found, "released")
    laid_out.mark_all(found)
    laid_out.close(found)
    assert "笔力很好" not in seen()
    laid_out.select(found, 1)
    assert "笔力很好，留白还可以更大胆。" in seen()
    assert "From the jury" in seen()
    assert "王建国" not in seen()
    handle(laid_out, found, "withheld")
    assert "笔力很好" not in seen()
    assert "From the jury" not in seen()


def test_over_http_each_remark_has_its_own_fate(laid_out: Jury, client_as: ClientAs) -> None:
    found = laid_out.opened(reviews=1)
    client = client_as(laid_out.judges[0])
    one = laid_out.work(found)[0]
    sent = [
        {"token": one.token, "client_id": "a", "kind": "discuss", "text": ""},
        {"token": "foreign", "client_id": "b", "kind": "discuss", "text": ""},
        {"token": one.token, "client_id": "c", "kind": "note", "text": 5},
        "nonsense",
        {"token": one.token, "client_id": "d", "kind": "own", "text": "再看\x07一眼"},
    ]
    for _ in range(2):
        answer = client.post(address(laid_out, found, "remarks"), json=sent)
        assert answer.status_code == 200
        fates = [(fate["saved"], fate.get("code")) for fate in said_in(answer)["results"]]
        assert fates == [
            (True, None),
            (False, "no_such_work"),
            (False, "bad_remark"),
            (False, "bad_remark"),
            (True, None),
        ]
    assert standing(found) == [("discuss", "", ""), ("own", "再看一眼", "")]
    outline = said_in(client.get(address(laid_out, found, "outline.json")))
    assert [work["flags"] for work in outline["works"] if work["token"] == one.token] == [["discuss"]]
    wrongs: tuple[list[Any], ...] = ([], [{}] * (limits.REMARKS_AT_ONCE + 1))
    for wrong in wrongs:
        assert client.post(address(laid_out, found, "remarks"), json=wrong).status_code == 413


def test_the_organisers_page_lists_handles_and_keeps_what_was_typed(laid_out: Jury, client_as: ClientAs) -> None:
    found = laid_out.opened(reviews=1)
    work = laid_out.work(found)[0]
    say(laid_out, found, work, "copy", "<b>雷同</b>")
    number = session().scalar(sa.select(Remark.id))
    client = client_as(laid_out.organiser)
    page = client.get(desk(laid_out, found)).get_data(as_text=True)
    assert "&lt;b&gt;雷同&lt;/b&gt;" in page
    assert f"/entries/{work.entry_id}" in page
    assert "王建国" in page
    long = "字" * (limits.ANSWER_CHARACTERS + 1)
    refused = client.post(desk(laid_out, found, f"/{number}"), data={"handled": "seen", "answer": long})
    assert refused.status_code == 422
    assert long in refused.get_data(as_text=True)
    done = client.post(desk(laid_out, found, f"/{number}?list=flags"), data={"handled": "seen", "answer": "已核实"})
    assert done.status_code == 303
    assert "已核实" in client.get(done.location).get_data(as_text=True)


def test_without_script_a_form_of_its_own_keeps_what_was_typed(laid_out: Jury, client_as: ClientAs) -> None:
    found = laid_out.opened(reviews=1)
    client = client_as(laid_out.judges[0])
    one, other, *_ = laid_out.work(found)
    form = address(laid_out, found, f"table/remarks?at={other.position}")
    assert other.token in client.get(form).get_data(as_text=True)
    sent = {"token": other.token, "at": str(other.position), "copy": "1", "own": "再看一眼"}
    long = "字" * (limits.REMARK_CHARACTERS + 1)
    refused = client.post(address(laid_out, found, "table/remarks"), data=sent | {"comment": long})
    assert refused.status_code == 422
    assert long in refused.get_data(as_text=True)
    assert "再看一眼" in refused.get_data(as_text=True)
    assert standing(found) == []
    kept = client.post(address(laid_out, found, "table/remarks"), data=sent)
    assert kept.status_code == 303
    assert standing(found) == [("copy", "", ""), ("own", "再看一眼", "")]
    assert "再看一眼" in client.get(form).get_data(as_text=True)
    client.post(address(laid_out, found, "table/remarks"), data={"token": other.token, "at": str(other.position)})
    assert standing(found) == []
    assert client.get(address(laid_out, found, "table/remarks?at=99")).status_code == 404
    foreign = client.post(address(laid_out, found, "table/remarks"), data={"token": "foreign", "at": "1", "own": "甲"})
    assert foreign.status_code == 404
    assert "甲" in foreign.get_data(as_text=True)
    assert one.account_id == other.account_id


def test_the_page_costs_the_same_with_many_remarks(
    laid_out: Jury, client_as: ClientAs, count_queries: Callable[[Callable[[], Any]], int], make: Make
) -> None:
    laid_out.entries(2 * limits.REMARKS_PAGE)
    found = laid_out.opened(reviews=1)
    works = laid_out.work(found)
    client = client_as(laid_out.organiser)
    say(laid_out, found, works[0], "copy")
    few = count_queries(lambda: client.get(desk(laid_out, found)))
    for work in works[1:]:
        say(laid_out, found, work, "copy")
    assert count_queries(lambda: client.get(desk(laid_out, found))) == few
    page = client.get(desk(laid_out, found)).get_data(as_text=True)
    assert page.count('class="sheet remark"') == limits.REMARKS_PAGE
    seen = 0
    after: int | None = 0
    while after is not None:
        rows = remarks.listed(found, kinds=["copy"], after=after)
        seen, after = seen + len(rows), rows[-1].id if rows else None
    assert seen == len(works)


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(list(RemarkKind)), st.sampled_from([None, "", "甲", "乙"])),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_the_order_the_last_good_word_stands(laid_out: Jury, steps: list[tuple[int, str, str | None]]) -> None:
    found = laid_out.opened(title="本轮", reviews=1)
    works = laid_out.work(found)
    wanted: dict[tuple[int, str], str] = {}
    for at, kind, text in steps:
        saved = say(laid_out, found, works[at], kind, text).saved
        assert saved == (text != "" or kind in {"copy", "rule", "discuss"})
        if text is None:
            wanted.pop((at, kind), None)
        elif saved:
            wanted[at, kind] = text
    rows = session().scalars(sa.select(Remark).where(Remark.round_id == found.id, Remark.withdrawn_at.is_(None)))
    numbers = [work.id for work in works]
    assert {(numbers.index(row.assignment_id), row.kind): row.text for row in rows} == wanted
