"""The vote's way in, in front of Flask: `POST /api/v1/polls/{poll}/votes`, as an ASGI application.

It reads the request, awaits `cast`, and writes the answer, with none of what a page needs (thread, session, form,
templates): those cost several times what the vote itself does. While a vote waits for its record it holds no thread,
so a sequencer that is away holds up nothing else. A refusal goes to the one mapping of refusals that the whole platform
uses. Under a WSGI server the Flask view of the same address (`api.vote`) takes votes, by the same functions.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from flask import Flask, Response

from concours.base.errors import FieldProblem, Invalid, TooLarge
from concours.base.messages import msg
from concours.voting.cast import Booth, Cast, cast
from concours.voting.network import network_of
from concours.voting.secrets import NONCE_BYTES

PREFIX, SUFFIX = "/api/v1/polls/", "/votes"
SCHEME = "Voter "
BODY_LIMIT = 2_048  # bytes
NUMBER_LIMIT = 2**53  # what a JSON number holds exactly
REFUSED = "concours.refused"
"""In an ASGI scope: what `cast` raised; `Refusals` answers it."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
_json = json.JSONEncoder(separators=(",", ":")).encode

StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class VoteFront:
    """The ASGI application in front of the others. `address_of` tells a request's address, trusted proxies heard."""

    def __init__(self, inner: Asgi, booth: Booth, address_of: Callable[[Scope], str]) -> None:
        self._inner = inner
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
            candidate, nonce = read(await _body(receive))
            done = await cast(
                self._booth,
                poll,
                token=_token(scope),
                network=network_of(self._address_of(scope)),
                candidate=candidate,
                nonce=nonce,
            )
        except Exception as refused:  # the application's own handlers say what it means
            await self._inner({**scope, REFUSED: refused}, _nothing, send)
            return
        status, headers, body = answer(done)
        head = [(name.lower().encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})


class Refusals:
    """WSGI, in front of Flask: answers what `VoteFront` could not take, as the application answers any refusal."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._inner: Wsgi = app.wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        refused = environ.get("asgi.scope", {}).get(REFUSED)
        if refused is None:
            return self._inner(environ, start_response)
        with self._app.request_context(environ):
            try:
                made = self._app.handle_user_exception(refused)
            except Exception as fault:
                made = self._app.handle_exception(fault)
            response: Response = self._app.process_response(self._app.make_response(made))
            return response(environ, start_response)


def take(booth: Booth, *, poll: int, body: bytes, authorization: str, address: str) -> Cast:
    """Casts the vote of a request outside the event loop. Raises as `cast` does, and as `read` does for a bad body."""
    candidate, nonce = read(body)
    token, network = voter_token(authorization), network_of(address)
    return booth.run(cast(booth, poll, token=token, network=network, candidate=candidate, nonce=nonce))


def answer(done: Cast) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body for an admitted vote."""
    receipt = done.receipt
    body = _json({"receipt": receipt, "left": {"today": done.left_today, "total": done.left_total}}).encode()
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


async def _nothing() -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def read(body: bytes) -> tuple[int, bytes]:
    """Candidate and nonce of a vote's JSON. Raises Invalid or TooLarge."""
    if len(body) > BODY_LIMIT:
        raise TooLarge(msg("A vote has at most %(count)s bytes.", count=BODY_LIMIT))
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Invalid(msg("A vote is a JSON object with “candidate” and “nonce”."))
    candidate: Any = found.get("candidate")
    nonce: Any = found.get("nonce")
    problems = []
    if not isinstance(candidate, int) or isinstance(candidate, bool) or not 0 < candidate < NUMBER_LIMIT:
        problems.append(FieldProblem("candidate", msg("The number of a candidate of this poll.")))
    if not isinstance(nonce, str) or len(nonce) != 2 * NONCE_BYTES or not _is_hex(nonce):
        problems.append(FieldProblem("nonce", msg("16 random bytes in hexadecimal: 32 digits.")))
    if problems:
        raise Invalid(msg("This vote is not complete."), problems=problems)
    return int(candidate), bytes.fromhex(nonce)


def _is_hex(text: str) -> bool:
    try:
        return text.isascii() and text.isalnum() and bool(bytes.fromhex(text))
    except ValueError:
        return False
