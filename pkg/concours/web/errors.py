"""Refusals at the edge: each class of the domain's exceptions becomes HTTP here, once.

Pages get a page that says what happened and what to do next; the API gets RFC 9457 problem details with the
stable `code`. A form that was refused is shown again with what was typed: views do that by catching `Invalid`
themselves; what arrives here had no form to go back to.
"""

from collections.abc import Iterator
from typing import Any

from apiflask.exceptions import HTTPError
from flask import Flask, Response, current_app, jsonify, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from markupsafe import escape
from redis.exceptions import RedisError
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from concours.base import errors
from concours.base.db import reason_of, session
from concours.base.messages import Message, msg
from concours.identity.access import NotSignedIn
from concours.media import protocol as tus
from concours.voting.voters import VoterRequired
from concours.web.frame import without_database
from concours.web.guard import UnreadableText, init_guard
from concours.web.i18n import translate

STATUS: dict[type[errors.DomainError], int] = {
    VoterRequired: 401,
    errors.NotFound: 404,
    errors.Forbidden: 403,
    errors.Closed: 403,
    errors.Conflict: 409,
    errors.Invalid: 422,
    errors.TooLarge: 413,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
    tus.WrongVersion: 412,
    tus.WrongBody: 415,
    tus.Busy: 423,
    tus.ChecksumMismatch: 460,
}

TITLES: dict[int, Message] = {
    400: msg("This request could not be understood"),
    401: msg("Please sign in"),
    403: msg("This is not open to you"),
    404: msg("There is nothing here"),
    405: msg("This address cannot be used that way"),
    409: msg("Not as things stand"),
    413: msg("That is too large"),
    410: msg("This is no longer here"),
    415: msg("This kind of data is not accepted here"),
    422: msg("Something needs correcting"),
    429: msg("A little too fast"),
    500: msg("Something went wrong on our side"),
    503: msg("This part is resting for a moment"),
}

SENTENCES: dict[int, Message] = {
    400: msg("The form or address was incomplete. Go back, reload the page and try once more."),
    403: msg("Your account has no right to see this page."),
    404: msg("The address may be mistyped, or the page was taken away."),
    405: msg("Go back and use the buttons of the page."),
    409: msg("Reload the page to see what changed, then try again."),
    410: msg("The page was here once and was taken away for good."),
    413: msg("What you sent is larger than this place accepts."),
    415: msg("The request came in a form that this address does not read."),
    422: msg("Something in what you sent cannot be accepted as it is. Go back, correct it and send it again."),
    429: msg("Please wait a moment before you try again."),
    500: msg("The fault has been noted. What you had saved is safe; please try again in a minute."),
    503: msg("Please try again in a few seconds. Everything else on the site goes on."),
}

CAME_FIRST = msg("Something else was there first")
NOT_NOW = msg("This is not open at the moment")
RETRY_AFTER_S = 3  # when SQL or Redis is away
KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate", "Content-Range", "Accept-Patch", "Accept-Post")


