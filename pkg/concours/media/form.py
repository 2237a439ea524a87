"""Uploading without script: a plain form, whose files go the same way as all others.

Werkzeug spools the files of a form to disk; they are given on piece by piece, so none is ever in memory as a whole.
"""

import os
from collections.abc import Iterator
from typing import IO

from flask import Blueprint, Flask, redirect, request, request_started
from werkzeug.wrappers import Response

from concours.base.errors import DomainError
from concours.base.messages import msg
from concours.base.notices import notify
from concours.identity.access import SIGNED_IN, actor, allow
from concours.identity.addresses import inside
from concours.media import protocol
from concours.media.limits import FORM_BYTES, FORM_FILES, PIECE_BYTES
from concours.media.protocol import Asked
from concours.media.tus import take

bp = Blueprint("media_form", __name__)

PREFIX = "/assets/upload/"
OURS = {"csrf_token", "back", "file"}


@bp.post("/assets/upload/<purpose>/<int:purpose_id>")
@allow(SIGNED_IN)
def upload(purpose: str, purpose_id: int) -> Response:
    """Takes the files of the form's field `file`; its other fields are details. Leads to `back`, where it is said what
    came of each."""
    details = {name: protocol.clean_text(value)[:1000] for name, value in request.form.items() if name not in OURS}
    sent = [file for file in request.files.getlist("file") if file.filename]
    if not sent:
        notify(msg("No file was chosen."), "warning")
    for file in sent[:FORM_FILES]:
        name = protocol.clean_filename(file.filename or "")
        size = file.stream.seek(0, os.SEEK_END)
        file.stream.seek(0)
        try:
            take(actor(), Asked(size, name, purpose, purpose_id, details), _pieces(file.stream))
        except DomainError as refused:
            notify(msg("“%(file)s” was not taken: %(reason)s", file=name, reason=refused.message), "danger")
        else:
            notify(msg("“%(file)s” has arrived and is being checked.", file=name))
    return redirect(inside(request.form.get("back")) or "/", 303)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(PIECE_BYTES):
        yield piece


def _take_more(_app: Flask, **_more: object) -> None:
    if request.path.startswith(PREFIX):
        request.max_content_length = FORM_BYTES


def init_app(app: Flask) -> None:
    """Registers the form, whose body may be greater than others'."""
    request_started.connect(_take_more, app)
    app.register_blueprint(bp)
