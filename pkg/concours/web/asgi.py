"""The platform as an ASGI application: votes are taken in the event loop, everything else by Flask in threads.

A page's thread waits for SQL and for storage; a vote waits for its record, and there may be thousands of them.
"""

from collections.abc import MutableMapping
from typing import Any

from a2wsgi import WSGIMiddleware
from flask import Flask

from concours.voting.front import Asgi, Receive, Scope, Send, VoteFront
from concours.web.proxies import client_of, networks
from concours.web.shared_cache import SharedCache


def asgi_app(app: Flask, *, threads: int) -> Asgi:
    """The application for an ASGI server; `threads` is how many requests Flask works on at the same time."""
    trusted = networks(app.config["TRUSTED_PROXIES"])

    def address_of(scope: Scope) -> str:
        peer = (scope.get("client") or ("",))[0]
        said = (
            [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
            if trusted
            else []
        )
        return client_of(peer, ",".join(said), trusted)

    threaded: Any = WSGIMiddleware(app.wsgi_app, workers=threads)  # type: ignore[arg-type]

    async def pages(scope: Scope, receive: Receive, send: Send) -> None:
        async def received() -> MutableMapping[str, Any]:
            return await receive()  # a2wsgi wants a coroutine; Granian gives another kind of awaitable

        await threaded(scope, received, send)

    return VoteFront(SharedCache(pages), app.extensions["concours_booth"], address_of)
