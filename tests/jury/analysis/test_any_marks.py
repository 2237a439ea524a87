"""Whatever marks a round ends with, there is a report: nothing fails, and nothing is made up."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.jury.analysis.arrays import marks_of
from concours.jury.analysis.fairness import report
from concours.jury.analysis.model import fit
from concours.jury.analysis.outcome import Given, Known, Order, Rule
from concours.jury.analysis.scale import fit_scaled
from concours.jury.selection import Step

POINTS = st.sampled_from([0, 0, 100, 100, 1, 33, 50, 50, 67, 99])
MARKS = st.dictionaries(st.tuples(st.integers(0, 7), st.integers(0, 4)), POINTS, min_size=1, max_size=40)


@given(MARKS)
@settings(max_examples=40)
def test_every_fit_is_finite_and_every_error_is_a_number_or_said_not_to_be_known(
    marks: dict[tuple[int, int], int],
) -> None:
    columns = [pair[0] for pair in marks], [pair[1] for pair in marks], list(marks.values())
    for found in (fit(marks_of(*columns)), fit_scaled(marks_of(*columns))):
        for figures in (found.quality, found.severity, found.scale, found.noise, found.residual):
            assert np.isfinite(figures).all()
        assert np.isfinite(found.quality_error).all() == np.isfinite(found.severity_error).all() == found.noise_known
        assert min(found.variances.entry, found.variances.judge, found.variances.noise) >= 0
        judges = [judge for group in found.groups for judge in group.judges]
        assert sorted(judges) == sorted({pair[1] for pair in marks})
        assert found.average >= min(marks.values()) - 100
        assert found.quality.max() <= 200


@given(MARKS, st.integers(0, 8), st.sampled_from(list(Order)), st.booleans())
@settings(max_examples=25)
def test_every_round_has_a_report_whose_parts_agree(
    marks: dict[tuple[int, int], int], places: int, order: Order, scaled: bool
) -> None:
    entries = sorted({pair[0] for pair in marks})
    places = min(places, len(entries))
    told = report(
        [Given(e, j, Fraction(points), (e + j) % 3 == 0, float(e)) for (e, j), points in marks.items()],
        [Known(entry, str(entry), entry % 2) for entry in entries],
        Rule(places, order, (Step.LOTTERY,), "seed", 2, scaled=scaled),
        draws=50,
    )
    assert sum(one.place is not None for one in told.standings) == places
    chances = [one.chance for one in told.standings if one.chance is not None]
    if chances:
        assert abs(sum(chances) - places) < 1e-9
        assert all(0 <= chance <= 1 for chance in chances)
    assert (told.expected_other is None) == (not chances)
    for one in told.without:
        assert not one.possible or len(one.enters) == len(one.leaves) <= places
    for judge in told.judges:
        for effect in (judge.severity, judge.noise, judge.drift, judge.own):
            assert effect is None or np.isfinite([effect.value, effect.error]).all()
