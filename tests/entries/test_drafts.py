"""A draft begins, changes, and says what is wrong; nothing typed is lost."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from concours.audit import AuditRecord
from concours.base.db import session
from concours.base.errors import Closed, Conflict, Forbidden, Invalid, NotFound
from concours.entries import drafts
from concours.entries.models import Entry, EntryStatus
from concours.entries.words import Typed
from concours.events.models import Event, EventStatus, Phase
from concours.identity.models import Role
from tests.conftest import both_databases
from tests.entries.build import Build
from tests.factories import Make


def phase(event: Event, kind: str) -> Phase:
    return session().scalars(sa.select(Phase).where(Phase.event_id == event.id, Phase.kind == kind)).one()


@both_databases
def test_a_draft_belongs_to_its_author_and_department(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author(name="王羲之")
    entry = drafts.start(event, make.category(event), actor=author, now=make.now)
    session().commit()
    assert (entry.status, entry.number, entry.department_id) == (EntryStatus.DRAFT, None, author.department_id)
    assert entry.authors == "王羲之"
    assert session().scalars(sa.select(AuditRecord.verb)).all() == ["entries.start"]


def test_an_account_without_department_is_told_what_to_do(make: Make) -> None:
    event = make.event()
    with pytest.raises(Forbidden) as refused:
        drafts.start(event, make.category(event), actor=make.account(), now=make.now)
    assert refused.value.code == "no_department"


def test_an_event_can_be_open_to_people_without_department(make: Make) -> None:
    event = make.event(settings={"open_to_all": True})
    entry = drafts.start(event, make.category(event), actor=make.account(), now=make.now)
    assert entry.department_id is None


def test_submission_is_open_from_its_first_second_to_the_one_before_its_close(make: Make, build: Build) -> None:
    event = make.event()
    category, author = make.category(event), build.author()
    times = phase(event, "submission")
    second = timedelta(seconds=1)
    with pytest.raises(Closed) as early:
        drafts.start(event, category, actor=author, now=times.opens_at - second)
    assert early.value.code == "phase_not_open_yet"
    drafts.start(event, category, actor=author, now=times.opens_at)
    drafts.start(event, category, actor=author, now=times.closes_at - timedelta(microseconds=1))
    with pytest.raises(Closed) as late:
        drafts.start(event, category, actor=author, now=times.closes_at)
    assert late.value.code == "phase_closed"


@pytest.mark.parametrize("status", [EventStatus.DRAFT, EventStatus.ARCHIVED])
def test_nothing_begins_in_an_event_that_is_not_published(make: Make, build: Build, status: str) -> None:
    event = make.event(status=status)
    with pytest.raises(Closed):
        drafts.start(event, make.category(event), actor=build.author(), now=make.now)


def test_thirty_drafts_are_enough(make: Make, build: Build) -> None:
    event = make.event()
    category, author = make.category(event), build.author()
    for _ in range(drafts.DRAFTS_LIMIT):
        drafts.start(event, category, actor=author, now=make.now)
    with pytest.raises(Conflict) as refused:
        drafts.start(event, category, actor=author, now=make.now)
    assert refused.value.code == "too_many_drafts"


def test_a_team_is_entered_by_its_captain_or_coordinator(make: Make, build: Build) -> None:
    event = make.event(kind="team_contest")
    category = make.category(event, media_kind="video")
    department = make.department()
    captain = make.account(department_id=department.id)
    team = make.team(event, department, captain_id=captain.id)
    coordinator = make.with_role(event, Role.COORDINATOR, department)
    for person in (captain, coordinator):
        entry = drafts.start(event, category, actor=person, now=make.now, team_id=team.id)
        assert (entry.team_id, entry.department_id, entry.authors) == (team.id, department.id, team.name)
    with pytest.raises(Forbidden) as refused:
        drafts.start(event, category, actor=make.member(team).account, now=make.now, team_id=team.id)
    assert refused.value.code == "no_team"


def test_with_several_teams_one_must_be_chosen_and_only_ones_own(make: Make) -> None:
    event = make.event(kind="team_contest")
    category, other = make.category(event, media_kind="video"), make.category(event, media_kind="video")
    department = make.department()
    coordinator = make.with_role(event, Role.COORDINATOR, department)
    make.team(event, department)
    make.team(event, department, category_id=category.id)
    small = make.team(event, department, category_id=other.id)
    foreign = make.team(event, make.department())
    with pytest.raises(Invalid) as refused:
        drafts.start(event, category, actor=coordinator, now=make.now)
    assert refused.value.code == "choose_team"
    for team in (foreign, small):
        with pytest.raises(NotFound):
            drafts.start(event, category, actor=coordinator, now=make.now, team_id=team.id)


@both_databases
def test_rare_characters_are_kept_and_unseen_ones_dropped(make: Make, build: Build) -> None:
    event = make.event()
    category = make.category(event, fields=[{"key": "note", "label": "说明", "type": "textarea"}])
    author = build.author()
    entry = drafts.start(event, category, actor=author, now=make.now)
    build.type(entry, event, author, title="  𠮷野家🎨\x00 之 \ud800夜 ", values={"note": "一行\r\n二\x00行\ud83d"})
    session().expire_all()
    kept = session().get_one(Entry, entry.id)
    assert kept.title == "𠮷野家🎨 之 \ufffd夜"
    assert kept.values == {"note": "一行\n二行\ufffd"}


def test_a_title_of_ten_thousand_characters_is_refused_and_the_draft_stays(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.draft(event, make.category(event), author, title="春")
    with pytest.raises(Invalid) as refused:
        build.type(entry, event, author, title="长" * 10_000)
    session().rollback()
    [problem] = refused.value.problems
    assert (problem.field, problem.message.values) == ("title", {"length": 10_000, "limit": 120})
    assert session().get_one(Entry, entry.id).title == "春"
    build.type(entry, event, author, title="𠮷" * 120)
    assert len(entry.title) == 120


def test_a_draft_may_be_incomplete_but_not_wrong(make: Make, build: Build) -> None:
    event = make.event()
    category = make.category(
        event, fields=[{"key": "year", "label": "年份", "type": "number", "required": True, "maximum": 2100}]
    )
    author = build.author()
    entry = drafts.start(event, category, actor=author, now=make.now)
    assert drafts.change(entry, event, Typed(title="山"), actor=author, now=make.now, version=1)
    with pytest.raises(Invalid) as refused:
        drafts.change(
            entry, event, Typed(title="山", values={"year": "3000"}), actor=author, now=make.now, version=entry.version
        )
    assert [p.field for p in refused.value.problems] == ["field-year"]


def test_a_form_from_an_older_version_is_told_so(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.draft(event, make.category(event), author)
    opened = entry.version
    build.type(entry, event, author, title="另一台设备上改的")
    with pytest.raises(Conflict) as refused:
        drafts.change(entry, event, Typed(title="这里改的"), actor=author, now=make.now, version=opened)
    assert refused.value.code == "changed_elsewhere"
    assert entry.title == "另一台设备上改的"


def test_saving_the_same_again_changes_nothing(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.draft(event, make.category(event), author)
    before = (entry.version, session().scalar(sa.select(sa.func.count()).select_from(AuditRecord)))
    assert not drafts.change(entry, event, build.typed(entry), actor=author, now=make.now, version=entry.version)
    assert before == (entry.version, session().scalar(sa.select(sa.func.count()).select_from(AuditRecord)))


def test_a_draft_can_be_saved_after_the_deadline(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.draft(event, make.category(event), author)
    late = phase(event, "submission").closes_at
    build.type(entry, event, author, title="写到最后一刻", now=late)
    assert entry.title == "写到最后一刻"


@pytest.mark.parametrize("status", ["rejected", "withdrawn"])
def test_what_is_rejected_or_withdrawn_does_not_change(make: Make, build: Build, status: str) -> None:
    event = make.event()
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    if status == "rejected":
        build.decide(entry, event, "rejected")
    else:
        from concours.entries.submission import withdraw

        withdraw(entry, event, actor=author, now=make.now)
    with pytest.raises(Conflict) as refused:
        build.type(entry, event, author, title="改")
    assert refused.value.code == status
