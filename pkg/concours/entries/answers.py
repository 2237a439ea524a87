"""What the room's routes share: reading forms, answering programs, saying things on the next page."""

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, redirect, request

from concours.base import typed
from concours.base.errors import DomainError
from concours.base.messages import Message
from concours.base.notices import notify
from concours.entries.models import Entry
from concours.entries.words import FIELD_PREFIX, Typed
from concours.events.models import Category
from concours.events.rules import read_fields


def asks_json() -> bool:
    """Whether a program asks (`Accept: application/json`), not a page."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def whole(text: str | None, default: int = 0) -> int:
    """A whole number of a form or address; `default` for what is none or does not fit the database."""
    found = typed.number((text or "").strip())
    return default if found is None else found


def read_typed(form: Mapping[str, str], category: Category) -> Typed:
    """The words of an entry's form: `title`, `authors`, `field-<key>`, `agree` (the statement's number)."""
    return Typed(
        title=form.get("title", ""),
        authors=form.get("authors", ""),
        values={spec.key: form.get(FIELD_PREFIX + spec.key, "") for spec in read_fields(category)},
        agreed=whole(form.get("agree")) or None,
    )


def entry_facts(entry: Entry) -> dict[str, Any]:
    """An entry as programs see it after an act of its author."""
    return {
        "id": entry.id,
        "number": entry.number,
        "title": entry.title,
        "category": entry.category.code,
        "status": entry.status,
        "version": entry.version,
        "revision": entry.revision,
    }


def done(entry: Entry, url: str, said: Message | None = None, *, status: int = 200, kind: str = "success") -> Response:
    """After an act: the entry's facts for a program, else on to `url`, where `said` is shown."""
    if asks_json():
        response = jsonify(entry_facts(entry))
        response.status_code = status
        if status == 201:
            response.headers["Location"] = url
        return response
    if said is not None:
        notify(said, kind)
    return onward(url)


def onward(url: str) -> Response:
    """On to `url` by GET."""
    response = redirect(url, 303)
    assert isinstance(response, Response)
    return response


HTTP_STATUS = {"Invalid": 422, "Conflict": 409, "Closed": 403, "Forbidden": 403}


def status_of(refused: DomainError) -> int:
    """The HTTP status of a refusal that is shown within a page of this room (as `web.errors` has it)."""
    return next((HTTP_STATUS[kind.__name__] for kind in type(refused).__mro__ if kind.__name__ in HTTP_STATUS), 400)
