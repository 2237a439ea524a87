"""Refuses, before any view or query sees it, text that is no text (NUL bytes, lone surrogates) and numbers no row has.

PostgreSQL holds no NUL, UTF-8 no lone surrogate; without this each form and each query would have to know that.
"""

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask, abort, request

from concours.base.typed import GREATEST_NUMBER

JSON_DEPTH = 32
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


class UnreadableText(ValueError):
    """An address, a form or a JSON body holds a NUL byte or a lone surrogate, or is not UTF-8 (400)."""


def is_text(value: str) -> bool:
    """Whether `value` can be stored and sent: no NUL, no lone surrogate."""
    return _NO_TEXT.search(value) is None


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth > JSON_DEPTH:
        raise UnreadableText("nested too deeply")
    elif isinstance(value, dict):
        for key, content in value.items():
            yield str(key)
            yield from _texts(content, depth + 1)
    elif isinstance(value, list):
        for content in value:
            yield from _texts(content, depth + 1)


def _sent() -> Iterator[str]:
    yield request.path
    for name, content in request.args.items(multi=True):
        yield name
        yield content
    if request.is_json:
        yield from _texts(request.get_json(silent=True))
    elif request.mimetype in FORMS:
        for name, content in request.form.items(multi=True):
            yield name
            yield content
        for name, file in request.files.items(multi=True):
            yield name
            yield file.filename or ""


def _check(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    if any(isinstance(value, int) and value > GREATEST_NUMBER for value in (values or {}).values()):
        abort(404)
    try:
        clean = all(is_text(text) for text in _sent())
    except (UnicodeDecodeError, RecursionError) as reason:
        raise UnreadableText("not UTF-8, or nested too deeply") from reason
    if not clean:
        raise UnreadableText("a NUL byte or a lone surrogate")


def init_guard(app: Flask) -> None:
    """Looks at every request, first of all that look at its address."""
    app.url_value_preprocessor(_check)
