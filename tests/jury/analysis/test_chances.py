"""Chances to be among the best, held against closed forms, the selection itself and known truth."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from concours.jury.analysis.arrays import marks_of
from concours.jury.analysis.chances import best, chances, drawn
from concours.jury.analysis.model import fit
from concours.jury.selection import Candidate, CannotSelect, Quota, Step, select
from tests.jury.analysis.worlds import table, uneven

EXAMPLE = np.array([[79.0, 68, 69], [65, 66, 67], [63, 64, 53]])


def test_the_worked_example_of_the_documentation() -> None:
    """docs/counting.md, “Chances”: A is truly above B with chance 0.907, by draws as by hand."""
    found = fit(table(EXAMPLE))
    by_hand = stats.norm.cdf(6 * 7 / 9 / np.sqrt(2 * 24 / (3 + 24 / 28)))
    assert round(by_hand, 3) == 0.907
    draws = drawn(found, 20_000, np.random.RandomState(1))
    assert (draws[:, 0] > draws[:, 1]).mean() == pytest.approx(by_hand, abs=0.008)


def test_draws_have_the_means_and_covariances_of_the_posterior() -> None:
    found = fit(uneven(12, 4, 6))
    draws = drawn(found, 60_000, np.random.RandomState(2))
    marks, v = found.marks, found.variances
    entries, judges = np.eye(12)[marks.entry], np.eye(4)[marks.judge]
    design = np.column_stack([np.ones(len(marks)), judges, entries])
    prior = np.diag(np.r_[0, np.full(4, v.noise / v.judge), np.full(12, v.noise / v.entry)])
    inverse = v.noise * np.linalg.inv(design.T @ design + prior)
    to_quality = np.column_stack([np.ones(12), np.zeros((12, 4)), np.eye(12)])
    covariance = to_quality @ inverse @ to_quality.T
    assert draws.mean(axis=0) == pytest.approx(found.quality, abs=0.15)
    assert np.cov(draws.T) == pytest.approx(covariance, abs=0.03 * covariance.max())


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 2)), min_size=3, max_size=15, unique_by=lambda x: x[0]),
    st.integers(0, 8),
    st.dictionaries(st.integers(0, 2), st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 5)))),
)
def test_the_best_of_a_draw_are_those_that_the_selection_takes(
    entries: list[tuple[int, int]], places: int, limits: dict[int, tuple[int, int | None]]
) -> None:
    quotas = {key: Quota(least, most) for key, (least, most) in limits.items() if most is None or most >= least}
    candidates = [
        Candidate(at, str(at), category, Fraction(value), Fraction(0), 1)
        for at, (value, category) in enumerate(entries)
    ]
    try:
        wanted = select(candidates, places, ties=(Step.LOTTERY,), seed="s", quotas=quotas)
    except CannotSelect:
        return
    values = np.array([[float(value) for value, _ in entries]])
    found = best(values, np.array([category for _, category in entries]), places, quotas)
    assert set(np.flatnonzero(found[0])) == {fate.candidate.entry for fate in wanted.selected}


def test_chances_add_up_to_the_places_and_repeat_themselves() -> None:
    found = fit(uneven(80, 6, 1))
    category = np.arange(80) % 2
    first = chances(found, category, 30, {0: Quota(least=20)}, seed=4)
    assert first is not None
    assert first.sum() == pytest.approx(30)
    assert first[category == 0].sum() >= 20
    assert (first == chances(found, category, 30, {0: Quota(least=20)}, seed=4)).all()
    assert (first != chances(found, category, 30, {0: Quota(least=20)}, seed=5)).any()


def test_of_entries_with_a_chance_of_so_many_per_cent_so_many_are_truly_among_the_best() -> None:
    said, came_true = [], []
    for seed in range(30):
        draw = np.random.RandomState(seed)
        quality, mild = draw.normal(60, 10, 90), draw.normal(0, 6, 9)
        entry = np.repeat(np.arange(90), 3)
        judge = np.concatenate([draw.permutation(9)[:3] for _ in range(90)])
        found = fit(marks_of(entry, judge, quality[entry] + mild[judge] + draw.normal(0, 10, 270)))
        likely = chances(found, np.zeros(90, dtype=np.int64), 30, seed=seed, draws=500)
        assert likely is not None
        said.append(likely)
        came_true.append(quality >= np.sort(quality)[-30])
    chance, true = np.concatenate(said), np.concatenate(came_true)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        bin_ = (chance >= low) & (chance < low + 0.2)
        assert true[bin_].mean() == pytest.approx(chance[bin_].mean(), abs=0.08)


def test_without_a_second_mark_of_anything_there_is_no_chance_to_tell() -> None:
    assert chances(fit(marks_of([1, 2, 3], [1, 1, 2], [50, 60, 70])), np.zeros(3, dtype=np.int64), 1) is None
