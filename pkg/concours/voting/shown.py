"""What the public is shown of a poll's counts: decided here, for every page and every program alike.

While a poll is open its rules decide: live, as they were some minutes ago, or not at all. From its closing time on
nothing is shown until the close is signed (receipts, ledger and Redis agree); then everybody sees the final result, as
the closing note has it: what a counter says later changes nothing of what was signed.
How long ago something was is told by Redis' clock, the poll's own: a web server whose clock is off shows the same.
How many votes are recorded in all is no secret: the size of the public log tells it.
"""

from datetime import datetime
from typing import Any

from redis.exceptions import RedisError

from concours.base.db import session
from concours.base.errors import Closed
from concours.base.messages import msg
from concours.voting import refusals, snapshots
from concours.voting.cast import Booth
from concours.voting.log import closing
from concours.voting.rules import DELAYED, HIDDEN, Facts, milliseconds, moment_of
from concours.voting.tally import Standings


def standings(booth: Booth, facts: Facts, now: datetime) -> Standings:
    """The votes per candidate that everybody may see at `now`. Raises Closed where there are none to be seen,
    Unavailable when Redis is away."""
    if milliseconds(now) >= facts.closes:
        found = closing.result(session(), facts.id, booth.past.get(facts.id))
        if found is None:
            raise Closed(
                msg("The poll is over. The votes are being reconciled."),
                hint=msg("The result appears when receipts, ledger and counters agree."),
                code="standings_waiting",
            )
        booth.past[facts.id] = found
        return found
    if facts.rules.shown == HIDDEN:
        raise Closed(
            msg("Who has how many votes is shown after the close of the poll."),
            hint=msg("Every vote is recorded and has its receipt."),
            code="standings_hidden",
        )
    if facts.rules.shown == DELAYED:
        until = _moment(booth) - facts.rules.delay
        found = snapshots.as_of(session().connection(), facts.id, until, booth.past.get(facts.id))
        booth.past[facts.id] = found
        return found
    return booth.standings(facts.id)


def _moment(booth: Booth) -> datetime:
    """Now, by the clock that admits votes. Raises Unavailable when Redis is away."""
    try:
        told: Any = booth.client.time()
    except RedisError as away:
        raise refusals.redis_away() from away
    seconds, microseconds = told
    return moment_of(seconds * 1000 + microseconds // 1000)


def is_live(facts: Facts, now: datetime) -> bool:
    """Whether everybody sees the counts as they are."""
    return milliseconds(now) < facts.closes and facts.rules.shown not in {HIDDEN, DELAYED}
