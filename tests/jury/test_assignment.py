"""Who reviews what."""

import random
import time
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from concours.jury.assignment import Pair, Plan, plan

MODEL_SECONDS = 2.0


@st.composite
def panels(draw: st.DrawFn) -> tuple[list[int], list[int], int, set[Pair], set[Pair], set[Pair]]:
    """Entries, judges, reviews, barred, kept and preferred pairs of a small round."""
    entries = list(range(100, 100 + draw(st.integers(1, 10))))
    judges = list(range(1, 1 + draw(st.integers(1, 7))))
    reviews = draw(st.integers(1, 4))
    pairs = st.tuples(st.sampled_from(entries), st.sampled_from(judges))
    barred = draw(st.sets(pairs, max_size=15))
    kept = draw(st.sets(pairs, max_size=6))
    preferred = draw(st.sets(pairs, max_size=12))
    return entries, judges, reviews, barred, kept, preferred


def squares(found: Plan) -> int:
    return sum(load * load for load in found.loads.values())


@settings(max_examples=150, deadline=None)
@given(panels(), st.text(max_size=5))
def test_every_entry_gets_its_reviews_as_far_as_conflicts_allow(
    case: tuple[list[int], list[int], int, set[Pair], set[Pair], set[Pair]], seed: str
) -> None:
    entries, judges, reviews, barred, kept, preferred = case
    found = plan(entries, judges, reviews, barred=barred, kept=kept, preferred=preferred, seed=seed)

    assert kept <= found.pairs
    assert not (found.pairs - kept) & barred
    for entry in entries:
        own = {judge for e, judge in found.pairs if e == entry}
        held = {judge for e, judge in kept if e == entry}
        free = {judge for judge in judges if (entry, judge) not in barred} | held
        assert len(own) == max(min(reviews, len(free)), len(held))
        assert found.short.get(entry, 0) == max(0, reviews - len(free))


@settings(max_examples=60, deadline=None)
@given(panels())
def test_loads_are_as_even_as_an_integer_programme_can_make_them(
    case: tuple[list[int], list[int], int, set[Pair], set[Pair], set[Pair]],
) -> None:
    entries, judges, reviews, barred, kept, preferred = case
    found = plan(entries, judges, reviews, barred=barred, kept=kept, preferred=preferred, seed="s")

    assert squares(found) == least_squares(entries, judges, reviews, barred, kept)


def least_squares(entries: list[int], judges: list[int], reviews: int, barred: set[Pair], kept: set[Pair]) -> int:
    """The smallest sum of squared loads, by HiGHS: x[e, j] in {0, 1}, and unit slots of cost 1, 3, 5, … per judge."""
    x = {pair: n for n, pair in enumerate((e, j) for e in entries for j in judges)}
    slots = {(j, s): len(x) + n for n, (j, s) in enumerate((j, s) for j in judges for s in range(len(entries)))}
    cost = np.zeros(len(x) + len(slots))
    for (_, s), n in slots.items():
        cost[n] = 2 * s + 1
    low, high = np.zeros(len(cost)), np.ones(len(cost))
    for pair, n in x.items():
        if pair in kept:
            low[n] = 1
        elif pair in barred:
            high[n] = 0
    rows, least, most = [], [], []
    for e in entries:
        row = np.zeros(len(cost))
        row[[x[e, j] for j in judges]] = 1
        free = sum(1 for j in judges if high[x[e, j]])
        held = sum(1 for j in judges if low[x[e, j]])
        rows.append(row)
        least.append(max(min(reviews, free), held))
        most.append(max(min(reviews, free), held))
    for j in judges:
        row = np.zeros(len(cost))
        row[[x[e, j] for e in entries]] = 1
        row[[slots[j, s] for s in range(len(entries))]] = -1
        rows.append(row)
        least.append(0)
        most.append(0)
    answer = milp(
        cost,
        constraints=LinearConstraint(np.array(rows), least, most),
        bounds=(low, high),
        integrality=np.ones(len(cost)),
    )
    return round(answer.fun)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 12), st.integers(2, 8), st.integers(2, 4), st.integers(0, 10**6))
