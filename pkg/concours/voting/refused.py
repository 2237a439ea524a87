"""How a refused vote is answered: by Flask, with the one mapping of refusals, and without Flask where it
said the same before. Whoever sends what is refused, thousands of times, must not cost more than those who vote.
"""

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from flask import Flask, Response

from concours.base.asgi import Asgi, Scope, Send, StartResponse, Wsgi
from concours.base.errors import DomainError, Invalid

REFUSED = "concours.refused"
"""In an ASGI scope: what a vote raised; `ByFlask` answers it."""
KEPT = 1_000  # answers; each some 1 kB


class Refused:
    """ASGI: answers refusals by the application `inner`, and remembers what it said.

    An answer depends on the refusal and on the reader's language, which `language_of` tells; where an account
    may decide it tells nothing (None), and the application answers.
    """

    def __init__(self, inner: Asgi, language_of: Callable[[Scope], str | None]) -> None:
        self._inner = inner
        self._language_of = language_of
        self._kept: dict[object, tuple[dict[str, Any], bytes]] = {}

    async def answer(self, refused: Exception, scope: Scope, send: Send) -> None:
        """Sends the answer to a request that raised `refused`."""
        key = _key(refused, self._language_of(scope), scope)
        kept = self._kept.get(key) if key is not None else None
        if kept is None:
            await self._inner({**scope, REFUSED: refused}, _nothing, send if key is None else self._noting(key, send))
            return
        start, body = kept
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": body})

    def _noting(self, key: object, send: Send) -> Send:
        """`send` that keeps the answer once its last byte goes out."""
        start: dict[str, Any] = {}
        body = bytearray()

        async def noting(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                start.update(status=message["status"], headers=list(message["headers"]))
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if len(body) == _length(start["headers"]):
                    if len(self._kept) >= KEPT:
                        self._kept.clear()
                    self._kept[key] = start, bytes(body)
            await send(message)

        return noting


class ByFlask:
    """WSGI, in front of Flask: answers what the front could not take, as the application answers any refusal."""

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


def _key(refused: Exception, language: str | None, scope: Scope) -> object:
    """What the answer depends on; None where that is more than can be told here."""
    if language is None or not isinstance(refused, DomainError):
        return None
    problems = refused.problems if isinstance(refused, Invalid) else ()
    said = (type(refused), refused.code, refused.message, refused.hint, refused.retry_after, problems)
    return scope["scheme"], language, repr(said)


def _length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    return next((int(value) for name, value in headers if name.lower() == b"content-length"), -1)


async def _nothing() -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}
