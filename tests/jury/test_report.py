"""From the marks to the page of the fairness report: the job computes it, people of the round look, nobody else."""

import re
from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from concours.audit import AuditRecord
from concours.base.db import session
from concours.base.errors import Conflict
from concours.identity.models import Account
from concours.jury.analysis.fairness import report
from concours.jury.models import Assignment, Round, RoundReport
from concours.jury.report import jobs, reading, runs
from tests.conftest import both_databases
from tests.factories import Make
from tests.jury.build import CRITERIA, Jury

Sign = Callable[[Account], FlaskClient]
SEVERE = 3
"""Points that the first judge gives less than the others."""


def points_round(jury: Jury, works: int = 24, judges: int = 4) -> Round:
    """A closed points round that every judge marked whole; the first judge is severe, the others differ by little."""
    jury.entries(works, jury.category(title="书法"))
    for _ in range(judges):
        jury.judge()
    found = jury.opened(kind="points", criteria=CRITERIA, reviews=judges, select_count=works // 3)
    first = jury.judges[0].id
    for work in jury.work(found):
        draw = (work.entry_id * 7 + work.account_id * 5) % 3 - 1
        points = 4 + work.entry_id % 5 + draw
        points = max(1, min(9, points - (SEVERE if work.account_id == first else 0)))
        assert jury.mark(work, {criterion.key: points for criterion in found.criteria}).saved
    jury.close(found)
    return found


def asked(jury: Jury, found: Round) -> RoundReport | None:
    """The report asked for by the organiser."""
    row = runs.ask(jury.event, found.id, actor=jury.organiser, now=jury.now)
    session().commit()
    return row


def made(jury: Jury, found: Round) -> RoundReport:
    """The report, computed by the job."""
    row = asked(jury, found)
    assert row is not None
    jobs.compute(row.id)
    session().expire_all()
    done = runs.last_of(found)
    assert done is not None
    return done


def at(jury: Jury, found: Round) -> str:
    """Where the page is."""
    return f"/events/{jury.event.slug}/jury/rounds/{found.id}/report"


@both_databases
def test_the_job_keeps_the_figures_of_the_marks(make: Make) -> None:
    jury = Jury(make)
    found = points_round(jury)
    done = made(jury, found)
    content = done.content
    assert content is not None
    marks = list(session().scalars(sa.select(Assignment).where(Assignment.round_id == found.id)))
    key = found.criteria[0].key
    for judge in content["judges"]:
        own = [work.value[key] for work in marks if work.account_id == judge["judge"] and work.value is not None]
        assert judge["marks"] == len(own) == 24
        by_hand = 100 * (sum(own) / len(own) - 1) / 8
        assert judge["mean"] == pytest.approx(by_hand, abs=1e-6)
        assert sum(judge["bars"]) == 24
    severe = {judge["judge"]: judge["severity"] for judge in content["judges"]}
    assert severe[jury.judges[0].id]["notable"]
    assert severe[jury.judges[0].id]["value"] > 10
    assert [one["notable"] for number, one in severe.items() if number != jury.judges[0].id] == [False] * 3
    assert (content["entries"], content["places"]) == (24, 8)
    assert 0 < content["icc"] < 1, "everybody marked everything"
    assert len(content["curve"]) == 24
    assert sum(chance for _, chance in content["curve"]) == pytest.approx(8, abs=1e-2), "as many as there are places"


def test_asked_twice_it_is_the_same_report(jury: Jury) -> None:
    found = points_round(jury, works=6, judges=2)
    first = asked(jury, found)
    assert first is not None
    assert asked(jury, found) is None, "it is on its way"
    jobs.compute(first.id)
    once = session().get_one(RoundReport, first.id).content
    jobs.compute(first.id)
    assert asked(jury, found) is None, "it is there"
    session().expire_all()
    assert [row.content for row in session().scalars(sa.select(RoundReport))] == [once]
    verbs = session().scalars(sa.select(AuditRecord.verb).where(AuditRecord.verb == "jury.ask_report"))
    assert len(list(verbs)) == 1


def test_the_same_marks_give_the_same_digest_and_another_mark_another(jury: Jury) -> None:
    found = points_round(jury, works=6, judges=2)
    first = reading.read(found)
    session().expire_all()
    assert reading.read(found) == first
    work = jury.work(found)[0]
    assert work.value is not None
    key = found.criteria[0].key
    work.value = {**work.value, key: work.value[key] % 9 + 1}
    session().commit()
    assert reading.read(found).digest != first.digest


def test_a_lost_report_can_be_asked_for_again(jury: Jury) -> None:
    found = points_round(jury, works=6, judges=2)
    first = asked(jury, found)
    assert first is not None
    again = runs.ask(jury.event, found.id, actor=jury.organiser, now=jury.now + runs.WAITS)
    assert again is first


def test_a_selection_that_cannot_be_is_told(jury: Jury, client_as: Sign) -> None:
    found = points_round(jury, works=6, judges=2)
    entry = jury.work(found)[0].entry_id
    lost = sa.update(Assignment).where(Assignment.entry_id == entry)
    session().execute(lost.values(value=None, marked_at=None))
    found.select_count = 6
    session().commit()
    row = asked(jury, found)
    assert row is not None
    jobs.compute(row.id)
    session().expire_all()
    assert row.problem == runs.IMPOSSIBLE
    shown = client_as(jury.organiser).get(at(jury, found), headers={"Accept-Language": "en"})
    assert "cannot be filled" in shown.get_data(as_text=True)


def test_the_page_asks_computes_and_tells_in_plain_words(jury: Jury, client_as: Sign) -> None:
    found = points_round(jury)
    browser = client_as(jury.organiser)
    before = browser.get(at(jury, found), headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert "Compute the report" in before
    assert browser.post(at(jury, found)).status_code == 303
    waiting = browser.get(at(jury, found), headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert "being computed" in waiting
    assert "Compute the report" not in waiting
    jobs.compute(session().scalars(sa.select(RoundReport.id)).one())
    answer = browser.get(at(jury, found), headers={"Accept-Language": "en"})
    page = answer.get_data(as_text=True)
    assert "points lower than the average judge" in page
    assert "a severe judge is not a bad judge" in page
    assert not re.search(r"<[^>]+\sstyle=", page), "the policy forbids it"
    given = reading.read(found)
    whole = report(given.given, given.known, given.rule, metric=given.metric, seed=given.seed)
    stat = re.search(r'stat-number">\s*(\d+)\s*</span>[^<]*</dd>\s*</div>\s*</dl>', page)
    assert stat is not None
    assert int(stat[1]) == whole.doubtful_places
    for one in whole.without:
        assert len(one.enters) == len(one.leaves), "the number of places stands"
    assert "Chance of each entry" in page


def test_other_kinds_say_what_does_not_apply(jury: Jury, client_as: Sign) -> None:
    jury.entries(3, jury.category())
    jury.judge()
    found = jury.opened(reviews=1)
    jury.mark_all(found)
    jury.close(found)
    session().execute(sa.update(Round).where(Round.id == found.id).values(kind="discussion"))
    session().commit()
    page = client_as(jury.organiser).get(at(jury, found), headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert "no fairness report" in page.get_data(as_text=True)
    with pytest.raises(Conflict):
        asked(jury, found)


def test_the_page_takes_the_same_number_of_queries_for_few_and_many(
    make: Make, client_as: Sign, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    counts = []
    for works in (6, 30):
        jury = Jury(make)
        found = points_round(jury, works=works, judges=2)
        made(jury, found)
        browser = client_as(jury.organiser)
        browser.get(at(jury, found))
        url = at(jury, found)
        counts.append(count_queries(partial(browser.get, url)))
    assert counts[0] == counts[1]