def test_without_conflicts_loads_are_within_one_and_the_panel_is_linked(n: int, m: int, k: int, seed: int) -> None:
    k = min(k, m)
    found = plan(range(n), range(m), k, seed=str(seed))

    assert found.spread <= 1
    assert not found.short
    if n * (k - 1) >= m - 1:
        assert found.groups == 1
    else:
        assert found.groups > 1 or found.spread == 1


@settings(max_examples=50, deadline=None)
@given(panels(), st.randoms(use_true_random=False))
def test_the_order_of_the_arguments_changes_nothing(
    case: tuple[list[int], list[int], int, set[Pair], set[Pair], set[Pair]], chance: random.Random
) -> None:
    entries, judges, reviews, barred, kept, preferred = case
    first = plan(entries, judges, reviews, barred=barred, kept=kept, preferred=preferred, seed="s")
    shuffled = [list(part) for part in (entries, judges, barred, kept, preferred)]
    for part in shuffled:
        chance.shuffle(part)
    again = plan(
        shuffled[0], shuffled[1], reviews, barred=shuffled[2], kept=shuffled[3], preferred=shuffled[4], seed="s"
    )
    assert again == first


def test_another_seed_gives_another_plan_of_the_same_quality() -> None:
    one, other = (plan(range(60), range(8), 3, seed=seed) for seed in ("a", "b"))
    assert one.pairs != other.pairs
    assert one.loads.keys() == other.loads.keys()
    assert one.spread == other.spread == 1


def test_kept_reviews_of_a_judge_who_left_count_and_stay() -> None:
    found = plan([1, 2], [10, 11], 2, kept={(1, 99)}, seed="s")
    assert (1, 99) in found.pairs
    assert sum(1 for entry, _ in found.pairs if entry == 1) == 2
    assert set(found.loads) == {10, 11}


def test_work_given_out_before_stays_where_it_is_when_loads_allow() -> None:
    before = plan(range(40), range(5), 2, seed="s")
    after = plan(range(40), range(5), 2, preferred=before.pairs, seed="another")
    assert after.pairs == before.pairs

    with_a_sixth = plan(range(40), range(6), 2, preferred=before.pairs, seed="s")
    assert with_a_sixth.spread <= 1
    assert len(with_a_sixth.pairs - before.pairs) == with_a_sixth.loads[5]


def test_what_is_impossible_is_measured() -> None:
    barred = {(1, 10), (1, 11), (2, 10)}
    found = plan([1, 2, 3], [10, 11], 2, barred=barred, seed="s")
    assert found.short == {1: 2, 2: 1}
    assert found.missing == 3
    assert found.reach == {10: 1, 11: 2}


def test_the_model_case_is_planned_within_two_seconds_and_every_two_judges_meet() -> None:
    chance = random.Random(2021)
    department = {entry: chance.randrange(55) for entry in range(1700)}
    own = {1000 + judge: chance.randrange(55) for judge in range(60)}
    barred = [(e, j) for e in department for j in own if department[e] == own[j]]

    began = time.process_time()
    found = plan(list(department), list(own), 3, barred=barred, seed="model")
    assert time.process_time() - began < MODEL_SECONDS

    assert found.spread == 0
    assert found.groups == 1
    assert found.least_shared >= 1
    seen: dict[int, set[int]] = {}
    for entry, judge in found.pairs:
        seen.setdefault(judge, set()).add(entry)
    assert found.least_shared == min(len(seen[a] & seen[b]) for a, b in combinations(seen, 2))


