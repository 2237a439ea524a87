"""How a request becomes a voter: by what its browser showed before, by the account that is signed in, or as a browser.

Who came in by a code, a number or an identity provider is remembered by a cookie that holds the voter token; scripts
cannot read it. Such a way comes first, because its holder chose it; then the account; then the device.
"""

import time
from dataclasses import dataclass

from flask import Response, current_app, request
from flask_babel import get_locale, gettext
from werkzeug.wrappers import Response as AnyResponse

from concours.base import clock
from concours.base.errors import Forbidden, RateLimited
from concours.base.messages import Message, msg
from concours.identity.access import NotSignedIn, signed_in
from concours.voting import keys, refusals, scripts, secrets, voters
from concours.voting.booth import booth
from concours.voting.ladder import accounts, challenge, codes, phone
from concours.voting.ladder.phone import Sent
from concours.voting.ladder.provider import Provider
from concours.voting.ladder.senders import Sender
from concours.voting.ladder.ways import ACCOUNT, CODE, DEVICE, OIDC, PHONE, Ways
from concours.voting.network import network_of
from concours.voting.rules import Facts
from concours.voting.voters import Voter

PROVEN = (CODE, PHONE, OIDC)
"""The ways that ask for something once and are remembered by the browser."""
COOKIE = "concours_way_{}"
HANDLE_COOKIE = "concours_phone_{}"
WRONG_CODES_A_MINUTE = (
    30  # from one network; with 50 bits of chance in a code a guess a second finds none in a lifetime
)


class WayRequired(Forbidden):
    """The visitor must come in by one of the poll's ways first (403)."""

    code = "way_required"

    def __init__(self) -> None:
        super().__init__(
            msg("This poll asks first who votes."), hint=msg("Choose your way in on the poll's page, then vote.")
        )


class NotAmongThem(Forbidden):
    """The account is none of those who may vote (403)."""

    code = "not_among_voters"

    def __init__(self) -> None:
        super().__init__(
            msg("Your account is not among those who vote in this poll."),
            hint=msg("If it should be, ask the organiser of the event."),
        )


@dataclass(frozen=True, slots=True)
class Came:
    """A voter who came in: the token, how, and the device for which a cookie must be set."""

    token: str
    kind: str
    device: bytes | None = None


def enter(facts: Facts, *, solution: str = "", by: str = "") -> Came:
    """The voter of the running request. `solution`: of a challenge; `by`: ACCOUNT or DEVICE, where it is chosen.

    Raises NotSignedIn, NotAmongThem or WayRequired where nobody can be told, ChallengeRequired, NotSolved, RateLimited
    where a network brings too many new devices, RedisError when Redis is away.
    """
    before = remembered(facts.id, facts.ways) if not by else None
    if before is not None:
        return before
    account = signed_in()
    narrow = False
    if ACCOUNT in facts.ways and account is not None and by != DEVICE:
        if accounts.may_vote(facts.ways[ACCOUNT], account, facts.event_id):
            return came(facts, voters.account_voter(facts, account.id), ACCOUNT)
        narrow = True
    if DEVICE in facts.ways and by != ACCOUNT:
        return _by_device(facts, solution)
    if set(facts.ways) == {ACCOUNT} or by == ACCOUNT:
        raise NotAmongThem if narrow else NotSignedIn
    raise WayRequired


def _by_device(facts: Facts, solution: str) -> Came:
    device = known_device()
    voter = voters.device_voter(facts, device) if device is not None else None
    if voter is not None and (
        not voters.counts_newcomers(facts) or voters.is_known_to(booth().client, facts, voter)
    ):  # a browser that another poll has met is new here: no stock of cookies passes by the limit
        return came(facts, voter, DEVICE)
    solved = solved_by(facts, solution)
    voters.admit_newcomer(booth().client, facts, network_of(request.remote_addr or ""), solved=solved is not None)
    fresh = device is None
    device = voters.new_device() if device is None else device
    voter = voters.device_voter(facts, device)
    voters.note_met(booth().client, facts, voter)
    if solved is not None:
        challenge.redeem(booth().client, facts, solved)
        challenge.note(booth().client, facts, solved, voter)
    return Came(came(facts, voter, DEVICE).token, DEVICE, device if fresh else None)


def known_voter(facts: Facts) -> Voter | None:
    """The voter that the running request is already, so far as can be told without making one."""
    before = remembered(facts.id, facts.ways)
    if before is not None:
        return voters.voter_of(before.token, facts, booth().voter_keys, time.time())
    account = signed_in()
    if (
        account is not None
        and ACCOUNT in facts.ways
        and accounts.may_vote(facts.ways[ACCOUNT], account, facts.event_id)
    ):
        return voters.account_voter(facts, account.id)
    device = known_device() if DEVICE in facts.ways else None
    return voters.device_voter(facts, device) if device is not None else None


