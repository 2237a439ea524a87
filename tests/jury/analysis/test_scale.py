"""The model with judges' scales, held against known truth and a dense computation."""

import numpy as np
import pytest
from scipy import linalg, optimize

from concours.jury.analysis.arrays import Marks, marks_of
from concours.jury.analysis.model import fit
from concours.jury.analysis.scale import fit_scaled, noise_of, scale_of
from tests.jury.analysis.worlds import SHROUT_FLEISS, table


def _scaled(seed: int, entries: int, scale: np.ndarray, noise: float = 6.0) -> tuple[Marks, np.ndarray]:
    draw = np.random.RandomState(seed)
    judges = len(scale)
    quality, mild = draw.normal(0, 10, entries), draw.normal(0, 5, judges)
    entry = np.repeat(np.arange(entries), 3)
    judge = np.concatenate([draw.permutation(judges)[:3] for _ in range(entries)])
    value = 60 + scale[judge] * quality[entry] + mild[judge] + draw.normal(0, noise, len(entry))
    return marks_of(entry, judge, value), quality


def test_the_worked_example_of_the_documentation() -> None:
    """docs/counting.md, “Scales of judges”."""
    scale, error = scale_of(np.array([900.0]), np.array([1000.0]), noise=np.array([36.0]), spread=0.04)
    assert scale[0] == pytest.approx(50 / (1000 / 36 + 25))
    assert round(float(scale[0]), 3) == 0.947
    assert round(float(error[0]), 3) == 0.138
    assert noise_of(np.array([12_000.0]), np.array([100.0]), 100)[0] == pytest.approx(116.67, abs=0.01)


def test_scales_are_found_and_the_order_gains() -> None:
    truth = np.array([0.4, 0.7, 1.0, 1.0, 1.3, 1.6])
    marks, quality = _scaled(1, 400, truth)
    found, plain = fit_scaled(marks), fit(marks)
    assert (np.abs(found.scale - truth) < 4 * found.scale_error).all()
    assert found.scale == pytest.approx(truth, abs=0.15)
    assert found.scale.mean() == pytest.approx(1)
    right = [np.corrcoef(one.quality, quality)[0, 1] for one in (plain, found)]
    assert right[1] > right[0]
    inside = np.abs(found.quality - found.average - quality) < 1.96 * found.quality_error
    assert inside.mean() == pytest.approx(0.95, abs=0.03)


def test_judges_of_one_scale_keep_it() -> None:
    marks, _ = _scaled(2, 400, np.ones(6))
    found, plain = fit_scaled(marks), fit(marks)
    assert found.scale == pytest.approx(np.ones(6), abs=0.1)
    assert found.quality == pytest.approx(plain.quality, abs=1.0)


def test_given_the_scales_the_variances_have_the_greatest_restricted_likelihood() -> None:
    marks, _ = _scaled(3, 60, np.array([0.6, 0.8, 1.2, 1.4]))
    found = fit_scaled(marks)
    entries = np.eye(60)[marks.entry] * found.scale[marks.judge][:, None]
    judges = np.eye(4)[marks.judge]
    noises = np.diag(found.noise[marks.judge] ** 2) / found.variances.noise
    y, ones = marks.value - marks.value.mean(), np.ones((len(marks), 1))

    def covariance(v: np.ndarray) -> np.ndarray:
        return v[0] * entries @ entries.T + v[1] * judges @ judges.T + v[2] * noises

    def twice_minus_log(logs: np.ndarray) -> float:
        whole = covariance(np.exp(logs))
        inner = ones.T @ linalg.solve(whole, ones)
        left = y - (ones @ linalg.solve(inner, ones.T @ linalg.solve(whole, y)))
        return float(np.linalg.slogdet(whole)[1] + np.linalg.slogdet(inner)[1] + left @ linalg.solve(whole, left))

    best = np.exp(optimize.minimize(twice_minus_log, np.log([80.0, 30, 40]), method="Nelder-Mead").x)
    v = found.variances
    assert [v.entry, v.judge, v.noise] == pytest.approx(best, rel=5e-3)
    whole = covariance(np.array([v.entry, v.judge, v.noise]))
    left = linalg.solve(whole, marks.value - found.average)
    assert found.quality - found.average == pytest.approx(v.entry * entries.T @ left, abs=1e-6)
    assert -found.severity == pytest.approx(v.judge * judges.T @ left, abs=1e-6)

    column = np.random.RandomState(1).normal(size=len(y))
    design = np.column_stack([ones[:, 0], column])
    inverse = linalg.inv(design.T @ linalg.solve(whole, design))
    wanted = inverse @ design.T @ linalg.solve(whole, marks.value)
    assert found.effect(column) == pytest.approx((wanted[1], np.sqrt(inverse[1, 1])))


def test_a_judge_with_more_noise_is_found_and_counts_for_less() -> None:
    draw = np.random.RandomState(6)
    quality, noise = draw.normal(0, 10, 400), np.array([4.0, 4, 4, 20])
    entry = np.repeat(np.arange(400), 3)
    judge = np.concatenate([draw.permutation(4)[:3] for _ in range(400)])
    marks = marks_of(entry, judge, 60 + quality[entry] + draw.normal(size=1200) * noise[judge])
    found, plain = fit_scaled(marks), fit(marks)
    assert found.noise == pytest.approx(noise, rel=0.2)
    assert np.corrcoef(found.quality, quality)[0, 1] > np.corrcoef(plain.quality, quality)[0, 1] + 0.03
    inside = np.abs(found.quality - found.average - quality) < 1.96 * found.quality_error
    assert inside.mean() == pytest.approx(0.95, abs=0.03)


def test_the_order_of_the_marks_changes_nothing_at_all() -> None:
    marks, _ = _scaled(4, 40, np.array([0.6, 1.0, 1.4]))
    columns = marks.entries[marks.entry], marks.judges[marks.judge], marks.value
    order = np.random.RandomState(1).permutation(len(marks))
    other = fit_scaled(marks_of(*(column[order] for column in columns)))
    assert other.quality.tobytes() == fit_scaled(marks).quality.tobytes()


@pytest.mark.parametrize("values", [[[90.0], [80], [70]], [[90.0, 80]], [[50.0, 50], [50, 50]], [[9.0, 8], [7, 6]]])
def test_where_scales_cannot_be_told_they_are_one(values: list[list[float]]) -> None:
    marks = table(np.array(values))
    found = fit_scaled(marks)
    assert found.scale.tolist() == [1.0] * len(marks.judges)
    assert found.quality.tolist() == fit(marks).quality.tolist()


def test_few_marks_are_no_trouble() -> None:
    found = fit_scaled(table(SHROUT_FLEISS))
    assert np.isfinite(found.scale).all()
    assert np.isfinite(found.quality_error).all()
