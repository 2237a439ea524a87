"""Yes or No, with Maybe where the round has it."""

from fractions import Fraction

import pytest

from concours.jury import kinds, shortlist
from tests.conftest import both_databases
from tests.jury.build import Jury


@both_databases
def test_a_maybe_is_half_a_yes(jury: Jury) -> None:
    one, other = jury.entries(2)
    jury.judge(), jury.judge()
    found = jury.opened(reviews=2, select_count=1, maybe=True)
    for entry, said in ((one, ("maybe", False)), (other, (True, "maybe"))):
        for work, value in zip(jury.work(found, entry=entry), said, strict=True):
            assert jury.mark(work, {"yes": value}).saved
    said_of = {entry: sorted(marks) for entry, marks in shortlist.standing_marks(found).items()}
    assert said_of == {one.id: [Fraction(0), Fraction(50)], other.id: [Fraction(50), Fraction(100)]}
    jury.close(found)
    scores = shortlist.outcome(jury.event, found).scores
    assert [scores[entry.id].mean for entry in (one, other)] == [Fraction(25), Fraction(75)]
    assert [fate.candidate.entry for fate in jury.select(found, 1).selection.selected] == [other.id]  # type: ignore[union-attr]


@pytest.mark.parametrize("value", [{"yes": "maybe"}, {"yes": "Maybe"}, {"yes": 1}, {"yes": None}, {}, {"no": True}])
def test_what_is_no_yes_or_no_is_refused(jury: Jury, value: dict[str, object]) -> None:
    jury.entries(1)
    jury.judge()
    found = jury.opened(reviews=1)
    answer = jury.mark(jury.work(found)[0], value)
    assert answer.refusal is not None
    assert answer.refusal.code == "bad_mark"
    assert kinds.worth(found).marks == {}


def test_only_the_entries_asked_for_are_told(jury: Jury) -> None:
    one, other = jury.entries(2)
    jury.judge()
    found = jury.opened(reviews=1)
    jury.mark_all(found)
    assert kinds.worth(found, {other.id}).marks == {other.id: [Fraction(100)]}
    assert set(kinds.worth(found).marks) == {one.id, other.id}
