"""What the media room asks of this one about an upload for an entry (purpose `entry`, its number as `purpose_id`)."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from concours.base.db import session
from concours.entries import files
from concours.entries.authors import may_change, may_read, no_such_entry
from concours.entries.models import Entry
from concours.identity.models import Account
from concours.media import jobs
from concours.media.models import Asset
from concours.media.purposes import Demands, Purpose, register

NAME = "entry"


def _entry(entry_id: int) -> Entry:
    entry = session().get(Entry, entry_id)
    if entry is None:
        raise no_such_entry()
    return entry


def _authorise(account: Account, entry_id: int, details: Mapping[str, str], _size: int, now: datetime) -> Demands:
    entry = _entry(entry_id)
    if not may_change(account, entry):
        raise no_such_entry()
    files.require_room(entry, entry.event, details, now)
    return files.demands_of(entry.category)


def _attach(asset: Asset, details: Mapping[str, str], now: datetime) -> None:
    entry = _entry(asset.purpose_id)
    owner = session().get_one(Account, asset.owner_id)
    _forget_after_commit(files.attach(entry, entry.event, asset, details, actor=owner, now=now))


def _forget_after_commit(names: list[str]) -> None:
    """Removes stored files once the running transaction stands; the job looks itself whether something uses them."""
    if not names:
        return

    def forget(_session: object) -> None:
        jobs.forget_later(names)

    sa.event.listen(session(), "after_commit", forget, once=True)


def _demands(asset: Asset) -> Demands:
    return files.demands_of(_entry(asset.purpose_id).category)


def _checked(asset: Asset, now: datetime) -> None:
    entry = session().get(Entry, asset.purpose_id)
    owner = session().get(Account, asset.owner_id)
    if entry is not None and owner is not None:
        _forget_after_commit(files.checked(entry, asset, actor=owner, now=now))


def _may_fetch(account: Account, asset: Asset) -> bool:
    entry = session().get(Entry, asset.purpose_id)
    return entry is not None and may_read(account, entry)


def init_purposes() -> None:
    """Makes the purpose known to the media room."""
    register(
        Purpose(
            name=NAME,
            authorise=_authorise,
            attach=_attach,
            demands=_demands,
            checked=_checked,
            may_fetch=_may_fetch,
        )
    )
