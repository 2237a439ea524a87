"""Whatever happens to a round in whatever order: no mark is lost, no constraint broken, and it never gets stuck."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from concours.base.db import db, session
from concours.base.errors import Conflict
from concours.jury import closing, lookup, marks, panel, shortlist
from concours.jury.models import Assignment, Mark, Panelist, RoundStatus
from tests.factories import Make
from tests.jury.build import Jury

ENTRIES, JUDGES = 6, 5


class RoundLife(RuleBasedStateMachine):
    """A round of six works; five judges of whom one has a conflict with all, and one with nothing."""

    app: APIFlask

    def __init__(self) -> None:
        super().__init__()
        self.context = self.app.app_context()
        self.context.push()
        for table in reversed(db.metadata.sorted_tables):  # the same numbers for every example
            session().execute(table.delete())
        session().commit()
        self.sent: dict[int, list[tuple[str, Any]]] = {}
        self.names = 0

    def teardown(self) -> None:
        db.session.remove()
        self.context.pop()

    @initialize(reviews=st.integers(1, 3))
    def begin(self, reviews: int) -> None:
        self.jury = Jury(Make(datetime.now(UTC)))
        self.entries = [entry.id for entry in self.jury.entries(ENTRIES)]
        self.jury.judge(department_id=self.jury.department.id)
        for _ in range(JUDGES - 1):
            self.jury.judge()
        self.found = self.jury.opened(reviews=reviews, select_count=2, anyway=True)
        self.aside: set[tuple[int, int]] = set()

    def status(self) -> str:
        return lookup.find_round(self.jury.event.id, self.found.id).status

    def of_round(self, kind: Any) -> Any:
        return sa.select(kind).where(kind.round_id == self.found.id).execution_options(populate_existing=True)

    def attempt(self, act: Callable[[], Any]) -> Any:
        try:
            result = act()
        except Conflict:
            session().rollback()
            return None
        session().commit()
        return result

    def common(self) -> dict[str, Any]:
        return {"actor": self.jury.organiser, "now": self.jury.now}

    @rule(which=st.integers(0, JUDGES - 1))
    def add(self, which: int) -> None:
        judge = self.jury.judges[which]
        self.attempt(lambda: panel.add_judges(self.jury.event, self.found.id, [judge.id], **self.common()))

    @rule(which=st.integers(0, JUDGES - 1))
    def drop(self, which: int) -> None:
        judge = self.jury.judges[which]
        self.attempt(lambda: panel.drop_judge(self.jury.event, self.found.id, judge.id, **self.common()))

    @rule(reviews=st.integers(1, 4))
    def ask_for(self, reviews: int) -> None:
        self.attempt(lambda: panel.change_reviews(self.jury.event, self.found.id, reviews, **self.common()))

    @rule(which=st.integers(0, 99), value=st.sampled_from([{"yes": True}, {"yes": False}, None]), again=st.booleans())
    def mark(self, which: int, value: dict[str, bool] | None, again: bool) -> None:
        rows = list(session().scalars(self.of_round(Assignment).order_by(Assignment.entry_id, Assignment.account_id)))
        if not rows:
            return
        work = rows[which % len(rows)]
        self.names += 1
        answer = self.jury.mark(work, value, f"m{self.names}")
        if answer.saved:
            self.sent.setdefault(work.id, []).append((f"m{self.names}", value))
            if again:
                assert self.jury.mark(work, value, f"m{self.names}").saved
        else:
            assert answer.refusal is not None
            panelist = session().scalar(self.of_round(Panelist).where(Panelist.account_id == work.account_id))
            assert panelist is not None
            assert self.status() != RoundStatus.OPEN or panelist.dropped_at is not None or work.recused_at is not None

    @rule(which=st.integers(0, 99))
    def recuse(self, which: int) -> None:
        rows = sorted(self.jury.work(self.found), key=lambda row: (row.entry_id, row.account_id))
        if not rows or self.status() != RoundStatus.OPEN:
            return
        work = rows[which % len(rows)]
        judge = next(judge for judge in self.jury.judges if judge.id == work.account_id)
        try:
            marks.recuse(self.jury.event, self.found.id, work.token, "亲属", actor=judge, now=self.jury.now)
        except marks.Closed:
            session().rollback()
            return
        session().commit()
        self.aside.add((work.entry_id, work.account_id))

    @precondition(lambda self: self.status() == RoundStatus.OPEN)
    @rule(missing=st.sampled_from(["available", "lowest", "exclude"]))
    def close(self, missing: str) -> None:
        self.jury.close(self.found, missing)

    @precondition(lambda self: self.status() == RoundStatus.CLOSED)
    @rule()
    def reopen(self) -> None:
        closing.reopen(self.jury.event, self.found.id, **self.common())
        session().commit()

    @invariant()
    def every_mark_answered_as_saved_is_there_once_and_the_last_one_stands(self) -> None:
        if not hasattr(self, "found"):
            return
        kept: dict[int, list[tuple[str, Any]]] = {}
        for mark in session().scalars(self.of_round(Mark).order_by(Mark.id)):
            kept.setdefault(mark.assignment_id, []).append((mark.client_id, mark.value))
        assert kept == self.sent
        for work in session().scalars(self.of_round(Assignment)):
            last = kept.get(work.id, [("", None)])[-1][1]
            assert (work.value if work.marked_at is not None else None) == last

    @invariant()
    def constraints_hold(self) -> None:
        if not hasattr(self, "found"):
            return
        found = lookup.find_round(self.jury.event.id, self.found.id)
        work = self.jury.work(found)
        pairs = {(row.entry_id, row.account_id) for row in work}
        assert len(pairs) == len(work)
        assert not pairs & self.aside
        assert self.jury.judges[0].id not in {account for _, account in pairs}, "own department"
        seated = {row.account_id for row in session().scalars(self.of_round(Panelist)) if row.dropped_at is None}
        unmarked = [row for row in work if row.marked_at is None]
        assert {row.account_id for row in unmarked} <= seated
        free = seated - {self.jury.judges[0].id}
        per_entry = Counter(row.entry_id for row in work)
        for entry in self.entries:
            held = {account for number, account in pairs if number == entry}
            possible = {account for account in free if (entry, account) not in self.aside} | held
            assert per_entry[entry] >= min(found.reviews, len(possible))

    @invariant()
    def it_never_gets_stuck(self) -> None:
        if not hasattr(self, "found") or self.status() != RoundStatus.CLOSED:
            return
        found = lookup.find_round(self.jury.event.id, self.found.id)
        result = shortlist.outcome(self.jury.event, found)
        assert (result.selection is None) == (len(result.scores) < 2)


@pytest.mark.filterwarnings("ignore")
def test_a_round_survives_any_sequence_of_acts(app: APIFlask) -> None:
    RoundLife.app = app
    run_state_machine_as_test(
        RoundLife,
        settings=settings(
            max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
