"""Schulze and Borda, held against published examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.jury.analysis.rankings import Ballot, borda, schulze

SCHULZE_45 = {"ACBED": 5, "ADECB": 5, "BEDAC": 8, "CABED": 3, "CAEBD": 7, "CBADE": 2, "DCEBA": 7, "EBADC": 8}
"""45 voters, five candidates: Markus Schulze's example of his method, with its tables of wins and of paths."""

BORDA = {"ABC": 1, "ACB": 7, "BCA": 7, "CBA": 6}
"""21 voters: Borda's example of 1781, where A has the most first places and the fewest points."""


def _ballots(spelt: dict[str, int]) -> list[Ballot]:
    return [Ballot(tuple((ord(c),) for c in order), weight=often) for order, often in spelt.items()]


def _letters(tiers: tuple[tuple[int, ...], ...]) -> list[str]:
    return ["".join(chr(entry) for entry in tier) for tier in tiers]


def test_schulzes_example_of_45_voters() -> None:
    found = schulze(_ballots(SCHULZE_45), [ord(c) for c in "ABCDE"])
    assert found.preferred.astype(int).tolist() == [
        [0, 20, 26, 30, 22],
        [25, 0, 16, 33, 18],
        [19, 29, 0, 17, 24],
        [15, 12, 28, 0, 14],
        [23, 27, 21, 31, 0],
    ]
    assert found.strength.astype(int).tolist() == [
        [0, 28, 28, 30, 24],
        [25, 0, 28, 33, 24],
        [25, 29, 0, 29, 24],
        [25, 28, 28, 0, 24],
        [25, 28, 28, 31, 0],
    ]
    assert _letters(found.tiers) == ["E", "A", "C", "B", "D"]
    assert found.undecided == ()


def test_bordas_own_example() -> None:
    """docs/counting.md, “Rankings”: with 3, 2 and 1 points he counts 37, 42 and 47; ours are 21 less, one a ballot."""
    found = borda(_ballots(BORDA), [ord(c) for c in "ABC"])
    assert (found.points + 21).tolist() == [37, 42, 47]
    assert found.share == pytest.approx([16 / 42, 21 / 42, 26 / 42])
    assert _letters(found.tiers) == ["C", "B", "A"]
    assert _letters(schulze(_ballots(BORDA), [ord(c) for c in "ABC"]).tiers) == ["C", "B", "A"]


def test_what_was_not_ranked_is_last_and_equal_and_what_was_not_seen_is_not_compared() -> None:
    top_two = Ballot(((1,), (2,)))
    assert borda([top_two], [1, 2, 3, 4]).points.tolist() == [3, 2, 0.5, 0.5]
    found = schulze([top_two], [1, 2, 3, 4])
    assert found.tiers == ((1,), (2,), (3, 4))
    assert found.undecided == ((3, 4),)
    in_groups = [Ballot(((1,), (2,)), seen=frozenset({1, 2})), Ballot(((3,), (2,)), seen=frozenset({2, 3}))]
    counted = borda(in_groups, [1, 2, 3, 4])
    assert counted.share[:3].tolist() == [1, 0, 1]
    assert np.isnan(counted.share[3])
    assert counted.tiers == ((1, 3), (2,), (4,))


def test_a_tie_at_the_top_is_told() -> None:
    found = schulze(_ballots({"ABCD": 3, "DABC": 2, "DBCA": 2, "CBDA": 2}), [ord(c) for c in "ABCD"])
    assert _letters(found.tiers)[0] == "BD"
    assert (ord("B"), ord("D")) in found.undecided


@pytest.mark.parametrize(
    "ballot", [Ballot(((1,), (1,))), Ballot(((9,),)), Ballot(((2,),), seen=frozenset({1})), Ballot((), frozenset({9}))]
)
def test_a_ballot_that_is_none_is_refused(ballot: Ballot) -> None:
    with pytest.raises(ValueError, match="ballot"):
        schulze([ballot], [1, 2])


@given(st.lists(st.permutations(range(5)), min_size=1, max_size=9))
def test_a_condorcet_winner_is_first_and_strengths_are_the_strongest_paths(orders: list[list[int]]) -> None:
    ballots = [Ballot(tuple((entry,) for entry in order)) for order in orders]
    found = schulze(ballots, range(5))
    wins = found.preferred > found.preferred.T
    for entry in range(5):
        if wins[entry].sum() == 4:
            assert found.tiers[0] == (entry,)
    for a in range(5):
        for b in range(5):
            if a != b:
                assert found.strength[a, b] == _widest(found.preferred, a, b, frozenset({a}))
    backwards = schulze([Ballot(tuple((entry,) for entry in order)) for order in orders[::-1]], range(5))
    assert backwards.tiers == found.tiers


def _widest(preferred: np.ndarray, start: int, end: int, been: frozenset[int]) -> float:
    """The strength of the strongest path, by trying all of them."""
    best = 0.0
    for step in set(range(len(preferred))) - been:
        if preferred[start, step] > preferred[step, start]:
            rest = float("inf") if step == end else _widest(preferred, step, end, been | {step})
            best = max(best, min(float(preferred[start, step]), rest))
    return best
