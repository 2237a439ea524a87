"""What workers do with files. Every job can run twice, and one that was killed leaves nothing half done: a rendition is
stored whole or not at all, under a name made of its content, and the rows change in one transaction at the end."""

import logging
from collections.abc import Sequence
from pathlib import Path

from flask import current_app
from redis.exceptions import RedisError

from concours.base import clock
from concours.base.db import reading, session
from concours.base.queue import enqueue, is_waiting
from concours.base.storage import storage
from concours.media import checks, names, purposes, uploads, verbs
from concours.media.models import Asset, AssetStatus

log = logging.getLogger(__name__)

SCRATCH = "work"


def check(asset_id: int) -> None:
    """Looks into an asset that waits for it: it is `ready` with its renditions, or `refused` with a reason."""
    outcome = _examine(asset_id, AssetStatus.CHECKING)
    if outcome is not None:
        checks.settle(asset_id, outcome, now=clock.now())
        session().commit()
        _mend(asset_id, outcome)


def render(asset_id: int) -> None:
    """Makes the renditions of a ready asset anew."""
    outcome = _examine(asset_id, AssetStatus.READY)
    if outcome is not None:
        checks.renew(asset_id, outcome)
        session().commit()
        _mend(asset_id, outcome)


def requeue_stuck() -> int:
    """Gives assets that wait too long to the workers again (Redis was away or lost its data); how many.

    Those that are in a queue or at work, with nothing but many others before them, are left alone.
    """
    with reading():
        found = verbs.waiting_too_long(clock.now())
        session().commit()
    lost = [asset for asset in found if not is_waiting(f"check-{asset.id}")]
    for asset in lost:
        purpose = purposes.find(asset.purpose)
        enqueue(check, asset.id, queue=purpose.queue if purpose else "default", job_id=f"check-{asset.id}")
    if lost:
        log.warning("%d assets had no job; the oldest of them waits since %s", len(lost), lost[0].created_at)
    return len(lost)


def clean_uploads() -> int:
    """Removes uploads whose time is over, and part files that belong to none; how many."""
    count = uploads.expire(storage(), instance=current_app.config["INSTANCE"], now=clock.now())
    session().commit()
    return count


def sweep() -> None:
    """What is done from time to time, by any worker: both halves may run in several at once."""
    requeue_stuck()
    clean_uploads()


def forget(*stored: str) -> int:
    """Removes stored files that nothing uses any more; how many.

    The same picture may come in again at this very moment, and its renditions have the same names: whatever came to
    use one of them meanwhile gets them made anew. (The other order of the two is `_mend`'s.)
    """
    with reading():
        gone = verbs.unused(stored)
        session().commit()
    for path in names.paths(gone):
        storage().delete(path)
    with reading():
        robbed = verbs.showing(gone) if gone else []
        session().commit()
    for asset_id in robbed:
        enqueue(render, asset_id, queue="bulk")
    return len(gone)


def forget_later(stored: Sequence[str]) -> None:
    """Lets a worker `forget` these files; call it after the commit. Where Redis is away they stay: that is no harm,
    while a failure after a commit would tell the person that nothing was done."""
    if not stored:
        return
    try:
        enqueue(forget, *stored, queue="bulk")
    except RedisError as away:
        log.warning("%d files that nothing uses stay in the storage: %s", len(stored), away)


def _mend(asset_id: int, outcome: checks.Outcome) -> None:
    """Has renditions made again that somebody's `forget` removed between their storing and the commit."""
    if any(not storage().exists(names.path_of(made.storage_name)) for made in outcome.made):
        enqueue(render, asset_id, queue="bulk")


def _examine(asset_id: int, status: AssetStatus) -> checks.Outcome | None:
    """The check's file work, with no transaction open meanwhile; None when there is no such asset in that status."""
    with reading():
        asset = session().get(Asset, asset_id, populate_existing=True)
        purpose = purposes.find(asset.purpose) if asset is not None else None
        demands = purpose.demands(asset) if purpose is not None and asset is not None else None
        session().commit()
    if asset is None or demands is None or asset.status != status:
        return None
    config = current_app.config
    return checks.examine(
        asset, demands, keep=storage(), secret=config["SECRET_KEY"], scratch=Path(config["INSTANCE"], SCRATCH)
    )