def status_of(error: errors.DomainError) -> int:
    """The HTTP status of a domain refusal."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 400


def wants_json() -> bool:
    """Whether the answer goes to a program."""
    if request.path.startswith(("/api/", "/uploads", "/log/")):
        return True
    if "text/html" not in request.headers.get("Accept", "") and (request.is_json or request.path.endswith(".json")):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"])
    return best is not None and best != "text/html"


def problem(status: int, code: str, title: str, detail: str, **more: object) -> Response:
    """An RFC 9457 problem details answer."""
    response = jsonify(
        {
            "type": f"about:blank#{code}",
            "title": title,
            "status": status,
            "code": code,
            "detail": detail,
            **more,
        }
    )
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def answer(
    status: int,
    code: str,
    sentence: Message,
    hint: Message | None = None,
    retry_after: int | None = None,
    title: Message | None = None,
    **more: object,
) -> Response:
    """A refusal as a page or as problem details, by who asks."""
    said = translate(title or TITLES.get(status, TITLES[400]))
    if wants_json():
        if hint is not None:
            more["hint"] = translate(hint)
        response = problem(status, code, said, translate(sentence), **more)
    else:
        told = {"status": status, "code": code, "title": said, "sentence": sentence, "hint": hint}
        page = _page(**told, retry_after=retry_after, back=_page_before())
        response = current_app.make_response((page, status))
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    response.headers["Cache-Control"] = "no-store"
    return response


def _page_before() -> str | None:
    """The page of this site whose button was pressed, as the way back; None where a page was only opened."""
    here, came = request.host_url, request.referrer or ""
    if request.method == "GET" or not came.startswith(here) or came.partition("?")[0] == request.base_url:
        return None
    return here + came.removeprefix(here).lstrip("/")


def _page(**values: object) -> str:
    try:
        return render_template("web/error.html", **values)
    except Exception:
        current_app.logger.exception("the error page itself failed")
        without_database()
        words = escape(values["title"]), escape(str(values["sentence"]))
        return '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{0}</title><h1>{0}</h1><p>{1}</p>'.format(
            *words
        )


def _undo() -> None:
    try:
        session().rollback()
    except SQLAlchemyError:
        session().invalidate()


def _domain(error: errors.DomainError) -> Response:
    _undo()
    status = status_of(error)
    more: dict[str, object] = {}
    if isinstance(error, errors.Invalid) and error.problems:
        more["problems"] = [{"field": p.field, "message": translate(p.message)} for p in error.problems]
    title = NOT_NOW if isinstance(error, errors.Closed) else None
    return answer(status, error.code, error.message, error.hint, error.retry_after, title, **more)


def _not_signed_in(error: NotSignedIn) -> Response:
    if wants_json():
        response = answer(401, error.code, error.message)
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    back = request.full_path.rstrip("?") if request.method == "GET" else ""
    return current_app.make_response(redirect(url_for("identity.sign_in", next=back or None)))


def _http(error: HTTPException) -> Response:
    _undo()
    status = error.code or 500
    if status < 400:
        return current_app.make_response(error.get_response())
    return _by_status(status, Headers(error.get_headers()))


def _by_status(status: int, headers: Headers, problems: list[dict[str, str]] | None = None) -> Response:
    sentence = SENTENCES.get(status) or msg("The request was refused.")
    wait = headers.get("Retry-After", "")
    seconds = int(wait) if wait.isdecimal() else None
    more: dict[str, Any] = {"problems": problems} if problems else {}
    response = answer(status, f"http_{status}", sentence, retry_after=seconds, **more)
    for name in KEPT_HEADERS:
        if name in headers:
            response.headers[name] = headers[name]
    return response


def _api(error: HTTPError) -> Response:
    """What APIFlask refuses: a body or a query that does not fit its model."""
    _undo()
    return _by_status(error.status_code, Headers(dict(error.headers)), list(_problems(error.detail)))


def _problems(detail: object) -> Iterator[dict[str, str]]:
    for place in (detail if isinstance(detail, dict) else {}).values():
        for field, sentences in (place if isinstance(place, dict) else {}).items():
            for sentence in sentences if isinstance(sentences, list) else [sentences]:
                yield {"field": str(field), "message": str(sentence)}


def _unreadable(_error: UnreadableText) -> Response:
    return answer(
        400,
        "unreadable_text",
        msg("What was sent holds characters that are no text."),
        msg("Delete the invisible characters (they often come with copied text) and send it again."),
    )


def _csrf(_error: CSRFError) -> Response:
    return answer(
        400,
        "csrf",
        msg("This form was open for too long or came from another page."),
        msg("Go back, reload the page, and send it again: what you typed is still in the form."),
    )


def _too_large(_error: RequestEntityTooLarge) -> Response:
    return answer(413, "too_large", SENTENCES[413])


def _sql_away(error: OperationalError | InterfaceError) -> Response:
    without_database()
    _undo()
    current_app.logger.error("SQL is away: %s", reason_of(error))
    return answer(503, "database_unavailable", SENTENCES[503], retry_after=RETRY_AFTER_S)


def _out_of_range(error: OverflowError | DataError) -> Response:
    _undo()
    said = reason_of(error) if isinstance(error, DataError) else type(error).__name__
    current_app.logger.warning("a value is out of range: %s", said)
    return answer(400, "out_of_range", msg("A number or a text in this request is larger than anything here."))


def _clash(error: IntegrityError) -> Response:
    """Two did the same at once: the database's own rule was the last word, and what came first stands."""
    _undo()
    current_app.logger.warning("refused by the database: %s", reason_of(error))
    return answer(409, "conflict", SENTENCES[409], title=CAME_FIRST)


def _redis_away(error: RedisError) -> Response:
    without_database()
    _undo()
    current_app.logger.error("Redis is away: %s", error)
    return answer(503, "redis_unavailable", SENTENCES[503], retry_after=RETRY_AFTER_S)


def _fault(error: Exception) -> Response:
    without_database()
    _undo()
    current_app.logger.exception("unhandled fault", exc_info=error)
    return answer(500, "fault", SENTENCES[500])


def init_errors(app: Flask) -> None:
    """Registers the one mapping, and refuses text that no database holds before anything looks at it."""
    init_guard(app)
    app.register_error_handler(errors.DomainError, _domain)
    app.register_error_handler(NotSignedIn, _not_signed_in)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(UnreadableText, _unreadable)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(HTTPError, _api)
    app.register_error_handler(OperationalError, _sql_away)
    app.register_error_handler(InterfaceError, _sql_away)
    app.register_error_handler(DataError, _out_of_range)
    app.register_error_handler(IntegrityError, _clash)
    app.register_error_handler(OverflowError, _out_of_range)
    app.register_error_handler(RedisError, _redis_away)
    if not app.config.get("PROPAGATE_FAULTS"):
        app.register_error_handler(Exception, _fault)
