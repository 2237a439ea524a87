"""A room of the tests' own that asks for files: `purpose_id` is the account whose files they are."""

from collections.abc import Mapping
from datetime import datetime

from concours.base.errors import DomainError, NotFound
from concours.base.messages import msg
from concours.identity.models import Account
from concours.media import purposes
from concours.media.models import Asset
from concours.media.purposes import IMAGE_FORMATS, VIDEO_FORMATS, Demands, Purpose

DEFAULT = Demands(formats=IMAGE_FORMATS + VIDEO_FORMATS, max_bytes=64 * 1024 * 1024)


class Probe:
    """What the room demands, what it refuses, and what it was told."""

    def __init__(self) -> None:
        self.demands = DEFAULT
        self.refuse: DomainError | None = None
        self.refuse_attach: DomainError | None = None
        self.attached: list[tuple[int, dict[str, str]]] = []
        self.checked: list[tuple[int, str]] = []

    def authorise(self, account: Account, number: int, details: Mapping[str, str], size: int, now: datetime) -> Demands:
        if account.id != number:
            raise NotFound(msg("There is no such thing."))
        if self.refuse:
            raise self.refuse
        return self.demands

    def attach(self, asset: Asset, details: Mapping[str, str], now: datetime) -> None:
        if self.refuse_attach:
            raise self.refuse_attach
        self.attached.append((asset.id, dict(details)))

    def note_checked(self, asset: Asset, now: datetime) -> None:
        self.checked.append((asset.id, asset.status))


def register() -> Probe:
    """A fresh room, registered as the purpose `probe`."""
    probe = Probe()
    purposes.register(
        Purpose(
            name="probe",
            authorise=probe.authorise,
            attach=probe.attach,
            demands=lambda asset: probe.demands,
            checked=probe.note_checked,
            may_fetch=lambda account, asset: account.id == asset.purpose_id or account.is_admin,
        )
    )
    return probe
