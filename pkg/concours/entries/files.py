"""The files of an entry: how they come in, in which order they stand, and what replaces what.

A file belongs to the entry from the moment its last byte is in; it counts when its checks were good. In an entry that
was submitted, a file never leaves a gap: it is replaced by another one once that is checked, or removed where enough
remain. Whatever changes there brings an accepted entry before the screeners again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict, NotFound
from concours.base.messages import Message, msg, nmsg
from concours.entries import register
from concours.entries.drafts import cannot_change
from concours.entries.history import note
from concours.entries.models import Entry, EntryFile, EntryStatus, StepKind
from concours.entries.times import DRAFTING, STANDING, require_submission
from concours.events.models import Category, Event
from concours.events.rules import FileRules, read_rules
from concours.identity.models import Account
from concours.media.models import Asset, AssetStatus
from concours.media.purposes import Demands
from concours.media.verbs import discard


def demands_of(category: Category) -> Demands:
    """What each file of the category must satisfy, as the media room checks it."""
    rules = read_rules(category).files
    return Demands(
        formats=rules.formats,
        min_bytes=rules.min_bytes,
        max_bytes=rules.max_bytes,
        min_long_side=rules.min_long_side,
        min_seconds=rules.min_seconds,
        max_seconds=rules.max_seconds,
        orientation=rules.orientation,
        needs_exif=rules.needs_exif,
    )


def standing_files(entry: Entry) -> list[EntryFile]:
    """The files that make up the entry, in order: checked and good, none that still waits to replace another."""
    return [f for f in entry.files if f.asset.status == AssetStatus.READY and f.replaces_id is None]


def _taking_room(entry: Entry) -> int:
    return sum(1 for f in entry.files if f.asset.status != AssetStatus.REFUSED and f.replaces_id is None)


def require_room(entry: Entry, event: Event, details: Mapping[str, str], now: datetime) -> EntryFile | None:
    """Raises where no file can be added now; returns the file that the new one replaces, where `details` names one.

    `details["replaces"]` is the number of a file of the same entry.
    """
    if entry.status not in {*DRAFTING, *STANDING}:
        raise cannot_change(entry)
    require_submission(event, now, entry)
    rules = read_rules(entry.category).files
    if rules.max_count == 0:
        raise Conflict(msg("“%(category)s” takes no files.", category=entry.category.title), code="no_files")
    named = details.get("replaces", "")
    if named:
        old = next((f for f in entry.files if str(f.id) == named), None)
        if old is None:
            raise NotFound(msg("The file to be replaced is not there any more. Reload the page."))
        return old
    if _taking_room(entry) >= rules.max_count:
        raise Conflict(
            nmsg(
                "This entry takes one file, and it is there. Use “Replace” to change it.",
                "This entry takes %(count)s files, and all are there. Replace or remove one first.",
                rules.max_count,
            ),
            code="too_many_files",
        )
    return None


def attach(
    entry: Entry, event: Event, asset: Asset, details: Mapping[str, str], *, actor: Account, now: datetime
) -> list[str]:
    """Adds `asset`, whose checks come later, as the last file or in the place of the one it replaces.

    What was refused or not yet checked and is replaced goes at once, as does what is in the way of the only file.
    Returns the names of stored files that nothing needs any more (`media.jobs.forget`, after the commit).
    """
    _hold_checking(entry)
    if entry.status in STANDING:
        register.hold(event.id)
    register.lock(entry)
    old = require_room(entry, event, details, now)
    position = old.position if old is not None else max((f.position for f in entry.files), default=-1) + 1
    going = [f for f in entry.files if old is not None and f.replaces_id == old.id]
    if read_rules(entry.category).files.max_count == 1:
        going += [f for f in entry.files if f.asset.status == AssetStatus.REFUSED and f not in going]
    if old is not None and old.asset.status != AssetStatus.READY:
        going += [old] if old not in going else []
    freed = _drop(entry, going, actor=actor, now=now)
    old = None if old in going else old
    added = EntryFile(asset_id=asset.id, position=position, replaces_id=old.id if old is not None else None)
    added.asset = asset
    entry.files.append(added)
    entry.files_version += 1
    entry.changed_at = now
    session().flush()
    return freed


def checked(entry: Entry, asset: Asset, *, actor: Account, now: datetime) -> list[str]:
    """What follows when the worker has looked into `asset`: a good one takes the place of the one it replaces.

    Returns names of stored files like `attach`.
    """
    register.hold(entry.event_id)
    register.lock(entry)
    file = next((f for f in entry.files if f.asset_id == asset.id), None)
    if file is None:
        return []
    freed: list[str] = []
    if asset.status == AssetStatus.READY:
        if file.replaces_id is not None:
            freed = _drop(entry, [f for f in entry.files if f.id == file.replaces_id], actor=actor, now=now)
        _touched(entry, actor=actor, now=now)
    else:
        entry.files_version += 1
    return freed


def remove(entry: Entry, event: Event, file_id: int, *, actor: Account, now: datetime) -> list[str]:
    """Removes a file. Raises Conflict where an entry that was submitted would be left with too few.

    Returns names of stored files like `attach`.
    """
    file = _lock_for_change(entry, event, file_id, now)
    rules = read_rules(entry.category).files
    if entry.status in STANDING and file in standing_files(entry) and len(standing_files(entry)) <= rules.min_count:
        raise Conflict(
            nmsg(
                "An entry that was submitted needs its file.",
                "An entry that was submitted needs its %(count)s files.",
                rules.min_count,
            ),
            hint=msg("Use “Replace” to change it, or withdraw the entry."),
            code="too_few_files",
        )
    counted = file.asset.status == AssetStatus.READY
    asset_id = file.asset_id
    freed = _drop(entry, [file], actor=actor, now=now)
    if counted:
        _touched(entry, actor=actor, now=now)
    else:
        entry.files_version += 1
    audit.record(actor, "entries.remove_file", entry, now=now, event_id=event.id, asset=asset_id)
    return freed


def order(entry: Entry, event: Event, file_ids: Sequence[int], *, actor: Account, now: datetime) -> None:
    """Puts the files into the order of `file_ids`, which must name each of them once; raises Conflict otherwise."""
    _lock_for_change(entry, event, None, now)
    places = {number: place for place, number in enumerate(file_ids)}
    movable = [f for f in entry.files if f.replaces_id is None]
    if len(places) != len(file_ids) or places.keys() != {f.id for f in movable}:
        raise Conflict(
            msg("The files changed in the meantime. Look at the order again."),
            code="files_changed",
        )
    before = [f.id for f in movable]
    if before == list(file_ids):
        return
    for file in entry.files:
        file.position = places[file.id if file.replaces_id is None else file.replaces_id]
    _touched(entry, actor=actor, now=now)
    session().flush()
    session().expire(entry, ["files"])
    audit.record(actor, "entries.order_files", entry, now=now, event_id=event.id, before=before, after=list(file_ids))


def move(entry: Entry, event: Event, file_id: int, step: int, *, actor: Account, now: datetime) -> None:
    """Moves a file by `step` places (−1: one earlier, 1: one later); beyond either end it stays where it is."""
    ids = [f.id for f in entry.files if f.replaces_id is None]
    if file_id not in ids:
        raise _no_such_file()
    here = ids.index(file_id)
    there = min(max(here + step, 0), len(ids) - 1)
    ids.insert(there, ids.pop(here))
    order(entry, event, ids, actor=actor, now=now)


def files_problems(entry: Entry) -> list[Message]:
    """What is wrong with the entry's files for a submission, one sentence each."""
    rules: FileRules = read_rules(entry.category).files
    problems: list[Message] = []
    for file in entry.files:
        name = file.asset.filename or msg("a file")
        if file.asset.status == AssetStatus.CHECKING:
            problems.append(
                msg("“%(file)s” is still being checked. That takes a moment; then submit again.", file=name)
            )
        elif file.asset.status == AssetStatus.REFUSED:
            refusal = file.asset.refusal or {}
            problems.append(
                msg(
                    "“%(file)s” was refused: %(reason)s Replace or remove it.",
                    file=name,
                    reason=Message(refusal.get("text", ""), refusal.get("values", {})),
                )
            )
    count = _taking_room(entry)
    if count < rules.min_count:
        problems.append(
            nmsg("A file is missing.", "%(count)s files are needed; %(found)s are there.", rules.min_count, found=count)
        )
    elif count > rules.max_count:
        problems.append(
            nmsg(
                "One file is possible; %(found)s are there.",
                "At most %(count)s files are possible; %(found)s are there.",
                rules.max_count,
                found=count,
            )
        )
    return problems


