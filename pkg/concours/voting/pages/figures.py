"""What an organiser watches while a poll is open: how many votes, how fast, how many refused and why."""

from dataclasses import dataclass
from typing import Any

import redis

from concours.base.messages import Message, msg
from concours.voting import keys, tally
from concours.voting.sequencer import heartbeat

MINUTES_SHOWN = 60

REASONS: dict[str, Message] = {
    "already_voted": msg("The same candidate again on that day"),
    "already_voted:total": msg("The same candidate too often in all"),
    "wrong_picks": msg("A ballot with too few or too many choices"),
    "quota_used:day": msg("The day's votes were used"),
    "quota_used:total": msg("All votes of the poll were used"),
    "rate_limited:network": msg("Too many attempts from one network"),
    "rate_limited:voter": msg("Too many attempts of one voter"),
    "poll_closed": msg("The poll was closed"),
    "poll_not_open": msg("The poll was not open yet"),
    "not_eligible": msg("Not (or no longer) a candidate"),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """A poll as Redis shows it. `recorded` is None where the state is being loaded; `sequencer` is the age of its
    heartbeat in seconds; `pace` the votes recorded in each of the last 60 minutes, the running one last."""

    recorded: int | None
    waiting: int
    sequencer: float | None
    pace: tuple[int, ...]
    refused: tuple[tuple[Message | str, int], ...]

    @property
    def last_minute(self) -> int:
        """Votes recorded in the last full minute."""
        return self.pace[-2]

    @property
    def refused_in_all(self) -> int:
        """Refusals of every reason."""
        return sum(count for _, count in self.refused)

    @property
    def bars(self) -> list[tuple[int, int]]:
        """(minute's place, height from 0 to 100) for a small chart."""
        most = max(self.pace) or 1
        return [(place, max(2, round(100 * count / most)) if count else 0) for place, count in enumerate(self.pace)]


def figures(client: "redis.Redis", poll_id: int) -> Figures:
    """Reads all of it at once. Raises RedisError when Redis is away."""
    there = tally.loaded(client, [poll_id])[poll_id]
    now = int(client.time()[0]) // 60
    shown = [str(minute) for minute in range(now - MINUTES_SHOWN + 1, now + 1)]
    pipe: Any = client.pipeline(transaction=False)
    pipe.hmget(keys.minutes(poll_id), shown)
    pipe.hgetall(keys.refused(poll_id))
    pipe.hget(keys.state(poll_id), "mark")
    pace, refused, mark = pipe.execute()
    behind: Any = client.xrange(keys.journal(poll_id), f"({mark.decode()}" if mark else "-", "+")
    return Figures(
        recorded=there.applied,
        waiting=len(behind),
        sequencer=heartbeat(client),
        pace=tuple(int(count or 0) for count in pace),
        refused=tuple(
            (REASONS.get(reason, reason), count)
            for reason, count in sorted(
                ((name.decode(), int(count)) for name, count in refused.items()), key=lambda pair: -pair[1]
            )
        ),
    )
