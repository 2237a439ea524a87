"""Bradley-Terry, held against choix and a published table."""

import choix
import numpy as np
import pytest

from concours.jury.analysis.pairs import bradley_terry

TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
WINS = np.array(
    [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ]
)
"""The American League's eastern division of 1987, row beats column: Agresti, Categorical Data Analysis, 2nd edition
2002, section 10.6."""


def _won(wins: np.ndarray) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in np.argwhere(wins) for _ in range(wins[a, b])]


def test_agrestis_baseball_table() -> None:
    found = bradley_terry(range(7), _won(WINS), prior=0)
    against_baltimore = [found.difference(team, 6) for team in range(6)]
    assert [round(x, 2) for x, _ in against_baltimore] == [1.58, 1.44, 1.29, 1.25, 1.11, 0.68]
    assert all(round(error, 2) in {0.33, 0.34} for _, error in against_baltimore)


def test_the_worked_example_of_the_documentation() -> None:
    """docs/counting.md, “Pairs”: two entries, three wins to one: log 3, and its error by hand."""
    found = bradley_terry([1, 2], [(1, 2)] * 3 + [(2, 1)], prior=0)
    assert found.difference(0, 1) == pytest.approx((np.log(3), np.sqrt(4 / 3)))


def test_choix_finds_the_same() -> None:
    found = bradley_terry(range(7), _won(WINS), prior=0)
    assert found.strength == pytest.approx(choix.ilsr_pairwise(7, _won(WINS), max_iter=1000), abs=1e-6)


def test_the_prior_is_one_win_and_one_loss_against_a_rival_of_strength_nought() -> None:
    """Who never lost or never won has a finite strength; choix, with the rival as an eighth team, finds the same."""
    draw = np.random.RandomState(3)
    won = [tuple(draw.permutation(7)[:2]) for _ in range(30)]
    won = [(int(a), int(b)) for a, b in won if a != 0 and b != 1]  # 0 never wins, 1 never loses
    found = bradley_terry(range(7), won, prior=1)
    assert not found.linked
    with_rival = choix.ilsr_pairwise(8, won + [p for i in range(7) for p in ((i, 7), (7, i))], max_iter=1000)
    assert found.strength == pytest.approx(with_rival[:7] - with_rival[7], abs=1e-6)
    assert np.isfinite(found.error).all()
    with pytest.raises(ValueError, match="chain of wins"):
        bradley_terry(range(7), won, prior=0)


def test_errors_cover_the_truth_as_often_as_they_say() -> None:
    draw = np.random.RandomState(8)
    inside = number = 0
    for _ in range(60):
        truth = draw.normal(0, 1, 8)
        won = []
        for _ in range(150):
            a, b = (int(x) for x in draw.permutation(8)[:2])
            won.append((a, b) if draw.random_sample() < 1 / (1 + np.exp(truth[b] - truth[a])) else (b, a))
        found = bradley_terry(range(8), won)
        for one, other in ((0, 1), (2, 3), (4, 5), (6, 7)):
            difference, error = found.difference(one, other)
            inside += abs(difference - (truth[one] - truth[other])) < 1.96 * error
            number += 1
    assert inside / number > 0.9


def test_no_comparison_says_nothing_and_a_pair_that_is_none_is_refused() -> None:
    assert bradley_terry([4, 5], []).strength.tolist() == [0, 0]
    for pair in ((4, 4), (4, 9)):
        with pytest.raises(ValueError, match="two different entries"):
            bradley_terry([4, 5], [pair])
