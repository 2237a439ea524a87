"""What a person could be known by, in every spelling it could be kept in, and a look through all a platform keeps.

A *spelling* is a run of bytes: the text in UTF-8, escaped as JSON or a link has it, in hexadecimal, in base64 at each
of its three alignments; an address packed into its bytes, or as a number; a number in decimal or packed in either
order; and plain digests, which anybody can make for all addresses there are. Keyed digests are none.
"""

import base64
import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
import sqlalchemy as sa

DIGESTS = ("md5", "sha1", "sha256", "blake2b")
DIGEST_BYTES = 8  # a digest that was cut is one as well
LEAST = 5  # bytes; what is shorter stands everywhere by chance
BETWEEN = b"\x00 || \x00"
DEEPEST = 3  # of what is packed in what is packed


class Traces:
    """People's texts, addresses and numbers, each by a name for the report."""

    def __init__(self, texts: Iterable[str], addresses: Iterable[str], numbers: Iterable[int]) -> None:
        self._spellings: dict[bytes, str] = {}
        for text in texts:
            self._add(text, _spelt(text))
        for address in addresses:
            self._add(address, _spelt_address(address))
        for number in numbers:
            self._add(str(number), _spelt_number(number))

    def _add(self, name: str, spellings: Iterable[bytes]) -> None:
        self._spellings |= dict.fromkeys(spellings, name)

    def within(self, held: Iterable[tuple[str, bytes]]) -> dict[str, set[str]]:
        """The places of `held` that give somebody away, with whom and as what; also where it was deflated."""
        parts = [(place, opened) for place, data in held for opened in _opened(data)]
        everything = BETWEEN.join(part for _, part in parts)
        there = {spelt: name for spelt, name in self._spellings.items() if spelt in everything}
        found: dict[str, set[str]] = defaultdict(set)
        for spelt, name in there.items():
            for place, part in parts:
                if spelt in part:
                    found[place].add(f"{name} as {spelt!r}")
        return dict(found)


def _spelt(text: str) -> Iterator[bytes]:
    plain = text.encode()
    escaped = json.dumps(text)[1:-1].encode()
    yield from (plain, escaped, quote(text, safe="").encode(), text.encode("utf-16-le"), text.encode("gb18030"))
    yield from _coded(plain)
    for name in DIGESTS:
        digest = hashlib.new(name, plain).digest()[:DIGEST_BYTES]
        yield digest
        yield from _coded(digest)


def _spelt_address(text: str) -> Iterator[bytes]:
    found = ip_address(text)
    yield from _spelt(str(found))
    if isinstance(found, IPv6Address):
        network = ip_network((found, 64), strict=False)
        yield from _spelt(found.exploded)
        yield from _spelt(str(network))
        yield str(network.network_address).removesuffix("::").encode()  # 2001:db8:1:2
        yield from (found.packed, found.packed[:8])
        yield from _coded(found.packed[:8])
        return
    yield from (found.packed, found.packed[::-1], b"%d" % int(found))
    yield from (found.packed.hex().encode(), found.packed.hex().upper().encode())
    yield base64.b64encode(found.packed).rstrip(b"=")


def _spelt_number(number: int) -> Iterator[bytes]:
    yield from _spelt(str(number))
    packed = number.to_bytes((number.bit_length() + 7) // 8)
    assert len(packed) >= LEAST, "a small number stands everywhere"
    for order in (packed, packed[::-1]):
        yield order
        yield from _coded(order)


def _coded(data: bytes) -> Iterator[bytes]:
    """Hexadecimal and base64; of the latter the letters that do not hang on what stands before and behind."""
    yield from (data.hex().encode(), data.hex().upper().encode())
    for before, first in ((0, 0), (1, 2), (2, 3)):
        letters = base64.b64encode(bytes(before) + data)[first : (before + len(data)) * 8 // 6]
        if len(letters) > LEAST:
            yield from (letters, letters.translate(bytes.maketrans(b"+/", b"-_")))


def _opened(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """The bytes, and what was deflated into them (as the queue keeps its jobs)."""
    yield data
    if depth < DEEPEST and data[:1] == b"\x78":
        try:
            inner = zlib.decompress(data)
        except zlib.error:
            return
        yield from _opened(inner, depth + 1)


def in_redis(client: "redis.Redis") -> Iterator[tuple[str, bytes]]:
    """Every name and value of every type, and the slow commands the server remembers."""
    read: Mapping[bytes, Any] = {
        b"string": lambda name: [client.get(name)],
        b"hash": lambda name: [part for pair in client.hgetall(name).items() for part in pair],
        b"set": client.smembers,
        b"zset": lambda name: [part for value, score in client.zrange(name, 0, -1, withscores=True)
                               for part in (value, b"%d" % score)],
        b"list": lambda name: client.lrange(name, 0, -1),
        b"stream": lambda name: [part for at, fields in client.xrange(name)
                                 for part in (at, *(p for pair in fields.items() for p in pair))],
    }  # fmt: skip
    for name in client.scan_iter(count=1000):
        yield "a name in Redis", name
        kind: Any = client.type(name)
        if kind != b"none":  # expired meanwhile
            for value in read[kind](name):
                yield f"Redis {kind.decode()} {name!r}", value
    slow: Any = client.slowlog_get(1000)
    for command in slow:
        yield "Redis' slow commands", command["command"]


def in_sql(url: str) -> Iterator[tuple[str, bytes]]:
    """Every value of every table there is, by `table.column`."""
    engine = sa.create_engine(url)
    tables = sa.MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        for table in tables.sorted_tables:
            names = [f"{table.name}.{column.name}" for column in table.columns]
            columns = ", ".join(f'"{column.name}"' for column in table.columns)
            for row in connection.exec_driver_sql(f'SELECT {columns} FROM "{table.name}"'):
                yield from ((name, _bytes(value)) for name, value in zip(names, row, strict=True))
    engine.dispose()


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    return (json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)).encode()


def in_files(*roots: Path, without: Iterable[str] = ()) -> Iterator[tuple[str, bytes]]:
    """Every file below the folders (or the file itself), and each word of Redis' own command log besides; `without`:
    names that are looked through otherwise."""
    for root in roots:
        for path in [root, *sorted(root.rglob("*"))]:
            if not path.is_file() or any(path.name.startswith(name) for name in without):
                continue
            data = path.read_bytes()
            yield str(path), data
            if path.suffix == ".aof":
                yield from ((f"{path}, a word", word) for word in _words(data))


def _words(log: bytes) -> Iterator[bytes]:
    """The words of the commands in a log of Redis' (`$<length> word`), which may be deflated each."""
    at = log.find(b"$")
    while at >= 0:
        length, _, _ = log[at + 1 : at + 20].partition(b"\r\n")
        begin = at + len(length) + 3
        if not length.isdigit():
            at = log.find(b"$", at + 1)
            continue
        yield log[begin : begin + int(length)]
        at = log.find(b"$", begin + int(length))
