"""How far a running import is: in Redis, because the transaction that applies a roster shows nothing before its end.

Key: `teams:import:<number>`, a whole number of per cent, gone an hour after its last change. Losing it loses nothing:
where an import stands is in SQL.
"""

import redis

KEPT_S = 3_600


def _key(import_id: int) -> str:
    return f"teams:import:{import_id}"


def note(client: "redis.Redis", import_id: int, percent: float) -> None:
    """Says how far it is, from 0 to 100."""
    client.set(_key(import_id), int(percent), ex=KEPT_S)


def read(client: "redis.Redis", import_id: int) -> int:
    """How far it is; 0 where nothing is known or Redis is away."""
    try:
        found = client.get(_key(import_id))
    except redis.RedisError:
        return 0
    return int(found) if isinstance(found, bytes) else 0


def forget(client: "redis.Redis", import_id: int) -> None:
    """Begins again at 0."""
    try:
        client.delete(_key(import_id))
    except redis.RedisError:
        return
