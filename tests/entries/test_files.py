"""Files come in, stand in order, are replaced and removed; an entry that is in never has a gap."""

from datetime import timedelta

import pytest

from concours.base.db import session
from concours.base.errors import Closed, Conflict, DomainError, Invalid, NotFound
from concours.entries import files, submission
from concours.entries.models import Entry, EntryStatus
from concours.entries.purposes import NAME
from concours.events.models import Event
from concours.identity.models import Account, Role
from concours.media import purposes
from concours.media.models import Asset, AssetStatus
from tests.entries.build import Build
from tests.entries.test_drafts import phase
from tests.factories import Make


def names(entry: Entry) -> list[str]:
    session().expire_all()
    return [f.asset.filename for f in entry.files]


def series(make: Make, build: Build, count: int = 4) -> tuple[Event, Account, Entry]:
    event = make.event()
    author = build.author()
    entry = build.draft(event, make.category(event, media_kind="series"), author, files=0)
    for n in range(count):
        build.file(entry, filename=f"{n}.jpg")
    return event, author, entry


def upload(build: Build, entry: Entry, event: Event, details: dict[str, str] | None = None, **values: str) -> int:
    """A file whose last byte has arrived; returns its number in the entry."""
    asset = build.asset(entry, AssetStatus.CHECKING, **values)
    files.attach(entry, event, asset, details or {}, actor=entry.author, now=build.now)
    session().commit()
    return next(f.id for f in entry.files if f.asset_id == asset.id)


def check(build: Build, entry: Entry, file_id: int, status: str = AssetStatus.READY) -> None:
    """The worker has looked into the file."""
    file = next(f for f in entry.files if f.id == file_id)
    file.asset.status = status
    file.asset.refusal = {"text": "no"} if status == AssetStatus.REFUSED else None
    files.checked(entry, file.asset, actor=entry.author, now=build.now)
    session().commit()


def test_the_order_of_a_series_is_the_authors(make: Make, build: Build) -> None:
    event, author, entry = series(make, build)
    ids = [f.id for f in entry.files]
    files.move(entry, event, ids[3], -1, actor=author, now=make.now)
    assert names(entry) == ["0.jpg", "1.jpg", "3.jpg", "2.jpg"]
    files.move(entry, event, ids[0], -1, actor=author, now=make.now)
    assert names(entry) == ["0.jpg", "1.jpg", "3.jpg", "2.jpg"]
    files.order(entry, event, list(reversed(ids)), actor=author, now=make.now)
    assert names(entry) == ["3.jpg", "2.jpg", "1.jpg", "0.jpg"]
    files.remove(entry, event, ids[1], actor=author, now=make.now)
    assert names(entry) == ["3.jpg", "2.jpg", "0.jpg"]


def test_an_order_that_does_not_name_every_file_once_is_refused(make: Make, build: Build) -> None:
    event, author, entry = series(make, build)
    ids = [f.id for f in entry.files]
    for wrong in (ids[:3], [*ids[:3], ids[0]], [*ids, 999], []):
        with pytest.raises(Conflict):
            files.order(entry, event, wrong, actor=author, now=make.now)
        session().rollback()
    with pytest.raises(NotFound):
        files.remove(entry, event, 999, actor=author, now=make.now)


def test_a_series_takes_eight_files_and_no_ninth(make: Make, build: Build) -> None:
    event, author, entry = series(make, build, count=7)
    upload(build, entry, event)
    with pytest.raises(Conflict) as refused:
        upload(build, entry, event)
    assert refused.value.code == "too_many_files"
    session().rollback()
    assert len(entry.files) == 8
    purpose = purposes.find(NAME)
    assert purpose is not None
    with pytest.raises(Conflict):
        purpose.authorise(author, entry.id, {}, 1, make.now)


def test_a_refused_file_makes_room_and_the_only_one_gives_way(make: Make, build: Build) -> None:
    event = make.event()
    author = build.author()
    entry = build.draft(event, make.category(event), author, files=0)
    build.file(entry, AssetStatus.REFUSED, filename="bad.jpg")
    upload(build, entry, event, filename="good.jpg")
    assert names(entry) == ["good.jpg"]


def test_a_replacement_takes_the_place_once_it_is_checked(make: Make, build: Build) -> None:
    event, author, entry = series(make, build)
    submission.submit(entry, event, actor=author, now=make.now)
    build.decide(entry, event, "accepted")
    old = entry.files[1]
    new = upload(build, entry, event, {"replaces": str(old.id)}, filename="new.jpg")
    assert [f.asset.filename for f in files.standing_files(entry)] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert entry.status == EntryStatus.ACCEPTED
    check(build, entry, new)
    assert names(entry) == ["0.jpg", "new.jpg", "2.jpg", "3.jpg"]
    assert entry.status == EntryStatus.SUBMITTED


