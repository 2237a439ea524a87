"""What must hold when several people press the button in the same moment."""

import threading
from collections.abc import Callable

import sqlalchemy as sa
from apiflask import APIFlask

from concours.base.db import session
from concours.base.errors import Conflict, DomainError, Invalid
from concours.entries import drafts, files, screening, submission
from concours.entries.lists import read_counts
from concours.entries.models import Entry, EntryCount, EntryStatus, Screening
from concours.entries.words import Typed
from concours.events.models import Category, Event, Quota
from concours.identity.models import Account, Role
from concours.media.models import Asset, AssetStatus
from tests.conftest import both_databases
from tests.entries.build import Build
from tests.factories import Make

Act = Callable[[], None]


def at_once(app: APIFlask, acts: list[Act]) -> list[DomainError | None]:
    """Runs all `acts` in the same moment, each in a transaction of its own; returns their refusals."""
    barrier = threading.Barrier(len(acts))
    answers: list[DomainError | None] = [None] * len(acts)
    faults: list[BaseException] = []

    def run(index: int, act: Act) -> None:
        with app.app_context():
            try:
                barrier.wait(20)
                act()
                session().commit()
            except DomainError as refused:
                session().rollback()
                answers[index] = refused
            except BaseException as fault:
                session().rollback()
                faults.append(fault)

    threads = [threading.Thread(target=run, args=(n, act)) for n, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults, faults
    return answers


def submitting(entry_id: int, account_id: int, event_id: int, make: Make) -> Act:
    def act() -> None:
        entry, event = session().get_one(Entry, entry_id), session().get_one(Event, event_id)
        submission.submit(entry, event, actor=session().get_one(Account, account_id), now=make.now)

    return act


@both_databases
def test_eight_submissions_for_one_place_of_the_department(app: APIFlask, make: Make, build: Build) -> None:
    event = make.event()
    category, department = make.category(event), make.department()
    session().add(Quota(event_id=event.id, department_id=department.id, max_entries=1))
    authors = [build.author(department_id=department.id) for _ in range(8)]
    entries = [build.draft(event, category, author) for author in authors]
    pairs = zip(entries, authors, strict=True)
    answers = at_once(app, [submitting(e.id, a.id, event.id, make) for e, a in pairs])
    assert sum(answer is None for answer in answers) == 1
    assert all(isinstance(answer, Invalid) for answer in answers if answer is not None)
    session().expire_all()
    assert session().scalars(sa.select(Entry.number).where(Entry.number.is_not(None))).all() == [1]


@both_databases
def test_an_author_with_six_windows_submits_one(app: APIFlask, make: Make, build: Build) -> None:
    event = make.event()
    category, author = make.category(event, rules={"per_author": 1}), build.author()
    entries = [build.draft(event, category, author) for _ in range(6)]
    answers = at_once(app, [submitting(e.id, author.id, event.id, make) for e in entries])
    assert sum(answer is None for answer in answers) == 1


@both_databases
def test_numbers_are_unique_and_without_gaps(app: APIFlask, make: Make, build: Build) -> None:
    event = make.event()
    category = make.category(event)
    authors = [build.author() for _ in range(10)]
    entries = [build.draft(event, category, author) for author in authors]
    pairs = list(zip(entries, authors, strict=True))
    twice = [submitting(e.id, a.id, event.id, make) for e, a in [*pairs, *pairs]]
    assert at_once(app, twice) == [None] * 20
    session().expire_all()
    assert sorted(session().scalars(sa.select(Entry.number))) == list(range(1, 11))


@both_databases
def test_two_windows_saving_the_same_draft(app: APIFlask, make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.draft(event, make.category(event), author)
    opened = entry.version

    def saving(title: str) -> Act:
        def act() -> None:
            drafts.change(
                session().get_one(Entry, entry.id),
                session().get_one(Event, event.id),
                Typed(title=title, authors="王"),
                actor=session().get_one(Account, author.id),
                now=make.now,
                version=opened,
            )

        return act

    answers = at_once(app, [saving("甲"), saving("乙"), saving("丙")])
    assert sum(answer is None for answer in answers) == 1
    assert all(isinstance(answer, Conflict) for answer in answers if answer is not None)


@both_databases
def test_the_last_place_for_a_file_is_taken_once(app: APIFlask, make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    author_id = author.id
    entry = build.draft(event, make.category(event, media_kind="series"), author, files=7)
    assets = [build.asset(entry, AssetStatus.CHECKING).id for _ in range(4)]

    def attaching(asset_id: int) -> Act:
        def act() -> None:
            files.attach(
                session().get_one(Entry, entry.id),
                session().get_one(Event, event.id),
                session().get_one(Asset, asset_id),
                {},
                actor=session().get_one(Account, author_id),
                now=make.now,
            )

        return act

    answers = at_once(app, [attaching(number) for number in assets])
    assert sum(answer is None for answer in answers) == 1
    session().expire_all()
    assert len(entry.files) == 8


@both_databases
def test_screening_and_changing_at_once_never_accept_what_was_not_seen(app: APIFlask, make: Make, build: Build) -> None:
    event = make.event()
    category, organiser_id, event_id = make.category(event), make.with_role(event, Role.ORGANISER).id, event.id
    for n in range(4):
        author = build.author()
        entry = build.submitted(event, category, author)
        seen, version = entry.revision, entry.version

        def accept(entry_id: int = entry.id, revision: str = seen) -> None:
            screening.decide(
                session().get_one(Entry, entry_id),
                session().get_one(Event, event_id),
                screening.Verdict.ACCEPTED,
                reason="",
                revision=revision,
                actor=session().get_one(Account, organiser_id),
                now=make.now,
            )

        def change(
            entry_id: int = entry.id, opened: int = version, account_id: int = author.id, title: str = f"改{n}"
        ) -> None:
            kept = session().get_one(Entry, entry_id)
            typed = build.typed(kept, title=title)
            drafts.change(
                kept,
                session().get_one(Event, event_id),
                typed,
                actor=session().get_one(Account, account_id),
                now=make.now,
                version=opened,
            )

        at_once(app, [accept, change])
        session().refresh(entry)
        if entry.status == EntryStatus.ACCEPTED:
            last = session().scalars(sa.select(Screening).order_by(Screening.id.desc())).first()
            assert last is not None
            assert last.revision == entry.revision


@both_databases
def test_the_kept_counters_are_what_counting_gives(app: APIFlask, make: Make, build: Build) -> None:
    event = make.event()
    categories: list[Category] = [make.category(event), make.category(event)]
    author = build.author()
    for category in categories:
        build.draft(event, category, author)
        for verdict in ("accepted", "returned", "rejected"):
            build.screened(event, category, verdict)
        back = build.submitted(event, category, author)
        submission.withdraw(back, event, actor=author, now=make.now)
        submission.reopen(back, event, actor=author, now=make.now)
        submission.submit(back, event, actor=author, now=make.now)
        session().commit()
    entries = [build.draft(event, categories[0], author) for _ in range(6)]
    at_once(app, [submitting(e.id, author.id, event.id, make) for e in entries])
    session().expire_all()
    counted = session().execute(
        sa.select(Entry.category_id, Entry.department_id, Entry.status, sa.func.count()).group_by(
            Entry.category_id, Entry.department_id, Entry.status
        )
    )
    kept = session().scalars(sa.select(EntryCount).where(EntryCount.entries > 0))
    assert {(r.category_id, r.department_id, r.status, r.entries) for r in kept} == {tuple(r) for r in counted}
    counts = read_counts(event)
    assert counts.of(status="submitted") == 8
    assert counts.of() == 8 + 3 * 2
    assert counts.of(status="accepted", category_id=categories[1].id) == 1
