"""No route answers 500, whatever is sent: every address, field, file, header and JSON body of the URL map, in turn.

Routes come from the authorisation table, which names each route of the URL map; the names of fields come from the
views themselves, by noting what they ask of a request. So a new route, and a new field, is tried without a line here.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
from apiflask import APIFlask
from flask import Request
from flask.testing import FlaskClient
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.test import TestResponse

from concours.base.redis import client as client_of_redis
from concours.identity.models import Account
from concours.voting.booth import booth
from concours.voting.keys import HEARTBEAT
from tests.access import Row, World
from tests.factories import Make
from tests.test_access import ROWS

Browser = Callable[[Account], FlaskClient]

TEXTS = (
    "",
    "0",
    "-1",
    "𠮷😀\u202e\ufffe",
    "9" * 30,
    str(2**63),
    "1e400",
    "NaN",
    "１２",
    "字" * 10_000,
    "2021-02-30T25:61",
    "9999-12-31T23:59:59",
    "0001-01-01T00:00",
    "' OR 1=1 --%s%(x)s{{7*7}}\r\n",
    "../../etc/passwd",
    "[[[{}]]]",
)
UNREADABLE = ("\x00", "\ud800")  # refused in front of every view, so one of them is enough for a route
NUMBERS = ("0", "-1", "1.5", "x", "１", str(2**31), str(2**63 - 1), str(2**63), "9" * 30)
JSON: tuple[Any, ...] = (None, True, -1, 2**63, 10**40, 1e308, "", "𠮷" * 5000, [], [[]], {}, {"a": {"b": [1]}})
BODIES = (
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b"\xff\xfe",
    b"[" * 20_000,
    b'{"a":' * 200 + b"1" + b"}" * 200,
    b'{"token":NaN,"value":Infinity}',
)
TYPES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "text/plain; charset=utf-99",
    "/;;=",
)
HEADERS = (
    ("Authorization", ("Bearer ", "Bearer \xff𠮷".encode().decode("latin-1"), "Voter x", "Voter 1.2.3", "Basic ===")),
    ("Cookie", ("concours=x.y.z; locale=\xff", "=;;=", "concours=" + "a" * 5000)),
    ("Accept-Language", ("zh-CN;q=x,*;q=", "x" * 2000)),
    ("Accept", ("*/*;q=nan", ";;;", "application/json")),
    ("Host", ("evil.example", "a b", "[::1", "x:99999")),
    ("If-None-Match", ('"', "*, W/x", "\xff")),
    ("If-Modified-Since", ("yesterday", "Thu, 01 Jan 99999 00:00:00 GMT")),
    ("Range", ("bytes=9-1", "bytes=-0", "bytes=0-" + "9" * 40, "bytes=a-b", "pages=1")),
    ("Referer", ("http://[", "javascript:1", "//x")),
    ("User-Agent", ("", "\xff" * 500)),
    ("X-Forwarded-For", ("::1%,𠮷".encode().decode("latin-1"), "1.2.3.4.5")),
    ("Upload-Length", ("-1", "9" * 30, "x", "１２".encode().decode("latin-1"))),
    ("Upload-Offset", ("-1", "9" * 30, "x")),
    ("Upload-Metadata", ("filename ////", "filename /w==,filename", ",,,", "purpose AAAA,purpose_id //8=")),
    ("Upload-Checksum", ("sha256", "sha256 ///", "md5 AAAA", "\xff \xff")),
    ("Upload-Concat", ("partial", "final;/uploads/x", "final;")),
    ("X-HTTP-Method-Override", ("PATCH", "TRACE", "\xff")),
    ("HX-Request", ("true",)),
)


TOGETHER = 3
"""Fields that are strange in one request: one alone would take three times as long, all at once hide behind another."""


class _Noted(ImmutableMultiDict[str, Any]):
    """Parameters that note which names a view asks for; so the test knows every field that there is."""

    asked: ClassVar[set[str]] = set()

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key: str, *default: Any, **more: Any) -> Any:
        self.asked.add(key)
        return super().get(key, *default, **more)

    def getlist(self, key: str, *more: Any, **options: Any) -> list[Any]:
        self.asked.add(key)
        return super().getlist(key, *more, **options)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)


class _Spoken(Request):
    parameter_storage_class = _Noted


class Prober:
    """Sends strange things to one route and keeps what was answered with 500 or above (503 where a part is away)."""

    def __init__(self, app: APIFlask, browser: FlaskClient, row: Row, world: World, url: str, start: int) -> None:
        self.browser, self.row, self.url = browser, row, url
        self.adapter = app.url_map.bind("localhost")
        self.turn = itertools.count(start)
        self.data = row.data(world) if row.data else {}
        self.json = row.json(world) if row.json else None
        self.failed: list[str] = []

    def send(self, what: str, url: str | None = None, **more: Any) -> TestResponse:
        more.setdefault("headers", dict(self.row.headers))
        answer = self.browser.open(url or self.url, method=self.row.method, **more)
        if answer.status_code >= 500 and answer.status_code != 503:
            self.failed.append(f"{self.row.method} {(url or self.url)[:90]} {what[:90]}: {answer.status_code}")
        return answer

    def some(self, values: tuple[Any, ...], count: int) -> Iterator[Any]:
        """`count` of the values, others at each call."""
        for _ in range(min(count, len(values))):
            yield values[next(self.turn) % len(values)]

    def names(self) -> list[str]:
        """Every field and parameter that the view asks for."""
        _Noted.asked.clear()
        self.send("as it should be", **self._sent({}))
        ones = dict.fromkeys(_Noted.asked, "1")
        self.send("everything 1", self._with(ones), **self._sent(ones))
        return sorted(_Noted.asked | set(self.data))

    def _sent(self, changed: dict[str, Any]) -> dict[str, Any]:
        if self.row.method == "GET":
            return {}
        if self.json is not None:
            return {"json": self.json}
        return {"data": {**self.data, **changed}}

    def _with(self, changed: dict[str, str]) -> str:
        if self.row.method != "GET":
            return self.url
        query = "&".join(f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in changed.items())
        return self.url.partition("?")[0] + "?" + query

    def addresses(self) -> None:
        """Each part of the address by itself."""
        rule, found = self.adapter.match(self.url.partition("?")[0], method=self.row.method, return_rule=True)
        for name in found:
            whole = f"<int:{name}>" in rule.rule
            for value in self.some(NUMBERS if whole else TEXTS[1:] + UNREADABLE, 2):
                shown = {**{key: str(kept) for key, kept in found.items()}, name: value}
                path = re.sub(
                    r"<(?:\w+:)?(\w+)>",
                    lambda part: quote(shown[part[1]].encode("utf-8", "surrogatepass"), safe=""),  # noqa: B023
                    rule.rule,
                )
                self.send(f"{name}={value[:20]!r}", path, **self._sent({}))

    def fields(self) -> None:
        """A few fields at a time, the others as they should be; then all of them at once."""
        names = self.names()
        for start in range(0, len(names), TOGETHER):
            some = {name: TEXTS[next(self.turn) % len(TEXTS)] for name in names[start : start + TOGETHER]}
            self.send(str({name: value[:20] for name, value in some.items()}), self._with(some), **self._sent(some))
            if self.row.method != "GET" and self.json is None:
                twice = {name: ["1", "1", "x"] for name in some}
                files = {name: (BytesIO(b"\xff\x00PK\x03\x04"), "..\\𠮷.xlsx") for name in some}
                self.send(f"{list(some)} files, or there twice", **self._sent(files if next(self.turn) % 2 else twice))
        for value in self.some(TEXTS, 2):
            everything = dict.fromkeys(names, value)
            self.send(f"all {value[:20]!r}", self._with(everything), **self._sent(everything))
        bad = {"q": UNREADABLE[0]}
        self.send("unreadable", self._with(bad), **({} if self.row.method == "GET" else {"data": bad}))

    def bodies(self) -> None:
        """JSON that is none, or of another shape; and bodies that are not of their type."""
        for content in self.some(BODIES, len(BODIES) if self.json is not None else 1):
            self.send(f"body {content[:20]!r}", data=content, content_type="application/json")
        for kind in self.some(TYPES, len(TYPES) if self.json is not None else 1):
            self.send(f"type {kind}", data=b'{"a": 1}\r\n--x', content_type=kind)
        for key in self.json or ():
            self.send(f"without {key}", json={name: value for name, value in (self.json or {}).items() if name != key})
            for value in self.some(JSON, 6):
                self.send(f"{key}={str(value)[:20]}", json={**(self.json or {}), key: value})
        if self.json is not None:
            self.send("surrogate", data=json.dumps({**self.json, "x": "\ud800"}), content_type="application/json")

    def headers(self) -> None:
        """Headers; those that the route is known to read, and some others."""
        for name, values in HEADERS if self.row.headers else self.some(HEADERS, 2):
            for value in values if self.row.headers else self.some(values, 1):
                self.send(f"{name}: {value[:30]!r}", headers={**self.row.headers, name: value})


def _people(row: Row) -> list[str]:
    order = ("organiser", "coordinator", "judge", "member", "auditor", "admin", "anonymous")
    inside = [person for person in order if person in row.allowed]
    return [*inside[:1], *({"anonymous"} & row.allowed)]


ROOMS = sorted({row.endpoint.partition(".")[0] for row in ROWS})


@pytest.mark.parametrize("blueprint", ROOMS)
def test_nothing_that_is_sent_makes_a_route_fail(
    blueprint: str, app: APIFlask, make: Make, client: FlaskClient, client_as: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    app.request_class = _Spoken
    booth().patience_s = 0.01  # no sequencer is at work: a vote that is let in waits for nobody
    failed: list[str] = []
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(ROWS):
        if row.endpoint.partition(".")[0] != blueprint or not row.allowed or (row.endpoint, row.method) in seen:
            continue
        seen.add((row.endpoint, row.method))
        client_of_redis().delete(HEARTBEAT)  # or the next poll waits for a sequencer that was there for one moment
        world = World(make)
        url = row.url(world)
        for person in _people(row):
            account = world.people[person]
            prober = Prober(app, client if account is None else client_as(account), row, world, url, number)
            prober.addresses()
            prober.headers()
            prober.fields()
            if row.method != "GET":
                prober.bodies()
            failed += [f"{person}: {line}" for line in prober.failed]
    reasons = {record.exc_info[1] for record in caplog.records if record.exc_info}
    assert not failed, "\n".join([*failed[:40], *map(repr, list(reasons)[:40])])
