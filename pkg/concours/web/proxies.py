"""Who really asks: behind proxies that we trust the address is in X-Forwarded-For, otherwise it is the connection's.

The header is read from its right end, where our own proxies write; what a visitor puts into it stands further left
and is never reached. From anybody else the headers are dropped, so that nothing behind can believe them by mistake.
"""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from flask import Flask

Network = IPv4Network | IPv6Network
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

HEADERS = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_FORWARDED",
    "HTTP_X_REAL_IP",
)
FORWARDED = "concours.forwarded"
"""In the WSGI environment: whether the request came with such headers from somebody who is not trusted."""


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address in `text` (with or without a port, brackets or zone); an IPv4 address in IPv6 clothes is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses or networks as settings give them."""
    return tuple(ip_network(text, strict=False) for text in texts)


def within(address: IPv4Address | IPv6Address | None, among: Sequence[Network]) -> bool:
    """Whether the address is in one of the networks."""
    return address is not None and any(address in network for network in among)


def client_of(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The client's address: from the right, the first hop that is none of the trusted proxies.

    A hop that is no address ends the walk at the last one that was: what is left of it cannot be known.
    """
    address = address_of(peer)
    if not within(address, trusted):
        return str(address) if address is not None else peer
    for hop in reversed(forwarded_for.split(",") if forwarded_for else []):
        found = address_of(hop)
        if found is None:
            break
        address = found
        if not within(found, trusted):
            break
    return str(address)


class TrustedProxies:
    """WSGI: puts the client's own address and scheme in place before the application sees the request."""

    def __init__(self, app: Wsgi, trusted: Iterable[str]) -> None:
        self._app = app
        self._trusted = networks(trusted)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """One request."""
        peer = environ.get("REMOTE_ADDR", "")
        if within(address_of(peer), self._trusted):
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
            if scheme in {"http", "https"}:
                environ["wsgi.url_scheme"] = scheme
        elif any(name in environ for name in HEADERS):
            environ[FORWARDED] = True
        environ["REMOTE_ADDR"] = client_of(peer, environ.get("HTTP_X_FORWARDED_FOR", ""), self._trusted)
        for name in HEADERS:
            environ.pop(name, None)
        return self._app(environ, start_response)


def init_proxies(app: Flask) -> None:
    """Puts the middleware around the application."""
    app.wsgi_app = TrustedProxies(app.wsgi_app, app.config["TRUSTED_PROXIES"])  # type: ignore[method-assign]
