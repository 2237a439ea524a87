"""Pairs: how they are drawn, what is said of them, and what it comes to."""

import math
from collections import Counter
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from concours.base.db import session
from concours.base.errors import Forbidden, Invalid, NotFound
from concours.jury import closing, comparing, kinds, marks, shortlist
from concours.jury.comparing import Compared
from concours.jury.kinds.drawing import draw
from concours.jury.models import Assignment, Comparison, Round
from tests.conftest import both_databases
from tests.factories import Make
from tests.jury.build import Jury


def linked(works: list[int], pairs: list[tuple[int, int]]) -> bool:
    reached = {works[0]}
    for _ in works:
        reached |= {other for pair in pairs for other in pair if set(pair) & reached}
    return reached == set(works)


@given(st.integers(2, 40), st.integers(2, 9), st.text(max_size=4), st.data())
def test_pairs_link_all_works_and_each_stands_about_as_often(
    n: int, times: int, seed: str, data: st.DataObject
) -> None:
    works = [3 * number + 1 for number in range(n)]
    pairs = draw(works, times, seed)
    assert all(one < other for one, other in pairs)
    assert len(set(pairs)) == len(pairs)
    assert linked(works, pairs)
    degrees = Counter(work for pair in pairs for work in pair)
    full = min(times, n - 1)
    if full % 2 == 0 and full == times:
        assert set(degrees.values()) == {times}
    assert max(degrees.values()) <= full
    assert sum(degrees.values()) >= n * (full - 1)
    done = data.draw(st.lists(st.sampled_from(pairs), unique=True))
    assert draw(list(reversed(works)), times, seed, done) == pairs  # what was compared changes nothing of the draw
    gone = set(data.draw(st.lists(st.sampled_from(works), max_size=n - 2, unique=True)))
    left = [work for work in works if work not in gone]
    again = draw(left, times, seed, done)
    assert linked(left, again)
    assert {pair for pair in done if not set(pair) & gone} <= set(again)
    assert not {work for pair in again for work in pair} & gone


@pytest.mark.parametrize(("works", "pairs"), [([], []), ([7], []), ([7, 9], [(7, 9)])])
def test_one_work_has_no_pair(works: list[int], pairs: list[tuple[int, int]]) -> None:
    assert draw(works, 6, "s") == pairs


@pytest.fixture
def found(jury: Jury) -> Round:
    """An open pairwise round of four works and two judges."""
    jury.entries(4)
    jury.judge(), jury.judge()
    return jury.opened(kind="pairwise", reviews=2, select_count=2, comparisons=2)


def say(
    jury: Jury, found: Round, judge: Any, first: Assignment, second: Assignment, better: str | None, name: str = ""
) -> Any:
    given_name = name or f"n{session().scalar(sa.select(sa.func.count()).select_from(Comparison))}"
    one = Compared(first.token, second.token, given_name, better)
    answer = comparing.compare(jury.event, found.id, [one], actor=judge, now=jury.now)[0]
    session().commit()
    return answer


def say_all(jury: Jury, found: Round, worth: dict[int, int]) -> None:
    """Every judge decides all their pairs by the worth of the entries."""
    for judge in jury.judges:
        by_token = {work.token: work for work in jury.work(found, judge)}
        for pair in comparing.asked_of(found, judge):
            left, right = by_token[pair.left], by_token[pair.right]
            gap = worth[left.entry_id] - worth[right.entry_id]
            better = "first" if gap > 0 else "second" if gap < 0 else "equal"
            assert say(jury, found, judge, left, right, better).saved


@both_databases
def test_the_better_works_are_selected_and_nothing_is_missing(jury: Jury) -> None:
    jury.entries(4)
    jury.judge(), jury.judge()
    found = jury.opened(kind="pairwise", reviews=2, select_count=2, comparisons=3)
    entries = sorted({work.entry_id for work in jury.work(found)})
    assert closing.missing_reviews(found) == 8
    say_all(jury, found, {entry: n for n, entry in enumerate(entries)})
    assert closing.missing_reviews(found) == 0
    jury.close(found)
    selection = jury.select(found, 2).selection
    assert selection is not None
    assert [fate.candidate.entry for fate in selection.selected] == [entries[3], entries[2]]
    scores = shortlist.outcome(jury.event, found).scores
    assert list(scores[entries[3]].marks) == [Fraction(100)] * 2
    assert scores[entries[0]].mean < scores[entries[1]].mean < scores[entries[2]].mean < scores[entries[3]].mean


