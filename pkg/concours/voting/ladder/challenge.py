"""The puzzle that newcomers solve: a proof of work after the ALTCHA protocol, version 2 (altcha.org).

The challenge asks for the one counter from which PBKDF2-SHA-256 makes a given key (its "deterministic mode"): the
device tries on average 200 of them, checking costs an HMAC. It is signed, names its poll, is good for ten minutes and
for one voter. What it proves is time spent, not who spent it: it makes a thousand voters a thousand times as dear.

How long solving took is measured here, from making to redeeming, for the evidence page: a histogram per poll, and a
field of the voter's hash. Solved too fast is a sign, no refusal.
"""

import base64
import binascii
import hashlib
import json
import secrets as random
from dataclasses import dataclass
from typing import Any

import altcha
import redis

from concours.base.errors import Forbidden
from concours.base.messages import msg
from concours.voting import keys, secrets
from concours.voting.rules import Facts
from concours.voting.voters import Voter

ALGORITHM = "PBKDF2/SHA-256"
COST = 10_000  # iterations of each try
COUNTERS = (100, 300)  # the least and the greatest counter that solves it: the device tries as many keys
LIFE_S = 600
PAYLOAD_LIMIT = 4_000  # characters
LONGEST_BUCKET_S = 120


class NotSolved(Forbidden):
    """The solution is none, has expired or was used (403): ask for another challenge."""

    code = "challenge_failed"

    def __init__(self) -> None:
        super().__init__(
            msg("The puzzle was not solved, or too late."), hint=msg("Please press the button again for another.")
        )


@dataclass(frozen=True, slots=True)
class Solution:
    """A challenge that was solved: what names it, for how many ms it is good, and the ms from making to redeeming."""

    nonce: bytes
    left_ms: int
    took_ms: int


def _keys(facts: Facts) -> tuple[bytes, bytes]:
    """The keys that sign the challenges of the poll and their solutions."""
    made = [hashlib.sha256(purpose + b"\x00" + facts.key).digest() for purpose in (b"challenge", b"challenge key")]
    return made[0], made[1]


def make(facts: Facts, now_ms: int) -> dict[str, Any]:
    """A fresh challenge for a newcomer of the poll, as the ALTCHA protocol has it; `now_ms` since 1970."""
    signing, solving = _keys(facts)
    least, most = COUNTERS
    made = altcha.create_challenge(
        ALGORITHM,
        COST,
        counter=least + random.randbelow(most - least + 1),
        expires_at=now_ms // 1000 + LIFE_S,
        data={"poll": facts.id, "made": now_ms},
        hmac_secret=signing,
        hmac_key_secret=solving,
    )
    found: dict[str, Any] = made.to_dict()
    return found


def read(facts: Facts, payload: str, now_ms: int) -> Solution:
    """The solution of a challenge of the poll that is good and has not expired; nothing is asked of Redis yet.

    `payload`: base64 of JSON {challenge, solution}, as the ALTCHA widget sends it. Raises NotSolved.
    """
    signing, solving = _keys(facts)
    if len(payload) > PAYLOAD_LIMIT:
        raise NotSolved
    try:
        found = altcha.Payload.from_dict(json.loads(base64.b64decode(payload, validate=True)))
        answer = altcha.verify_solution(found, signing, hmac_key_secret=solving)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        raise NotSolved from None
    parameters = found.challenge.parameters
    data = parameters.data or {}
    until_ms = int(parameters.expires_at or 0) * 1000 if answer.verified else 0
    if not answer.verified or data.get("poll") != facts.id or until_ms <= now_ms:
        raise NotSolved
    nonce = hashlib.sha256(str(parameters.nonce).encode()).digest()[:16]
    return Solution(nonce, until_ms - now_ms, max(0, now_ms - int(data["made"])))


def redeem(client: "redis.Redis", facts: Facts, solution: Solution) -> None:
    """Uses the solution up; it serves one voter. Raises NotSolved, or RedisError when Redis is away.

    After the loss of Redis a used one is at worst good again until it expires.
    """
    if not client.set(keys.spent(facts.id, solution.nonce), b"1", nx=True, px=solution.left_ms + 1000):
        raise NotSolved


def note(client: "redis.Redis", facts: Facts, solution: Solution, voter: Voter) -> None:
    """Keeps how long it took, for the evidence page: no address, no name."""
    tag = secrets.tag_of(facts.key, facts.id, voter.id)
    bucket = min(LONGEST_BUCKET_S, solution.took_ms // 1000)
    pipe = client.pipeline(transaction=False)
    pipe.hincrby(keys.solving(facts.id), str(bucket), 1)
    pipe.hset(keys.voter(facts.id, tag), "pw", str(solution.took_ms))
    pipe.execute()
