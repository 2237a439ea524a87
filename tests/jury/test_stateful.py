"""Every verb that changes a round, in any order: no mark is lost, no constraint broken, and it never gets stuck."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from concours.base.db import db, session
from concours.base.errors import Closed, Conflict, Forbidden, Invalid
from concours.jury import closing, declaring, marks, panel, reopening, shortlist, splitting
from concours.jury.models import Assignment, Mark, Panelist, Round, RoundEntry, RoundStatus, Selected
from tests.factories import Make
from tests.jury.build import Jury

ENTRIES, JUDGES, PLACES = 6, 5, 2
WHICH = st.integers(0, JUDGES - 1)
REFUSALS = (Conflict, Invalid, Closed, Forbidden)


class Verbs(RuleBasedStateMachine):
    """A round of six works of two categories; five judges, one of whom has a conflict with all works."""

    app: APIFlask

    def __init__(self) -> None:
        super().__init__()
        self.context = self.app.app_context()
        self.context.push()
        for table in reversed(db.metadata.sorted_tables):  # the same numbers for every example
            session().execute(table.delete())
        session().commit()
        self.sent: dict[int, list[tuple[str, Any]]] = {}
        self.barred: set[tuple[int, int]] = set()
        self.names = 0
        self.shared_out = False

    def teardown(self) -> None:
        if hasattr(self, "found"):
            self.every_round_can_be_selected()
        db.session.remove()
        self.context.pop()

    @initialize(reviews=st.integers(1, 3))
    def begin(self, reviews: int) -> None:
        self.jury = Jury(Make(datetime.now(UTC)))
        self.categories = [self.jury.category(), self.jury.category()]
        self.entries = [e for category in self.categories for e in self.jury.entries(ENTRIES // 2, category)]
        self.jury.judge(department_id=self.jury.department.id)
        for _ in range(JUDGES - 1):
            self.jury.judge()
        self.barred |= {(entry.id, self.jury.judges[0].id) for entry in self.entries}
        self.found = self.jury.opened(judges=self.jury.judges[:4], reviews=reviews, select_count=PLACES, anyway=True)

    def rounds(self) -> list[Round]:
        query = sa.select(Round).order_by(Round.id).execution_options(populate_existing=True)
        return list(session().scalars(query))

    def one(self, which: int) -> Round:
        rounds = self.rounds()
        return rounds[which % len(rounds)]

    def attempt(self, verb: Callable[..., Any], *given: Any, **more: Any) -> bool:
        """Does what an organiser does; a refusal leaves everything as it was."""
        try:
            verb(self.jury.event, *given, **({"actor": self.jury.organiser, "now": self.jury.now} | more))
        except REFUSALS:
            session().rollback()
            return False
        session().commit()
        return True

    def organise(self, verb: Callable[..., Any], *given: Any, **more: Any) -> None:
        """Does what shares the work out anew."""
        self.shared_out = self.attempt(verb, *given, **more) and len(self.rounds()) == 1

    @rule(which=WHICH, at=WHICH)
    def add(self, which: int, at: int) -> None:
        self.organise(panel.add_judges, self.one(at).id, [self.jury.judges[which].id])

    @rule(which=WHICH, at=WHICH, verb=st.sampled_from([panel.drop_judge, panel.pause_judge, panel.resume_judge]))
    def drop_pause_or_resume(self, which: int, at: int, verb: Callable[..., Any]) -> None:
        self.organise(verb, self.one(at).id, self.jury.judges[which].id)

    @rule(which=WHICH, successor=WHICH, at=WHICH)
    def replace(self, which: int, successor: int, at: int) -> None:
        judges = self.jury.judges
        self.organise(panel.replace_judge, self.one(at).id, judges[which].id, judges[successor].id)

    @rule(which=WHICH, at=WHICH, capacity=st.none() | st.integers(0, 4), part=st.integers(0, 3))
    def set_share(self, which: int, at: int, capacity: int | None, part: int) -> None:
        chosen = [category.id for place, category in enumerate(self.categories) if part >> place & 1]
        judge = self.jury.judges[which].id
        self.organise(panel.set_share, self.one(at).id, judge, categories=chosen, capacity=capacity)

    @rule(at=WHICH, reviews=st.integers(1, 4))
    def ask_for(self, at: int, reviews: int) -> None:
        self.organise(panel.change_reviews, self.one(at).id, reviews)

    @rule(at=WHICH, overlap=st.integers(0, 3), anchors=st.integers(0, 1))
    def set_sharing(self, at: int, overlap: int, anchors: int) -> None:
        self.organise(panel.set_sharing, self.one(at).id, overlap=overlap, anchors=anchors)

    @rule(which=WHICH, entry=st.integers(0, ENTRIES - 1))
    def declare(self, which: int, entry: int) -> None:
        judge, about = self.jury.judges[which], self.entries[entry]
        if self.attempt(declaring.declare, judge.id, entry=about.number, organiser=True):
            self.barred.add((about.id, judge.id))

    @rule(at=WHICH, hours=st.sampled_from([None, 1, 2]))
    def extend(self, at: int, hours: int | None) -> None:
        until = None if hours is None else self.jury.now + timedelta(hours=hours)
        self.attempt(closing.extend, self.one(at).id, until)

    @rule(which=st.integers(0, 1), count=st.integers(0, 2))
    def split(self, which: int, count: int) -> None:
        chosen = [self.categories[which].id]
        self.attempt(splitting.split, self.found.id, chosen, title="分组", count=count)
        self.shared_out = False

    @rule(
        which=st.integers(0, 99),
        value=st.sampled_from([{"yes": True}, {"yes": False}, None]),
        again=st.booleans(),
    )
    def mark(self, which: int, value: dict[str, bool] | None, again: bool) -> None:
        rows = list(session().scalars(sa.select(Assignment).order_by(Assignment.entry_id, Assignment.account_id)))
        if not rows:
            return
        work = rows[which % len(rows)]
        self.names += 1
        name = f"m{self.names}"
        answer = self.jury.mark(work, value, name)
        self.shared_out = False
        if answer.saved:
            self.sent.setdefault(work.id, []).append((name, value))
            if again:
                assert self.jury.mark(work, value, name).saved
            return
        assert isinstance(answer.refusal, REFUSALS)
        seat = session().scalar(
            sa.select(Panelist).where(Panelist.round_id == work.round_id, Panelist.account_id == work.account_id)
        )
        assert seat is not None, "who has work has a seat"
        held = session().get_one(Round, work.round_id)
        assert held.status != RoundStatus.OPEN or seat.dropped_at is not None or work.recused_at is not None

    @rule(which=st.integers(0, 99))
    def recuse(self, which: int) -> None:
        rows = list(session().scalars(sa.select(Assignment).order_by(Assignment.entry_id, Assignment.account_id)))
        if not rows:
            return
        work = rows[which % len(rows)]
        judge = next(judge for judge in self.jury.judges if judge.id == work.account_id)
        if self.attempt(marks.recuse, work.round_id, work.token, "亲属", actor=judge):
            self.barred.add((work.entry_id, work.account_id))
            self.shared_out = False

    @rule(at=WHICH, missing=st.sampled_from(["available", "lowest", "exclude"]))
    def close(self, at: int, missing: str) -> None:
        self.attempt(closing.close, self.one(at).id, missing)

    @rule(at=WHICH)
    def select(self, at: int) -> None:
        self.attempt(shortlist.choose, self.one(at).id, 1)

    @rule(at=WHICH)
    def reopen(self, at: int) -> None:
        self.attempt(reopening.reopen, self.one(at).id)

    @invariant()
    def every_saved_mark_is_there_once_and_the_last_one_stands(self) -> None:
        kept: dict[int, list[tuple[str, Any]]] = {}
        rounds: dict[int, int] = {}
        for mark in session().scalars(sa.select(Mark).order_by(Mark.id).execution_options(populate_existing=True)):
            kept.setdefault(mark.assignment_id, []).append((mark.client_id, mark.value))
            rounds[mark.assignment_id] = mark.round_id
        assert kept == self.sent
        for work in session().scalars(sa.select(Assignment).execution_options(populate_existing=True)):
            last = kept.get(work.id, [("", None)])[-1][1]
            assert (work.value if work.marked_at is not None else None) == last
            assert rounds.get(work.id, work.round_id) == work.round_id
            if last is not None:
                assert work.withdrawn_at is None

    @invariant()
    def constraints_hold(self) -> None:
        for found in self.rounds():
            if found.status != RoundStatus.OPEN:
                continue
            work = self.jury.work(found)
            seats = {
                seat.account_id: seat
                for seat in session().scalars(sa.select(Panelist).where(Panelist.round_id == found.id))
                if seat.dropped_at is None and seat.paused_at is None
            }
            category = {entry.id: entry.category_id for entry in self.entries}
            may = {
                (entry, account)
                for entry in category
                for account, seat in seats.items()
                if (entry, account) not in self.barred and category[entry] in (seat.categories or self.all())
            }
            assert {(row.entry_id, row.account_id) for row in work if row.id not in self.sent} <= may
            if self.shared_out:
                self.shared_out_well(found, work, seats, may)

    def shared_out_well(
        self, found: Round, work: list[Assignment], seats: dict[int, Panelist], may: set[tuple[int, int]]
    ) -> None:
        """Where an entry is short or loads differ by two, nothing could be given or moved to mend it."""
        load = Counter(row.account_id for row in work)
        given = {(row.entry_id, row.account_id) for row in work}
        marked = Counter(row.account_id for row in work if row.marked_at is not None)
        most = {account: ENTRIES if seat.capacity is None else seat.capacity for account, seat in seats.items()}
        for account in seats:
            assert load[account] <= max(most[account], marked[account])
        inside = session().execute(
            sa.select(RoundEntry.entry_id, RoundEntry.anchor).where(RoundEntry.round_id == found.id)
        )
        for entry, _ in inside.tuples():
            reviews = sum(1 for number, _ in given if number == entry)
            free = [a for a in seats if (entry, a) in may - given and load[a] < most[a]]
            assert reviews >= found.reviews or not free
        anchors = set(session().scalars(sa.select(RoundEntry.entry_id).where(RoundEntry.anchor)))
        movable = [row for row in work if row.marked_at is None and row.entry_id not in anchors]
        for row in movable:
            for other in seats:
                if load[row.account_id] - load[other] >= 2 and load[other] < most[other]:
                    assert (row.entry_id, other) not in may - given

    def all(self) -> set[int]:
        return {category.id for category in self.categories}

    def every_round_can_be_selected(self) -> None:
        for found in self.rounds():
            if found.status == RoundStatus.SELECTED:
                assert self.attempt(reopening.reopen, found.id)
            if self.one_of(found).status == RoundStatus.OPEN:
                assert self.attempt(closing.close, found.id, "lowest")
            else:
                assert self.attempt(reopening.reopen, found.id)
                assert self.attempt(closing.close, found.id, "lowest")
            assert self.attempt(shortlist.choose, found.id, found.select_count)
        assert session().scalar(sa.select(sa.func.count()).select_from(Selected)) == PLACES

    def one_of(self, found: Round) -> Round:
        return next(one for one in self.rounds() if one.id == found.id)


@pytest.mark.filterwarnings("ignore")
def test_a_round_survives_any_sequence_of_verbs(app: APIFlask) -> None:
    Verbs.app = app
    run_state_machine_as_test(
        Verbs,
        settings=settings(
            max_examples=16, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
