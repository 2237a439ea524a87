"""How far judges agree, held against published tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.jury.analysis.agreement import Metric, alpha, correlations
from tests.jury.analysis.worlds import SHROUT_FLEISS

GAP = float("nan")
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, GAP, GAP, GAP],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, GAP, 3],
        [GAP, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, GAP],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, GAP],
    ]
)
"""Four observers by twelve units, with gaps: Krippendorff, Computing Krippendorff's alpha-reliability, 2011, part D."""


@pytest.mark.parametrize(
    ("metric", "published"), [(Metric.NOMINAL, 0.743), (Metric.ORDINAL, 0.815), (Metric.INTERVAL, 0.849)]
)
def test_krippendorffs_own_example(metric: Metric, published: float) -> None:
    found = alpha(*_columns(KRIPPENDORFF), metric)
    assert found is not None
    assert round(found, 3) == published


def test_the_worked_example_of_the_documentation() -> None:
    """docs/counting.md, “How far judges agree”: three judges, three entries."""
    table = np.array([[90.0, 84, 78], [72, 60, 66], [60, 54, 48]])
    found = alpha(*_columns(table.T))
    assert found == pytest.approx(1 - 72 / 396)
    correlated = correlations(table)
    assert correlated is not None
    assert correlated.consistency == pytest.approx(672 / 708)
    assert correlated.agreement == pytest.approx(672 / 780)


def test_the_table_of_shrout_and_fleiss() -> None:
    found = correlations(SHROUT_FLEISS)
    assert found is not None
    assert [round(x, 2) for x in found.mean_squares] == [11.24, 32.49, 1.02]
    assert round(found.agreement, 2) == 0.29
    assert round(found.consistency, 2) == 0.71
    assert round(found.agreement_of_means, 2) == 0.62
    assert round(found.consistency_of_means, 2) == 0.91


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5)), min_size=2, max_size=40),
    st.sampled_from(list(Metric)),
)
def test_alpha_is_what_its_definition_over_pairs_gives(marks: list[tuple[int, int]], metric: Metric) -> None:
    unit = np.array([mark[0] for mark in marks], dtype=np.int64)
    value = np.array([mark[1] for mark in marks], dtype=float)
    found, wanted = alpha(unit, value, metric), _by_pairs(unit, value, metric)
    assert found == (None if wanted is None else pytest.approx(wanted))


def test_full_agreement_is_one_and_nothing_to_agree_on_is_told() -> None:
    assert alpha(np.array([0, 0, 1, 1]), np.array([5.0, 5, 9, 9])) == 1.0
    assert alpha(np.array([0, 1, 2]), np.array([5.0, 6, 7])) is None
    assert alpha(np.array([0, 0, 1, 1]), np.array([5.0, 5, 5, 5])) is None
    assert alpha(np.array([], dtype=np.int64), np.array([])) is None
    assert correlations(np.full((3, 3), 5.0)) is None
    with pytest.raises(ValueError, match="gaps"):
        correlations(KRIPPENDORFF)


def _columns(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    observer, unit = np.nonzero(~np.isnan(table))
    return unit, table[observer, unit]


def _by_pairs(unit: np.ndarray, value: np.ndarray, metric: Metric) -> float | None:
    """Observed over expected disagreement, pair by pair, as the definition has it."""
    each = np.bincount(unit)[unit]
    unit, value, each = unit[each > 1], value[each > 1], each[each > 1]
    n = len(value)

    def apart(a: float, b: float) -> float:
        if metric is Metric.NOMINAL:
            return float(a != b)
        if metric is Metric.INTERVAL:
            return (a - b) ** 2
        low, high = min(a, b), max(a, b)
        between = sum(low <= other <= high for other in value)
        return float((between - ((value == a).sum() + (value == b).sum()) / 2) ** 2) if a != b else 0.0

    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    seen = sum(apart(value[i], value[j]) / (each[i] - 1) for i, j in pairs if unit[i] == unit[j])
    chance = sum(apart(value[i], value[j]) for i, j in pairs)
    return 1 - (n - 1) * seen / chance if chance else None
