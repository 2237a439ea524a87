"""What the tests of teams build besides `tests.factories`."""

from datetime import timedelta
from typing import Any

from concours.base.db import session
from concours.events.models import Event
from concours.identity.models import Account
from concours.teams.models import ImportStatus, RosterImport
from tests.factories import Make


def roster(make: Make, event: Event, actor: Account, **values: Any) -> RosterImport:
    """An import of one good row that the actor uploaded, checked."""
    row = RosterImport(
        **(
            {
                "event_id": event.id,
                "actor_id": actor.id,
                "filename": "名单.xlsx",
                "storage_name": f"rosters/{event.id}/none",
                "size": 1,
                "status": ImportStatus.CHECKED,
                "counts": {"rows": 1, "refused": 0, "changes": 1, "teams": 1, "accounts": 1, "new": 1},
                "created_at": make.now,
                "started_at": make.now - timedelta(minutes=5),
            }
            | values
        )
    )
    session().add(row)
    session().commit()
    return row
