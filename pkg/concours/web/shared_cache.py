"""Keeps what is public for a moment: a crowd that looks at the standings asks Flask once a second.

A shared cache after RFC 9111, and a cautious one: only GET, only answers of status 200 that say `public` and for how
long, that set no cookie and vary by nothing but the encoding, and never for a request that carries an Authorization.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from concours.base.asgi import Asgi, Receive, Scope, Send

KEEP_S = 1.0  # at most, whatever an answer allows: nobody has to empty this cache
ENTRIES = 512
BODY_LIMIT = 512 * 1024  # bytes

Headers = list[tuple[bytes, bytes]]
Key = tuple[str, bytes, bytes, bytes]

_MAX_AGE = re.compile(rb"max-age=(\d{1,10})")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer; `until` on the monotonic clock, in s."""

    headers: Headers
    body: bytes
    etag: bytes
    until: float


class SharedCache:
    """ASGI, in front of the pages of one process."""

    def __init__(self, inner: Asgi) -> None:
        self._inner = inner
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._asking: dict[Key, asyncio.Future[None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        key = _key_of(scope)
        if key is None:
            await self._inner(scope, receive, send)
            return
        kept = self._kept.get(key)
        if kept is not None and kept.until <= time.monotonic():  # known to be for keeping: one asks, the others wait
            others = self._asking.get(key)
            if others is None:
                await self._renew(key, scope, receive, send)
                return
            await asyncio.shield(others)
            kept = self._kept.get(key)
        if kept is not None and kept.until > time.monotonic():
            await _answer(kept, scope, send)
        else:
            await self._ask(key, scope, receive, send)

    async def _renew(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        asking = self._asking[key] = asyncio.get_running_loop().create_future()
        try:
            await self._ask(key, scope, receive, send)
        finally:
            del self._asking[key]
            asking.set_result(None)

    async def _ask(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        """Asks for the whole answer; keeps it where it may be kept, else passes it through as it comes."""
        start: MutableMapping[str, Any] = {}
        body: list[bytes] = []
        keep_s = 0.0

        async def through(message: MutableMapping[str, Any]) -> None:
            nonlocal start, keep_s
            if message["type"] == "http.response.start":
                start, keep_s = message, _keep_s(message)
                if not keep_s:
                    await send(message)
                return
            if not keep_s:
                await send(message)
                return
            body.append(bytes(message.get("body", b"")))
            if sum(map(len, body)) > BODY_LIMIT:
                keep_s = 0.0
                await send(start)
                await send({**message, "body": b"".join(body)})
            elif not message.get("more_body"):
                kept = Kept(
                    start["headers"], b"".join(body), _value(start["headers"], b"etag"), time.monotonic() + keep_s
                )
                self._keep(key, kept)
                await _answer(kept, scope, send)

        plain = [
            (name, value) for name, value in scope["headers"] if name not in {b"if-none-match", b"if-modified-since"}
        ]
        await self._inner({**scope, "headers": plain}, receive, through)

    def _keep(self, key: Key, kept: Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > ENTRIES:
            self._kept.popitem(last=False)


def _key_of(scope: Scope) -> Key | None:
    """What names the answer; None where none is kept for such a request."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    host = encoding = b""
    for name, value in scope["headers"]:
        if name in {b"authorization", b"range"}:
            return None
        if name == b"accept-encoding":
            encoding = value
        elif name == b"host":
            host = value
    return scope["path"], scope["query_string"], host, encoding


def _value(headers: Headers, wanted: bytes) -> bytes:
    return b", ".join(value for name, value in headers if name == wanted)


def _keep_s(start: MutableMapping[str, Any]) -> float:
    """How long the answer is kept, in s; 0 where it is not."""
    headers: Headers = start["headers"]
    rule = _value(headers, b"cache-control").lower()
    varies = {part.strip().lower() for part in _value(headers, b"vary").split(b",")} - {b"", b"accept-encoding"}
    age = _MAX_AGE.search(rule)
    if start["status"] != 200 or varies or age is None or _value(headers, b"set-cookie"):
        return 0.0
    if b"public" not in rule or b"no-store" in rule or b"no-cache" in rule:
        return 0.0
    return min(KEEP_S, float(age[1]))


async def _answer(kept: Kept, scope: Scope, send: Send) -> None:
    asked = _value(scope["headers"], b"if-none-match")
    if kept.etag and asked and kept.etag in {tag.strip().removeprefix(b"W/") for tag in asked.split(b",")}:
        head = [(name, value) for name, value in kept.headers if name not in {b"content-length", b"content-type"}]
        await send({"type": "http.response.start", "status": 304, "headers": head})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": kept.headers})
    await send({"type": "http.response.body", "body": kept.body})
