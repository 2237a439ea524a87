"""How many wrong passwords one network address may send: the one place of these Redis keys (`signin:address:…`).

An office often has one address for everybody, so right passwords are given back and the limit is wide; it only stops
a machine that tries names by the thousand. Without Redis signing in goes on, with the lock per name alone (in SQL).
"""

import logging
from ipaddress import IPv6Address, ip_address, ip_network

from redis.exceptions import RedisError

from concours.base.errors import RateLimited
from concours.base.messages import msg
from concours.base.redis import client, opaque

FAILURES = 100  # per address and window
WINDOW_S = 600

_TAKE = """
-- Counts one try of an address within a window that begins with its first try.
-- KEYS[1] the counter; ARGV[1] the window in seconds. Answers {tries so far, seconds until the window ends}.
local tries = redis.call('INCR', KEYS[1])
if tries == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {tries, redis.call('TTL', KEYS[1])}
"""
_GIVE_BACK = """
-- Takes one try back, if the window is still open. KEYS[1] the counter.
if redis.call('EXISTS', KEYS[1]) == 1 then return redis.call('DECR', KEYS[1]) end
return 0
"""

_log = logging.getLogger(__name__)


def _key(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        known = ip_address("0.0.0.0")  # noqa: S104 - whoever has no address shares one counter
    network = str(ip_network(f"{known}/64", strict=False)) if isinstance(known, IPv6Address) else str(known)
    return f"signin:address:{opaque(network)}"


def take(address: str) -> None:
    """Counts a try of `address` (an IPv6 address stands for its /64); raises RateLimited above the limit."""
    try:
        tries, left = client().eval(_TAKE, 1, _key(address), WINDOW_S)
    except RedisError as reason:
        _log.warning("the sign-in limit per address is off: %s", reason)
        return
    if tries > FAILURES:
        raise RateLimited(
            msg("Too many wrong passwords came from your network. Please wait a few minutes."),
            hint=msg("This protects all accounts. Your own account is not locked."),
            code="too_many_from_address",
            retry_after=max(1, int(left)),
        )


def give_back(address: str) -> None:
    """The try was a right password and does not count."""
    try:
        client().eval(_GIVE_BACK, 1, _key(address))
    except RedisError as reason:
        _log.warning("the sign-in limit per address is off: %s", reason)
