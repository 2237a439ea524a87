"""The platform as an ASGI application: votes are taken in the event loop, everything else by Flask in threads.

A page's thread waits for SQL and for storage; a vote waits for its record, and there may be thousands of them.
"""

from a2wsgi import WSGIMiddleware
from flask import Flask

from concours.voting.front import Asgi, Scope, VoteFront
from concours.web.proxies import client_of, networks


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

    inner: Asgi = WSGIMiddleware(app.wsgi_app, workers=threads)  # type: ignore[arg-type, assignment]
    return VoteFront(inner, app.extensions["concours_booth"], address_of)
