"""Opening a closed or selected round again."""

from datetime import datetime

from concours.events.models import Event
from concours.identity.models import Account
from concours.jury import closing
from concours.jury.lookup import hold, require
from concours.jury.models import Round, RoundStatus
from concours.jury.shortlist import withdraw_selection


def reopen(event: Event, round_id: int, *, actor: Account, now: datetime) -> Round:
    """Opens a round to marks again. The shortlist of a selected one is taken back, which is recorded too; it is refused
    once another round has opened on that shortlist."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.CLOSED, RoundStatus.SELECTED)
    if found.status == RoundStatus.SELECTED:
        withdraw_selection(event, round_id, actor=actor, now=now)
    return closing.reopen(event, round_id, actor=actor, now=now)