def test_three_wins_to_one_are_what_bradley_and_terry_say(jury: Jury) -> None:
    """Two entries, three judges for one and one for the other: with half a win and half a loss more for each against a
    rival of strength 0, the strengths are s and −s where the likelihood has no slope, found here by bisection."""
    one, other = jury.entries(2)
    for _ in range(4):
        jury.judge()
    found = jury.opened(kind="pairwise", reviews=4, comparisons=2)
    for n, judge in enumerate(jury.judges):
        work = {row.entry_id: row for row in jury.work(found, judge)}
        say(jury, found, judge, work[one.id], work[other.id], "first" if n else "second")

    def slope(s: float) -> float:
        """At strengths s and −s: wins, 3.5, less those expected of 4 comparisons and of the rival."""
        return 3 + 0.5 - 4 / (1 + math.exp(-2 * s)) - 1 / (1 + math.exp(-s))

    low, high = 0.0, 5.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    worth = kinds.worth(found)
    assert worth.whole is not None
    assert float(worth.whole[one.id]) == pytest.approx(100 / (1 + math.exp(-2 * low)), abs=1e-6)
    assert worth.whole[one.id] + worth.whole[other.id] == 100
    assert worth.marks[one.id] == [0, 100, 100, 100]


def test_equal_is_half_a_win_for_both(jury: Jury) -> None:
    one, other = jury.entries(2)
    judge = jury.judge()
    found = jury.opened(kind="pairwise", reviews=1, comparisons=2)
    first, second = jury.work(found, judge)
    say(jury, found, judge, first, second, "equal")
    worth = kinds.worth(found)
    assert worth.whole == {one.id: Fraction(50), other.id: Fraction(50)}
    assert worth.marks == {one.id: [Fraction(50)], other.id: [Fraction(50)]}


@both_databases
def test_the_last_word_stands_all_are_kept_and_a_repeated_one_is_one(jury: Jury, found: Round) -> None:
    judge = jury.judges[0]
    one, other = jury.work(found, judge)[:2]
    assert say(jury, found, judge, one, other, "first", "a").saved
    assert say(jury, found, judge, other, one, "first", "b").saved
    assert say(jury, found, judge, other, one, "first", "b").saved
    assert say(jury, found, judge, one, other, "second", "b").saved  # the same word, the works the other way round
    assert say(jury, found, judge, one, other, "first", "b").refusal.code == "client_id_reused"
    assert kinds.worth(found).marks[other.entry_id] == [100]
    assert say(jury, found, judge, one, other, None, "c").saved
    assert kinds.worth(found).marks == {}
    assert session().scalar(sa.select(sa.func.count()).select_from(Comparison)) == 3


def test_taking_back_makes_the_review_missing_again(jury: Jury, found: Round) -> None:
    say_all(jury, found, {work.entry_id: work.entry_id for work in jury.work(found)})
    judge = jury.judges[0]
    pair = comparing.asked_of(found, judge)[0]
    by_token = {work.token: work for work in jury.work(found, judge)}
    say(jury, found, judge, by_token[pair.left], by_token[pair.right], None, "back")
    assert closing.missing_reviews(found) == 2


def test_stepping_aside_takes_the_works_pairs_away_and_the_others_are_linked_again(jury: Jury, found: Round) -> None:
    judge = jury.judges[0]
    say_all(jury, found, {work.entry_id: work.entry_id for work in jury.work(found)})
    work = jury.work(found, judge)[0]
    marks.recuse(jury.event, found.id, work.token, "亲属", actor=judge, now=jury.now)
    session().commit()
    asked = comparing.asked_of(found, judge)
    assert work.token not in {token for pair in asked for token in (pair.left, pair.right)}
    assert len(asked) == 3
    assert say(jury, found, judge, work, jury.work(found, judge)[0], "first", "late").refusal.code == "recused"
    assert len(kinds.worth(found).marks[work.entry_id]) == 1


