"""The one place a Redis connection comes from. Keys are named by the room that owns them.

Two clients share one URL: `client()` speaks bytes, for RQ, the vote path and locks.
"""

import hashlib
import hmac

import redis
from flask import Flask, current_app

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 5.0


def connect(url: str) -> "redis.Redis":
    """A pooled client for `url` (redis://, rediss://, unix://), answering in bytes.

    A lost connection is retried once at the next call; nothing is retried behind a caller's back
    after a command was sent, because a vote may already have been counted.
    """
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=ANSWER_TIMEOUT_S,
        health_check_interval=15,
    )


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
