"""The room's Lua scripts (lua/*.lua): one text each, loaded once into a server and called by digest."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import redis
from redis.exceptions import NoScriptError

from concours.base.redis import server_of

PARTS = ("admit", "sliding_minute")  # what includes others comes first


@cache
def text(name: str) -> str:
    """The text of `lua/<name>.lua`, with the parts it includes."""
    folder = Path(__file__).parent / "lua"
    found = (folder / f"{name}.lua").read_text(encoding="utf-8")
    for part in PARTS:
        found = found.replace(f"-- include {part}\n", (folder / f"{part}.lua").read_text(encoding="utf-8"))
    return found


@cache
def digest(name: str) -> str:
    """What the script is called by."""
    return hashlib.sha1(text(name).encode(), usedforsecurity=False).hexdigest()


def load(client: "redis.Redis", name: str, *, near: str | None = None) -> str:
    """Loads a script (for use in a pipeline), in a Cluster where the key `near` is; returns its digest."""
    (client if near is None else server_of(client, near)).script_load(text(name))
    return digest(name)


def run(client: "redis.Redis", name: str, names: tuple[str, ...], given: tuple[object, ...]) -> Any:
    """Runs a script by its digest; loads it where this server does not have it yet."""
    try:
        return client.evalsha(digest(name), len(names), *names, *given)  # type: ignore[arg-type]
    except NoScriptError:
        return client.evalsha(load(client, name, near=names[0]), len(names), *names, *given)  # type: ignore[arg-type]


def word(client: "redis.Redis", name: str, names: tuple[str, ...], given: tuple[object, ...]) -> str:
    """Runs a script that answers with one word."""
    answer: bytes = run(client, name, names, given)
    return answer.decode()
