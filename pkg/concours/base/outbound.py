"""HTTP requests that the platform itself sends (a webhook, an identity provider), so that nobody can aim them inwards.

A name is resolved once; every address it has must be a public one, or lie in a network that the setting
OUTBOUND_ALLOW names; the connection goes to the address that was checked, so a name that changes its mind between
check and use (DNS rebinding) gains nothing. Redirects are not followed, proxies of the environment are not used, and
time and size of an answer have limits.
"""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpx

CONNECT_S = 3.0
ANSWER_S = 8.0  # seconds between two pieces of the answer
ANSWER_LIMIT = 512 * 1024  # bytes

Address = IPv4Address | IPv6Address


class Outbound(Exception):
    """The request was not sent, or had no usable answer; the text says why, without anything secret."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body."""

    status: int
    body: bytes


def fetch(
    method: str,
    url: str,
    *,
    allow: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    json: object = None,
) -> Answer:
    """Sends one request and reads its answer. `allow`: networks that may be asked though they are not public; within
    them http:// is taken as well, elsewhere https:// alone. Raises Outbound."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise Outbound("this is no address that can be asked")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise Outbound("this is no address that can be asked") from None
    address = _checked(parts.hostname, port, allow)
    if parts.scheme == "http" and not _allowed(address, allow):
        raise Outbound("only https:// is asked outside of OUTBOUND_ALLOW")
    host = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    target = httpx.URL(url).copy_with(host=host.strip("[]"), port=port)
    sent = {"Host": parts.netloc, "User-Agent": "Concours", **(headers or {})}
    limits = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
    try:
        with (
            httpx.Client(trust_env=False, follow_redirects=False, timeout=limits) as client,
            client.stream(
                method,
                target,
                headers=sent,
                data=dict(form) if form is not None else None,
                json=json,
                extensions={"sni_hostname": parts.hostname},  # the certificate must be the name's, not the address'
            ) as response,
        ):
            body = b""
            for piece in response.iter_bytes():
                body += piece
                if len(body) > ANSWER_LIMIT:
                    raise Outbound("the answer is too large")
            return Answer(response.status_code, body)
    except httpx.HTTPError as fault:
        raise Outbound(f"no answer: {type(fault).__name__}") from fault


def _checked(host: str, port: int, allow: Sequence[str]) -> Address:
    """The first address of `host`, where all of them may be asked. Raises Outbound."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Outbound("the name has no address") from None
    addresses = [_plain(str(entry[4][0])) for entry in found]
    for address in addresses:
        if not (_is_public(address) or _allowed(address, allow)):
            raise Outbound("the address is a private one; OUTBOUND_ALLOW can name its network")
    return addresses[0]


def _plain(text: str) -> Address:
    address = ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address.sixtofour or address.teredo):
        return False  # these hold an IPv4 address, which may be a private one
    return address.is_global and not address.is_multicast and not address.is_reserved


def _allowed(address: Address, allow: Sequence[str]) -> bool:
    return any(address in ip_network(network, strict=False) for network in allow)
