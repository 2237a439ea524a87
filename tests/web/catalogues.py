"""Reads what is said in the code and the templates, and what the rooms' Chinese catalogues say of it."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract, extract_python
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

PACKAGE = Path(__file__).resolve().parents[2] / "pkg" / "concours"
IN_PYTHON = {
    "msg": None,
    "nmsg": (1, 2),
    "gettext": None,
    "lazy_gettext": None,
    "_": None,
    "ngettext": (1, 2),
}
IN_TEMPLATES = {"_": None, "gettext": None, "ngettext": (1, 2)}
PLACE = re.compile(r"%\((\w+)\)[sd]|%%")


@lru_cache(maxsize=1)
def said() -> dict[str, set[str]]:
    """Every msgid with the places (file:line) where it is said. Both forms of `nmsg` are sentences of their own."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        with path.open("rb") as source:
            for line, function, messages, _comments in extract_python(source, IN_PYTHON, (), {}):
                if function not in IN_PYTHON:
                    continue
                texts = messages if isinstance(messages, tuple) else (messages,)
                kept = texts[:2] if function == "nmsg" else texts[:1]
                for text in kept:
                    if isinstance(text, str):
                        found.setdefault(text, set()).add(f"{path.relative_to(PACKAGE)}:{line}")
    for path in templates():
        with path.open("rb") as source:
            for line, message, _comments, _context in extract(
                babel_extract, source, IN_TEMPLATES, (), {"silent": "false"}
            ):
                text = message[0] if isinstance(message, tuple) else message
                found.setdefault(text, set()).add(f"{path.relative_to(PACKAGE)}:{line}")
    return found


def templates() -> list[Path]:
    """All templates of all rooms."""
    return sorted(path for path in PACKAGE.rglob("*.html") if "templates" in path.parts)


def catalogues() -> Iterator[tuple[str, Catalog]]:
    """Each room's name with its Chinese."""
    for path in sorted(PACKAGE.glob("*/translations/zh.po")):
        with path.open("rb") as source:
            yield path.parent.parent.name, read_po(source, locale="zh")


def entries() -> Iterator[tuple[str, Message]]:
    """Each room's name with each of its translated sentences."""
    for room, catalogue in catalogues():
        for entry in catalogue:
            if entry.id:
                yield room, entry


def first(text: object) -> str:
    """The only form of a sentence, or the first of several."""
    return str(text[0]) if isinstance(text, (tuple, list)) else str(text)


def places(text: str) -> list[str]:
    """The names of the %(places)s of a sentence, sorted."""
    return sorted({match.group(1) for match in PLACE.finditer(text) if match.group(1)})
