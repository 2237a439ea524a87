"""Who votes: a device, an account, a code, a number, a person, each known to a poll by 16 bytes that mean nothing
elsewhere.

A *device* is a browser with our signed cookie, which scripts cannot read: clearing the page's storage makes no new
voter. A *voter token* is what the vote path is shown: signed, self-contained, for one poll; checking it needs no SQL.
    token = <poll>.<expires, s since 1970, 0 for never>.<voter id>.<weight>.<HMAC-SHA256, first 16 bytes>
The HMAC covers the poll's ways as well, and in a device's token (the one that never expires) whether every newcomer is
asked to solve a challenge: when an organiser changes who votes, or has everybody asked, none from before is good. A
browser that is known gets another at once.
"""

import base64
import hmac
import json
import os
from binascii import Error as NotBase64
from dataclasses import dataclass
from functools import lru_cache

import redis

from concours.base.errors import Forbidden, RateLimited
from concours.base.messages import msg
from concours.voting import keys, scripts, secrets
from concours.voting.ladder.ways import ACCOUNT, ALWAYS, CODE, DEVICE, NEVER, OIDC, ON_EVIDENCE, PHONE, Way, Ways
from concours.voting.rules import Facts

DEVICE_COOKIE = "concours_device"
DEVICE_DAYS = 400  # the longest that browsers keep a cookie
ACCOUNT_TOKEN_S = 3600  # the page asks for another by itself; an account that is closed votes no longer than this
PERSON_TOKEN_S = 12 * 3600
MET_S = 3600  # so long a browser that was counted as new and has not voted yet is not counted again
CHALLENGE_FROM = 20  # new voters of a network in a minute; a department of 120 that votes in ten minutes is below
ID_BYTES = 16
MAC_BYTES = 16
TOKEN_LIMIT = 200  # characters
HEAVIEST = 1_000  # the greatest weight of a voter


@dataclass(frozen=True, slots=True)
class Voter:
    """Who votes, and how much: `id` is how the poll knows the voter (16 bytes), `weight` what each vote counts, from 1
    to HEAVIEST."""

    id: bytes
    weight: int = 1


class ChallengeRequired(Forbidden):
    """A puzzle must be solved first (403): GET …/challenge, then send the solution along."""

    code = "challenge_required"

    def __init__(self) -> None:
        super().__init__(
            msg("Your device must solve a small puzzle before you vote here for the first time."),
            hint=msg("With scripts allowed in your browser this goes by itself and takes a few seconds."),
        )


class VoterRequired(Forbidden):
    """There is no valid voter token for this poll (401)."""

    code = "voter_required"

    def __init__(self) -> None:
        super().__init__(
            msg("This page no longer knows you as a voter of this poll."),
            hint=msg("Reload the page and vote again; what was counted before stands."),
        )


@dataclass(frozen=True, slots=True)
class VoterKeys:
    """The keys that sign device cookies and voter tokens, derived from SECRET_KEY."""

    devices: bytes
    tokens: bytes

    @classmethod
    def of(cls, secret_key: str) -> "VoterKeys":
        """Derives both."""
        return cls(secrets.derive(secret_key, b"devices"), secrets.derive(secret_key, b"voter tokens"))


def new_device() -> bytes:
    """A device not seen before."""
    return os.urandom(ID_BYTES)


def cookie_of(device: bytes, signers: VoterKeys) -> str:
    """The cookie of a device, signed."""
    return f"{_text(device)}.{_text(_mac(signers.devices, device))}"


def read_cookie(cookie: str | None, signers: VoterKeys) -> bytes | None:
    """The device of a cookie; None where there is none of ours."""
    if not cookie or len(cookie) > TOKEN_LIMIT:
        return None
    try:
        device, mac = (_bytes(part) for part in cookie.split("."))
    except (ValueError, NotBase64):
        return None
    return device if hmac.compare_digest(mac, _mac(signers.devices, device)) else None


def device_voter(facts: Facts, device: bytes) -> Voter:
    """How the poll knows a device."""
    return _voter(facts, DEVICE, device)


def account_voter(facts: Facts, account_id: int) -> Voter:
    """How the poll knows an account; nothing in the poll leads from it to the account without the poll's key."""
    return _voter(facts, ACCOUNT, b"%d" % account_id)


def code_voter(facts: Facts, digest: bytes, weight: int) -> Voter:
    """How the poll knows the holder of an invitation code, by the code's HMAC; `weight` is its batch's."""
    return Voter(_voter(facts, CODE, digest).id, weight)


def phone_voter(facts: Facts, number: str) -> Voter:
    """How the poll knows a mobile number (E.164)."""
    return _voter(facts, PHONE, number.encode())


def person_voter(facts: Facts, subject: bytes) -> Voter:
    """How the poll knows somebody who signed in with the identity provider: "issuer" 0 "subject"."""
    return _voter(facts, OIDC, subject)


def _voter(facts: Facts, kind: str, subject: bytes) -> Voter:
    """The id is HMAC-SHA256(poll key, kind 0 subject), cut to 16 bytes: ids of two kinds never meet."""
    known = hmac.digest(facts.key, kind.encode() + b"\x00" + subject, "sha256")[:ID_BYTES]
    way = facts.ways.get(kind)
    return Voter(known, way.weight if way is not None else 1)