@settings(max_examples=100, deadline=None)
@given(
    panels(), st.dictionaries(st.integers(1, 7), st.integers(0, 5)), st.dictionaries(st.integers(100, 109), st.just(1))
)
def test_no_capacity_is_exceeded_and_nothing_stays_undone_that_a_flow_could_do(
    case: tuple[list[int], list[int], int, set[Pair], set[Pair], set[Pair]],
    capacity: dict[int, int],
    extra: dict[int, int],
) -> None:
    entries, judges, reviews, barred, _, preferred = case
    found = plan(entries, judges, reviews, barred=barred, preferred=preferred, capacity=capacity, extra=extra, seed="s")
    for judge, load in found.loads.items():
        assert load <= capacity.get(judge, load)
        assert (judge in found.full) == (load >= capacity.get(judge, load + 1))
    assert not found.pairs & barred
    asked = {entry: reviews + extra.get(entry, 0) for entry in entries}
    for entry in entries:
        assert sum(1 for e, _ in found.pairs if e == entry) == asked[entry] - found.short.get(entry, 0)
    assert len(found.pairs) == most_reviews(entries, judges, asked, barred, capacity)


def most_reviews(
    entries: list[int], judges: list[int], asked: dict[int, int], barred: set[Pair], capacity: dict[int, int]
) -> int:
    """The most reviews that can be given at all: a maximum flow from entries to judges."""
    nodes = {
        name: n for n, name in enumerate(["source", "sink", *(("e", e) for e in entries), *(("j", j) for j in judges)])
    }
    web = np.zeros((len(nodes), len(nodes)), dtype=np.int32)
    for entry in entries:
        web[nodes["source"], nodes["e", entry]] = asked[entry]
        for judge in judges:
            web[nodes["e", entry], nodes["j", judge]] = (entry, judge) not in barred
    for judge in judges:
        web[nodes["j", judge], nodes["sink"]] = capacity.get(judge, len(entries))
    return int(maximum_flow(csr_array(web), nodes["source"], nodes["sink"]).flow_value)


def test_anchors_go_to_every_judge_who_may_and_the_rest_stays_even() -> None:
    found = plan(range(30), range(5), 2, barred={(0, 4)}, anchors=[0, 1, 2], seed="s")
    assert {judge for entry, judge in found.pairs if entry == 0} == {0, 1, 2, 3}
    assert all({judge for e, judge in found.pairs if e == entry} == set(range(5)) for entry in (1, 2))
    assert found.spread <= 1
    assert found.least_shared >= 2
    assert not found.short


def test_every_two_judges_of_a_panel_share_what_is_stated_where_that_can_be() -> None:
    found = plan(range(60), range(6), 2, overlap=4, seed="s")
    assert (found.unmet, found.spread) == ({}, 0), "60 pairs over 15 pairs of judges: exactly 4 each"
    assert found.least_shared == 4


def test_an_overlap_that_cannot_be_is_measured_pair_by_pair() -> None:
    found = plan(range(10), range(5), 2, overlap=2, seed="s")
    assert sum(found.unmet.values()) >= 10 * 2 - 10, "ten pairs of judges would need 20 shared entries; there are 10"
    seen = {judge: {e for e, j in found.pairs if j == judge} for judge in range(5)}
    for (a, b), lacking in found.unmet.items():
        assert len(seen[a] & seen[b]) == 2 - lacking


def test_panels_of_their_own_are_each_even_and_linked_and_nobody_judges_outside() -> None:
    judged = {1: {0}, 2: {0}, 3: {0, 1}, 4: {1}, 5: {1}}
    barred = [(e, j) for e in range(40) for j, panel in judged.items() if e % 2 not in panel]
    found = plan(range(40), list(judged), 2, barred=barred, overlap=2, seed="s")
    assert not found.pairs & set(barred)
    assert found.spread <= 1
    assert not found.unmet
    assert found.groups == found.least_groups == 1, "the judge in both panels links them"
    apart = plan(range(40), [1, 2, 4, 5], 2, barred=barred, overlap=2, seed="s")
    assert (apart.groups, apart.least_groups, apart.unmet) == (2, 2, {})


@pytest.mark.parametrize("overlap", [1, 2, 3])
def test_an_overlap_in_the_model_case_is_sought_within_two_seconds(overlap: int) -> None:
    began = time.process_time()
    found = plan(range(1700), range(60), 3, anchors=range(3), overlap=overlap, seed="model")
    assert time.process_time() - began < MODEL_SECONDS
    assert not found.unmet, "three anchors are shared by all"
