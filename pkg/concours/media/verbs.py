"""What other rooms do with assets: ask whether they are ready, throw them away, find those that wait too long."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from concours.audit import verbs as audit
from concours.base.db import session
from concours.base.messages import Message
from concours.identity.models import Account
from concours.media.models import Asset, AssetStatus, Rendition, Upload

WAITS_TOO_LONG = timedelta(minutes=5)
"""An asset that was not looked into for so long is given to the workers again."""

REQUEUED_AT_ONCE = 100


@dataclass(frozen=True)
class Readiness:
    """How far a set of files is: how many are being checked, ready and refused, and why those were."""

    checking: int
    ready: int
    refused: int
    refusals: tuple[tuple[Asset, Message], ...] = field(default=())

    @property
    def all_ready(self) -> bool:
        """Whether nothing is in the way: no file is being checked, none was refused."""
        return self.checking == 0 and self.refused == 0


def readiness(assets: Iterable[Asset]) -> Readiness:
    """How far `assets` are."""
    found = list(assets)
    return Readiness(
        checking=sum(a.status == AssetStatus.CHECKING for a in found),
        ready=sum(a.status == AssetStatus.READY for a in found),
        refused=sum(a.status == AssetStatus.REFUSED for a in found),
        refusals=tuple((a, refusal_of(a)) for a in found if a.status == AssetStatus.REFUSED),
    )


def refusal_of(asset: Asset) -> Message:
    """The sentence why the asset was refused."""
    kept = asset.refusal or {"text": "", "values": {}}
    return Message(kept["text"], kept.get("values", {}))


def discard(asset: Asset, *, actor: Account | None, now: datetime) -> list[str]:
    """Deletes an asset with its renditions, in the running transaction; the room has let go of it before.

    Returns the names of the files: after the commit, `media.jobs.forget_later(names)` removes those that nothing
    else uses.
    """
    names = [asset.storage_name, *(row.storage_name for row in asset.renditions)]
    audit.record(actor, "media.discard", asset, now=now, purpose=asset.purpose, sha256=asset.sha256)
    session().execute(sa.delete(Upload).where(Upload.asset_id == asset.id))
    session().delete(asset)
    session().flush()
    return names


def unused(names: Iterable[str]) -> list[str]:
    """Those of the stored names that no asset and no rendition has."""
    asked = set(names)
    used = set(session().scalars(sa.select(Asset.storage_name).where(Asset.storage_name.in_(asked))))
    used |= set(session().scalars(sa.select(Rendition.storage_name).where(Rendition.storage_name.in_(asked))))
    return sorted(asked - used)


def showing(names: Iterable[str]) -> list[int]:
    """The numbers of the assets that have a rendition of one of these stored names."""
    found = sa.select(Rendition.asset_id).where(Rendition.storage_name.in_(set(names))).distinct()
    return sorted(session().scalars(found))


def waiting_too_long(now: datetime) -> list[Asset]:
    """Assets that a worker should have looked into long ago, the oldest first."""
    return list(
        session().scalars(
            sa.select(Asset)
            .where(Asset.status == AssetStatus.CHECKING, Asset.created_at <= now - WAITS_TOO_LONG)
            .order_by(Asset.created_at)
            .limit(REQUEUED_AT_ONCE)
        )
    )
