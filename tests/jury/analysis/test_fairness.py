"""The fairness report: what was put into the marks comes out of it."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from concours.jury.analysis.agreement import Metric
from concours.jury.analysis.fairness import Report, doubtful, report
from concours.jury.analysis.model import Trouble
from concours.jury.analysis.outcome import Given, Known, Order, Rule
from concours.jury.scoring import Missing
from concours.jury.selection import Candidate, CannotSelect, Quota, Step, select

CHAIN = (Step.MEDIAN, Step.LOTTERY)
SEVERE, CARELESS, TIRING, PARTIAL = 0, 1, 2, 3


def _rule(places: int, **changes: object) -> Rule:
    return dataclasses.replace(Rule(places, Order.MEAN, CHAIN, "seed", 3), **changes)  # type: ignore[arg-type]


def _known(entries: Sequence[int], categories: int = 1) -> list[Known]:
    return [Known(entry, f"A-{entry}", entry % categories) for entry in entries]


def _jury(seed: int = 1, entries: int = 240, judges: int = 8) -> list[Given]:
    """Judge 0 is 14 points severe, 1 has three times the noise, 2 falls by 16 points, 3 lifts its department by 18."""
    draw = np.random.RandomState(seed)
    quality = draw.normal(60, 8, entries)
    severity = np.r_[14.0, np.zeros(judges - 1)]
    given: list[Given] = []
    turn = np.zeros(judges)
    for entry in range(entries):
        for judge in draw.permutation(judges)[:3]:
            own = entry % 8 == judge
            points = quality[entry] - severity[judge] + draw.normal(0, 15 if judge == CARELESS else 5)
            points += 18 * own * (judge == PARTIAL) - (16 * turn[judge] / 90 if judge == TIRING else 0)
            given.append(Given(entry, int(judge), Fraction(round(points)), own, float(turn[judge]) * 60))
            turn[judge] += 1
    return given


@pytest.fixture(scope="module")
def found() -> Report:
    return report(_jury(), _known(range(240)), _rule(80, order=Order.MODEL))


class TestOfEachJudge:
    def test_the_severe_one_is_named_and_nobody_else(self, found: Report) -> None:
        severities = [judge.severity for judge in found.judges]
        assert [s is not None and s.notable for s in severities] == [True, *[False] * 7]
        severe, other = severities[SEVERE], severities[4]
        assert severe is not None
        assert other is not None
        assert severe.value - other.value == pytest.approx(14, abs=4)

    def test_the_careless_one_is_named(self, found: Report) -> None:
        noises = [judge.noise for judge in found.judges]
        assert all(noise is not None for noise in noises)
        careless = noises[CARELESS]
        assert careless is not None
        assert careless.notable
        assert careless.value == max(noise.value for noise in noises if noise is not None)
        assert careless.value == pytest.approx(15, abs=3)
        follows = [judge.follows for judge in found.judges]
        assert follows[CARELESS] == min(follow for follow in follows if follow is not None)

    def test_the_tiring_one_is_named(self, found: Report) -> None:
        drifts = [judge.drift for judge in found.judges]
        assert [drift is not None and drift.notable for drift in drifts].index(True) == TIRING
        tiring = drifts[TIRING]
        assert tiring is not None
        assert tiring.value == pytest.approx(-16, abs=3 * tiring.error)

    def test_the_partial_one_is_named(self, found: Report) -> None:
        partial = found.judges[PARTIAL].own
        assert partial is not None
        assert partial.notable
        assert partial.value == pytest.approx(18, abs=3 * partial.error)
        assert found.judges[PARTIAL].own_marks >= 3

    def test_bars_and_means_are_those_of_the_marks(self, found: Report) -> None:
        given = _jury()
        for judge in found.judges:
            points = [float(mark.points) for mark in given if mark.judge == judge.judge]
            assert judge.marks == len(points) == sum(judge.bars)
            assert judge.mean == pytest.approx(np.mean(points))
            assert judge.bars[5] == sum(50 <= p < 60 for p in points)


def test_a_fair_jury_is_left_alone() -> None:
    named = 0
    for seed in range(6):
        draw = np.random.RandomState(seed)
        quality = draw.normal(60, 8, 120)
        given = [
            Given(
                entry, int(judge), Fraction(round(quality[entry] + draw.normal(0, 6))), bool(entry % 8 == judge), entry
            )
            for entry in range(120)
            for judge in draw.permutation(8)[:3]
        ]
        told = report(given, _known(range(120)), _rule(40), draws=200)
        named += sum(
            effect is not None and effect.notable
            for judge in told.judges
            for effect in (judge.severity, judge.noise, judge.drift, judge.own)
        )
    assert named <= 2  # 5 % for each of four questions, six times: 1.2 expected


def test_the_standings_are_the_selection_of_the_rule() -> None:
    given, known = _jury(entries=60), _known(range(60), 3)
    rule = _rule(20, quotas={0: Quota(least=9)})
    told = report(given, known, rule, draws=200)
    scores = {e: [m.points for m in given if m.entry == e] for e in range(60)}
    wanted = select(
        [
            Candidate(
                k.entry, k.label, k.category, sum(scores[k.entry], Fraction(0)) / 3, sorted(scores[k.entry])[1], 3
            )
            for k in known
        ],
        20,
        ties=CHAIN,
        seed="seed",
        quotas=rule.quotas,
    )
    assert [one.entry for one in told.standings if one.place] == [fate.candidate.entry for fate in wanted.selected]
    assert sum(one.place is not None and one.category == 0 for one in told.standings) >= 9
    assert sum(one.chance for one in told.standings if one.chance is not None) == pytest.approx(20)


def test_without_each_judge_is_the_selection_of_the_others_marks() -> None:
    given, known = _jury(entries=60), _known(range(60))
    for order in Order:
        rule = _rule(20, order=order)
        told = report(given, known, rule, draws=100)
        now = {one.entry for one in told.standings if one.place}
        for judge in (SEVERE, CARELESS, PARTIAL):
            rest = report([mark for mark in given if mark.judge != judge], known, rule, draws=100)
            then = {one.entry for one in rest.standings if one.place}
            said = told.without[judge]
            assert said.judge == judge
            assert set(said.enters) == then - now
            assert set(said.leaves) == now - then
            assert len(said.enters) == len(said.leaves) > 0


def test_missing_reviews_follow_the_rule_in_the_counterfactual_too() -> None:
    """Without a judge, that judge's reviews were not asked for; others' missing ones still count as stated."""
    given = [Given(e, j, Fraction(50 + 10 * e + j)) for e in range(4) for j in range(3) if (e, j) != (3, 2)]
    told = report(given, _known(range(4)), _rule(2, missing=Missing.EXCLUDE), draws=100)
    assert [one.entry for one in told.standings if one.place] == [2, 1]
    assert told.without[0].enters == ()  # entry 3 still lacks the third judge's mark
    lowest = report(given, _known(range(5)), _rule(2, missing=Missing.LOWEST), draws=100)
    last = lowest.standings[-1]
    assert (last.entry, last.mean, last.quality, last.chance) == (4, 0.0, None, None)


def test_what_is_in_doubt_stands_at_the_cut(found: Report) -> None:
    inside = [one for one in found.standings if one.place]
    doubt = [one for one in inside if one.in_doubt]
    assert found.doubtful_places == len(doubt) > 0
    assert found.expected_other == pytest.approx(sum(1 - one.chance for one in inside if one.chance is not None))
    sure = [one.quality for one in inside if not one.in_doubt and one.quality is not None]
    assert np.median([one.quality for one in doubt if one.quality is not None]) < np.median(sure)
    closest = doubtful(found.standings, 10)
    chance = {one.entry: one.chance for one in found.standings}
    assert len(closest) == 10
    assert all(abs((chance[entry] or 0) - 0.5) < 0.2 for entry in closest)
    assert doubtful(found.standings, 0) == ()


def test_the_same_marks_in_any_order_give_the_same_report() -> None:
    given, known = _jury(entries=60), _known(range(60))
    assert report(given, known, _rule(20), draws=100) == report(given[::-1], known[::-1], _rule(20), draws=100)


def test_equal_estimates_are_a_tie_that_the_lottery_decides() -> None:
    given = [Given(e, j, Fraction(p)) for e, p in ((1, 80), (2, 60), (3, 60), (4, 30)) for j in (1, 2)]
    told = report(given, _known([1, 2, 3, 4]), _rule(2, order=Order.MODEL), draws=100)
    assert {one.decided_by for one in told.standings if one.entry in {2, 3}} == {Step.LOTTERY}


def test_a_yes_no_round_with_one_judge_tells_what_it_cannot_tell() -> None:
    given = [Given(entry, 1, Fraction(100 * (entry < 3))) for entry in range(6)]
    told = report(given, _known(range(6)), _rule(3), metric=Metric.NOMINAL)
    assert set(told.troubles) == {Trouble.ONE_JUDGE, Trouble.NO_REPEATS}
    assert told.alpha is told.expected_other is told.doubtful_places is told.reliability is None
    assert told.judges[0].severity is told.judges[0].noise is told.judges[0].drift is None
    assert not any(one.in_doubt for one in told.standings)
    assert told.without == (dataclasses.replace(told.without[0], judge=1, enters=(), leaves=(), possible=False),)


def test_what_makes_no_report_is_refused() -> None:
    with pytest.raises(ValueError, match="no marks"):
        report([], _known([1]), _rule(1))
    with pytest.raises(ValueError, match="not known"):
        report([Given(2, 1, Fraction(5))], _known([1]), _rule(1))
    with pytest.raises(CannotSelect):
        report([Given(1, 1, Fraction(5)), Given(1, 2, Fraction(6))], _known([1]), _rule(2))