def test_a_refused_replacement_leaves_the_file_that_was_there(make: Make, build: Build) -> None:
    event, author, entry = series(make, build)
    submission.submit(entry, event, actor=author, now=make.now)
    new = upload(build, entry, event, {"replaces": str(entry.files[1].id)}, filename="new.jpg")
    check(build, entry, new, AssetStatus.REFUSED)
    assert [f.asset.filename for f in files.standing_files(entry)] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    files.remove(entry, event, new, actor=author, now=make.now)
    assert names(entry) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    with pytest.raises(NotFound):
        upload(build, entry, event, {"replaces": "999"})


def test_what_is_in_keeps_enough_files(make: Make, build: Build) -> None:
    event, author, entry = series(make, build, count=5)
    submission.submit(entry, event, actor=author, now=make.now)
    session().commit()
    files.remove(entry, event, entry.files[0].id, actor=author, now=make.now)
    session().commit()
    with pytest.raises(Conflict) as refused:
        files.remove(entry, event, entry.files[0].id, actor=author, now=make.now)
    assert refused.value.code == "too_few_files"


def test_files_change_only_while_submission_is_open(make: Make, build: Build) -> None:
    event, author, entry = series(make, build)
    late = phase(event, "submission").closes_at
    ids = [f.id for f in entry.files]
    with pytest.raises(Closed):
        files.require_room(entry, event, {}, late)
    for act in (
        lambda: files.remove(entry, event, ids[0], actor=author, now=late),
        lambda: files.order(entry, event, ids[::-1], actor=author, now=late),
    ):
        with pytest.raises(Closed):
            act()
        session().rollback()
    files.remove(entry, event, ids[0], actor=author, now=late - timedelta(seconds=1))


def test_the_purpose_knows_who_may_upload_and_who_may_fetch(make: Make, build: Build) -> None:
    event, author, entry = series(make, build)
    purpose = purposes.find(NAME)
    assert purpose is not None
    asset = entry.files[0].asset
    department = entry.department
    assert department is not None
    organiser = make.with_role(event, Role.ORGANISER)
    coordinator = make.with_role(event, Role.COORDINATOR, department)
    other = make.with_role(event, Role.COORDINATOR, make.department())
    judge = make.with_role(event, Role.JUDGE)
    people = {"organiser": organiser, "coordinator": coordinator, "other": other, "judge": judge}
    assert purpose.authorise(author, entry.id, {}, 1, make.now).formats == ("jpeg", "png", "heic", "webp")
    for person in people.values():
        with pytest.raises(NotFound):
            purpose.authorise(person, entry.id, {}, 1, make.now)
    with pytest.raises(NotFound):
        purpose.authorise(author, 999, {}, 1, make.now)
    assert purpose.may_fetch(author, asset)
    assert not any(purpose.may_fetch(person, asset) for person in people.values())  # a draft is the author's alone
    submission.submit(entry, event, actor=author, now=make.now)
    assert {name for name, person in people.items() if purpose.may_fetch(person, asset)} == {"organiser", "coordinator"}


def test_the_rules_of_the_category_become_the_demands_on_files(make: Make) -> None:
    event = make.event()
    rules = {"formats": ["jpeg"], "min_bytes": 1000, "min_long_side": 2000, "needs_exif": True, "max_bytes": 9_000_000}
    demands = files.demands_of(make.category(event, rules={"files": rules}))
    assert demands.formats == ("jpeg",)
    assert (demands.min_bytes, demands.max_bytes, demands.min_long_side) == (1000, 9_000_000, 2000)
    assert demands.needs_exif


def test_a_text_category_takes_no_file(make: Make, build: Build) -> None:
    event = make.event()
    entry = build.draft(event, make.category(event, media_kind="text"), build.author())
    with pytest.raises(DomainError) as refused:
        files.require_room(entry, event, {}, make.now)
    assert refused.value.code == "no_files"


def test_a_file_that_is_still_checked_keeps_the_draft_a_draft(make: Make, build: Build) -> None:
    event, author, entry = series(make, build)
    new = upload(build, entry, event)
    with pytest.raises(Invalid):
        submission.submit(entry, event, actor=author, now=make.now)
    session().rollback()
    check(build, entry, new)
    submission.submit(entry, event, actor=author, now=make.now)
    assert entry.status == EntryStatus.SUBMITTED


def test_the_latest_replacement_is_the_one_that_counts(make: Make, build: Build) -> None:
    event, author, entry = series(make, build)
    submission.submit(entry, event, actor=author, now=make.now)
    place = {"replaces": str(entry.files[1].id)}
    upload(build, entry, event, place, filename="first.jpg")
    second = upload(build, entry, event, place, filename="second.jpg")
    check(build, entry, second)
    assert names(entry) == ["0.jpg", "second.jpg", "2.jpg", "3.jpg"]


def test_what_is_let_go_is_thrown_away(make: Make, build: Build) -> None:
    event, author, entry = series(make, build)
    file = entry.files[0]
    number, stored = file.asset_id, file.asset.storage_name
    renditions = [r.storage_name for r in file.asset.renditions]
    freed = files.remove(entry, event, file.id, actor=author, now=make.now)
    session().commit()
    assert set(freed) == {stored, *renditions}
    assert session().get(Asset, number) is None
