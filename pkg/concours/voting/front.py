"""The vote's way in, mounted in front of Flask: `POST /api/v1/polls/{poll}/votes`.

It reads the request, calls `cast`, and writes the answer, with none of what a page needs (session, form, templates):
those cost several times what the vote itself does. A refusal goes to the one mapping of refusals that the whole
platform uses. The Flask view of the same address (`api.vote`) calls `take` and `answer` as well.
"""

import json
from collections.abc import Callable, Iterable
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
STATUS_LINES = {201: "201 Created", 202: "202 Accepted"}

StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class VoteFront:
    """The WSGI callable in front of the application."""

    def __init__(self, app: Flask, booth: Booth) -> None:
        self._app = app
        self._booth = booth
        self._inner: Wsgi = app.wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Takes votes; hands everything else to Flask."""
        path: str = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "POST" or not (path.startswith(PREFIX) and path.endswith(SUFFIX)):
            return self._inner(environ, start_response)
        number = path[len(PREFIX) : -len(SUFFIX)]
        if not (number.isascii() and number.isdigit() and len(number) < 16):
            return self._inner(environ, start_response)
        try:
            status, headers, body = answer(take(self._booth, environ, int(number), _body(environ)))
        except Exception as refused:  # the application's own handlers say what it means
            return self._refuse(refused, environ, start_response)
        start_response(STATUS_LINES[status], headers)
        return [body]

    def _refuse(self, refused: Exception, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        with self._app.request_context(environ):
            try:
                made = self._app.handle_user_exception(refused)
            except Exception as fault:
                made = self._app.handle_exception(fault)
            response: Response = self._app.process_response(self._app.make_response(made))
            return response(environ, start_response)


def take(booth: Booth, environ: dict[str, Any], poll_id: int, body: bytes) -> Cast:
    """Casts the vote that a WSGI request carries. Raises as `cast` does, and Invalid or TooLarge for a bad body."""
    candidate, nonce = _read(body)
    given: str = environ.get("HTTP_AUTHORIZATION", "")
    return cast(
        booth,
        poll_id,
        token=given[len(SCHEME) :].strip() if given.startswith(SCHEME) else "",
        network=network_of(environ.get("REMOTE_ADDR") or ""),
        candidate=candidate,
        nonce=nonce,
    )


def answer(done: Cast) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body for an admitted vote."""
    receipt = done.receipt
    body = json.dumps(
        {"receipt": receipt, "left": {"today": done.left_today, "total": done.left_total}}, separators=(",", ":")
    ).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Location", f"{PREFIX}{receipt['poll']}/receipts/{receipt['id']}"),
    ]
    return 201 if done.recorded else 202, headers, body


def _body(environ: dict[str, Any]) -> bytes:
    """The request's body. Without a length it can be read only where the server ends the stream by itself."""
    given = environ.get("CONTENT_LENGTH") or ""
    length = int(given) if given.isascii() and given.isdigit() else 0
    if not given and environ.get("wsgi.input_terminated"):
        length = BODY_LIMIT + 1
    body: bytes = environ["wsgi.input"].read(min(length, BODY_LIMIT + 1))
    return body


def _read(body: bytes) -> tuple[int, bytes]:
    """Candidate and nonce of a vote's JSON."""
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
