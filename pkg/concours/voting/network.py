"""Where a request comes from, as far as limits care: an IPv4 address or an IPv6 /64.

The address is that of the connection, or what trusted proxies say (`web.proxies` has put it in its place).
"""

from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network

UNKNOWN = "unknown"
IPV6_PREFIX = 64


@lru_cache(maxsize=65_536)
def network_of(address: str) -> str:
    """The network of an address; `unknown` where the server gives none (a Unix socket)."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(found, IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, IPV6_PREFIX), strict=False))
