"""The model's score as an order, the cut, and what the results page says of both."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from concours.base.db import session
from concours.base.errors import Conflict, Invalid
from concours.jury.analysis.chances import drawn
from concours.jury.analysis.outcome import Order
from concours.jury.cut import error_of, near_cut, one_more_review
from concours.jury.lookup import find_round
from concours.jury.scoring import Missing
from concours.jury.shortlist import outcome
from concours.jury.standing_scores import moved, ordered
from tests.jury.build import CRITERIA, Jury

ClientAs = Callable[..., FlaskClient]
SEVERE, MILD, THIRD = 1, 2, 3


def marks(*rows: tuple[int, int, int]) -> list[tuple[int, int, Fraction]]:
    return [(entry, judge, Fraction(points)) for entry, judge, points in rows]


# Judge 1 marks 30 points below judges 2 and 3 wherever they meet; work 9 met the severe one, work 8 did not.
PANEL = [
    *[(entry, SEVERE, 10 + entry * 6) for entry in range(1, 7)],
    *[(entry, MILD, 41 + entry * 6) for entry in range(1, 7)],
    *[(entry, THIRD, 39 + entry * 6) for entry in range(1, 7)],
    (8, MILD, 60),
    (8, THIRD, 62),
    (9, SEVERE, 40),
    (9, MILD, 70),
]


def test_the_model_weighs_out_severity_where_the_mean_does_not() -> None:
    found = ordered(marks(*PANEL), Missing.NONE)

    assert found.order is Order.MODEL
    assert found.estimates[9].points > found.estimates[8].points  # 55 against 61 by the mean
    assert found.estimates[9].severity > found.estimates[8].severity
    assert "severe" in str(moved(found.estimates[9], Fraction(55)))
    assert "mild" in str(moved(found.estimates[8], Fraction(61)))


def test_the_same_marks_in_any_order_give_the_same_fractions() -> None:
    there, back = ordered(marks(*PANEL), Missing.NONE), ordered(marks(*reversed(PANEL)), Missing.NONE)

    assert there.estimates == back.estimates
    assert all(10**6 % estimate.points.denominator == 0 for estimate in there.estimates.values())


@pytest.mark.parametrize(
    ("rows", "missing", "word"),
    [
        ([], Missing.NONE, "no marks"),
        ([(1, 1, 50), (2, 1, 60)], Missing.NONE, "one judge"),
        ([(1, 1, 50), (1, 2, 50), (2, 1, 50), (2, 2, 50)], Missing.NONE, "equal"),
        ([(1, 1, 50), (2, 2, 60)], Missing.NONE, "two marks"),
        ([(1, 1, 50), (1, 2, 60)], Missing.NONE, "one entry"),
        ([(1, 1, 5), (1, 2, 9), (2, 1, 4), (2, 2, 8), (3, 3, 1), (3, 4, 2)], Missing.NONE, "groups"),
        (PANEL, Missing.LOWEST, "lowest"),
    ],
)
def test_where_the_model_cannot_tell_the_mean_decides_and_says_why(
    rows: list[tuple[int, int, int]], missing: Missing, word: str
) -> None:
    found = ordered(marks(*rows), missing)

    assert found.order is Order.MEAN
    assert not found.estimates
    assert word in str(found.why_mean)


def marked_round(jury: Jury, **values: Any) -> int:
    """A closed points round in which judges differ in severity and works in quality."""
    for _ in range(4):
        jury.judge()
    jury.entries(8)
    found = jury.opened(kind="points", criteria=CRITERIA, reviews=2, select_count=3, **values)
    for assignment in jury.work(found):
        severity = jury.judges.index(next(j for j in jury.judges if j.id == assignment.account_id))
        points = max(1, min(9, 3 + assignment.entry_id % 5 + assignment.position % 2 - severity % 2 * 2))
        assert jury.mark(assignment, {criterion.key: points for criterion in found.criteria}).saved
    jury.close(found)
    return found.id


def test_a_round_by_the_model_is_selected_by_it_and_the_page_explains(jury: Jury, client_as: ClientAs) -> None:
    number = marked_round(jury, score="model")
    found = find_round(jury.event.id, number)
    result = outcome(jury.event, found)
    assert result.ordering.order is Order.MODEL, result.ordering.why_mean
    page = client_as(jury.organiser).get(f"/events/{jury.event.slug}/jury/rounds/{number}/results")

    assert page.status_code == 200
    assert "What moved each score against the raw mean" in page.get_data(as_text=True)
    chosen = jury.select(found, 3)
    assert chosen.selection is not None
    points = {entry: estimate.points for entry, estimate in chosen.ordering.estimates.items()}
    least = min(points[fate.candidate.entry] for fate in chosen.selection.selected)
    assert all(points[fate.candidate.entry] <= least for fate in chosen.selection.others)


def test_what_orders_is_one_of_two(jury: Jury) -> None:
    with pytest.raises(Invalid) as refusal:
        jury.round(score="luck")
    assert "score" in refusal.value.by_field()
    assert jury.round(score="model").rule["score"] == "model"
    assert jury.round(score="model", kind="ranking").rule["score"] == "mean"


def test_a_round_without_the_rule_is_ordered_by_the_mean(jury: Jury) -> None:
    found = find_round(jury.event.id, marked_round(jury))
    result = outcome(jury.event, found)

    assert result.ordering.order is Order.MEAN
    assert result.selection is not None
    assert all(fate.candidate.score == result.scores[fate.candidate.entry].mean for fate in result.selection.selected)


def test_one_click_gives_just_the_entries_near_the_cut_one_more_review(jury: Jury, client_as: ClientAs) -> None:
    number = marked_round(jury, score="model")
    found = find_round(jury.event.id, number)
    near = {fate.candidate.entry for fate in near_cut(found, outcome(jury.event, found))}
    assert len(near) >= 2
    before = {work.id: work.marked_at for work in jury.work(found)}
    page = client_as(jury.organiser).post(f"/events/{jury.event.slug}/jury/rounds/{number}/review-cut", data={})

    assert page.status_code == 303
    session().expire_all()
    found = find_round(jury.event.id, number)
    assert found.status == "open"
    after = jury.work(found)
    assert {work.entry_id for work in after if work.id not in before} == near
    assert len(after) == len(before) + len(near)
    assert all(work.marked_at == before[work.id] for work in after if work.id in before)


def test_by_the_mean_noise_is_the_pooled_spread_within_entries(jury: Jury) -> None:
    """Marks 100 and 0 for each of two entries at the cut: no difference, so both are near it."""
    jury.judge()
    jury.judge()
    one, other = jury.entries(2)
    found = jury.opened(reviews=2)
    for work in jury.work(found):
        jury.mark(work, {"yes": work.account_id == jury.judges[0].id})
    jury.close(found)
    near = {fate.candidate.entry for fate in near_cut(found, outcome(jury.event, found))}

    assert near == {one.id, other.id}
    with pytest.raises(Conflict) as refusal:
        one_more_review(jury.event, found.id, None, actor=jury.organiser, now=jury.now)
    assert refusal.value.code == "no_judge_free"


def test_the_error_of_a_difference_is_that_of_draws_from_the_model() -> None:
    found = ordered(marks(*PANEL), Missing.NONE)
    assert found.fit is not None
    told = error_of(found.fit)
    draws = drawn(found.fit, 40_000, np.random.RandomState(7))
    place = {int(entry): at for at, entry in enumerate(found.fit.marks.entries)}

    for one, other in ((8, 9), (1, 2), (6, 9)):
        apart = float(np.std(draws[:, place[one]] - draws[:, place[other]]))
        assert told(one, other) == pytest.approx(apart, rel=0.03)
