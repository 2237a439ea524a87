"""The crossed mixed model, held against closed forms, a dense computation and statsmodels."""

import warnings

import numpy as np
import pytest
from scipy import linalg, optimize

from concours.jury.analysis.arrays import Marks, marks_of
from concours.jury.analysis.model import Fit, Trouble, fit
from tests.jury.analysis.worlds import SHROUT_FLEISS, table, uneven


def test_the_worked_example_of_the_documentation() -> None:
    """docs/counting.md, “The crossed mixed model”: by hand, three entries by three judges."""
    found = fit(table(np.array([[90.0, 84, 78], [72, 60, 66], [60, 54, 48]])))
    assert found.average == pytest.approx(68)
    assert found.variances.entry == pytest.approx(224, rel=1e-6)
    assert found.variances.judge == pytest.approx(24, rel=1e-6)
    assert found.variances.noise == pytest.approx(12, rel=1e-6)
    assert found.quality == pytest.approx([68 + 16 * 56 / 57, 68 - 2 * 56 / 57, 68 - 14 * 56 / 57])
    assert found.severity == pytest.approx([-6 * 6 / 7, 2 * 6 / 7, 4 * 6 / 7])
    assert found.variances.reliability(3) == pytest.approx(56 / 57)
    assert found.troubles == ()


def test_a_balanced_table_gives_the_estimates_of_the_analysis_of_variance() -> None:
    """Where none is negative they are the restricted likelihood's: Shrout & Fleiss' mean squares 11.24, 32.49, 1.02."""
    found = fit(table(SHROUT_FLEISS))
    entries, judges, noise = _mean_squares(SHROUT_FLEISS)
    assert [round(x, 2) for x in (entries, judges, noise)] == [11.24, 32.49, 1.02]
    assert found.variances.noise == pytest.approx(noise, rel=1e-5)
    assert found.variances.entry == pytest.approx((entries - noise) / 4, rel=1e-5)
    assert found.variances.judge == pytest.approx((judges - noise) / 6, rel=1e-5)
    shrinkage = 1 - noise / entries
    means = SHROUT_FLEISS.mean(axis=1)
    assert found.quality == pytest.approx(means.mean() + shrinkage * (means - means.mean()), rel=1e-5)


def test_a_variance_that_would_be_negative_is_nought() -> None:
    values = np.array([[50.0, 50], [60, 61], [70, 69], [40, 40]])
    judges, noise = _mean_squares(values)[1:]
    assert judges < noise
    found = fit(table(values))
    assert found.variances.judge == 0
    assert found.severity == pytest.approx([0, 0])
    assert found.severity_error == pytest.approx([0, 0])
    by_row = values.var(axis=1, ddof=1).mean()  # the one-way analysis of variance
    assert found.variances.noise == pytest.approx(by_row, rel=1e-5)


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_uneven_marks_give_what_a_dense_computation_gives(seed: int) -> None:
    marks = uneven(25, 5, seed)
    found = fit(marks)
    entry, judge, noise = _dense_restricted(marks)
    assert found.variances.entry == pytest.approx(entry, rel=2e-3)
    assert found.variances.judge == pytest.approx(judge, rel=2e-3, abs=1e-3)
    assert found.variances.noise == pytest.approx(noise, rel=2e-3)
    _agrees_with_dense_equations(found)