def by_code(facts: Facts, typed: str) -> Came:
    """Who holds the code. Raises Mistyped, WrongCode, RateLimited after many wrong ones from the network."""
    _takes(facts, CODE)
    code = codes.read(typed)  # a typing mistake is told without a look, and is no guess
    here = booth()
    name = keys.guesses(facts.id, secrets.network_tag(facts.key, facts.id, network_of(request.remote_addr or "")))
    wait = int(scripts.run(here.client, "guess", (name,), (WRONG_CODES_A_MINUTE,)))
    if wait:
        raise RateLimited(
            msg("Too many wrong codes were entered from your network."),
            hint=msg("Please wait a minute, then type your code once more; it is still good."),
            retry_after=wait,
        )
    entered = codes.enter(facts.id, code, key=facts.key, now=clock.now())
    scripts.run(here.client, "guess", (name,), (-1,))
    return came(facts, voters.code_voter(facts, entered.digest, entered.weight), CODE)


def send_password(facts: Facts, typed: str, solution: str) -> tuple[str, Sent]:
    """Sends a one-time password in the visitor's language; returns the number it went to and how long it is good.

    Raises Invalid, ChallengeRequired, NotSolved, RateLimited, Unavailable.
    """
    _takes(facts, PHONE)
    number = phone.read(typed, current_app.config["PHONE_REGION"])
    solved = solved_by(facts, solution)
    if solved is not None:
        challenge.redeem(booth().client, facts, solved)
    elif voters.asks_everybody(facts):
        raise voters.ChallengeRequired
    network = network_of(request.remote_addr or "")
    language = "zh" if str(get_locale()).startswith("zh") else "en"
    here = booth().client
    handle = _handle(facts)
    return number, phone.send(here, facts, number, network, sender(), say=_said, language=language, handle=handle)


def keep_handle(response: Response | AnyResponse, facts: Facts, sent: Sent) -> None:
    """Lets the browser that asked for a password, and no other, come in by it."""
    _set(response, HANDLE_COOKIE.format(facts.id), sent.handle, sent.expires_s)


def _handle(facts: Facts) -> str | None:
    return phone.handle_of(request.cookies.get(HANDLE_COOKIE.format(facts.id)))


def _said(message: Message) -> str:
    return str(gettext(message.text) % message.values)


def by_phone(facts: Facts, typed: str, password: str) -> Came:
    """Whose number it is, by the one-time password sent to it. Raises Invalid, Forbidden."""
    _takes(facts, PHONE)
    number = phone.read(typed, current_app.config["PHONE_REGION"])
    phone.check(booth().client, facts, number, password, _handle(facts))
    return came(facts, voters.phone_voter(facts, number), PHONE)


def by_person(facts: Facts, subject: bytes) -> Came:
    """Who signed in with the identity provider."""
    _takes(facts, OIDC)
    return came(facts, voters.person_voter(facts, subject), OIDC)


def _takes(facts: Facts, kind: str) -> None:
    """Raises where the poll has no such way, or is over."""
    if kind not in facts.ways:
        raise WayRequired
    now_ms = int(time.time() * 1000)
    if now_ms >= facts.closes:
        raise refusals.refusal("poll_closed", [facts.closes], facts)


def solved_by(facts: Facts, solution: str) -> challenge.Solution | None:
    """The solution that came with the request. Raises NotSolved where it is none."""
    return challenge.read(facts, solution, int(time.time() * 1000)) if solution else None


def came(facts: Facts, voter: Voter, kind: str) -> Came:
    """A voter who came in by `kind`, with a token."""
    return Came(voters.token_of(facts, voter, booth().voter_keys, int(time.time()), kind), kind)


def remembered(poll_id: int, ways: Ways) -> Came | None:
    """Who came in before by a code, a number or a provider, as the browser's cookie has it."""
    kind, _, token = request.cookies.get(COOKIE.format(poll_id), "").partition(".")
    if kind not in PROVEN or kind not in ways:
        return None
    try:
        voters.read_token(token, poll_id, ways, booth().voter_keys, time.time())
    except voters.VoterRequired:
        return None
    return Came(token, kind)


def weight_of(who: Came) -> int:
    """What each vote of the voter counts."""
    return int(who.token.split(".")[3])  # it was made, or read, in this request


def remember(response: Response | AnyResponse, facts: Facts, who: Came) -> None:
    """Lets the browser be the same voter again: the device's cookie, or the way's, which no script can read."""
    if who.device is not None:
        _set(
            response, voters.DEVICE_COOKIE, voters.cookie_of(who.device, booth().voter_keys), voters.DEVICE_DAYS * 86400
        )
    elif who.kind in PROVEN:
        lasts = voters.lasts_until(facts, who.kind, int(time.time())) - int(time.time())
        _set(response, COOKIE.format(facts.id), f"{who.kind}.{who.token}", lasts)


def forget(response: Response | AnyResponse, poll_id: int) -> None:
    """Lets the browser choose its way anew."""
    response.delete_cookie(COOKIE.format(poll_id), httponly=True, samesite="Lax")


def _set(response: Response | AnyResponse, name: str, value: str, lasts_s: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=lasts_s,
        secure=current_app.config["SECURE_COOKIES"],
        httponly=True,
        samesite="Lax",
    )


def known_device() -> bytes | None:
    """The device of the running request, where it has our cookie."""
    return voters.read_cookie(request.cookies.get(voters.DEVICE_COOKIE), booth().voter_keys)


def provider() -> Provider | None:
    """The identity provider of the settings."""
    found: Provider | None = current_app.extensions["concours_provider"]
    return found


def sender() -> Sender:
    """Who carries one-time passwords."""
    found: Sender = current_app.extensions["concours_sms"]
    return found
