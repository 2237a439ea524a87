"""The public log over HTTP, as c2sp.org/tlog-tiles has it: `/log/<poll>/…`, the poll by its slug or its number."""

import gzip
from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import BaseModel

from concours.base import clock
from concours.base.db import session
from concours.base.errors import Invalid, NotFound, TooLarge
from concours.base.messages import msg
from concours.identity.access import PUBLIC, allow
from concours.voting.described import note, octets
from concours.voting.log import publication, witnesses

bp = APIBlueprint("voting_log", __name__, url_prefix="/log/<poll_name>", tag="The log")

FOR_EVER = "public, max-age=31536000, immutable"
A_MOMENT = "public, max-age=1"
NOTE_BYTES = 16 * 1024  # of a checkpoint with cosignatures
TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
HIGHEST_LEVEL = 63


class LogKeyOut(BaseModel):
    """A key of the log; `note` is what its predecessor signed to hand over (of the first: empty)."""

    number: int
    key: str
    since: str
    note: str


class KeysOut(BaseModel):
    """The keys by which the log is verified; `closings` is the number of closing notes, the last of which stands."""

    origin: str
    poll: int
    receipt_key: str
    log_keys: list[LogKeyOut]
    witnesses: list[str]
    closings: int
    closed_at: str | None


class CosignedOut(BaseModel):
    """The witnesses whose cosignatures were taken."""

    witnesses: list[str]


@bp.get("/checkpoint")
@allow(PUBLIC)
@bp.doc(summary="The newest checkpoint", responses={200: note("A signed note: origin, size, root; then signatures.")})
def checkpoint(poll_name: str) -> Any:
    """The newest checkpoint, signed by the log and by the witnesses that have seen it (text)."""
    connection = session().connection()
    response = Response(publication.checkpoint(connection, publication.find(connection, poll_name)), content_type=TEXT)
    return _fresh(response)


@bp.get("/tile/<level>/<path:where>")
@allow(PUBLIC)
@bp.doc(summary="A tile of hashes", responses={200: octets("Up to 256 hashes of 32 bytes, side by side.")})
def tile(poll_name: str, level: str, where: str) -> Response:
    """Tile `<N>[.p/<W>]` of a level, for instance `0/x001/x234/067` or `0/067.p/112`."""
    if not (level.isascii() and level.isdigit() and str(int(level[:3])) == level and int(level) <= HIGHEST_LEVEL):
        raise NotFound(msg("The log has no such tile."))
    number, width = publication.read_path(where)
    connection = session().connection()
    found = publication.tile(connection, publication.find(connection, poll_name), (int(level), number), width)
    return Response(found, content_type=BYTES, headers={"Cache-Control": FOR_EVER})


@bp.get("/tile/entries/<path:where>")
@allow(PUBLIC)
@bp.doc(
    summary="A bundle of leaves",
    responses={
        200: octets("Up to 256 leaves, each behind its length in 16 bits."),
        403: "`log_open`: not before the close.",
    },
)
def entries(poll_name: str, where: str) -> Response:
    """The votes themselves, once the poll is closed and its final checkpoint is signed."""
    number, width = publication.read_path(where)
    connection = session().connection()
    data = publication.entries(connection, publication.find(connection, poll_name), number, width)
    response = Response(data, content_type=BYTES, headers={"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"})
    if request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(data, 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


@bp.get("/closing")
@allow(PUBLIC)
@bp.doc(
    summary="The closing note",
    responses={200: note("A signed note: final size and root, and each candidate's votes."), 403: "`log_open`."},
)
def closing(poll_name: str) -> Response:
    """What the log's key signed at the close (text)."""
    log = publication.find(session().connection(), poll_name)
    return Response(publication.closing(log), content_type=TEXT, headers={"Cache-Control": "public, max-age=60"})


@bp.get("/closings/<int(max=9007199254740991):number>")
@allow(PUBLIC)
@bp.doc(
    summary="A closing note by its number",
    responses={200: note("A signed note; the first has number 0."), 403: "`log_open`."},
)
def earlier_closing(poll_name: str, number: int) -> Response:
    """What the log's key signed at the close, or at a correction after it (text)."""
    connection = session().connection()
    found = publication.earlier_closing(connection, publication.find(connection, poll_name), number)
    return Response(found, content_type=TEXT, headers={"Cache-Control": "public, max-age=60"})


@bp.get("/keys")
@allow(PUBLIC)
@bp.output(KeysOut)
@bp.doc(summary="The keys of the log")
def keys(poll_name: str) -> Any:
    """The keys that sign receipts and checkpoints, how each log key handed over to the next, and the witnesses'."""
    connection = session().connection()
    return _fresh(jsonify(publication.keys(connection, publication.find(connection, poll_name))))


@bp.post("/cosignatures")
@allow(PUBLIC)
@bp.output(CosignedOut)
@bp.doc(
    summary="Cosigns a checkpoint",
    responses={
        409: "`forked`: the log's checkpoint of that size is another.",
        413: "`too_large`.",
        422: "`not_a_checkpoint`, `no_witness`.",
    },
    extensions={"requestBody": {"required": True, **note("The checkpoint with the witness' line.")}},
)
def cosign(poll_name: str) -> dict[str, Any]:
    """A checkpoint of this log with a cosignature of one of its witnesses (text); the signature is the right to it."""
    if (request.content_length or 0) > NOTE_BYTES:
        raise TooLarge(msg("A checkpoint with its signatures has at most %(count)s bytes.", count=NOTE_BYTES))
    data = request.get_data()
    try:
        signed = data[: NOTE_BYTES + 1].decode()
    except UnicodeDecodeError:
        raise Invalid(msg("This is not a checkpoint with signatures."), code="not_a_checkpoint") from None
    connection = session().connection()
    log = publication.find(connection, poll_name)
    taken = witnesses.take(connection, log.poll_id, signed, now=clock.now())
    session().commit()
    return {"witnesses": taken}


def _fresh(response: Response) -> Any:
    """With an ETag, and not kept beyond a moment."""
    response.add_etag()
    response.headers["Cache-Control"] = A_MOMENT
    return response.make_conditional(request)
