"""Marks: append-only, saved once, never lost; stepping aside."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from concours.base.db import session
from concours.base.errors import Conflict, Forbidden, Invalid, NotFound
from concours.jury import closing, lookup, marks, panel, shortlist
from concours.jury.models import Assignment, Mark, Round
from tests.conftest import both_databases
from tests.factories import Make
from tests.jury.build import CRITERIA, Jury


@pytest.fixture
def found(jury: Jury) -> Round:
    """An open yes/no round of four works and three judges, two reviews each."""
    jury.entries(4)
    jury.judge(), jury.judge(), jury.judge()
    return jury.opened(reviews=2, select_count=2)


def history(assignment: Assignment) -> list[Any]:
    return list(session().scalars(sa.select(Mark.value).where(Mark.assignment_id == assignment.id).order_by(Mark.id)))


def fresh(assignment: Assignment) -> Assignment:
    session().refresh(assignment)
    return assignment


@both_databases
def test_the_last_mark_stands_and_all_are_kept(jury: Jury, found: Round) -> None:
    work = jury.work(found)[0]
    for value in ({"yes": True}, {"yes": False}, None, {"yes": True}):
        assert jury.mark(work, value).saved
    assert history(work) == [{"yes": True}, {"yes": False}, None, {"yes": True}]
    assert fresh(work).value == {"yes": True}
    jury.mark(work, None)
    assert fresh(work).marked_at is None
    assert closing.missing_reviews(found) == 8


@both_databases
def test_a_mark_sent_twice_is_one_mark(jury: Jury, found: Round) -> None:
    work = jury.work(found)[0]
    assert jury.mark(work, {"yes": True}, "one").saved
    assert jury.mark(work, {"yes": False}, "two").saved
    assert jury.mark(work, {"yes": True}, "one").saved
    assert history(work) == [{"yes": True}, {"yes": False}]
    assert fresh(work).value == {"yes": False}
    clash = jury.mark(work, {"yes": True}, "two")
    assert clash.refusal is not None
    assert clash.refusal.code == "client_id_reused"


def test_a_batch_keeps_its_order_and_each_mark_stands_on_its_own(jury: Jury, found: Round) -> None:
    judge = jury.judges[0]
    one, other = jury.work(found, judge)[:2]
    batch = [
        marks.Given(one.token, "a", {"yes": True}),
        marks.Given("nowhere", "b", {"yes": True}),
        marks.Given(one.token, "c", None),
        marks.Given(one.token, "a", {"yes": True}),
        marks.Given(one.token, "d", {"yes": False}),
        marks.Given(other.token, "e", {"points": 3}),
    ]
    answers = marks.record(jury.event, found.id, batch, actor=judge, now=jury.now)
    session().commit()
    assert [answer.saved for answer in answers] == [True, False, True, True, True, False]
    assert [a.refusal.code for a in answers if a.refusal is not None] == ["no_such_work", "bad_mark"]
    assert history(one) == [{"yes": True}, None, {"yes": False}]


def test_after_closing_a_new_mark_is_refused_and_a_known_one_is_still_answered_as_saved(
    jury: Jury, found: Round
) -> None:
    work = jury.work(found)[0]
    jury.mark(work, {"yes": True}, "before")
    jury.close(found, "available")
    assert jury.mark(work, {"yes": True}, "before").saved
    late = jury.mark(work, {"yes": False}, "late")
    assert late.refusal is not None
    assert late.refusal.code == "round_closed"
    assert fresh(work).value == {"yes": True}
    closing.reopen(jury.event, found.id, actor=jury.organiser, now=jury.now)
    session().commit()
    assert jury.mark(work, {"yes": False}, "late").saved


def test_marks_are_taken_only_while_judging_is_open_to_the_second(jury: Jury, found: Round) -> None:
    work = jury.work(found)[0]
    judge = next(j for j in jury.judges if j.id == work.account_id)
    closes = jury.now + timedelta(days=1)
    given = [marks.Given(work.token, "x", {"yes": True})]
    for moment, saved in ((closes, False), (closes - timedelta(seconds=1), True)):
        answer = marks.record(jury.event, found.id, given, actor=judge, now=moment)[0]
        assert answer.saved is saved
        assert answer.refusal is None or answer.refusal.code == "phase_closed"


def test_nobody_marks_with_another_judges_token(jury: Jury, found: Round) -> None:
    theirs = jury.work(found, jury.judges[1])[0]
    answer = marks.record(
        jury.event, found.id, [marks.Given(theirs.token, "x", {"yes": True})], actor=jury.judges[0], now=jury.now
    )[0]
    assert answer.refusal is not None
    assert answer.refusal.code == "no_such_work"


def test_who_is_not_on_the_panel_cannot_mark_at_all(jury: Jury, found: Round) -> None:
    with pytest.raises(Forbidden):
        marks.record(jury.event, found.id, [], actor=jury.organiser, now=jury.now)


def test_a_round_of_another_event_is_not_found(jury: Jury, found: Round, make: Make) -> None:
    with pytest.raises(NotFound):
        marks.record(make.event(), found.id, [], actor=jury.judges[0], now=jury.now)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"yes": True},
        {"c1": 5},
        {"c1": 5, "c2": 0},
        {"c1": 5, "c2": 10},
        {"c1": 5, "c2": 5.0},
        {"c1": 5, "c2": True},
        {"c1": 5, "c2": "5"},
        {"c1": 5, "c2": 5, "c3": 5},
        {"c1": [5], "c2": {"x": 1}},
    ],
)
def test_points_outside_the_scale_or_the_criteria_are_refused(jury: Jury, value: dict[str, Any]) -> None:
    jury.entries(1)
    jury.judge()
    found = jury.opened(kind="points", criteria=CRITERIA, reviews=1)
    answer = jury.mark(jury.work(found)[0], value)
    assert answer.refusal is not None
    assert answer.refusal.code == "bad_mark"


def test_points_of_all_criteria_are_saved(jury: Jury) -> None:
    jury.entries(1)
    jury.judge()
    found = jury.opened(kind="points", criteria=CRITERIA, reviews=1)
    work = jury.work(found)[0]
    assert jury.mark(work, {"c1": 7, "c2": 8}).saved
    jury.close(found)
    result = shortlist.outcome(jury.event, lookup.find_round(jury.event.id, found.id))
    assert float(result.scores[work.entry_id].mean) == 82.5


def test_work_that_moved_on_meanwhile_is_taken_back_when_its_mark_arrives(jury: Jury) -> None:
    jury.entries(6)
    away = jury.judge()
    found = jury.opened(reviews=1, select_count=1)
    before = {row.token: row for row in jury.work(found, away)}
    newcomer = jury.judge()
    panel.add_judges(jury.event, found.id, [newcomer.id], actor=jury.organiser, now=jury.now)
    session().commit()
    moved = next(row for row in before.values() if fresh(row).withdrawn_at is not None)
    assert jury.mark(moved, {"yes": True}).saved
    assert fresh(moved).withdrawn_at is None
    assert moved.id in {row.id for row in jury.work(found, away)}


@both_databases
def test_who_steps_aside_is_replaced_and_their_mark_no_longer_counts(jury: Jury, found: Round) -> None:
    judge = jury.judges[0]
    work = jury.work(found, judge)[0]
    jury.mark(work, {"yes": True})
    others = {row.account_id for row in jury.work(found, entry=work.entry)} - {judge.id}
    aside, successor = marks.recuse(jury.event, found.id, work.token, "  我的  学生 ", actor=judge, now=jury.now)
    session().commit()
    assert aside.recusal_reason == "我的 学生"
    assert successor is not None
    assert successor not in others | {judge.id}
    assert {row.account_id for row in jury.work(found, entry=work.entry)} == others | {successor}
    assert history(work) == [{"yes": True}]
    assert shortlist.standing_marks(found) == {}
    assert jury.mark(work, {"yes": False}).refusal is not None
    with pytest.raises(Conflict):
        marks.recuse(jury.event, found.id, work.token, "x", actor=judge, now=jury.now)


def test_stepping_aside_needs_a_reason_and_works_when_nobody_can_take_over(jury: Jury) -> None:
    jury.entries(1)
    judge = jury.judge()
    found = jury.opened(reviews=1)
    work = jury.work(found)[0]
    for reason in ("", "   ", "理" * 301):
        with pytest.raises(Invalid):
            marks.recuse(jury.event, found.id, work.token, reason, actor=judge, now=jury.now)
        session().rollback()
    _, successor = marks.recuse(jury.event, found.id, work.token, "亲属", actor=judge, now=jury.now)
    session().commit()
    assert successor is None
    assert closing.missing_reviews(found) == 1


def test_stepping_aside_is_refused_after_closing(jury: Jury, found: Round) -> None:
    work = jury.work(found, jury.judges[0])[0]
    jury.close(found, "available")
    with pytest.raises(marks.Closed):
        marks.recuse(jury.event, found.id, work.token, "亲属", actor=jury.judges[0], now=jury.now)
