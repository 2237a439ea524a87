"""Rounds over entries that the organiser picked by hand."""

from typing import Any

import pytest
import sqlalchemy as sa

from concours.base.db import session
from concours.base.errors import Invalid
from concours.entries.models import EntryStatus
from concours.jury import forms, lookup, rounds
from concours.jury.models import Round, RoundEntry
from concours.jury.rounds import RoundDraft
from concours.jury.sources import entries_offered, newcomers
from tests.conftest import both_databases
from tests.jury.build import Jury


@both_databases
def test_a_round_is_about_the_entries_picked_for_their_reasons(jury: Jury) -> None:
    works = jury.entries(5)
    jury.judge()
    found = jury.opened(reviews=1, picked=[(works[3].number, "评委会推荐"), (works[1].number, " 重评 ")])
    rows = session().execute(sa.select(RoundEntry.entry_id, RoundEntry.reason).order_by(RoundEntry.entry_id))
    assert list(rows.tuples()) == [(works[1].id, "重评"), (works[3].id, "评委会推荐")]
    assert newcomers(found) == []


def test_an_entry_rejected_since_is_not_offered(jury: Jury) -> None:
    works = jury.entries(2)
    made = jury.round(picked=[(work.number, "x") for work in works])
    works[0].status = EntryStatus.REJECTED
    session().commit()
    assert [facts.id for facts in entries_offered(made)] == [works[1].id]


@pytest.mark.parametrize(
    "picks",
    [[], [(99, "没有这件")], [(1, "")], [(1, "好" * 301)], [(1, "一"), (1, "二")], [(-1, "x")], [(1, "x")] * 2001],
)
def test_what_cannot_be_picked_is_said(jury: Jury, picks: list[tuple[int, str]]) -> None:
    jury.entries(2)
    with pytest.raises(Invalid) as refusal:
        jury.round(picked=picks)
    assert {problem.field for problem in refusal.value.problems} == {"picked"}


def test_another_events_entries_cannot_be_picked(jury: Jury, make: Any) -> None:
    other = Jury(make)
    number = other.entries(3)[2].number
    with pytest.raises(Invalid):
        jury.round(picked=[(number, "x")])


def test_the_form_reads_lines_and_shows_them_again(jury: Jury, client_as: Any) -> None:
    works = jury.entries(3)
    client = client_as(jury.organiser)
    at = f"/events/{jury.event.slug}/jury/rounds"
    typed = {"title": "终评", "kind": "yes_no", "reviews": "1", "select_count": "1", "ties": "median,lottery"}
    typed |= {"source": "picked", "picked": f"#{works[2].number}：很有新意\n\n{works[0].number} 2021 年的获奖作者"}
    refused = client.post(at, data=typed | {"picked": typed["picked"] + "\n某作品"})
    assert refused.status_code == 422
    assert "很有新意" in refused.get_data(as_text=True)
    assert client.post(at, data=typed).status_code == 303
    made = session().query(Round).filter_by(event_id=jury.event.id).one()
    assert made.input["picked"] == {str(works[0].id): "2021 年的获奖作者", str(works[2].id): "很有新意"}
    shown = forms.stored_round(made)
    assert shown["source"] == "picked"
    assert shown["picked"] == f"{works[0].number} 2021 年的获奖作者\n{works[2].number} 很有新意"


def test_a_round_can_go_from_picked_to_all(jury: Jury) -> None:
    works = jury.entries(2)
    made = jury.round(picked=[(works[0].number, "x")])
    rounds.change(jury.event, made.id, RoundDraft("初评", "yes_no", 1, 1), actor=jury.organiser, now=jury.now)
    session().commit()
    assert len(entries_offered(lookup.find_round(jury.event.id, made.id))) == 2
