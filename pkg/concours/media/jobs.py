"""What workers do with files. Every job can run twice, and one that was killed leaves nothing half done: a rendition is
stored whole or not at all, under a name made of its content, and the rows change in one transaction at the end."""

import logging
from pathlib import Path

from flask import current_app

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


def render(asset_id: int) -> None:
    """Makes the renditions of a ready asset anew."""
    outcome = _examine(asset_id, AssetStatus.READY)
    if outcome is not None:
        checks.renew(asset_id, outcome)
        session().commit()


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
    """Removes stored files that nothing uses any more; how many."""
    with reading():
        gone = verbs.unused(stored)
        session().commit()
    for path in names.paths(gone):
        storage().delete(path)
    return len(gone)


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
