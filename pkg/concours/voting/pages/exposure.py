"""How often each candidate's card was on a page of the gallery while the poll was open.

A hint for the organiser (is the order fair to all?), not a count for the result: it lives in Redis alone, one pipeline
for a page and never a statement of SQL; a Redis that loses its data begins again at nothing.
"""

from collections.abc import Iterable
from typing import Any

import redis
from redis.exceptions import RedisError

from concours.voting import keys


def count(client: "redis.Redis", poll_id: int, candidates: Iterable[int]) -> None:
    """These cards were on a page. A Redis that is away counts nothing and holds no page up."""
    pipe: Any = client.pipeline(transaction=False)
    for candidate in candidates:
        pipe.hincrby(keys.exposed(poll_id), str(candidate), 1)
    try:
        pipe.execute()
    except RedisError:
        return


def of_candidates(client: "redis.Redis", poll_id: int, candidates: Iterable[int]) -> dict[int, int]:
    """How often each was shown; nothing where Redis is away."""
    wanted = list(candidates)
    if not wanted:
        return {}
    try:
        found: Any = client.hmget(keys.exposed(poll_id), [str(number) for number in wanted])
    except RedisError:
        return {}
    return {number: int(times or 0) for number, times in zip(wanted, found, strict=True)}