def test_uneven_marks_give_what_statsmodels_gives() -> None:
    pandas = pytest.importorskip("pandas")
    mixed = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    marks = uneven(15, 4, 7)
    data = pandas.DataFrame({"value": marks.value, "entry": marks.entry, "judge": marks.judge, "all": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = mixed.MixedLM.from_formula(
            "value ~ 1", groups="all", vc_formula={"entry": "0 + C(entry)", "judge": "0 + C(judge)"}, data=data
        ).fit(reml=True, gtol=1e-8)
    found = fit(marks)
    entry, judge = other.vcomp
    assert found.average == pytest.approx(float(other.fe_params.iloc[0]), abs=1e-2)
    assert found.variances.entry == pytest.approx(entry, rel=1e-2)
    assert found.variances.judge == pytest.approx(judge, rel=1e-2)
    assert found.variances.noise == pytest.approx(other.scale, rel=1e-2)
    effects = other.random_effects[1].to_numpy()
    assert found.quality - found.average == pytest.approx(effects[:15], abs=5e-2)
    assert -found.severity == pytest.approx(effects[15:], abs=5e-2)


def test_the_order_of_the_marks_changes_nothing_at_all() -> None:
    marks = uneven(40, 6, 3)
    columns = marks.entries[marks.entry], marks.judges[marks.judge], marks.value
    one = fit(marks)
    for seed in range(5):
        order = np.random.RandomState(seed).permutation(len(marks))
        other = fit(marks_of(*(column[order] for column in columns)))
        assert one.quality.tobytes() == other.quality.tobytes()
        assert one.severity_error.tobytes() == other.severity_error.tobytes()
        assert (columns[2][order][other.marks.order] == other.marks.value).all()


def test_severity_is_taken_out_where_judges_saw_different_entries() -> None:
    """A severe and a mild judge, linked by one in the middle: means go by luck, estimates less."""
    draw = np.random.RandomState(5)
    quality = draw.normal(60, 10, 300)
    severity = np.repeat([15.0, -15.0, 0.0], [1, 1, 1])
    entry = np.repeat(np.arange(300), 2)
    judge = np.column_stack([draw.randint(0, 2, 300), np.full(300, 2)]).ravel()
    found = fit(marks_of(entry, judge, quality[entry] - severity[judge] + draw.normal(0, 4, 600)))
    assert found.severity[0] - found.severity[1] == pytest.approx(30, abs=1.5)
    means = np.bincount(entry, quality[entry] - severity[judge]) / 2
    assert np.corrcoef(found.quality, quality)[0, 1] > np.corrcoef(means, quality)[0, 1] + 0.05


def test_standard_errors_cover_the_truth_as_often_as_they_say() -> None:
    inside, number = 0, 0
    for seed in range(20):
        draw = np.random.RandomState(seed)
        quality, mild = draw.normal(60, 10, 120), draw.normal(0, 6, 10)
        entry = np.repeat(np.arange(120), 3)
        judge = np.concatenate([draw.permutation(10)[:3] for _ in range(120)])
        found = fit(marks_of(entry, judge, quality[entry] + mild[judge] + draw.normal(0, 10, 360)))
        error = (found.quality - found.average) - (quality - 60)
        inside += int((np.abs(error) <= 1.96 * found.quality_error).sum())
        number += 120
    assert inside / number == pytest.approx(0.95, abs=0.02)


class TestWhatTheMarksCannotTell:
    def test_no_mark_at_all(self) -> None:
        with pytest.raises(ValueError, match="no marks"):
            fit(marks_of([], [], []))

    def test_one_mark(self) -> None:
        found = fit(marks_of([1], [1], [70]))
        assert found.quality == pytest.approx([70])
        assert not found.noise_known

    def test_all_marks_are_equal(self) -> None:
        found = fit(table(np.full((4, 3), 55.0)))
        assert Trouble.NO_VARIANCE in found.troubles
        assert found.quality == pytest.approx(np.full(4, 55.0))
        assert np.isnan(found.quality_error).all()

    def test_one_judge(self) -> None:
        found = fit(table(np.array([[90.0], [80], [70]])))
        assert set(found.troubles) == {Trouble.ONE_JUDGE, Trouble.NO_REPEATS}
        assert list(np.argsort(-found.quality)) == [0, 1, 2]
        assert np.isnan(found.quality_error).all()
        assert found.severity == pytest.approx([0])

    def test_one_entry(self) -> None:
        found = fit(table(np.array([[90.0, 80, 70]])))
        assert Trouble.ONE_ENTRY in found.troubles
        assert found.quality == pytest.approx([80])

    def test_marks_without_noise(self) -> None:
        found = fit(table(np.array([[90.0, 80], [70, 60], [50, 40]])))
        assert Trouble.NO_NOISE in found.troubles
        assert list(np.argsort(-found.quality)) == [0, 1, 2]
        assert np.isfinite(found.quality).all()

    def test_groups_that_share_no_entry_are_named(self) -> None:
        found = fit(
            marks_of([1, 1, 2, 2, 3, 7, 7, 8], [11, 12, 11, 12, 12, 21, 22, 22], [50, 60, 55, 64, 70, 40, 45, 50])
        )
        assert Trouble.PARTED in found.troubles
        assert [(group.judges, group.entries) for group in found.groups] == [((11, 12), (1, 2, 3)), ((21, 22), (7, 8))]

    def test_a_mark_that_is_no_number_is_refused(self) -> None:
        with pytest.raises(ValueError, match="finite"):
            marks_of([1], [1], [float("nan")])


def test_an_effect_of_a_column_is_generalised_least_squares() -> None:
    marks = uneven(25, 5, 4)
    found = fit(marks)
    column = np.random.RandomState(1).normal(size=len(marks))
    covariance = _covariance(found)
    design = np.column_stack([np.ones(len(marks)), column])
    inverse = linalg.inv(design.T @ linalg.solve(covariance, design))
    wanted = inverse @ design.T @ linalg.solve(covariance, marks.value)
    assert found.effect(column) == pytest.approx((wanted[1], np.sqrt(inverse[1, 1])))
    assert np.isnan(found.effect(np.ones(len(marks)))[0])


def _mean_squares(values: np.ndarray) -> tuple[float, float, float]:
    n, k = values.shape
    middle, rows, columns = values.mean(), values.mean(axis=1), values.mean(axis=0)
    rest = values - rows[:, None] - columns + middle
    return (
        float(k * ((rows - middle) ** 2).sum() / (n - 1)),
        float(n * ((columns - middle) ** 2).sum() / (k - 1)),
        float((rest**2).sum() / ((n - 1) * (k - 1))),
    )


def _designs(marks: Marks) -> tuple[np.ndarray, np.ndarray]:
    return np.eye(len(marks.entries))[marks.entry], np.eye(len(marks.judges))[marks.judge]


def _covariance(found: Fit) -> np.ndarray:
    entries, judges = _designs(found.marks)
    v = found.variances
    return v.entry * entries @ entries.T + v.judge * judges @ judges.T + v.noise * np.eye(len(found.marks))


def _dense_restricted(marks: Marks) -> np.ndarray:
    """The three variances at the greatest restricted likelihood, written down from its definition."""
    entries, judges = _designs(marks)
    y, ones = marks.value - marks.value.mean(), np.ones((len(marks), 1))

    def twice_minus_log(logs: np.ndarray) -> float:
        v = np.exp(logs)
        whole = v[0] * entries @ entries.T + v[1] * judges @ judges.T + v[2] * np.eye(len(y))
        inner = ones.T @ linalg.solve(whole, ones)
        left = y - (ones @ linalg.solve(inner, ones.T @ linalg.solve(whole, y)))
        return float(np.linalg.slogdet(whole)[1] + np.linalg.slogdet(inner)[1] + left @ linalg.solve(whole, left))

    found = optimize.minimize(twice_minus_log, np.log([80.0, 30, 60]), method="Nelder-Mead", options={"fatol": 1e-9})
    return np.exp(found.x)


def _agrees_with_dense_equations(found: Fit) -> None:
    """Estimates and errors, from the inverse of Henderson's equations written out in full."""
    marks, v = found.marks, found.variances
    entries, judges = _designs(marks)
    design = np.column_stack([np.ones(len(marks)), judges, entries])
    j, n = judges.shape[1], entries.shape[1]
    left = design.T @ design + np.diag(np.r_[0, np.full(j, v.noise / v.judge), np.full(n, v.noise / v.entry)])
    inverse = np.linalg.inv(left)
    solution = inverse @ design.T @ marks.value
    assert found.average == pytest.approx(solution[0])
    assert found.severity == pytest.approx(-solution[1 : 1 + j])
    assert found.quality == pytest.approx(solution[0] + solution[1 + j :])
    errors = np.sqrt(v.noise * np.diag(inverse))
    assert found.severity_error == pytest.approx(errors[1 : 1 + j])
    assert found.quality_error == pytest.approx(errors[1 + j :])
    assert found.equations.leverage(found.solved) == pytest.approx(np.einsum("ij,jk,ik->i", design, inverse, design))
    assert found.residual == pytest.approx(marks.value - design @ solution)
    together = found.equations.entry_spread(found.solved)[1]
    assert together == pytest.approx(inverse[1 + j :, : 1 + j])
