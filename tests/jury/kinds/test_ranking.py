"""Rankings: places on a line, the best k, groups; Schulze's order and Borda's shares."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.base.errors import Conflict, Invalid
from concours.jury import closing, kinds, limits, opening, shortlist
from concours.jury.analysis.rankings import Ballot
from concours.jury.kinds import ranking
from concours.jury.models import Round
from tests.conftest import both_databases
from tests.jury.build import Jury


def rank(jury: Jury, found: Round, judge: Any, order: list[int | None]) -> None:
    """The judge puts their works in this order of entries; the place of each is its mark."""
    for work in jury.work(found, judge):
        at = float(order.index(work.entry_id)) if work.entry_id in order else None
        assert jury.mark(work, {"at": at}).saved


@both_databases
def test_the_example_of_borda_is_ordered_as_schulze_says(jury: Jury) -> None:
    """docs/counting.md: 1 A>B>C, 7 A>C>B, 7 B>C>A, 6 C>B>A: C, B, A, though A has the most first places."""
    a, b, c = (entry.id for entry in jury.entries(3))
    orders = [[a, b, c], *[[a, c, b]] * 7, *[[b, c, a]] * 7, *[[c, b, a]] * 6]
    judges = [jury.judge() for _ in orders]
    found = jury.opened(kind="ranking", reviews=21, select_count=2)
    for judge, order in zip(judges, orders, strict=True):
        rank(jury, found, judge, list(order))
    jury.close(found)
    outcome = shortlist.outcome(jury.event, found)
    assert {entry: score.mean for entry, score in outcome.scores.items()} == {
        a: Fraction(0),
        b: Fraction(50),
        c: Fraction(100),
    }
    borda = {entry: sum(marks, Fraction(0)) / 50 for entry, marks in kinds.worth(found).marks.items()}
    assert borda == {a: Fraction(16), b: Fraction(21), c: Fraction(26)}
    selected = jury.select(found, 2).selection
    assert selected is not None
    assert [fate.candidate.entry for fate in selected.selected] == [c, b]


@both_databases
def test_moving_a_work_is_a_mark_and_taking_it_back_leaves_it_unranked(jury: Jury) -> None:
    one, other = jury.entries(2)
    judge = jury.judge()
    found = jury.opened(kind="ranking", reviews=1)
    rank(jury, found, judge, [one.id, other.id])
    assert kinds.worth(found).whole == {one.id: Fraction(100), other.id: Fraction(0)}
    work = jury.work(found, judge, other)[0]
    assert jury.mark(work, {"at": -0.5}).saved
    assert kinds.worth(found).whole == {one.id: Fraction(0), other.id: Fraction(100)}
    assert jury.mark(work, None).saved
    assert closing.missing_reviews(found) == 1
    assert kinds.worth(found).whole == {one.id: Fraction(50)}


@pytest.mark.parametrize(
    ("value", "top", "saved"),
    [
        ({"at": 1}, None, True),
        ({"at": -2.5}, None, True),
        ({"at": None}, None, False),
        ({"at": None}, 1, True),
        ({"at": True}, None, False),
        ({"at": "1"}, None, False),
        ({"at": 2e9}, None, False),
        ({"at": float("nan")}, None, False),
        ({"at": 1, "x": 1}, None, False),
        ({}, 1, False),
        ({"yes": True}, None, False),
    ],
)
def test_a_mark_is_a_place(jury: Jury, value: dict[str, Any], top: int | None, saved: bool) -> None:
    jury.entries(2)
    jury.judge()
    found = jury.opened(kind="ranking", reviews=1, top=top)
    assert jury.mark(jury.work(found)[0], value).saved is saved


def test_what_stands_behind_the_best_k_is_equal(jury: Jury) -> None:
    works = [entry.id for entry in jury.entries(4)]
    judge = jury.judge()
    found = jury.opened(kind="ranking", reviews=1, top=2)
    rank(jury, found, judge, [works[2], works[0], works[1]])  # one more than counts; the fourth is not among the best
    assert ranking.ballots(found) == [Ballot(((works[2],), (works[0],)), frozenset(works))]
    assert kinds.worth(found).whole == {
        works[2]: Fraction(100),
        works[0]: Fraction(200, 3),
        works[1]: Fraction(50, 3),
        works[3]: Fraction(50, 3),
    }
    assert closing.missing_reviews(found) == 0


def test_groups_are_ballots_of_their_own(jury: Jury) -> None:
    jury.entries(5)
    judge = jury.judge()
    found = jury.opened(kind="ranking", reviews=1, group=2)
    works = jury.work(found, judge)
    for work in works:
        assert jury.mark(work, {"at": -work.position}).saved
    order = [work.entry_id for work in works]
    assert [one.tiers for one in ranking.ballots(found)] == [
        ((order[1],), (order[0],)),
        ((order[3],), (order[2],)),
        ((order[4],),),
    ]
    assert kinds.worth(found).marks[order[4]] == [Fraction(50)]


def test_a_missing_ranking_that_counts_as_lowest_takes_its_part_away(jury: Jury) -> None:
    one, other = jury.entries(2)
    judges = [jury.judge(), jury.judge()]
    found = jury.opened(kind="ranking", reviews=2)
    rank(jury, found, judges[0], [one.id, other.id])
    work = jury.work(found, judges[1], one)[0]
    assert jury.mark(work, {"at": 1}).saved
    jury.close(found, "lowest")
    scores = shortlist.outcome(jury.event, found).scores
    assert [(scores[entry.id].mean, scores[entry.id].missing) for entry in (one, other)] == [
        (Fraction(100), 0),
        (Fraction(0), 1),
    ]


@given(st.lists(st.floats(-1e9, 1e9), unique=True, max_size=12), st.integers(1, 14), st.data())
def test_a_work_is_put_where_it_was_asked(places: list[float], place: int, data: st.DataObject) -> None:
    line = [(f"w{n}", at) for n, at in enumerate(sorted(places))]
    token = data.draw(st.sampled_from([name for name, _ in line] or ["new"]) | st.just("new"))
    marks = dict(ranking.put(line, token, place))
    after = dict(line) | marks
    order = sorted(after, key=lambda name: after[name])
    others = [name for name, _ in line if name != token]
    to = min(place - 1, len(others))
    assert order == [*others[:to], token, *others[to:]]
    assert len(set(after.values())) == len(after)
    assert all(abs(at) <= ranking.FARTHEST for at in marks.values())


def test_putting_one_work_again_and_again_into_the_same_gap_never_runs_out_of_room() -> None:
    line = [("a", 1.0), ("b", 2.0)]
    for n in range(200):
        line = sorted((dict(line) | dict(ranking.put(line, f"n{n}", 2))).items(), key=lambda item: item[1])
        assert [name for name, _ in line][:2] == ["a", f"n{n}"]
    assert len({at for _, at in line}) == 202


@pytest.mark.parametrize("rule", [{"top": 0}, {"top": 5, "group": 5}, {"group": 1}, {"group": 101}, {"top": -1}])
def test_a_rule_that_cannot_be_is_refused(jury: Jury, rule: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        jury.round(kind="ranking", **rule)
    assert {problem.field for problem in refusal.value.problems} <= set(rule)


def test_more_works_than_can_be_ordered_together_are_refused(jury: Jury) -> None:
    jury.entries(limits.RANKED_TOGETHER + 1)
    jury.judge()
    made = jury.round(kind="ranking", reviews=1)
    with pytest.raises(Conflict, match=str(limits.RANKED_TOGETHER)):
        opening.open_round(jury.event, made.id, actor=jury.organiser, now=jury.now)