def admit_newcomer(client: "redis.Redis", facts: Facts, network: str, *, solved: bool) -> None:
    """Lets a device in that a network brings new to the poll; `solved`: with a challenge.

    Raises RateLimited, ChallengeRequired, or RedisError when Redis is away.
    """
    limit = facts.rules.new_devices_per_minute
    if asks_everybody(facts) and not solved:
        raise ChallengeRequired
    threshold = CHALLENGE_FROM if facts.challenge == ON_EVIDENCE else 0
    if not limit and not threshold:
        return
    tag = secrets.network_tag(facts.key, facts.id, network)
    names = (keys.newcomers(facts.id, tag), keys.network(facts.id, tag), keys.state(facts.id))
    answer = int(scripts.run(client, "newcomer", names, (limit, threshold, int(solved))))
    if answer < 0:
        raise ChallengeRequired
    if answer:
        raise RateLimited(
            msg("Very many new voters are coming from your network right now."),
            hint=msg("Please try again in a minute; on mobile data it works at once."),
            retry_after=answer,
        )


def counts_newcomers(facts: Facts) -> bool:
    """Whether a device that is new to the poll is more than a device: it is counted, or asked to solve something."""
    return facts.challenge != NEVER or facts.rules.new_devices_per_minute > 0


def asks_everybody(facts: Facts) -> bool:
    """Whether every newcomer solves a challenge."""
    return facts.challenge == ALWAYS or (facts.challenge == ON_EVIDENCE and facts.challenge_now)


def is_known_to(client: "redis.Redis", facts: Facts, voter: Voter) -> bool:
    """Whether the voter has voted in the poll, or solved its challenge, or was counted as new where it has none.
    Raises RedisError."""
    tag = secrets.tag_of(facts.key, facts.id, voter.id)
    if any(client.hmget(keys.voter(facts.id, tag), "t", "pw")):
        return True
    return facts.challenge == NEVER and bool(client.exists(keys.met(facts.id, tag)))


def note_met(client: "redis.Redis", facts: Facts, voter: Voter) -> None:
    """The voter was counted as new just now."""
    if facts.challenge == NEVER and facts.rules.new_devices_per_minute:
        client.set(keys.met(facts.id, secrets.tag_of(facts.key, facts.id, voter.id)), b"1", ex=MET_S)


def lasts_until(facts: Facts, kind: str, now_s: int) -> int:
    """When a token of this kind ends, in s since 1970; 0 is never. What can be lost or closed meanwhile (an account, a
    person at the provider) is asked again; a code or a number was proven for the whole poll."""
    if kind == DEVICE:
        return 0
    if kind == ACCOUNT:
        return now_s + ACCOUNT_TOKEN_S
    return now_s + PERSON_TOKEN_S if kind == OIDC else max(now_s, facts.closes // 1000) + ACCOUNT_TOKEN_S


def token_of(facts: Facts, voter: Voter, signers: VoterKeys, now_s: int, kind: str = DEVICE) -> str:
    """The token of a voter of the poll, for as long as its kind lasts."""
    ends = lasts_until(facts, kind, now_s)
    signed = f"{facts.id}.{ends}.{_text(voter.id)}.{voter.weight}"
    covered = signed.encode() + _said(facts.ways, asked=not ends and asks_everybody(facts))
    return f"{signed}.{_text(_mac(signers.tokens, covered))}"


def voter_of(token: str, facts: Facts, signers: VoterKeys, now_s: float) -> Voter:
    """The voter of a token for this poll. Raises VoterRequired where it is none of ours, or no longer."""
    return read_token(token, facts.id, facts.ways, signers, now_s, asked=asks_everybody(facts))


def read_token(token: str, poll_id: int, ways: Ways, signers: VoterKeys, now_s: float, *, asked: bool = False) -> Voter:
    """As `voter_of`, for a poll with these ways; `asked`: every newcomer solves a challenge (only a device's token
    depends on it). Raises VoterRequired."""
    try:
        if len(token) > TOKEN_LIMIT:
            raise ValueError
        signed, mac = token.rsplit(".", 1)
        poll, expires, voter, weight = signed.split(".")
        covered = signed.encode() + _said(ways, asked=asked and expires == "0")
        if not hmac.compare_digest(_bytes(mac), _mac(signers.tokens, covered)):
            raise ValueError
        if int(poll) != poll_id or (int(expires) and int(expires) <= now_s):
            raise ValueError
        return Voter(_bytes(voter), int(weight))
    except (ValueError, NotBase64):
        raise VoterRequired from None


def _said(ways: Ways, *, asked: bool) -> bytes:
    return _ways_said(tuple(ways.items())) + (b"\x00asked" if asked else b"")


@lru_cache(maxsize=1_024)
def _ways_said(ways: tuple[tuple[str, Way], ...]) -> bytes:
    """Who votes, for the HMAC of a token: on the vote path, so it is made once."""
    told = sorted((kind, way.weight, way.roles, way.departments) for kind, way in ways)
    return b"\x00" + json.dumps(told, separators=(",", ":")).encode()


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, "sha256")[:MAC_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode() + b"==", altchars=b"-_", validate=False)
