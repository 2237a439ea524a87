"""What an organiser can do to an open round, and that it can be seen before it is done."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from concours.audit import AuditRecord
from concours.base.db import session
from concours.base.errors import Conflict, Invalid, NotFound
from concours.jury import closing, declaring, lookup, marks, opening, panel, reopening, splitting
from concours.jury.models import Assignment, DeclaredConflict, Mark, Panelist, Round, RoundEntry, RoundStatus, Selected
from concours.jury.preview import preview
from tests.conftest import both_databases
from tests.jury.build import CRITERIA, Jury


def loads(jury: Jury, found: Round) -> Counter[int]:
    return Counter(row.account_id for row in jury.work(found))


def rows(kind: type) -> int:
    return int(session().scalar(sa.select(sa.func.count()).select_from(kind)) or 0)


@both_databases
def test_a_paused_judge_lends_the_rest_and_gets_a_share_back(jury: Jury) -> None:
    jury.entries(12)
    first, *_ = jury.judge(), jury.judge(), jury.judge()
    found = jury.opened(reviews=2)
    given = jury.work(found, first)
    jury.mark(given[0], {"yes": True})
    common = {"actor": jury.organiser, "now": jury.now}
    panel.pause_judge(jury.event, found.id, first.id, **common)
    session().commit()
    assert [row.id for row in jury.work(found, first)] == [given[0].id]
    assert sum(loads(jury, found).values()) == 24
    assert jury.mark(given[1], {"yes": True}).saved, "a mark that comes while paused counts"
    with pytest.raises(Conflict, match="paused already"):
        panel.pause_judge(jury.event, found.id, first.id, **common)
    session().rollback()
    panel.resume_judge(jury.event, found.id, first.id, **common)
    session().commit()
    assert max(loads(jury, found).values()) - min(loads(jury, found).values()) <= 1


@both_databases
def test_a_successor_takes_over_the_unmarked_work_but_for_conflicts(jury: Jury) -> None:
    entries = jury.entries(8)
    leaver = jury.judge()
    jury.judge()
    successor = jury.judge()
    found = jury.opened(judges=jury.judges[:2], reviews=1)
    work = jury.work(found, leaver)
    jury.mark(work[0], {"yes": True})
    own = next(entry for entry in entries if entry.id == work[1].entry_id)
    own.author_id = successor.id
    session().commit()
    panel.replace_judge(jury.event, found.id, leaver.id, successor.id, actor=jury.organiser, now=jury.now)
    session().commit()
    assert {row.entry_id for row in jury.work(found, successor)} >= {row.entry_id for row in work[2:]}
    assert own.id not in {row.entry_id for row in jury.work(found, successor)}
    assert [row.id for row in jury.work(found, leaver)] == [work[0].id]
    seat = session().scalar(sa.select(Panelist).where(Panelist.account_id == successor.id))
    assert seat is not None
    assert seat.in_place_of == leaver.id
    with pytest.raises(Invalid):
        panel.replace_judge(jury.event, found.id, successor.id, jury.judges[1].id, actor=jury.organiser, now=jury.now)


@both_databases
def test_a_judge_has_their_categories_and_their_limit(jury: Jury) -> None:
    one, other = jury.category(), jury.category()
    jury.entries(6, one), jury.entries(6, other)
    for _ in range(3):
        jury.judge()
    found = jury.opened(reviews=1)
    common = {"actor": jury.organiser, "now": jury.now}
    first, second, _ = jury.judges
    panel.set_share(jury.event, found.id, first.id, categories=[one.id], capacity=None, **common)
    panel.set_share(jury.event, found.id, second.id, categories=[], capacity=2, **common)
    session().commit()
    assert {row.entry.category_id for row in jury.work(found, first)} == {one.id}
    assert loads(jury, found)[second.id] == 2
    assert sum(loads(jury, found).values()) == 12
    with pytest.raises(Invalid):
        panel.set_share(jury.event, found.id, first.id, categories=[0], capacity=None, **common)
    with pytest.raises(Invalid):
        panel.set_share(jury.event, found.id, first.id, categories=[], capacity=-1, **common)


def test_a_limit_that_is_too_small_is_named_with_its_measure(jury: Jury) -> None:
    jury.entries(6)
    one, other = jury.judge(), jury.judge()
    found = jury.round(reviews=2)
    for judge, most in ((one, 6), (other, 4)):
        panel.set_share(
            jury.event, found.id, judge.id, categories=[], capacity=most, actor=jury.organiser, now=jury.now
        )
    with pytest.raises(opening.CannotShareOut, match=r"capacity of 2 judges is used up .10 entries.*2 reviews"):
        opening.open_round(jury.event, found.id, actor=jury.organiser, now=jury.now)


def test_anchors_are_seen_by_all_and_an_overlap_that_cannot_be_is_named(jury: Jury) -> None:
    jury.entries(10)
    for _ in range(5):
        jury.judge()
    found = jury.round(reviews=1)
    common = {"actor": jury.organiser, "now": jury.now}
    panel.set_sharing(jury.event, found.id, overlap=2, anchors=0, **common)
    with pytest.raises(opening.CannotShareOut) as refused:
        opening.open_round(jury.event, found.id, **common)
    assert "10 pairs of judges share fewer than 2 entries" in str(refused.value.faults[-1])
    session().rollback()
    panel.set_sharing(jury.event, found.id, overlap=2, anchors=2, **common)
    opening.open_round(jury.event, found.id, **common)
    session().commit()
    anchors = set(session().scalars(sa.select(RoundEntry.entry_id).where(RoundEntry.anchor)))
    per_entry = Counter(row.entry_id for row in jury.work(found))
    assert len(anchors) == 2
    assert {entry: count for entry, count in per_entry.items() if count > 1} == dict.fromkeys(anchors, 5)
    panel.set_sharing(jury.event, found.id, overlap=2, anchors=3, **common)
    session().commit()
    assert anchors < set(session().scalars(sa.select(RoundEntry.entry_id).where(RoundEntry.anchor)))


def test_extra_reviews_of_an_entry_are_asked_and_missed(jury: Jury) -> None:
    entries = jury.entries(4)
    for _ in range(3):
        jury.judge()
    found = jury.opened(reviews=1)
    session().execute(sa.update(RoundEntry).where(RoundEntry.entry_id == entries[0].id).values(extra_reviews=2))
    panel.change_reviews(jury.event, found.id, 1, actor=jury.organiser, now=jury.now)
    session().commit()
    assert len(jury.work(found, entry=entries[0])) == 3
    assert closing.missing_reviews(lookup.find_round(jury.event.id, found.id)) == 6


def test_after_its_end_a_round_takes_no_mark_until_it_is_extended(jury: Jury) -> None:
    jury.entries(2)
    jury.judge()
    found = jury.opened(reviews=1)
    work = jury.work(found)[0]
    common = {"actor": jury.organiser, "now": jury.now}
    with pytest.raises(Invalid):
        closing.extend(jury.event, found.id, jury.now, **common)
    session().rollback()
    closing.extend(jury.event, found.id, jury.now + timedelta(hours=1), **common)
    session().commit()
    assert jury.mark(work, {"yes": True}).saved
    jury.now += timedelta(hours=1)
    late = jury.mark(work, {"yes": False}).refusal
    assert late is not None
    assert "took marks until" in str(late)
    closing.extend(jury.event, found.id, None, actor=jury.organiser, now=jury.now)
    session().commit()
    assert jury.mark(work, {"yes": False}).saved


@both_databases
def test_a_split_takes_everything_of_its_categories_along(jury: Jury) -> None:
    one, other = jury.category(), jury.category()
    jury.entries(4, one)
    moved = {entry.id for entry in jury.entries(4, other)}
    for _ in range(3):
        jury.judge()
    found = jury.opened(kind="points", criteria=CRITERIA, reviews=2, select_count=3)
    jury.mark_all(found)
    count = rows(Mark)
    common = {"actor": jury.organiser, "now": jury.now}
    for categories in ([], [one.id, other.id], [10**9]):
        with pytest.raises(Invalid):
            splitting.split(jury.event, found.id, categories, title="分组", count=1, **common)
        session().rollback()
    made = splitting.split(jury.event, found.id, [other.id], title="摄影复评", count=1, **common)
    session().commit()
    assert {row.entry_id for row in jury.work(made)} == moved
    assert not {row.entry_id for row in jury.work(found)} & moved
    assert rows(Mark) == count
    for one_of, places in ((found, 2), (made, 1)):
        part = lookup.find_round(jury.event.id, one_of.id)
        assert (part.select_count, closing.missing_reviews(part)) == (places, 0)
        jury.close(part)
        jury.select(part, places)
    assert rows(Selected) == 3


def test_a_selected_round_opens_again_until_another_builds_on_it(jury: Jury) -> None:
    jury.entries(3)
    jury.judge()
    found = jury.opened(reviews=1, select_count=2)
    jury.mark_all(found)
    jury.close(found)
    jury.select(found, 2)
    reopening.reopen(jury.event, found.id, actor=jury.organiser, now=jury.now)
    session().commit()
    assert lookup.find_round(jury.event.id, found.id).status == RoundStatus.OPEN
    assert rows(Selected) == 0
    said = list(session().scalars(sa.select(AuditRecord.verb).order_by(AuditRecord.id)))[-2:]
    assert said == ["jury.withdraw_selection", "jury.reopen_round"]
    jury.close(found)
    jury.select(found, 2)
    jury.opened(reviews=1, source=found.id)
    with pytest.raises(Conflict, match="already judges this shortlist"):
        reopening.reopen(jury.event, found.id, actor=jury.organiser, now=jury.now)


@both_databases
def test_declared_conflicts_hold_before_and_while_judging_and_marks_stay(jury: Jury) -> None:
    entries = jury.entries(4)
    author = jury.make.account()
    theirs = jury.entry(jury.event.categories[0], author_id=author.id, files=0)
    judge, other = jury.judge(), jury.judge()
    by_judge = {"actor": judge, "now": jury.now, "organiser": False}
    declaring.declare(jury.event, judge.id, author=author.username, reason="师生", **by_judge)
    session().commit()
    found = jury.opened(reviews=1, anyway=True)
    assert theirs.id not in {row.entry_id for row in jury.work(found, judge)}
    work = jury.work(found, judge)
    jury.mark(work[0], {"yes": True})
    for row in work[:2]:
        number = next(entry.number for entry in entries if entry.id == row.entry_id)
        declaring.declare(jury.event, judge.id, entry=number, actor=jury.organiser, now=jury.now, organiser=True)
    session().commit()
    assert work[0].id in {row.id for row in jury.work(found, judge)}, "the mark stays and counts"
    assert work[1].entry_id in {row.entry_id for row in jury.work(found, other)}
    with pytest.raises(Conflict, match="declared already"):
        declaring.declare(jury.event, judge.id, author=author.username, **by_judge)
    session().rollback()
    with pytest.raises(Invalid):
        declaring.declare(jury.event, judge.id, author=author.username, entry=1, **by_judge)
    session().rollback()
    number = session().scalar(sa.select(sa.func.min(DeclaredConflict.id)))
    assert number is not None
    with pytest.raises(NotFound):
        declaring.withdraw(jury.event, number, actor=other, now=jury.now, organiser=False)
    declaring.withdraw(jury.event, number, actor=judge, now=jury.now, organiser=False)
    session().commit()
    panel.drop_judge(jury.event, found.id, other.id, actor=jury.organiser, now=jury.now)
    session().commit()
    assert theirs.id in {row.entry_id for row in jury.work(found, judge)}


@both_databases
def test_a_preview_says_what_an_act_does_and_leaves_nothing_behind(jury: Jury) -> None:
    entries = jury.entries(4)
    kind, harsh = jury.judge(name="甲"), jury.judge(name="乙")
    found = jury.opened(kind="points", criteria=CRITERIA, reviews=2, select_count=1)
    for work in jury.work(found):
        best = entries[0] if work.account_id == kind.id else entries[1]
        points = 9 if work.entry_id == best.id else 5
        jury.mark(work, {"c1": points, "c2": points})
    aside = jury.work(found, kind, entries[0])[0]
    jury.mark(jury.work(found, harsh, entries[1])[0], {"c1": 8, "c2": 8})

    def act() -> object:
        return marks.recuse(jury.event, found.id, aside.token, "亲属", actor=kind, now=jury.now)

    told = preview(jury.event, found.id, act)
    session().commit()
    assert [facts.id for facts in told.leaves] == [entries[0].id]
    assert [facts.id for facts in told.enters] == [entries[1].id]
    assert (told.missing, told.unassigned, told.marked) == ((0, 1), (0, 1), (8, 7))
    assert [(row.name, row.before, row.after) for row in told.loads] == [("甲", 4, 3)]
    assert session().scalar(sa.select(sa.func.count()).where(Assignment.recused_at.is_not(None))) == 0
    assert session().scalar(sa.select(sa.func.count()).where(AuditRecord.verb == "jury.recuse")) == 0


def test_the_page_previews_an_act_then_does_it(jury: Jury, client_as: Callable[..., FlaskClient]) -> None:
    one, other = jury.category(title="书法"), jury.category(title="摄影")
    jury.entries(4, one), jury.entries(4, other)
    first, second = jury.judge(name="甲"), jury.judge(name="乙")
    spare = jury.judge(name="丙")
    found = jury.opened(judges=[first, second], reviews=1, select_count=3)
    client = client_as(jury.organiser)
    change = f"/events/{jury.event.slug}/jury/rounds/{found.id}/change"
    acts: list[tuple[str, dict[str, object]]] = [
        ("pause", {"judge": first.id}),
        ("resume", {"judge": first.id}),
        ("replace", {"judge": first.id, "successor": spare.id}),
        ("drop", {"judge": spare.id}),
        ("share", {"judge": second.id, "capacity": "5", "categories": [one.id]}),
        ("sharing", {"overlap": "1", "anchors": "1"}),
        ("reviews", {"reviews": "2"}),
        ("extend", {"closes_at": "2099-01-01T00:00"}),
        ("split", {"title": "摄影组", "categories": [other.id], "count": "1"}),
        ("close", {"missing": "lowest"}),
        ("reopen", {}),
    ]
    for verb, data in acts:
        audited = rows(AuditRecord)
        assert client.get(change).status_code == 200
        shown = client.post(f"{change}/{verb}", data={**data, "preview": "1"})
        assert shown.status_code == 200, verb
        assert "Nothing has been done yet" in shown.get_data(as_text=True)
        assert rows(AuditRecord) == audited, verb
        assert client.post(f"{change}/{verb}", data=data).status_code == 303, verb
        assert rows(AuditRecord) == audited + 1, verb


@pytest.mark.parametrize("typed", ["", "-1", "٣", "9" * 40, "nan", "😀", "2099-01-01T00:00+08:00", "0001-01-01T00:00"])
def test_strange_values_are_refused_with_a_sentence(
    jury: Jury, client_as: Callable[..., FlaskClient], typed: str
) -> None:
    jury.category(), jury.category()
    jury.entries(2)
    jury.judge()
    found = jury.opened(reviews=1)
    client = client_as(jury.organiser)
    names = ("judge", "successor", "reviews", "capacity", "categories", "title", "count", "closes_at", "missing")
    data = dict.fromkeys((*names, "overlap", "anchors"), typed)
    for verb in ("pause", "replace", "share", "sharing", "reviews", "split", "close"):
        for more in ({}, {"preview": "1"}):
            answer = client.post(f"/events/{jury.event.slug}/jury/rounds/{found.id}/change/{verb}", data=data | more)
            assert answer.status_code in {409, 422}, (verb, typed)
    answer = client.post(f"/events/{jury.event.slug}/jury/rounds/{found.id}/change/extend", data=data)
    assert answer.status_code == (422 if typed else 303)
