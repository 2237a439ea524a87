"""Who votes: a device or an account, each known to a poll by 16 bytes that mean nothing elsewhere.

A *device* is a browser with our signed cookie, which scripts cannot read: clearing the page's storage makes no new
voter. A *voter token* is what the vote path is shown: signed, self-contained, for one poll; checking it needs no SQL.
    token = <poll>.<expires, s since 1970, 0 for never>.<voter id>.<weight>.<HMAC-SHA256, first 16 bytes>
"""

import base64
import hmac
import os
from binascii import Error as NotBase64
from dataclasses import dataclass

import redis

from concours.base.errors import Forbidden, RateLimited
from concours.base.messages import msg
from concours.voting import keys, scripts, secrets
from concours.voting.rules import ACCOUNT, Facts

DEVICE_COOKIE = "concours_device"
DEVICE_DAYS = 400  # the longest that browsers keep a cookie
ACCOUNT_TOKEN_S = 3600  # the page asks for another by itself; an account that is closed votes no longer than this
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
    return Voter(hmac.digest(facts.key, b"device\x00" + device, "sha256")[:ID_BYTES])


def account_voter(facts: Facts, account_id: int) -> Voter:
    """How the poll knows an account; nothing in the poll leads from it to the account without the poll's key."""
    return Voter(hmac.digest(facts.key, b"account\x00%d" % account_id, "sha256")[:ID_BYTES])


def admit_newcomer(client: "redis.Redis", facts: Facts, network: str) -> None:
    """Lets a device in that this browser's network brings new. Raises RateLimited, or RedisError when Redis is away."""
    limit = facts.rules.new_devices_per_minute
    if not limit:
        return
    name = keys.newcomers(facts.id, secrets.network_tag(facts.key, facts.id, network))
    seconds = scripts.run(client, "newcomer", (name,), (limit,))
    if seconds:
        raise RateLimited(
            msg("Very many new voters are coming from your network right now."),
            hint=msg("Please try again in a minute; on mobile data it works at once."),
            retry_after=int(seconds),
        )


def token_of(facts: Facts, voter: Voter, signers: VoterKeys, now_s: int) -> str:
    """The token of a voter of the poll. An account's lasts an hour, a device's for good."""
    expires = now_s + ACCOUNT_TOKEN_S if facts.who == ACCOUNT else 0
    signed = f"{facts.id}.{expires}.{_text(voter.id)}.{voter.weight}"
    return f"{signed}.{_text(_mac(signers.tokens, signed.encode()))}"


def read_token(token: str, poll_id: int, signers: VoterKeys, now_s: float) -> Voter:
    """The voter of a token for this poll. Raises VoterRequired where it is none of ours, or no longer."""
    try:
        if len(token) > TOKEN_LIMIT:
            raise ValueError
        signed, mac = token.rsplit(".", 1)
        if not hmac.compare_digest(_bytes(mac), _mac(signers.tokens, signed.encode())):
            raise ValueError
        poll, expires, voter, weight = signed.split(".")
        if int(poll) != poll_id or (int(expires) and int(expires) <= now_s):
            raise ValueError
        return Voter(_bytes(voter), int(weight))
    except (ValueError, NotBase64):
        raise VoterRequired from None


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, "sha256")[:MAC_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode() + b"==", altchars=b"-_", validate=False)
