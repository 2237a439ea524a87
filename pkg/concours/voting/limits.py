"""Asks Redis to admit one vote: one round trip, one atomic script (lua/admit.lua), which knows all the limits."""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
from redis.exceptions import NoScriptError

from concours.base.redis import CONNECT_TIMEOUT_S
from concours.voting import keys, secrets
from concours.voting.rules import Day, Facts

ANSWER_TIMEOUT_S = 2.0  # after which the voter is told to press again, with the same nonce


@dataclass(frozen=True, slots=True)
class Answer:
    """What the script said: `word` is one of those in its head, `values` what came with it, as text."""

    word: str
    values: tuple[str, ...]


def connect(url: str) -> "redis.Redis":
    """The client of the vote path: one connection per thread at most, short patience, no repetition behind our back."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=ANSWER_TIMEOUT_S,
        retry=None,
        health_check_interval=0,
    )


def admit(
    client: "redis.Redis", facts: Facts, day: Day, *, candidate: int, nonce: bytes, tag: bytes, network: str
) -> Answer:
    """Admits the vote or says why not. Raises RedisError when Redis is away: then nobody knows; ask with the nonce."""
    poll = facts.id
    names = (
        keys.state(poll),
        keys.candidates(poll),
        keys.voter(poll, tag),
        keys.network(poll, secrets.network_tag(facts.key, poll, network)),
        keys.journal(poll),
        keys.refused(poll),
        keys.issued(poll),
    )
    given = (facts.version, day.ordinal, day.begins, day.ends, candidate, nonce, tag)
    found = run(client, "admit", names, given)
    return Answer(found[0].decode(), tuple(v.decode() if isinstance(v, bytes) else str(v) for v in found[1:]))


def run(client: "redis.Redis", name: str, names: tuple[str, ...], given: tuple[object, ...]) -> Any:
    """Runs the script `lua/<name>.lua` by its digest; loads it where this server does not have it yet."""
    digest = _digest(name)
    try:
        return client.evalsha(digest, len(names), *names, *given)  # type: ignore[arg-type]
    except NoScriptError:
        return client.evalsha(load(client, name), len(names), *names, *given)  # type: ignore[arg-type]


def word(client: "redis.Redis", name: str, names: tuple[str, ...], given: tuple[object, ...]) -> str:
    """Runs a script that answers with one word."""
    answer: bytes = run(client, name, names, given)
    return answer.decode()


def load(client: "redis.Redis", name: str) -> str:
    """Loads a script (for use in a pipeline); returns its digest."""
    client.script_load(keys.script(name))
    return _digest(name)


@cache
def _digest(name: str) -> str:
    return hashlib.sha1(keys.script(name).encode(), usedforsecurity=False).hexdigest()
