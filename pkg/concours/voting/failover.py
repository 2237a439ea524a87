"""What a failover of a Redis or Valkey Cluster means for votes.

A replica that takes over has what its primary had a moment ago: a prefix of its history, since replication keeps the
order. It may lack the last votes that were admitted, and with them slots that are used and journal entries; the counts
may stand at an earlier leaf. Every slot that it lacks and that the ledger knows belongs to a leaf from that earlier
one on, so `tally.repair` from there puts back exactly what is missing.

Until then nobody may be admitted there. So the state of each poll names the server process that it was written for,
and `lua/admit_in_cluster.lua` compares: the replica, whose run id is another, lets no vote in until the sequencer has
caught it up and written the new name. The same holds for a node that was started again, and for a slot that moved.
"""

from collections.abc import Iterable
from typing import Any

import redis
from redis.exceptions import RedisError

from concours.base.cluster import ClusterClient
from concours.base.redis import run_id, server_of
from concours.voting import keys

SERVER = "server"  # field of the state


def left_behind(client: "redis.Redis", poll_ids: Iterable[int]) -> set[int]:
    """In a Cluster, the polls whose state was written for another process than the one that has it now; else none."""
    if not isinstance(client, ClusterClient):
        return set()
    polls = list(poll_ids)
    pipe = client.pipeline(transaction=False)
    for poll in polls:
        pipe.hget(keys.state(poll), SERVER)
    written = reached(polls, pipe.execute(raise_on_error=False))
    serving: dict[int, bytes] = {}
    found = set()
    for poll, name in written.items():
        node = client.server_of(keys.state(poll))
        if id(node) not in serving:
            serving[id(node)] = run_id(node)
        if name != serving[id(node)]:
            found.add(poll)
    return found


def stay(client: "redis.Redis", poll_id: int) -> tuple["redis.Redis", bytes | None]:
    """The node of a Cluster that has the poll now, and its process: all that is put back is put into this one, or fails
    when another takes over meanwhile. On a single server the client, and None."""
    node = server_of(client, keys.state(poll_id))
    return (client, None) if node is client else (node, run_id(node))


def applied(node: "redis.Redis", poll_id: int, known: int) -> int:
    """The leaves in the counts of this node: it may have fewer than the one that was asked before."""
    found: Any = node.hget(keys.state(poll_id), "applied")
    return min(known, int(found)) if found else known


def sign(node: "redis.Redis", poll_id: int, process: bytes | None) -> None:
    """Says in the state that it is right for this process; in a Cluster only then votes are admitted."""
    if process is not None:
        node.hset(keys.state(poll_id), SERVER, process)


def reached(polls: list[int], answers: list[Any]) -> dict[int, Any]:
    """The answers for the polls whose node could be reached. Raises the refusal where none could."""
    found = {poll: answer for poll, answer in zip(polls, answers, strict=True) if not isinstance(answer, Exception)}
    for answer in answers:
        if not found or (isinstance(answer, Exception) and not isinstance(answer, RedisError)):
            raise answer
    return found
