"""What must hold when judges and the organiser act in the same moment."""

from collections.abc import Callable, Sequence
from functools import partial

import sqlalchemy as sa
from apiflask import APIFlask

from concours.audit import AuditRecord
from concours.base.db import session
from concours.base.errors import Closed, Conflict
from concours.events.models import Event
from concours.identity.models import Account
from concours.jury import closing, marks, panel, shortlist
from concours.jury.models import Assignment, Mark, Round, Selected
from tests.conftest import both_databases
from tests.entries.test_parallel import at_once
from tests.jury.build import Jury

Act = Callable[[], None]


def a_mark(jury: Jury, work: Assignment, refusals: list[object]) -> Act:
    """One judge's mark of one work, as an act of its own transaction."""
    event_id, round_id, judge_id, now = jury.event.id, work.round_id, work.account_id, jury.now
    given = [marks.Given(work.token, f"c{work.id}", {"yes": True})]

    def act() -> None:
        event, judge = session().get_one(Event, event_id), session().get_one(Account, judge_id)
        answer = marks.record(event, round_id, given, actor=judge, now=now)[0]
        refusals.append(answer.refusal)

    return act


def an_act(jury: Jury, verb: Callable[..., object], *given: object) -> Act:
    """An act of the organiser."""
    event_id, actor_id, now = jury.event.id, jury.organiser.id, jury.now

    def act() -> None:
        event, actor = session().get_one(Event, event_id), session().get_one(Account, actor_id)
        verb(event, *given, actor=actor, now=now)

    return act


def seat(jury: Jury) -> None:
    """Three judges and a category."""
    jury.category()
    for _ in range(3):
        jury.judge()


def said(verb: str) -> Sequence[AuditRecord]:
    """The audit records of that verb."""
    return session().scalars(sa.select(AuditRecord).where(AuditRecord.verb == verb)).all()


@both_databases
def test_a_mark_that_arrives_while_the_round_closes_is_counted_or_refused_but_never_lost(
    app: APIFlask, jury: Jury
) -> None:
    seat(jury)
    jury.entries(6)
    found = jury.opened(reviews=2, select_count=1)
    refusals: list[object] = []
    acts = [a_mark(jury, work, refusals) for work in jury.work(found)]
    asked = len(acts)
    acts.append(an_act(jury, closing.close, found.id, "lowest"))
    session().commit()
    assert [a for a in at_once(app, acts) if a is not None] == []
    saved = refusals.count(None)
    assert all(isinstance(refusal, Closed) for refusal in refusals if refusal is not None)
    assert session().scalar(sa.select(sa.func.count()).select_from(Mark)) == saved
    assert said("jury.close_round")[0].detail["missing"] == asked - saved, "what the protocol says is what is there"


@both_databases
def test_of_several_who_select_at_once_one_does(app: APIFlask, jury: Jury) -> None:
    seat(jury)
    jury.entries(8)
    found = jury.opened(reviews=1, select_count=3)
    jury.mark_all(found)
    jury.close(found)
    round_id = found.id
    acts = [an_act(jury, shortlist.choose, round_id, number) for number in (2, 3, 3, 4, 5)]
    session().commit()
    answers = at_once(app, acts)
    assert [type(answer) for answer in answers if answer is not None] == [Conflict] * 4
    chosen = session().scalar(sa.select(sa.func.count()).select_from(Selected).where(Selected.round_id == round_id))
    assert (
        chosen
        == said("jury.select")[0].detail["count"]
        == session().get_one(Round, round_id, populate_existing=True).outcome["count"]
    )


@both_databases
def test_judges_who_leave_and_step_aside_at_once_leave_each_work_with_one_judge_at_a_time(
    app: APIFlask, jury: Jury
) -> None:
    seat(jury)
    jury.entries(9)
    found = jury.opened(reviews=1, select_count=1)
    round_id, event_id, now = found.id, jury.event.id, jury.now
    first, second, third = (judge.id for judge in jury.judges[:3])

    def step_aside(judge_id: int, token: str) -> None:
        event, judge = session().get_one(Event, event_id), session().get_one(Account, judge_id)
        marks.recuse(event, round_id, token, "亲属", actor=judge, now=now)

    aside = [(work.account_id, work.token) for work in jury.work(found) if work.account_id in {second, third}]
    acts = [*(partial(step_aside, *one) for one in aside[:4]), an_act(jury, panel.drop_judge, round_id, first)]
    session().commit()
    assert [a for a in at_once(app, acts) if a is not None] == []
    standing = session().execute(
        sa.select(Assignment.entry_id, sa.func.count())
        .where(Assignment.round_id == round_id, Assignment.recused_at.is_(None), Assignment.withdrawn_at.is_(None))
        .group_by(Assignment.entry_id)
    )
    assert set(dict(standing.tuples().all()).values()) <= {1}