def _no_such_file() -> NotFound:
    return NotFound(msg("This file is not there any more. Reload the page."))


def _lock_for_change(entry: Entry, event: Event, file_id: int | None, now: datetime) -> EntryFile:
    """Locks the entry and returns its file `file_id` (any file for None)."""
    _hold_checking(entry)
    if entry.status in STANDING:
        register.hold(event.id)
    before = entry.status
    register.lock(entry)
    if (entry.status in STANDING) != (before in STANDING):
        raise Conflict(msg("The status of this entry changed in the meantime. Reload the page."), code="status_changed")
    if entry.status not in {*DRAFTING, *STANDING}:
        raise cannot_change(entry)
    require_submission(event, now, entry)
    file = next((f for f in entry.files if file_id is None or f.id == file_id), None)
    if file is None:
        raise _no_such_file()
    return file


def _hold_checking(entry: Entry) -> None:
    """Locks the files that workers may be looking into, before the entry: in the order in which workers lock."""
    session().execute(
        sa.select(Asset.id)
        .join(EntryFile, EntryFile.asset_id == Asset.id)
        .where(EntryFile.entry_id == entry.id, Asset.status == AssetStatus.CHECKING)
        .order_by(Asset.id)
        .with_for_update(of=Asset)
    ).all()


def _drop(entry: Entry, files: Sequence[EntryFile], *, actor: Account, now: datetime) -> list[str]:
    """Lets go of `files` and throws their assets away; returns the names of stored files."""
    assets = [file.asset for file in files]
    for file in files:
        for waiting in entry.files:
            if waiting.replaces_id == file.id:
                waiting.replaces_id = None
    session().flush()
    for file in files:
        entry.files.remove(file)
    session().flush()
    return [name for asset in assets for name in discard(asset, actor=actor, now=now)]


def _touched(entry: Entry, *, actor: Account, now: datetime) -> None:
    """Notes that what the entry shows has changed; an accepted one goes before the screeners again."""
    entry.files_version += 1
    entry.changed_at = now
    if entry.number is not None:
        note(entry, StepKind.FILES, actor=actor, now=now)
    if entry.status == EntryStatus.ACCEPTED:
        register.move(entry, EntryStatus.SUBMITTED)
