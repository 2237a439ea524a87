"""From marks to scores."""

from fractions import Fraction
from itertools import permutations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.jury.scoring import Missing, Scale, score, weight_of, weighted_points, yes_points

POINTS = st.fractions(0, 100, max_denominator=60)


def test_the_worked_example_of_the_documentation() -> None:
    """docs/counting.md, “A worked example”: the figures there are these."""
    scales = [Scale("idea", weight_of(0.4), 1, 9), Scale("craft", weight_of(0.6), 1, 9)]
    marks = [
        weighted_points({"idea": 7, "craft": 8}, scales),
        weighted_points({"idea": 6, "craft": 9}, scales),
        weighted_points({"idea": 8, "craft": 5}, scales),
    ]
    assert marks == [Fraction("82.5"), Fraction(85), Fraction(65)]
    found = score(1, marks, asked=3, missing=Missing.NONE)
    assert found is not None
    assert found.mean == Fraction("77.5")
    assert found.median == Fraction("82.5")
    assert round(found.spread, 2) == 10.90

    with_one_missing = score(1, marks, asked=4, missing=Missing.LOWEST)
    assert with_one_missing is not None
    assert with_one_missing.mean == Fraction("58.125")
    assert with_one_missing.median == Fraction("73.75")


def test_weights_are_what_was_typed_so_that_equal_marks_are_equal() -> None:
    tenths = [Scale(key, weight_of(w), 0, 10) for key, w in zip("abc", (0.1, 0.2, 0.7), strict=True)]
    assert weight_of(0.1) + weight_of(0.2) == Fraction(3, 10)
    assert weighted_points({"a": 3, "b": 0, "c": 0}, tenths) == weighted_points({"a": 1, "b": 1, "c": 0}, tenths)


def test_criteria_of_different_scales_weigh_as_said() -> None:
    scales = [Scale("a", Fraction(1), 0, 100), Scale("b", Fraction(1), 1, 5)]
    assert weighted_points({"a": 100, "b": 1}, scales) == 50
    assert weighted_points({"a": 0, "b": 5}, scales) == 50


def test_yes_shares_are_per_cent() -> None:
    found = score(1, [yes_points({"yes": answer}) for answer in (True, True, False)], asked=3, missing=Missing.NONE)
    assert found is not None
    assert found.mean == Fraction(200, 3)
    assert found.median == 100


@pytest.mark.parametrize(
    ("rule", "mean"), [(Missing.AVAILABLE, Fraction(80)), (Missing.LOWEST, Fraction(160, 3)), (Missing.EXCLUDE, None)]
)
def test_missing_marks_count_by_the_stated_rule(rule: Missing, mean: Fraction | None) -> None:
    found = score(7, [Fraction(90), Fraction(70)], asked=3, missing=rule)
    assert (found.mean if found else None) == mean
    if found:
        assert (found.reviews, found.missing) == (2, 1)


def test_an_entry_without_marks_has_no_score_unless_missing_ones_count() -> None:
    assert score(7, [], asked=2, missing=Missing.AVAILABLE) is None
    lowest = score(7, [], asked=2, missing=Missing.LOWEST)
    assert lowest is not None
    assert (lowest.mean, lowest.median, lowest.reviews) == (0, 0, 0)


def test_more_marks_than_asked_all_count() -> None:
    found = score(7, [Fraction(90), Fraction(60), Fraction(30)], asked=2, missing=Missing.EXCLUDE)
    assert found is not None
    assert (found.mean, found.missing) == (60, 0)


@given(st.lists(POINTS, min_size=1, max_size=4), st.integers(1, 5), st.sampled_from(Missing))
def test_the_order_of_marks_changes_nothing_and_the_mean_is_the_mean(
    marks: list[Fraction], asked: int, rule: Missing
) -> None:
    answers = [score(1, list(order), asked=asked, missing=rule) for order in permutations(marks)]
    assert all(answer == answers[0] for answer in answers)
    if answers[0] is not None and rule is Missing.AVAILABLE:
        assert float(answers[0].mean) == pytest.approx(fmean(float(mark) for mark in marks))
