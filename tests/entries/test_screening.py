"""The organiser accepts, returns, rejects; every decision is kept, and is about what was seen."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from concours.audit import AuditRecord
from concours.base.db import session
from concours.base.errors import Closed, Conflict, Invalid
from concours.entries import screening, submission
from concours.entries.history import changed_since_decision, history_of, last_decisions
from concours.entries.models import Entry, EntryStatus, Screening
from concours.entries.screening import Verdict
from concours.events.models import Event
from concours.identity.models import Account, Role
from tests.conftest import both_databases
from tests.entries.build import Build
from tests.entries.test_drafts import phase
from tests.factories import Make


@pytest.fixture
def event(make: Make) -> Event:
    return make.event()


@pytest.fixture
def organiser(make: Make, event: Event) -> Account:
    return make.with_role(event, Role.ORGANISER)


@both_databases
def test_decisions_are_added_and_the_last_one_stands(
    make: Make, build: Build, event: Event, organiser: Account
) -> None:
    entry = build.submitted(event, make.category(event))
    for verdict, reason in (
        (Verdict.RETURNED, "请补全落款 𠮷🎨"),
        (Verdict.REJECTED, "与往届雷同"),
        (Verdict.ACCEPTED, ""),
    ):
        screening.decide(entry, event, verdict, reason=reason, revision=entry.revision, actor=organiser, now=make.now)
        session().commit()
        assert entry.status == verdict
    rows = session().scalars(sa.select(Screening).order_by(Screening.id)).all()
    assert [(r.verdict, r.reason) for r in rows] == [
        ("returned", "请补全落款 𠮷🎨"),
        ("rejected", "与往届雷同"),
        ("accepted", ""),
    ]
    assert last_decisions([entry.id])[entry.id].verdict == "accepted"
    audited = session().scalars(sa.select(AuditRecord).where(AuditRecord.verb.like("entries.screen%"))).all()
    assert [a.verb for a in audited] == [
        "entries.screen_returned",
        "entries.screen_rejected",
        "entries.screen_accepted",
    ]
    assert audited[0].detail["reason"] == "请补全落款 𠮷🎨"


@pytest.mark.parametrize("verdict", [Verdict.RETURNED, Verdict.REJECTED])
def test_a_refusal_needs_a_reason_of_at_most_a_thousand_characters(
    make: Make, build: Build, event: Event, organiser: Account, verdict: Verdict
) -> None:
    entry = build.submitted(event, make.category(event))
    for reason in ("", " \n\t ", "字" * 1001):
        with pytest.raises(Invalid) as refused:
            screening.decide(
                entry, event, verdict, reason=reason, revision=entry.revision, actor=organiser, now=make.now
            )
        assert [p.field for p in refused.value.problems] == ["reason"]
    screening.decide(entry, event, verdict, reason="字" * 1000, revision=entry.revision, actor=organiser, now=make.now)


def test_a_decision_about_an_older_revision_is_refused(
    make: Make, build: Build, event: Event, organiser: Account
) -> None:
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    seen = entry.revision
    build.type(entry, event, author, title="改过")
    with pytest.raises(Conflict) as refused:
        screening.decide(entry, event, Verdict.ACCEPTED, reason="", revision=seen, actor=organiser, now=make.now)
    assert refused.value.code == "changed_elsewhere"
    assert entry.status == EntryStatus.SUBMITTED


def test_only_what_was_submitted_is_screened(make: Make, build: Build, event: Event, organiser: Account) -> None:
    category = make.category(event)
    author = build.author()
    withdrawn = build.submitted(event, category, author)
    submission.withdraw(withdrawn, event, actor=author, now=make.now)
    session().commit()
    for entry in (build.draft(event, category, author), withdrawn):
        with pytest.raises(Conflict) as refused:
            screening.decide(
                entry, event, Verdict.ACCEPTED, reason="", revision=entry.revision, actor=organiser, now=make.now
            )
        assert refused.value.code == "not_submitted"
        session().rollback()


def test_screening_is_open_to_the_second(make: Make, build: Build, event: Event, organiser: Account) -> None:
    entry = build.submitted(event, make.category(event))
    closes = phase(event, "screening").closes_at

    def accept(at: object) -> None:
        screening.decide(
            entry,
            event,
            Verdict.ACCEPTED,
            reason="",
            revision=entry.revision,
            actor=organiser,
            now=at,  # type: ignore[arg-type]
        )

    with pytest.raises(Closed):
        accept(closes)
    accept(closes - timedelta(seconds=1))
    assert entry.status == EntryStatus.ACCEPTED


def test_an_event_without_a_screening_phase_screens_at_any_time(make: Make, build: Build) -> None:
    event = make.event()
    session().delete(phase(event, "screening"))
    session().commit()
    session().expire_all()
    build.screened(event, make.category(event), "accepted")


def test_pressing_accept_twice_is_one_decision(make: Make, build: Build, event: Event, organiser: Account) -> None:
    entry = build.submitted(event, make.category(event))
    for _ in range(2):
        screening.decide(
            entry, event, Verdict.ACCEPTED, reason="", revision=entry.revision, actor=organiser, now=make.now
        )
    assert session().scalar(sa.select(sa.func.count()).select_from(Screening)) == 1


def test_taking_back_a_rejection_needs_a_free_place(make: Make, build: Build, event: Event, organiser: Account) -> None:
    category = make.category(event, rules={"per_author": 1})
    author = build.author()
    rejected = build.submitted(event, category, author)
    build.decide(rejected, event, "rejected")
    build.submitted(event, category, author)
    with pytest.raises(Conflict) as refused:
        screening.decide(
            rejected, event, Verdict.ACCEPTED, reason="", revision=rejected.revision, actor=organiser, now=make.now
        )
    assert refused.value.code == "no_place"


@both_databases
def test_many_are_accepted_at_once_but_not_what_changed_meanwhile(
    make: Make, build: Build, event: Event, organiser: Account
) -> None:
    category = make.category(event)
    author = build.author()
    good = [build.submitted(event, category) for _ in range(3)]
    changed = build.submitted(event, category, author)
    seen = [(e.id, e.revision) for e in [*good, changed]]
    build.type(changed, event, author, title="改过")
    rejected = build.screened(event, category, "rejected")
    elsewhere = make.event()
    foreign = build.submitted(elsewhere, make.category(elsewhere))
    chosen = [*seen, (rejected.id, rejected.revision), (foreign.id, foreign.revision), (999_999, "1.0")]
    accepted, left = screening.accept_many(chosen, event, actor=organiser, now=make.now)
    session().commit()
    assert {e.id for e in accepted} == {e.id for e in good}
    assert {e.id for e in left} == {changed.id, rejected.id}
    statuses = dict(session().execute(sa.select(Entry.id, Entry.status)).all())
    assert statuses[foreign.id] == statuses[changed.id] == "submitted"
    with pytest.raises(Invalid):
        screening.accept_many([(n, "1.0") for n in range(101)], event, actor=organiser, now=make.now)


def test_the_history_tells_what_happened_in_order(make: Make, build: Build, event: Event) -> None:
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    build.decide(entry, event, "returned", "请补落款")
    build.type(entry, event, author, title="补好了", now=make.now)
    submission.submit(entry, event, actor=author, now=make.now)
    session().commit()
    history = history_of(entry)
    assert sorted(m.kind for m in history) == ["changed", "returned", "started", "submitted", "submitted"]
    assert next(m for m in history if m.kind == "returned").reason == "请补落款"
    assert next(m for m in history if m.kind == "changed").detail == {"title": ["兰亭序", "补好了"]}
    assert changed_since_decision(entry) == ["title"]