def test_what_is_none_is_refused(jury: Jury, found: Round, make: Make) -> None:
    judge = jury.judges[0]
    one, other = jury.work(found, judge)[:2]
    theirs = jury.work(found, jury.judges[1])[0]
    assert say(jury, found, judge, one, one, "first").refusal.code == "bad_mark"
    assert say(jury, found, judge, one, other, "left").refusal.code == "bad_mark"
    assert isinstance(say(jury, found, judge, one, theirs, "first").refusal, NotFound)
    assert jury.mark(one, {"yes": True}).refusal is not None
    with pytest.raises(Forbidden):
        comparing.compare(jury.event, found.id, [], actor=make.account(), now=jury.now)
    with pytest.raises(Invalid):
        jury.round(kind="pairwise", comparisons=1)
    late = Compared(one.token, other.token, "late", "first")
    answer = comparing.compare(jury.event, found.id, [late], actor=judge, now=jury.now + timedelta(days=4000))[0]
    assert answer.refusal is not None
    jury.close(found, "available")
    assert say(jury, found, judge, one, other, "first").refusal.code == "round_closed"


def test_pairs_are_decided_without_script_and_as_json(jury: Jury, found: Round, client_as: Any) -> None:
    judge = jury.judges[0]
    client = client_as(judge)
    at = f"/events/{jury.event.slug}/jury/{found.id}"
    asked = comparing.asked_of(found, judge)
    assert len(asked) == 4
    sent = {"first": asked[0].left, "second": asked[0].right, "better": "second", "at": "1"}
    assert client.post(f"{at}/pairs", data=sent).status_code == 303
    assert comparing.asked_of(found, judge)[0].better == "second"
    assert "1 / 4" in client.get(f"{at}/pairs").get_data(as_text=True)
    assert client.post(f"{at}/pairs", data=sent | {"better": "back"}).status_code == 303
    assert comparing.asked_of(found, judge)[0].better is None
    assert client.post(f"{at}/pairs", data=sent | {"better": "x"}).status_code == 422
    batch: list[Any] = [
        {"first": pair.left, "second": pair.right, "client_id": f"j{n}", "better": "equal"}
        for n, pair in enumerate(asked)
    ]
    answer = client.post(f"{at}/comparisons", json=[*batch, {"first": 1}, None]).get_json()
    assert [fate["saved"] for fate in answer["results"]] == [True] * 4 + [False] * 2
    assert {pair.better for pair in comparing.asked_of(found, judge)} == {"equal"}
    assert client.post(f"{at}/comparisons", json=[]).status_code == 413
    assert client.get(f"{at}/table").headers["Location"].endswith("/pairs")
    for wrong in ("0", "-3", "99", "x"):
        assert client.get(f"{at}/pairs", query_string={"at": wrong}).status_code == 200


def test_a_page_and_an_answer_cost_the_same_for_few_works_and_many(
    jury: Jury, client_as: Any, count_queries: Any
) -> None:
    category = jury.category()
    for _ in range(2):
        jury.entry(category)
    judge = jury.judge()
    small = jury.opened(kind="pairwise", reviews=1, comparisons=2)
    for _ in range(28):
        jury.entry(category)
    large = jury.opened(kind="pairwise", reviews=1, comparisons=2)
    client = client_as(judge)
    at = f"/events/{jury.event.slug}/jury"

    def look(found: Round) -> int:
        return int(count_queries(lambda: client.get(f"{at}/{found.id}/pairs")))

    look(small)
    assert look(small) == look(large)
    sent = []
    for found in (small, large):
        pair = comparing.asked_of(found, judge)[0]
        item = {"first": pair.left, "second": pair.right, "client_id": "x", "better": "first"}
        session().rollback()
        sent.append(count_queries(lambda: client.post(f"{at}/{found.id}/comparisons", json=[item])))  # noqa: B023
    assert sent[1] <= sent[0]
