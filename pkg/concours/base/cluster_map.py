"""Who has which slots of a Redis or Valkey Cluster, as far as a process knows; and how a Cluster is named.

https://valkey.io/topics/cluster-spec has the slots, the redirections and CLUSTER SLOTS.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from redis.crc import key_slot
from redis.exceptions import AskError

SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
DEFAULT_PORT = 6379


@dataclass(frozen=True, slots=True)
class Address:
    """Where a node listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_cluster(url: str) -> bool:
    """Whether the address names a Cluster: redis+cluster://host:port[,host:port…] or rediss+cluster://…"""
    return url.partition("://")[0] in SCHEMES


def nodes_of(url: str) -> list[Address]:
    """The nodes that the address names. Raises ValueError where it names none, or a port is none."""
    found = []
    for part in urlsplit(url).netloc.rpartition("@")[2].split(","):
        host, port = _host_and_port(part.strip())
        if not host:
            raise ValueError("names a node without a host")
        found.append(Address(host, port))
    return found


def _host_and_port(text: str) -> tuple[str, int]:
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    else:
        host, _, port = text.partition(":")
    return host, int(port) if port else DEFAULT_PORT


def slot_of(key: str | bytes) -> int:
    """The slot of a key (CRC16 of what is in its braces, else of all of it)."""
    return int(key_slot(key.encode() if isinstance(key, str) else key))


@dataclass(frozen=True, slots=True)
class Table:
    """Who has which slots, at one moment: `begins[i]` to `ends[i]` is `owners[i]`'s."""

    begins: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    owners: tuple[Address, ...] = ()
    replicas: tuple[Address, ...] = ()

    def primary(self, slot: int) -> Address | None:
        """The slot's node; None where nobody has it."""
        place = bisect_right(self.begins, slot) - 1
        return self.owners[place] if place >= 0 and slot <= self.ends[place] else None


class SlotMap:
    """What a process knows of a Cluster: shared by its client, its gate and its listener, and corrected by all."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._seeds = nodes_of(url)
        self._table = Table()
        self._moved: dict[int, Address] = {}
        self._turn = 0

    def url_of(self, node: Address) -> str:
        """The address of one node, for a client of a single server: same scheme, password and options."""
        user, at, _ = self._parts.netloc.rpartition("@")
        netloc = f"{user}{at}{node}"
        return urlunsplit((SCHEMES[self._parts.scheme], netloc, "", self._parts.query, ""))

    def primary(self, slot: int) -> Address | None:
        """The slot's node as far as it is known."""
        return self._moved.get(slot) or self._table.primary(slot)

    def primaries(self) -> list[Address]:
        """All nodes that have slots."""
        return list(dict.fromkeys((*self._table.owners, *self._moved.values())))

    def everybody(self) -> list[Address]:
        """All nodes that may be asked, each time beginning with another."""
        known = list(dict.fromkeys((*self.primaries(), *self._table.replicas, *self._seeds)))
        self._turn += 1
        start = self._turn % len(known)
        return known[start:] + known[:start]

    def next_url(self) -> str:
        """The address of one node, each time of another."""
        return self.url_of(self.everybody()[0])

    def moved(self, slot: int, node: Address) -> None:
        """A node said so."""
        self._moved = {**self._moved, slot: node}

    def learn(self, rows: Any, asked: Address) -> None:
        """Takes the answer of CLUSTER SLOTS of the node `asked`."""
        spans, replicas = [], []
        for first, last, owner, *others in rows:
            spans.append((int(first), int(last), _node(owner, asked)))
            replicas += [_node(other, asked) for other in others]
        spans.sort(key=lambda span: span[0])
        columns = [tuple(column) for column in zip(*spans, strict=True)] or [(), (), ()]
        self._table = Table(columns[0], columns[1], columns[2], tuple(dict.fromkeys(replicas)))
        self._moved = {}


def _node(row: Any, asked: Address) -> Address:
    host = row[0].decode() if isinstance(row[0], bytes) else row[0]
    return Address(asked.host if host in {None, "", "?"} else host, int(row[1]))


def told(redirection: AskError, asked: Address | None) -> Address:
    """Whom a redirection names; without a host it is the host of the node that said so."""
    host = str(redirection.host)
    return Address(host if host or asked is None else asked.host, int(redirection.port))
