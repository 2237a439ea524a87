"""Exactly N, by rule, explained."""

import hashlib
import random
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.jury.selection import (
    CHAINS,
    Candidate,
    CannotSelect,
    Quota,
    Selection,
    Step,
    lottery_seed,
    select,
    ticket,
)

CHAIN = st.sampled_from(CHAINS)


def candidate(n: int, score: int, median: int = 0, reviews: int = 3, category: int = 1) -> Candidate:
    return Candidate(n, str(n), category, Fraction(score), Fraction(median), reviews)


@st.composite
def fields(draw: st.DrawFn) -> list[Candidate]:
    """Entries with few different scores, so that ties are common."""
    size = draw(st.integers(1, 14))
    small = st.integers(0, 2)
    return [
        candidate(n, draw(small), draw(small), draw(st.integers(1, 2)), draw(st.integers(1, 3))) for n in range(size)
    ]


def ids(found: Selection) -> list[int]:
    return [chosen.candidate.entry for chosen in found.selected]


@given(fields(), CHAIN, st.data())
def test_exactly_n_are_selected_and_nobody_better_is_left_out(
    field: list[Candidate], chain: tuple[Step, ...], data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(field)))
    found = select(field, count, ties=chain, seed="s")

    assert len(found.selected) == count
    assert [chosen.place for chosen in found.selected] == list(range(1, count + 1))
    assert len(found.selected) + len(found.others) == len(field)
    worst = min(chosen.candidate.score for chosen in found.selected)
    assert all(other.candidate.score <= worst for other in found.others)


@given(fields(), CHAIN, st.data(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(
    field: list[Candidate], chain: tuple[Step, ...], data: st.DataObject, chance: random.Random
) -> None:
    count = data.draw(st.integers(1, len(field)))
    shuffled = list(field)
    chance.shuffle(shuffled)
    assert select(shuffled, count, ties=chain, seed="s") == select(field, count, ties=chain, seed="s")


@given(fields(), CHAIN, st.data())
def test_ties_at_the_cut_are_exactly_the_scores_that_are_both_in_and_out(
    field: list[Candidate], chain: tuple[Step, ...], data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(field)))
    found = select(field, count, ties=chain, seed="s")

    both = {c.candidate.score for c in found.selected} & {c.candidate.score for c in found.others}
    assert {tie.score for tie in found.ties} == both
    for tie in found.ties:
        assert {member.candidate.entry for member in tie.members} == {c.entry for c in field if c.score == tie.score}
    assert bool(found.untied) == bool(both)
    for better in found.untied:
        assert not select(field, better, ties=chain, seed="s").ties


@given(fields(), CHAIN, st.data())
def test_what_is_said_to_have_decided_did_decide(
    field: list[Candidate], chain: tuple[Step, ...], data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(field)))
    found = select(field, count, ties=chain, seed="s")
    if not found.others:
        assert {chosen.decided_by for chosen in found.selected} == {Step.SCORE}
        return
    rival = found.others[0].candidate
    for chosen in found.selected:
        mine = chosen.candidate
        if chosen.decided_by is Step.SCORE:
            assert mine.score > rival.score
            continue
        assert mine.score == rival.score
        values = {Step.MEDIAN: (mine.median, rival.median), Step.REVIEWS: (mine.reviews, rival.reviews)}
        for step in chain:
            if step is chosen.decided_by:
                break
            assert values[step][0] == values[step][1]
        if chosen.decided_by is Step.LOTTERY:
            assert ticket("s", mine.label) < ticket("s", rival.label)
        else:
            assert values[chosen.decided_by][0] > values[chosen.decided_by][1]


def test_the_lottery_can_be_recomputed_by_anyone() -> None:
    field = [candidate(n, 50) for n in range(1, 41)]
    found = select(field, 10, ties=(Step.LOTTERY,), seed="2021")
    by_hand = sorted(range(1, 41), key=lambda n: hashlib.sha256(f"2021|{n}".encode()).hexdigest())[:10]
    assert ids(found) == by_hand
    assert {chosen.decided_by for chosen in found.selected} == {Step.LOTTERY}
    assert select(field, 10, ties=(Step.LOTTERY,), seed="2022") != found


