"""Submitting checks everything at once; limits hold; what is in can change until the deadline, and be taken back."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from concours.base.db import session
from concours.base.errors import Closed, Conflict, Invalid
from concours.entries import drafts, submission
from concours.entries.models import Entry, EntryStatus, EntryStep
from concours.events.models import Quota, Statement
from concours.media.models import AssetStatus, Upload
from tests.conftest import both_databases
from tests.entries.build import Build
from tests.entries.test_drafts import phase
from tests.factories import Make


def reasons(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(problem.field, str(problem.message)) for problem in refused.value.problems]


@both_databases
def test_entries_are_numbered_in_the_order_of_their_first_submission(make: Make, build: Build) -> None:
    event, elsewhere = make.event(), make.event()
    category = make.category(event)
    first, second = build.draft(event, category, a := build.author()), build.draft(event, category, b := build.author())
    submission.submit(second, event, actor=b, now=make.now)
    submission.submit(first, event, actor=a, now=make.now)
    other = build.submitted(elsewhere, make.category(elsewhere))
    assert (second.number, first.number, other.number) == (1, 2, 1)
    assert (first.status, first.submitted_at) == (EntryStatus.SUBMITTED, make.now)


def test_everything_that_is_missing_is_said_at_once(make: Make, build: Build) -> None:
    event = make.event()
    category = make.category(
        event,
        media_kind="series",
        fields=[
            {"key": "script", "label": "书体", "type": "choice", "choices": ["楷书", "草书"], "required": True},
            {"key": "transcription", "label": "释文", "required_when": {"field": "script", "values": ["草书"]}},
        ],
    )
    author = build.author()
    entry = drafts.start(event, category, actor=author, now=make.now)
    entry.authors = ""
    build.file(entry, AssetStatus.CHECKING, filename="a.jpg")
    build.file(entry, AssetStatus.REFUSED, filename="b.jpg")
    with pytest.raises(Invalid) as refused:
        submission.submit(entry, event, actor=author, now=make.now)
    session().rollback()
    assert reasons(refused) == [
        ("title", "Please fill this in."),
        ("authors", "Please fill this in."),
        ("field-script", "Please fill this in."),
        ("agree", "Please read the statement and agree to it."),
        ("files", "“a.jpg” is still being checked. That takes a moment; then submit again."),
        ("files", "“b.jpg” was refused: This is no picture. Replace or remove it."),
        ("files", "4 files are needed; 1 are there."),
    ]
    assert (entry.status, entry.number) == (EntryStatus.DRAFT, None)


def test_cursive_script_needs_its_transcription(make: Make, build: Build) -> None:
    event = make.event()
    category = make.category(
        event,
        fields=[
            {"key": "script", "label": "书体", "type": "choice", "choices": ["楷书", "草书"]},
            {"key": "transcription", "label": "释文", "required_when": {"field": "script", "values": ["草书"]}},
        ],
    )
    author = build.author()
    entry = build.draft(event, category, author)
    build.type(entry, event, author, values={"script": "草书"})
    with pytest.raises(Invalid) as refused:
        submission.submit(entry, event, actor=author, now=make.now)
    assert reasons(refused) == [("field-transcription", "Please fill this in.")]
    build.type(entry, event, author, values={"script": "楷书"})
    submission.submit(entry, event, actor=author, now=make.now)


def test_the_statement_must_be_the_one_in_force(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.draft(event, make.category(event), author)
    session().add(Statement(event_id=event.id, version=2, text="新的声明", created_at=make.now))
    session().commit()
    with pytest.raises(Invalid) as refused:
        submission.submit(entry, event, actor=author, now=make.now)
    assert reasons(refused) == [("agree", "Please read the statement and agree to it.")]
    build.type(entry, event, author)
    submission.submit(entry, event, actor=author, now=make.now)
    agreed = session().get_one(Statement, entry.statement_id)
    assert agreed.version == 2


def test_an_author_keeps_to_the_limit_of_the_category(make: Make, build: Build) -> None:
    event = make.event()
    category, other = make.category(event, rules={"per_author": 1}), make.category(event, rules={"per_author": 1})
    author = build.author()
    build.submitted(event, category, author)
    build.submitted(event, other, author)
    with pytest.raises(Invalid) as refused:
        build.submitted(event, category, author)
    assert [field for field, _ in reasons(refused)] == ["limits"]
    session().rollback()
    build.submitted(event, category)


def test_an_author_keeps_to_the_limit_of_the_event_and_to_one_category(make: Make, build: Build) -> None:
    total = make.event(settings={"per_author_total": 2})
    author = build.author()
    for _ in range(2):
        build.submitted(total, make.category(total), author)
    with pytest.raises(Invalid) as refused:
        build.submitted(total, make.category(total), author)
    assert "whole event" in reasons(refused)[0][1]
    session().rollback()
    one = make.event(settings={"one_category_per_author": True})
    category = make.category(one)
    build.submitted(one, category, author)
    build.submitted(one, category, author)
    with pytest.raises(Invalid) as refused:
        build.submitted(one, make.category(one), author)
    assert "one category" in reasons(refused)[0][1]


def test_a_rejected_or_withdrawn_entry_frees_its_place_a_returned_one_keeps_it(make: Make, build: Build) -> None:
    event = make.event()
    category = make.category(event, rules={"per_author": 1})
    for verdict, free in (("rejected", True), ("returned", False)):
        author = build.author()
        build.decide(build.submitted(event, category, author), event, verdict)
        if free:
            build.submitted(event, category, author)
        else:
            with pytest.raises(Invalid):
                build.submitted(event, category, author)
            session().rollback()
    author = build.author()
    entry = build.submitted(event, category, author)
    submission.withdraw(entry, event, actor=author, now=make.now)
    build.submitted(event, category, author)
    submission.reopen(entry, event, actor=author, now=make.now)
    with pytest.raises(Invalid):
        submission.submit(entry, event, actor=author, now=make.now)


def test_a_team_keeps_to_the_limit_whoever_enters(make: Make, build: Build) -> None:
    event = make.event(kind="team_contest")
    category = make.category(event, media_kind="video", rules={"per_author": 1})
    department = make.department()
    captain, colleague = build.author(department_id=department.id), build.author(department_id=department.id)
    make.team(event, department, captain_id=captain.id)
    build.submitted(event, category, captain)
    second = make.team(event, department, captain_id=colleague.id)
    build.submitted(event, category, colleague)
    second.captain_id = captain.id
    session().commit()
    third = drafts.start(event, category, actor=captain, now=make.now, team_id=second.id)
    build.type(third, event, captain, title="第三件")
    build.file(third)
    with pytest.raises(Invalid) as refused:
        submission.submit(third, event, actor=captain, now=make.now)
    assert reasons(refused)[0][0] == "limits"


def test_a_department_keeps_to_its_quota_or_the_general_one(make: Make, build: Build) -> None:
    event = make.event(settings={"max_entries_per_department": 1})
    category = make.category(event)
    small, large = make.department(), make.department()
    session().add(Quota(event_id=event.id, department_id=large.id, max_entries=2))
    for department, room in ((small, 1), (large, 2)):
        for _ in range(room):
            build.submitted(event, category, build.author(department_id=department.id))
        with pytest.raises(Invalid) as refused:
            build.submitted(event, category, build.author(department_id=department.id))
        session().rollback()
        assert f"The quota of “{department.name}” is {room}" in reasons(refused)[0][1]


def test_submitting_twice_is_one_submission(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    submission.submit(entry, event, actor=author, now=make.now + timedelta(minutes=5))
    assert (entry.number, entry.submitted_at) == (1, make.now)
    steps = session().scalars(sa.select(EntryStep.kind).where(EntryStep.entry_id == entry.id)).all()
    assert steps.count("submitted") == 1


def test_the_deadline_holds_to_the_second(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.draft(event, make.category(event), author)
    deadline = phase(event, "submission").closes_at
    with pytest.raises(Closed):
        submission.submit(entry, event, actor=author, now=deadline)
    session().rollback()
    submission.submit(entry, event, actor=author, now=deadline - timedelta(seconds=1))
    assert entry.status == EntryStatus.SUBMITTED


def test_a_draft_whose_file_was_on_its_way_at_the_close_has_an_hour_more(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    category = make.category(event)
    late, later, other = (build.draft(event, category, author, title=title) for title in ("甲", "乙", "丙"))
    close = phase(event, "submission").closes_at
    soon, over = close + timedelta(minutes=59), close + timedelta(hours=1)
    for entry, began in ((late, close - timedelta(seconds=1)), (later, close)):
        asset = entry.files[0].asset
        asset.created_at = close + timedelta(minutes=20)
        row = {"owner_id": author.id, "purpose": "entry", "purpose_id": entry.id, "filename": "a.jpg", "size": 1}
        session().add(Upload(id=f"{entry.id:022}", asset_id=asset.id, created_at=began, expires_at=over, **row))
    session().commit()
    for entry, moment in ((other, soon), (later, soon), (late, over)):
        with pytest.raises(Closed):
            submission.submit(entry, event, actor=author, now=moment)
        session().rollback()
    submission.submit(late, event, actor=author, now=soon)
    assert late.status == EntryStatus.SUBMITTED


def test_what_is_in_changes_until_the_deadline_and_must_stay_whole(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    version = entry.version
    build.type(entry, event, author, title="改过的题目")
    assert (entry.status, entry.title, entry.version) == (EntryStatus.SUBMITTED, "改过的题目", version + 1)
    with pytest.raises(Invalid):
        build.type(entry, event, author, title=" ")
    session().rollback()
    with pytest.raises(Closed):
        build.type(entry, event, author, title="迟了", now=phase(event, "submission").closes_at)
    session().rollback()
    assert session().get_one(Entry, entry.id).title == "改过的题目"


def test_an_accepted_entry_that_changes_is_screened_again(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    build.decide(entry, event, "accepted")
    build.type(entry, event, author, title="改过的题目")
    assert (entry.status, entry.number) == (EntryStatus.SUBMITTED, 1)


def test_a_returned_entry_comes_back_with_its_number_also_after_the_deadline(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    build.decide(entry, event, "returned")
    phase(event, "submission").closes_at = make.now - timedelta(hours=1)
    phase(event, "screening").closes_at = make.now + timedelta(hours=2)
    session().commit()
    build.type(entry, event, author, title="改好了")
    submission.submit(entry, event, actor=author, now=make.now)
    assert (entry.status, entry.number) == (EntryStatus.SUBMITTED, 1)
    build.decide(entry, event, "returned")
    with pytest.raises(Closed):
        submission.submit(entry, event, actor=author, now=make.now + timedelta(hours=2))


def test_an_entry_is_withdrawn_until_judging_begins(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    phase(event, "submission").closes_at = make.now - timedelta(minutes=1)
    session().commit()
    with pytest.raises(Closed) as refused:
        submission.withdraw(entry, event, actor=author, now=make.now)
    assert refused.value.code == "too_late"
    session().rollback()
    for kind in ("judging", "voting", "results", "exhibition"):
        phase(event, kind).opens_at = make.now + timedelta(hours=1)
    session().commit()
    submission.withdraw(entry, event, actor=author, now=make.now)
    assert entry.status == EntryStatus.WITHDRAWN
    with pytest.raises(Conflict):
        submission.withdraw(entry, event, actor=author, now=make.now)


def test_a_withdrawn_entry_comes_back_as_a_draft_while_submission_is_open(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    with pytest.raises(Conflict):
        submission.reopen(entry, event, actor=author, now=make.now)
    session().rollback()
    submission.withdraw(entry, event, actor=author, now=make.now)
    with pytest.raises(Conflict):
        submission.submit(entry, event, actor=author, now=make.now)
    session().rollback()
    submission.withdraw(entry, event, actor=author, now=make.now)
    session().commit()
    with pytest.raises(Closed):
        submission.reopen(entry, event, actor=author, now=phase(event, "submission").closes_at)
    session().rollback()
    submission.reopen(entry, event, actor=author, now=make.now)
    submission.submit(entry, event, actor=author, now=make.now)
    assert (entry.status, entry.number) == (EntryStatus.SUBMITTED, 1)


def test_a_rejected_entry_is_neither_submitted_nor_withdrawn(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.submitted(event, make.category(event), author)
    build.decide(entry, event, "rejected")
    for act in (submission.submit, submission.withdraw):
        with pytest.raises(Conflict):
            act(entry, event, actor=author, now=make.now)
        session().rollback()


def test_a_story_of_text_alone_is_submitted_without_files(make: Make, build: Build) -> None:
    event = make.event(kind="story_session")
    category = make.category(
        event,
        media_kind="text",
        fields=[{"key": "story", "label": "正文", "type": "textarea", "required": True, "max_length": 8000}],
    )
    author = build.author()
    entry = build.draft(event, category, author)
    with pytest.raises(Invalid) as refused:
        submission.submit(entry, event, actor=author, now=make.now)
    assert reasons(refused) == [("field-story", "Please fill this in.")]
    session().rollback()
    build.type(entry, event, author, values={"story": "那年𠮷日🎋，" * 1000})
    submission.submit(entry, event, actor=author, now=make.now)
    assert len(entry.values["story"]) == 6000
