"""Discussions: shows of hands, recorded by the organiser, decide."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
import sqlalchemy as sa

from concours.audit import AuditRecord
from concours.base.db import session
from concours.base.errors import Closed, Conflict, Invalid, NotFound
from concours.entries.models import Entry
from concours.jury import closing, hands, kinds, marks, panel, shortlist
from concours.jury.hands import Hands, show
from concours.jury.models import Assignment, Remark, Round, ShowOfHands
from concours.jury.progress import progress
from tests.conftest import both_databases
from tests.jury.build import Jury


@pytest.fixture
def works(jury: Jury) -> list[Entry]:
    """Three works and two judges."""
    jury.judge(), jury.judge()
    return jury.entries(3)


def discussion(jury: Jury, **values: Any) -> Round:
    return jury.opened(kind="discussion", **({"reviews": 5, "select_count": 2} | values))


def raise_hands(
    jury: Jury, found: Round, entry: Entry, favour: int, against: int, abstaining: int = 0, note: str = ""
) -> ShowOfHands:
    counted = Hands(favour, against, abstaining, note)
    made = show(jury.event, found.id, entry.id, counted, actor=jury.organiser, now=jury.now)
    session().commit()
    return made


@both_databases
def test_the_share_in_favour_selects(jury: Jury, works: list[Entry]) -> None:
    found = discussion(jury)
    assert session().scalar(sa.select(sa.func.count()).select_from(Assignment)) == 0
    raise_hands(jury, found, works[0], 1, 2, 4)
    raise_hands(jury, found, works[1], 5, 0)
    raise_hands(jury, found, works[2], 3, 3, 1)
    assert kinds.worth(found).marks == {
        works[0].id: [Fraction(100, 3)],
        works[1].id: [Fraction(100)],
        works[2].id: [Fraction(50)],
    }
    jury.close(found)
    selection = jury.select(found, 2).selection
    assert selection is not None
    assert [fate.candidate.entry for fate in selection.selected] == [works[1].id, works[2].id]
    assert {score.missing for score in shortlist.outcome(jury.event, found).scores.values()} == {0}


@both_databases
def test_the_last_show_of_hands_stands_and_all_are_kept(jury: Jury, works: list[Entry]) -> None:
    found = discussion(jury)
    raise_hands(jury, found, works[0], 1, 4)
    raise_hands(jury, found, works[0], 4, 1, note="重新讨论后")
    raise_hands(jury, found, works[0], 4, 1, note="重新讨论后")
    assert kinds.worth(found).marks == {works[0].id: [Fraction(80)]}
    assert session().scalar(sa.select(sa.func.count()).select_from(ShowOfHands)) == 2
    raise_hands(jury, found, works[0], 0, 0, 5)
    assert kinds.worth(found).marks == {}
    acts = session().scalars(sa.select(AuditRecord.verb).where(AuditRecord.verb == "jury.show_of_hands"))
    assert len(list(acts)) == 3


@both_databases
def test_what_no_hands_decided_is_missing_and_needs_a_rule(jury: Jury, works: list[Entry]) -> None:
    found = discussion(jury)
    raise_hands(jury, found, works[0], 3, 0)
    raise_hands(jury, found, works[1], 0, 0, 3)
    assert closing.missing_reviews(found) == 2
    now = progress(found)
    assert (now.entries, now.asked, now.marked, now.missing, now.coverage) == (3, 3, 1, 2, {0: 2, 1: 1})
    with pytest.raises(Invalid):
        jury.close(found)
    session().rollback()
    jury.close(found, "available")
    result = shortlist.outcome(jury.event, found)
    assert set(result.unscored) == {works[1].id, works[2].id}
    closing.reopen(jury.event, found.id, actor=jury.organiser, now=jury.now)
    raise_hands(jury, found, works[1], 1, 1)
    assert closing.missing_reviews(found) == 1


def test_the_panel_can_change_and_nobody_is_given_work(jury: Jury, works: list[Entry]) -> None:
    found = discussion(jury)
    newcomer = jury.judge()
    panel.add_judges(jury.event, found.id, [newcomer.id], actor=jury.organiser, now=jury.now)
    panel.drop_judge(jury.event, found.id, jury.judges[0].id, actor=jury.organiser, now=jury.now)
    session().commit()
    late = jury.entries(1)[0]
    assert panel.include_newcomers(jury.event, found.id, actor=jury.organiser, now=jury.now) == 1
    raise_hands(jury, found, late, 1, 0)
    assert jury.work(found) == []
    with pytest.raises(Conflict):
        panel.change_reviews(jury.event, found.id, 2, actor=jury.organiser, now=jury.now)


def test_what_cannot_be_counted_is_refused(jury: Jury, works: list[Entry]) -> None:
    found = discussion(jury)
    for counts in ((-1, 0, 0), (201, 0, 0), (0, 0, 999)):
        with pytest.raises(Invalid):
            raise_hands(jury, found, works[0], *counts)
    with pytest.raises(Invalid):
        raise_hands(jury, found, works[0], 1, 0, note="好" * 1001)
    outside = jury.entries(1)[0]
    with pytest.raises(NotFound):
        raise_hands(jury, found, outside, 1, 0)
    with pytest.raises(Closed):
        show(
            jury.event,
            found.id,
            works[0].id,
            Hands(1, 0),
            actor=jury.organiser,
            now=jury.now + timedelta(days=4000),
        )
    given = [marks.Given("x", "y", {"yes": True})]
    answers = marks.record(jury.event, found.id, given, actor=jury.judges[0], now=jury.now)
    assert answers[0].refusal is not None
    jury.close(found, "lowest")
    with pytest.raises(Conflict):
        raise_hands(jury, found, works[0], 1, 0)
    other = jury.opened(reviews=1)
    with pytest.raises(NotFound):
        raise_hands(jury, other, works[0], 1, 0)


def test_the_chair_sees_what_earlier_rounds_said_and_records_the_count(
    jury: Jury, works: list[Entry], client_as: Any
) -> None:
    first = jury.opened(title="初评之轮", reviews=2, select_count=2)
    jury.mark_all(first)
    for work in jury.work(first):
        remark = Remark(round_id=first.id, assignment_id=work.id, kind="copy", text="像某名作", at=jury.now)
        session().add(remark)
    session().commit()
    jury.close(first)
    jury.select(first, 2)
    found = discussion(jury, title="合议", source=first.id, select_count=1)
    client = client_as(jury.organiser)
    at = f"/events/{jury.event.slug}/jury/rounds/{found.id}/discussion"
    page = client.get(at).get_data(as_text=True)
    assert page.count("初评之轮") == 2
    assert page.count("像某名作") == 4
    entry = next(iter(shortlist.outcome(jury.event, found).entries))
    typed = {"in_favour": "4", "against": "", "abstaining": "1", "note": "色彩出众"}
    assert client.post(f"{at}/{entry}", data=typed).status_code == 303
    assert kinds.worth(found).marks == {entry: [Fraction(100)]}
    refused = client.post(f"{at}/{entry}", data=typed | {"in_favour": "许多", "note": "不要丢"})
    assert refused.status_code == 422
    assert "不要丢" in refused.get_data(as_text=True)
    assert "色彩出众" in client.get(at).get_data(as_text=True)
    assert client.get(f"/events/{jury.event.slug}/jury/rounds/{found.id}").status_code == 200
    assert client.get(f"/events/{jury.event.slug}/jury/rounds/{first.id}/discussion").status_code == 404


def test_a_page_costs_the_same_for_few_entries_and_many(jury: Jury, client_as: Any, count_queries: Any) -> None:
    jury.judge()
    jury.entries(1)
    small = discussion(jury, select_count=1)
    jury.entries(29)
    large = discussion(jury, select_count=1)
    for found in (small, large):
        for facts in shortlist.outcome(jury.event, found).entries:
            show(jury.event, found.id, facts, Hands(1, 1), actor=jury.organiser, now=jury.now)
    session().commit()
    client = client_as(jury.organiser)
    at = f"/events/{jury.event.slug}/jury/rounds"
    client.get(f"{at}/{small.id}/discussion")
    few = count_queries(lambda: client.get(f"{at}/{small.id}/discussion"))
    assert few == count_queries(lambda: client.get(f"{at}/{large.id}/discussion"))


def test_pages_follow_each_other(jury: Jury) -> None:
    jury.judge()
    entries = jury.entries(3)
    found = discussion(jury)
    page, following = hands.discussed(found, after=0, limit=2)
    assert [item.entry.id for item in page] == [entry.id for entry in entries[:2]]
    assert following == entries[1].id
    page, following = hands.discussed(found, after=following or 0, limit=2)
    assert ([item.entry.id for item in page], following) == ([entries[2].id], None)


def test_judges_are_told_that_there_is_nothing_to_fill_in(jury: Jury, works: list[Entry], client_as: Any) -> None:
    found = discussion(jury)
    client = client_as(jury.judges[0])
    answer = client.get(f"/events/{jury.event.slug}/jury/{found.id}/table")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/events/{jury.event.slug}/jury")
    assert "table" not in client.get(f"/events/{jury.event.slug}/jury").get_data(as_text=True).split("<main")[1]
