"""What the media room asks of this one about an upload for a clip: purpose `clip`, the member's number as
`purpose_id`.
"""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from concours.base.db import session
from concours.clips import verbs
from concours.clips.models import Clip
from concours.events.models import Event
from concours.identity.models import Account
from concours.media.models import Asset
from concours.media.purposes import Demands, Purpose, register

NAME = "clip"


def _authorise(account: Account, member_id: int, details: Mapping[str, str], _size: int, now: datetime) -> Demands:
    return verbs.authorise(account, member_id, details, now)


def _attach(asset: Asset, details: Mapping[str, str], now: datetime) -> None:
    verbs.attach(asset, session().get_one(Account, asset.owner_id), details, now)


def _clip(asset: Asset) -> Clip | None:
    return session().scalar(sa.select(Clip).where(Clip.asset_id == asset.id))


def _demands(asset: Asset) -> Demands:
    clip = _clip(asset)
    return verbs.demands_of(session().get_one(Event, clip.event_id)) if clip is not None else Demands(formats=())


def _checked(asset: Asset, _now: datetime) -> None:
    verbs.settle(asset)


def _may_fetch(account: Account, asset: Asset) -> bool:
    clip = _clip(asset)
    return clip is not None and verbs.may_watch(account, clip)


def init_purposes() -> None:
    """Makes the purpose known to the media room; clips are many and small, so nobody else waits behind them."""
    register(Purpose(NAME, _authorise, _attach, _demands, _checked, _may_fetch, queue="bulk"))
