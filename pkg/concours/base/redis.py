"""The one place a Redis connection comes from. Keys are named by the room that owns them.

`client()` is for RQ and small locks (REDIS_URL, a single server: RQ moves jobs between keys of several slots, which a
Cluster refuses). The vote path has VOTES_REDIS_URL, by default the same; it may be a Cluster (`base.cluster`).
"""

import hashlib
import hmac
from typing import Any

import redis
from flask import Flask, current_app

from concours.base.cluster import ClusterClient
from concours.base.cluster_map import is_cluster

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 5.0
NODE_TIMEOUT_S = 2.0  # of a Cluster: while one node hangs, the polls of the others wait for this


def connect(url: str, **options: Any) -> "redis.Redis":
    """A pooled client for `url` (redis://, rediss://, unix://, and of a Cluster redis+cluster:// or rediss+cluster://),
    answering in bytes; `options` are redis-py's.

    A lost connection is retried once at the next call; nothing is retried behind a caller's back
    after a command was sent, because a vote may already have been counted.
    """
    given = {
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": NODE_TIMEOUT_S if is_cluster(url) else ANSWER_TIMEOUT_S,
        "health_check_interval": 15,
        **options,
    }
    if is_cluster(url):
        return ClusterClient(url, lambda node: redis.Redis.from_url(node, **{**given, "retry": None}))
    return redis.Redis.from_url(url, **given)


def servers(found: "redis.Redis") -> dict[str, "redis.Redis"]:
    """The servers behind a client, by a name for people: a Cluster's primaries, else the one (named by nothing)."""
    return found.servers() if isinstance(found, ClusterClient) else {"": found}


def server_of(found: "redis.Redis", key: str) -> "redis.Redis":
    """The server that has `key`: in a Cluster a client of that node alone, which stays with it or fails."""
    return found.server_of(key) if isinstance(found, ClusterClient) else found


def run_id(server: "redis.Redis") -> bytes:
    """The run id of one server: another after each start of its process."""
    told: dict[str, Any] = server.info("server")
    return str(told["run_id"]).encode()


def init_redis(app: Flask) -> None:
    """Gives the application its client (connects at first use)."""
    app.extensions["concours_redis"] = connect(app.config["REDIS_URL"])


def client() -> "redis.Redis":
    """The application's client."""
    found: redis.Redis = current_app.extensions["concours_redis"]
    return found


def opaque(text: str) -> str:
    """What stands for `text` in a key: whoever reads Redis cannot find it out, not even by trying all addresses
    (HMAC-SHA256 with the platform's secret, cut to 128 bits)."""
    secret = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(secret, b"redis\0" + text.encode(), hashlib.sha256).hexdigest()[:32]