def test_the_published_seed_tells_nothing_of_the_one_that_assigns() -> None:
    assert lottery_seed("abc") == hashlib.sha256(b"abc|lottery").hexdigest()


def test_each_step_decides_only_what_the_step_before_left_open() -> None:
    field = [
        candidate(1, 90),
        candidate(2, 80, median=90, reviews=3),
        candidate(3, 80, median=80, reviews=3),
        candidate(4, 80, median=80, reviews=2),
        candidate(5, 80, median=70, reviews=3),
    ]
    chain = (Step.MEDIAN, Step.REVIEWS, Step.LOTTERY)
    found = select(field, 3, ties=chain, seed="s")
    assert ids(found) == [1, 2, 3]
    assert [chosen.decided_by for chosen in found.selected] == [Step.SCORE, Step.MEDIAN, Step.REVIEWS]
    assert [other.decided_by for other in found.others] == [Step.REVIEWS, Step.MEDIAN]
    assert found.untied == (1, 5)
    assert ids(select(field, 3, ties=(Step.REVIEWS, Step.LOTTERY), seed="s"))[0] == 1


def kept_quotas(taken: tuple[Candidate, ...], quotas: dict[int, Quota]) -> bool:
    counts = {category: sum(1 for c in taken if c.category == category) for category in (1, 2, 3)}
    return all(
        quota.least <= counts[category] and (quota.most is None or counts[category] <= quota.most)
        for category, quota in quotas.items()
    )


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), min_size=1, max_size=9),
    st.dictionaries(
        st.integers(1, 3),
        st.tuples(st.integers(0, 3), st.none() | st.integers(0, 5)).map(lambda q: Quota(q[0], q[1])),
    ),
    st.data(),
)
def test_with_quotas_the_best_possible_set_is_selected_or_none_exists(
    shape: list[tuple[int, int]], quotas: dict[int, Quota], data: st.DataObject
) -> None:
    field = [candidate(n, score, category=category) for n, (score, category) in enumerate(shape)]
    quotas = {c: q for c, q in quotas.items() if q.most is None or q.least <= q.most}
    count = data.draw(st.integers(1, len(field)))
    possible = [taken for taken in combinations(field, count) if kept_quotas(taken, quotas)]
    if not possible:
        with pytest.raises(CannotSelect):
            select(field, count, ties=(Step.LOTTERY,), seed="s", quotas=quotas)
        return
    found = select(field, count, ties=(Step.LOTTERY,), seed="s", quotas=quotas)
    taken = tuple(chosen.candidate for chosen in found.selected)
    assert len(taken) == count
    assert kept_quotas(taken, quotas)
    assert sum(c.score for c in taken) == max(sum(c.score for c in option) for option in possible)
    plain = set(ids(select(field, count, ties=(Step.LOTTERY,), seed="s")))
    for chosen in found.selected:
        assert (chosen.decided_by is Step.QUOTA) == (chosen.candidate.entry not in plain)


def test_an_impossible_number_says_what_is_short() -> None:
    field = [candidate(1, 5), candidate(2, 4, category=2)]
    with pytest.raises(CannotSelect) as short:
        select(field, 3, ties=(Step.LOTTERY,), seed="s")
    assert (short.value.what, short.value.needed, short.value.found) == ("entries", 3, 2)
    with pytest.raises(CannotSelect) as least:
        select(field, 1, ties=(Step.LOTTERY,), seed="s", quotas={2: Quota(least=2)})
    assert (least.value.what, least.value.category) == ("least", 2)
    with pytest.raises(CannotSelect) as most:
        select(field, 2, ties=(Step.LOTTERY,), seed="s", quotas={1: Quota(most=0)})
    assert (most.value.what, most.value.found) == ("most", 1)
