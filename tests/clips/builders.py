"""What the tests of clips build besides `tests.factories`."""

import secrets
from datetime import date
from typing import Any

import sqlalchemy as sa

from concours.base.clock import in_zone
from concours.base.db import session
from concours.clips.models import Clip
from concours.events.models import Event
from concours.media.models import Asset
from concours.teams.models import Member
from tests.factories import Make


def asset(make: Make, member: Member, **values: Any) -> Asset:
    """A stored video of the member that is being looked into."""
    digest = secrets.token_hex(32)
    row = Asset(
        **(
            {
                "owner_id": member.account_id,
                "purpose": "clip",
                "purpose_id": member.id,
                "filename": "早操.mp4",
                "storage_name": f"originals/{digest}",
                "sha256": digest,
                "size": 1_000_000,
                "status": "checking",
                "created_at": make.now,
            }
            | values
        )
    )
    session().add(row)
    session().commit()
    return row


def clip(make: Make, member: Member, *, day: date | None = None, **values: Any) -> Clip:
    """A clip of the member, being checked, of today."""
    zone = session().scalar(sa.select(Event.zone).where(Event.id == member.event_id)) or "UTC"
    row = Clip(
        **(
            {
                "event_id": member.event_id,
                "team_id": member.team_id,
                "member_id": member.id,
                "asset_id": asset(make, member).id,
                "day": day or in_zone(make.now, zone).date(),
                "created_at": make.now,
            }
            | values
        )
    )
    session().add(row)
    session().commit()
    return row
