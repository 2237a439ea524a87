"""The platform as an ASGI application: votes are taken in the event loop, everything else by Flask in threads.

A page's thread waits for SQL and for storage; a vote waits for its record, and there may be thousands of them.
"""

from collections.abc import MutableMapping
from typing import Any

from a2wsgi import WSGIMiddleware
from flask import Flask
from flask_login import COOKIE_NAME
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header, parse_cookie

from concours.base.asgi import Asgi, Receive, Scope, Send
from concours.voting.front import VoteFront
from concours.web.i18n import COOKIE, LANGUAGES, heard_language
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

    def language_of(scope: Scope) -> str | None:
        cookies: dict[str, str] = {}
        accepted = ""
        for name, value in scope["headers"]:
            if name == b"cookie":
                cookies.update(parse_cookie(value.decode("latin-1")))
            elif name == b"accept-language":
                accepted = value.decode("latin-1")
        signed_in = {app.config["SESSION_COOKIE_NAME"], app.config.get("REMEMBER_COOKIE_NAME", COOKIE_NAME)}
        heard = cookies.get(COOKIE)
        if heard not in LANGUAGES and signed_in & set(cookies):
            return None
        return heard_language(heard, parse_accept_header(accepted, LanguageAccept), app.config["DEFAULT_LOCALE"])

    threaded: Any = WSGIMiddleware(app.wsgi_app, workers=threads)  # type: ignore[arg-type]

    async def pages(scope: Scope, receive: Receive, send: Send) -> None:
        async def received() -> MutableMapping[str, Any]:
            return await receive()  # a2wsgi wants a coroutine; Granian gives another kind of awaitable

        await threaded(scope, received, send)

    return VoteFront(SharedCache(pages), app.extensions["concours_booth"], address_of, language_of)
