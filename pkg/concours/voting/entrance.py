"""How a browser becomes a voter: the device's cookie or the signed-in account, and the voter token made of it."""

import time

from flask import Response, current_app, request
from werkzeug.wrappers import Response as AnyResponse

from concours.identity.access import actor
from concours.voting import voters
from concours.voting.booth import booth
from concours.voting.network import network_of
from concours.voting.rules import ACCOUNT, Facts


def enter(facts: Facts) -> tuple[str, bytes | None]:
    """The voter token of the running request, and its device where a cookie must be set for it.

    Raises NotSignedIn where the poll asks for an account, RateLimited where a network brings too many new devices,
    RedisError when Redis is away.
    """
    signers = booth().voter_keys
    if facts.who == ACCOUNT:
        return voters.token_of(facts, voters.account_voter(facts, actor().id), signers, int(time.time())), None
    known = known_device()
    if known is not None:
        return voters.token_of(facts, voters.device_voter(facts, known), signers, 0), None
    voters.admit_newcomer(booth().client, facts, network_of(request.remote_addr or ""))
    device = voters.new_device()
    return voters.token_of(facts, voters.device_voter(facts, device), signers, 0), device


def known_device() -> bytes | None:
    """The device of the running request, where it has our cookie."""
    return voters.read_cookie(request.cookies.get(voters.DEVICE_COOKIE), booth().voter_keys)


def remember_device(response: Response | AnyResponse, device: bytes) -> None:
    """Sets the device's cookie, which no script can read."""
    response.set_cookie(
        voters.DEVICE_COOKIE,
        voters.cookie_of(device, booth().voter_keys),
        max_age=voters.DEVICE_DAYS * 24 * 3600,
        secure=current_app.config["SECURE_COOKIES"],
        httponly=True,
        samesite="Lax",
    )
