"""The files of an entry: their state, their order, taking one away. They come in through the media room's uploads."""

from flask import Response, current_app, jsonify, make_response, render_template, request, url_for

from concours.base import clock
from concours.base.db import session
from concours.base.errors import Closed, Conflict, Invalid
from concours.base.messages import Message, msg
from concours.base.notices import notify
from concours.entries import authors, drafts, files
from concours.entries.answers import asks_json, onward, read_typed, whole
from concours.entries.author_routes import form_again, language
from concours.entries.blueprint import bp
from concours.entries.form_page import files_page, form_page
from concours.entries.models import Entry
from concours.entries.times import DRAFTING
from concours.events.context import current_event
from concours.identity.access import SIGNED_IN, actor, allow
from concours.media import jobs

MOVES = {"up": -1, "down": 1}
ORDER_LIMIT = 60  # numbers read of a sent order


@bp.get("/entries/<int:entry_id>/files")
@allow(SIGNED_IN)
def files_part(entry_id: int) -> Response:
    """The files and how far their checks are: a part of the form's page, or JSON."""
    event = current_event()
    entry = authors.find_to_change(event, entry_id, actor())
    page = files_page(entry, event, clock.now())
    if asks_json():
        return _as_json(entry, int(page["checking"]))
    return make_response(render_template("entries/_files.html", **page))


@bp.post("/entries/<int:entry_id>/files/order")
@allow(SIGNED_IN)
def order_files(entry_id: int) -> Response:
    """Puts the files into an order: `order`, the numbers of all files, repeated or parted by commas."""
    event, person = current_event(), actor()
    entry = authors.find_to_change(event, entry_id, person)
    named = [whole(part) for given in request.form.getlist("order") for part in given.split(",")[:ORDER_LIMIT]]
    files.order(entry, event, named[:ORDER_LIMIT], actor=person, now=clock.now())
    session().commit()
    return _after(entry, msg("The new order is saved."))


@bp.post("/entries/<int:entry_id>/files/<int:file_id>/move")
@allow(SIGNED_IN)
def move_file(entry_id: int, file_id: int) -> Response:
    """Moves a file one place: `to` = `up` (earlier) or `down`."""
    event, person = current_event(), actor()
    entry = authors.find_to_change(event, entry_id, person)
    step = MOVES.get(request.form.get("to", ""))
    if step is None:
        raise Invalid(msg("Say “up” or “down”."))
    files.move(entry, event, file_id, step, actor=person, now=clock.now())
    session().commit()
    return _after(entry, msg("The new order is saved."))


@bp.post("/entries/<int:entry_id>/files/<int:file_id>/remove")
@allow(SIGNED_IN)
def remove_file(entry_id: int, file_id: int) -> Response:
    """Takes a file away."""
    event, person = current_event(), actor()
    entry = authors.find_to_change(event, entry_id, person)
    freed = files.remove(entry, event, file_id, actor=person, now=clock.now())
    session().commit()
    jobs.forget_later(freed)
    return _after(entry, msg("The file is removed."))


def _after(entry: Entry, said: Message) -> Response:
    """JSON for a program; for a page without script, the form again: what was typed there came along and is kept."""
    if asks_json():
        session().expire(entry, ["files"])
        return _as_json(entry, 0)
    if "title" in request.form:
        sent = read_typed(request.form, entry.category)
        if entry.status not in DRAFTING:  # what is in changes only as a whole: nothing is kept, nothing is lost
            page = form_page(entry, current_event(), clock.now(), language(), sent=sent)
            return make_response(render_template("entries/edit.html", **page))
        try:
            drafts.change(
                entry,
                current_event(),
                sent,
                actor=actor(),
                now=clock.now(),
                version=whole(request.form.get("version")),
            )
            session().commit()
        except (Invalid, Conflict, Closed) as refused:
            return form_again(entry.id, refused, sent)
    notify(said)
    return onward(url_for("entries.edit", entry_id=entry.id, _anchor="f-files"))


def _as_json(entry: Entry, checking: int) -> Response:
    stored = current_app.jinja_env.filters["stored"]
    return jsonify(
        {
            "id": entry.id,
            "status": entry.status,
            "revision": entry.revision,
            "checking": checking,
            "files": [
                {
                    "id": f.id,
                    "asset": f.asset_id,
                    "filename": f.asset.filename,
                    "status": f.asset.status,
                    "refusal": stored(f.asset.refusal),
                    "replaces": f.replaces_id,
                    "size": f.asset.size,
                    "width": f.asset.width,
                    "height": f.asset.height,
                    "seconds": f.asset.duration,
                }
                for f in entry.files
            ],
        }
    )
