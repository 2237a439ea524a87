"""Public answers are kept for a moment in front of Flask; nothing else ever is."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from apiflask import APIFlask
from flask import Response, request

from concours.identity.access import PUBLIC, allow
from concours.web import shared_cache
from concours.web.asgi import asgi_app

Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def asked(app: APIFlask) -> list[str]:
    """Adds `/test/<kind>` to the application; what Flask was asked."""
    seen: list[str] = []
    rules = {
        "public": {"Cache-Control": "public, max-age=1", "ETag": '"1"'},
        "later": {"Cache-Control": "public, max-age=31536000, immutable"},
        "private": {"Cache-Control": "private, max-age=60"},
        "silent": {},
        "cookie": {"Cache-Control": "public, max-age=60", "Set-Cookie": "a=b"},
        "varies": {"Cache-Control": "public, max-age=60", "Vary": "Accept-Encoding, Cookie"},
        "revalidate": {"Cache-Control": "public, no-cache, max-age=60"},
    }

    @allow(PUBLIC)
    def view(kind: str) -> Response:
        seen.append(kind)
        body = b"x" * (shared_cache.BODY_LIMIT + 1) if request.args.get("big") else f"{kind} {len(seen)}".encode()
        return Response(body, headers=rules[kind])

    app.add_url_rule("/test/<kind>", "test_kind", view)
    return seen


def through(app: APIFlask, work: Callable[[Ask], Awaitable[Any]]) -> Any:
    """Does `work` with a client of the ASGI application."""

    async def run() -> Any:
        transport = httpx.ASGITransport(app=asgi_app(app, threads=8))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await work(client.get)

    return asyncio.run(run())


def test_a_crowd_asks_once(app: APIFlask, asked: list[str]) -> None:
    async def crowd(get: Ask) -> list[httpx.Response]:
        first = await get("/test/public")
        return [first, *await asyncio.gather(*(get("/test/public") for _ in range(50)))]

    answers = through(app, crowd)
    assert {answer.text for answer in answers} == {"public 1"}
    assert asked == ["public"]


def test_after_a_second_one_asks_again_and_the_others_wait_for_it(app: APIFlask, asked: list[str]) -> None:
    async def crowd(get: Ask) -> set[str]:
        await get("/test/later")
        await asyncio.sleep(shared_cache.KEEP_S + 0.1)
        return {answer.text for answer in await asyncio.gather(*(get("/test/later") for _ in range(20)))}

    assert through(app, crowd) == {"later 2"}
    assert asked == ["later", "later"]


def test_who_has_it_already_is_told_so(app: APIFlask, asked: list[str]) -> None:
    async def twice(get: Ask) -> list[httpx.Response]:
        return [await get("/test/public", headers={"If-None-Match": tag}) for tag in ('"0"', '"1"', 'W/"1", "2"')]

    fresh, same, weak = through(app, twice)
    assert (fresh.status_code, same.status_code, weak.status_code) == (200, 304, 304)
    assert same.content == b""
    assert "content-length" not in same.headers
    assert asked == ["public"]


@pytest.mark.parametrize("kind", ["private", "silent", "cookie", "varies", "revalidate"])
def test_what_is_not_for_everybody_is_never_kept(kind: str, app: APIFlask, asked: list[str]) -> None:
    async def twice(get: Ask) -> list[str]:
        return [(await get(f"/test/{kind}")).text for _ in range(2)]

    assert through(app, twice) == [f"{kind} 1", f"{kind} 2"]
    assert len(asked) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"headers": {"Authorization": "Bearer x"}},
        {"headers": {"Range": "bytes=0-1"}},
        {"headers": {"Host": "elsewhere"}},
    ],
    ids=["authorization", "range", "host"],
)
def test_a_request_of_another_kind_is_asked_for_itself(other: Any, app: APIFlask, asked: list[str]) -> None:
    async def twice(get: Ask) -> None:
        await get("/test/public")
        await get("/test/public", **other)

    through(app, twice)
    assert len(asked) == 2


def test_what_is_large_passes_through_whole(app: APIFlask, asked: list[str]) -> None:
    async def twice(get: Ask) -> list[int]:
        return [len((await get("/test/later?big=1")).content) for _ in range(2)]

    assert through(app, twice) == [shared_cache.BODY_LIMIT + 1] * 2
    assert len(asked) == 2


def test_a_kept_answer_costs_flask_nothing_even_under_load(app: APIFlask, asked: list[str]) -> None:
    async def for_a_while(get: Ask) -> int:
        until, answered = time.monotonic() + 2 * shared_cache.KEEP_S, 0
        while time.monotonic() < until:
            answered += sum(
                answer.status_code == 200 for answer in await asyncio.gather(*(get("/test/later") for _ in range(10)))
            )
        return answered

    assert through(app, for_a_while) > len(asked) * 10
    assert len(asked) <= 3 + 10  # the first ten may all come before the first answer
