"""The vote's way in, in front of Flask: `POST /api/v1/polls/{poll}/votes`, as an ASGI application.

It reads the request, awaits `cast`, and writes the answer, with none of what a page needs (thread, session, form,
templates): those cost several times what the vote itself does. While a vote waits for its record it holds no thread,
so a sequencer that is away holds up nothing else. A refusal is answered by the one mapping of refusals that the whole
platform uses (`refused`). Under a WSGI server the Flask view of the same address (`api.vote`) takes votes, by the same
functions.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from concours.base.asgi import Asgi, Receive, Scope, Send
from concours.base.errors import FieldProblem, Invalid, TooLarge
from concours.base.messages import Message, msg, nmsg
from concours.voting.cast import Booth, Cast, cast
from concours.voting.network import network_of
from concours.voting.refused import Refused
from concours.voting.rules import MOST_PICKS
from concours.voting.secrets import NONCE_BYTES

PREFIX, SUFFIX = "/api/v1/polls/", "/votes"
SCHEME = "Voter "
BODY_LIMIT = 2_048  # bytes
NUMBER_LIMIT = 2**53  # what a JSON number holds exactly
NO_CANDIDATE = msg("The number of a candidate of this poll.")

_json = json.JSONEncoder(separators=(",", ":")).encode


class VoteFront:
    """The ASGI application in front of the others. `address_of` tells a request's address, trusted proxies heard;
    `language_of` its language, as far as that can be told without an account."""

    def __init__(
        self,
        inner: Asgi,
        booth: Booth,
        address_of: Callable[[Scope], str],
        language_of: Callable[[Scope], str | None],
    ) -> None:
        self._inner = inner
        self._refused = Refused(inner, language_of)
        self._booth = booth
        self._address_of = address_of
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes votes; hands everything else on."""
        if not self._begun:
            self._booth.loop.adopt(asyncio.get_running_loop())
            self._begun = True
        poll = _poll_of(scope)
        if poll is None:
            await self._inner(scope, receive, send)
            return
        try:
            ballot = read(await _body(receive))
            done = await cast(
                self._booth,
                poll,
                token=_token(scope),
                network=network_of(self._address_of(scope)),
                candidates=ballot.candidates,
                nonce=ballot.nonce,
            )
        except Exception as refused:  # the application's own handlers say what it means
            await self._refused.answer(refused, scope, send)
            return
        status, headers, body = answer(done, together=ballot.together)
        head = [(name.lower().encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})


def take(
    booth: Booth, *, poll: int, body: bytes, authorization: str, address: str
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Casts the ballot of a request outside the event loop; its `answer`. Raises as `cast` does, and as `read` does for
    a bad body."""
    ballot = read(body)
    token, network = voter_token(authorization), network_of(address)
    casting = cast(booth, poll, token=token, network=network, candidates=ballot.candidates, nonce=ballot.nonce)
    return answer(booth.run(casting), together=ballot.together)


def answer(done: Cast, *, together: bool) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body for an admitted ballot; `together`: it was sent as a list of candidates."""
    receipt, left = done.receipts[0], {"today": done.left_today, "total": done.left_total}
    body = _json({"receipts": done.receipts, "left": left} if together else {"receipt": receipt, "left": left}).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Location", f"{PREFIX}{receipt['poll']}/receipts/{receipt['id']}"),
    ]
    return 201 if done.recorded else 202, headers, body


def _poll_of(scope: Scope) -> int | None:
    """The poll's number, where the request is a vote."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    path: str = scope["path"]
    if not (path.startswith(PREFIX) and path.endswith(SUFFIX)):
        return None
    number = path[len(PREFIX) : -len(SUFFIX)]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 16 else None


def _token(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return voter_token(value.decode("latin-1"))
    return ""


def voter_token(authorization: str) -> str:
    """The voter token of an Authorization header; empty where there is none."""
    return authorization[len(SCHEME) :].strip() if authorization.startswith(SCHEME) else ""


async def _body(receive: Receive) -> bytes:
    """The request's body, as far as a vote's can go."""
    body = b""
    while len(body) <= BODY_LIMIT:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body


class Ballot(NamedTuple):
    """What a request votes for: different candidates in ascending order; `together`: it gave a list of them."""

    candidates: tuple[int, ...]
    nonce: bytes
    together: bool


def read(body: bytes) -> Ballot:
    """The ballot of a vote's JSON. Raises Invalid or TooLarge."""
    if len(body) > BODY_LIMIT:
        raise TooLarge(msg("A vote has at most %(count)s bytes.", count=BODY_LIMIT))
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Invalid(msg("A vote is a JSON object with “candidate” (or “candidates”) and “nonce”."))
    nonce: Any = found.get("nonce")
    problems = []
    together = "candidates" in found and "candidate" not in found
    candidates, problem = _several(found["candidates"]) if together else _one(found.get("candidate"))
    if problem is not None:
        problems.append(FieldProblem("candidates" if together else "candidate", problem))
    if not isinstance(nonce, str) or len(nonce) != 2 * NONCE_BYTES or not _is_hex(nonce):
        problems.append(FieldProblem("nonce", msg("16 random bytes in hexadecimal: 32 digits.")))
    if problems:
        raise Invalid(msg("This vote is not complete."), problems=problems)
    return Ballot(candidates, bytes.fromhex(nonce), together)


def _one(given: Any) -> tuple[tuple[int, ...], Message | None]:
    return ((given,), None) if _is_number(given) else ((), NO_CANDIDATE)


def _several(given: Any) -> tuple[tuple[int, ...], Message | None]:
    """The candidates of a list in ascending order, and what is wrong with it."""
    if not isinstance(given, list) or not given:
        return (), msg("A list of candidates of this poll, by their numbers.")
    if len(given) > MOST_PICKS:
        return (), nmsg("At most %(count)s candidate.", "At most %(count)s candidates.", MOST_PICKS)
    if not all(_is_number(one) for one in given):
        return (), NO_CANDIDATE
    if len(set(given)) != len(given):
        return (), msg("Each candidate can be chosen once in a ballot.")
    return tuple(sorted(given)), None


def _is_number(given: Any) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and 0 < given < NUMBER_LIMIT


def _is_hex(text: str) -> bool:
    try:
        return text.isascii() and text.isalnum() and bool(bytes.fromhex(text))
    except ValueError:
        return False
