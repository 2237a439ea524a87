"""What the room's routes share: going on after an act, and showing a page again with what was refused."""

from collections.abc import Callable

from flask import current_app, redirect, url_for
from flask_babel import get_locale
from werkzeug.wrappers import Response

from concours.base.db import session
from concours.base.errors import Closed, Conflict, DomainError, Forbidden, NotFound
from concours.base.messages import Message
from concours.media.models import Rendition

_STATUS: tuple[tuple[type[DomainError], int], ...] = ((Conflict, 409), (Closed, 403), (Forbidden, 403), (NotFound, 404))

ROUND = "<int(max=9223372036854775807):round_id>"


def onward(url: str) -> Response:
    """On to `url` by GET."""
    return redirect(url, 303)


def refused(reason: DomainError, page: Callable[[DomainError], str]) -> Response:
    """The page again with the refusal in it: 409 for what clashes, 403 for what is closed, else 422."""
    session().rollback()
    status = next((status for kind, status in _STATUS if isinstance(reason, kind)), 422)
    return current_app.make_response((page(reason), status))


def language() -> str:
    """The reader's language, `zh` or `en`."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


def address(rendition: Rendition) -> str:
    """Where a rendition is fetched."""
    return url_for("media.rendition", name=rendition.storage_name)


def told(message: Message) -> str:
    """A sentence in the reader's language, as the pages' filter says it."""
    return str(current_app.jinja_env.filters["said"](message))
