"""A mobile number as a voter: confirmed by a one-time password, and then forgotten.

A password is good in the browser that asked for it, which keeps a random handle: tries from elsewhere neither use it up
nor learn whether there is one. Nothing of it is in clear anywhere: Redis has HMACs under the poll's key (of the number,
of the password) for a day at most, SQL has nothing, and the voter is HMAC(poll key, "phone" 0 number).
"""

import hmac
import secrets as random
from collections.abc import Callable
from dataclasses import dataclass

import phonenumbers
import redis
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from concours.base.errors import FieldProblem, Forbidden, Invalid, RateLimited, Unavailable
from concours.base.messages import Message, msg, nmsg
from concours.voting import keys, scripts, secrets
from concours.voting.ladder.senders import NotSent, Sender
from concours.voting.rules import Facts

LIFE_S = 300  # of a password
TRIES = 5
WAIT_S = 60  # before another is sent to the same number
DIGITS = 6
HANDLE_LENGTH = 32  # hexadecimal digits
TYPED_LIMIT = 40  # characters of a number as typed
NUMBER_A_DAY = 6
NETWORK_A_MINUTE = 60  # a department behind one address gets through
NETWORK_A_DAY = 2_000
POLL_A_DAY = 50_000  # what a night of abuse can cost at most

_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


@dataclass(frozen=True, slots=True)
class Sent:
    """A password is on its way, for the browser with that handle: for how many seconds it is good, and after how many
    another can be asked for."""

    handle: str
    expires_s: int = LIFE_S
    again_s: int = WAIT_S


def read(typed: str, region: str) -> str:
    """The number in E.164 (+8613800138000); without a country code it is one of `region`. Raises Invalid."""
    wrong = msg("This is no mobile number. Type it as you dial it, or with + and the country code.")
    problem = Invalid(wrong, problems=[FieldProblem("phone", wrong)], code="no_mobile_number")
    if not typed.strip() or len(typed) > TYPED_LIMIT:
        raise problem
    try:
        found = phonenumbers.parse(typed, region)
    except NumberParseException:
        raise problem from None
    if found.extension or not phonenumbers.is_valid_number(found) or phonenumbers.number_type(found) not in _MOBILE:
        raise problem
    return str(phonenumbers.format_number(found, PhoneNumberFormat.E164))


def handle_of(kept: str | None) -> str | None:
    """The handle that a browser kept; None where it is none."""
    return kept if kept and len(kept) == HANDLE_LENGTH and all(c in "0123456789abcdef" for c in kept) else None


def tag_of(facts: Facts, number: str, handle: str = "") -> bytes:
    """What stands for the number (as that browser asked for it) in Redis."""
    given = b"one-time password\x00%d\x00%b\x00%b" % (facts.id, number.encode(), handle.encode())
    return hmac.digest(facts.key, given, "sha256")


def _digest(facts: Facts, number: str, password: str) -> str:
    given = b"password\x00%d\x00%b\x00%b" % (facts.id, number.encode(), password.encode())
    return hmac.digest(facts.key, given, "sha256").hex()


def send(
    client: "redis.Redis",
    facts: Facts,
    number: str,
    network: str,
    sender: Sender,
    *,
    say: Callable[[Message], str],
    language: str,
    handle: str | None = None,
) -> Sent:
    """Sends a one-time password to `number` (E.164); `say` puts it into the voter's language, `language` names that;
    `handle` is the browser's, where it has one already.

    Raises RateLimited, Unavailable, or RedisError.
    """
    password = "".join(random.choice("0123456789") for _ in range(DIGITS))
    handle = handle or random.token_hex(HANDLE_LENGTH // 2)
    tag, place = tag_of(facts, number), secrets.network_tag(facts.key, facts.id, network)
    names = (
        keys.password(facts.id, tag),
        keys.passwords_of_number(facts.id, tag),
        keys.passwords_of_network(facts.id, place),
        keys.passwords_of_network_today(facts.id, place),
        keys.passwords_of_poll(facts.id),
        keys.password(facts.id, tag_of(facts, number, handle)),
    )
    given = (
        _digest(facts, number, password),
        LIFE_S,
        WAIT_S,
        NUMBER_A_DAY,
        NETWORK_A_MINUTE,
        NETWORK_A_DAY,
        POLL_A_DAY,
    )
    answer = scripts.run(client, "password_sent", names, given)
    word = answer[0].decode()
    if word != "sent":
        raise _refusal(word, int(answer[1]) if len(answer) > 1 else 0)
    try:
        text = say(
            msg("%(password)s is your code for voting, good for five minutes. Give it to nobody.", password=password)
        )
        sender(number, text, password=password, language=language)
    except NotSent as fault:
        client.delete(names[0], names[-1])
        raise Unavailable(
            msg("The message could not be sent just now."),
            hint=msg("Please try again in a minute, or use another way in."),
            code="message_not_sent",
            retry_after=WAIT_S,
        ) from fault
    return Sent(handle)


def check(client: "redis.Redis", facts: Facts, number: str, typed: str, handle: str | None) -> None:
    """Passes where `typed` is the password last sent to `number` for the browser with that handle; it can be used once.

    Raises Forbidden, in the same words whatever is wrong.
    """
    password = "".join(character for character in typed if character.isdigit())[: DIGITS + 1]
    name = keys.password(facts.id, tag_of(facts, number, handle or "none"))
    answer = scripts.run(client, "password_tried", (name,), (_digest(facts, number, password), TRIES))
    if answer[0].decode() != "right":
        raise Forbidden(
            msg(
                "These digits do not let you in: they are mistyped, older than five minutes, used, or tried too often."
            ),
            hint=msg("Use the newest message that you asked for in this browser, or have another one sent."),
            code="wrong_password",
        )


def _refusal(word: str, seconds: int) -> RateLimited:
    if word == "wait":
        return RateLimited(
            nmsg(
                "A message was sent to this number just now. Another can be sent in %(count)s second.",
                "A message was sent to this number just now. Another can be sent in %(count)s seconds.",
                seconds,
            ),
            hint=msg("Messages can take a minute to arrive."),
            retry_after=seconds,
        )
    if word == "number":
        return RateLimited(
            msg("This number has had all its messages for today."),
            hint=msg("Please come back tomorrow, or use another way in."),
            retry_after=3600,
        )
    if word == "network":
        return RateLimited(
            msg("Very many messages are asked for from your network right now."),
            hint=msg("Please try again in a minute; on mobile data it works at once."),
            retry_after=seconds,
        )
    return RateLimited(
        msg("No more messages can be sent today."),
        hint=msg("Please come back tomorrow, or use another way in."),
        retry_after=3600,
    )
