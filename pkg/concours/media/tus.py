"""The tus 1.0 server at /uploads: https://tus.io/protocols/resumable-upload

Our own, because what we need of it is small and a body must never be in memory as a whole; the protocol's words are in
`protocol`, the bytes in `parts`, the acts in `uploads`.

Cross-site requests: these routes take no CSRF token, because a tus client sends none. Each but OPTIONS must carry the
header `Tus-Resumable`, which no form and no cross-site script can send without asking first (CORS preflight), and
we answer no preflight with leave; the session cookie is SameSite besides.

Transactions: a request for an upload begins as a reader, even where its method writes. On SQLite a writer's
transaction would keep everyone else from writing (votes too) for as long as a phone takes to send its
bytes. The writer's transaction is opened when the bytes are in, and it is short.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request, url_for
from redis.exceptions import RedisError
from werkzeug.exceptions import MethodNotAllowed

from concours.base import clock
from concours.base.db import session, set_reading
from concours.base.errors import Conflict, DomainError, TooLarge
from concours.base.messages import msg
from concours.base.queue import enqueue
from concours.base.storage import storage
from concours.identity.access import PUBLIC, SIGNED_IN, actor, allow
from concours.identity.models import Account
from concours.media import jobs, protocol, purposes, uploads
from concours.media.limits import CHUNK_BYTES, MIB, PIECE_BYTES
from concours.media.models import Asset, Upload
from concours.media.parts import Part, path_of
from concours.media.protocol import Asked, Malformed, OffsetConflict, WrongBody
from concours.media.words import in_mb

bp = Blueprint("uploads", __name__, url_prefix="/uploads")


@bp.route("", methods=["OPTIONS"])
@allow(PUBLIC)
def discover() -> Response:
    """What this server can do."""
    return _answer(
        204,
        **{
            "Tus-Version": protocol.VERSION,
            "Tus-Extension": protocol.EXTENSIONS,
            "Tus-Max-Size": str(current_app.config["MAX_UPLOAD_MIB"] * MIB),
            "Tus-Checksum-Algorithm": ",".join(protocol.ALGORITHMS),
        },
    )


@bp.route("", methods=["POST"], provide_automatic_options=False)
@allow(SIGNED_IN)
def create() -> Response:
    """Begins an upload; with a body it takes the first bytes, or all of them, at once (creation-with-upload)."""
    protocol.require_version(request.headers)
    asked = protocol.read_creation(request.headers)
    has_body = bool(request.content_length)
    checksum = _read_body_headers(asked.size) if has_body else None
    row, at, asset = take(actor(), asked, _body() if has_body else (), checksum)
    return _state(201, row, at, asset, Location=url_for("uploads.append", upload_id=row.id))


@bp.route("/<upload_id>", methods=["HEAD"], provide_automatic_options=False)
@allow(SIGNED_IN)
def where(upload_id: str) -> Response:
    """Where the upload stands."""
    protocol.require_version(request.headers)
    row, part = _find_with_part(actor(), upload_id)
    offset = row.size
    if part is not None:
        with part:
            offset = part.offset()
    answer = _state(200, row, offset, None)
    answer.headers["Upload-Length"] = str(row.size)
    if row.metadata_header:
        answer.headers["Upload-Metadata"] = row.metadata_header
    return answer


@bp.route("/<upload_id>", methods=["PATCH"], provide_automatic_options=False)
@allow(SIGNED_IN)
def append(upload_id: str) -> Response:
    """Takes bytes from Upload-Offset on; with the last one the upload becomes an asset (its number in X-Asset)."""
    protocol.require_version(request.headers)
    owner = actor()
    at = protocol.read_offset(request.headers)
    row, part = _find_with_part(owner, upload_id)
    if part is None:
        if at != row.size or request.content_length:
            raise OffsetConflict(row.size)
        return _state(204, row, row.size, None)
    with part:
        if at != part.offset():
            raise OffsetConflict(part.offset())
        at = uploads.receive(part, _body(), at, _read_body_headers(row.size - at))
        asset = _finish(row, part, owner) if at == row.size else None
    return _state(204, row, at, asset)


@bp.route("/<upload_id>", methods=["DELETE"], provide_automatic_options=False)
@allow(SIGNED_IN)
def terminate(upload_id: str) -> Response:
    """Cancels an upload that is not finished."""
    protocol.require_version(request.headers)
    owner = actor()
    _end_transaction()
    set_reading(False)
    row = uploads.find(owner, upload_id, now=clock.now(), for_update=True)
    if row.asset_id is not None:
        raise Conflict(
            msg("This upload is finished already."),
            hint=msg("Remove the file where you added it."),
            code="upload_finished",
        )
    uploads.cancel(row, instance=_instance())
    session().commit()
    return _answer(204)


@bp.route("/<upload_id>", methods=["POST"], provide_automatic_options=False)
@allow(SIGNED_IN)
def override(upload_id: str) -> Response:
    """The method that X-HTTP-Method-Override names, for clients whose network lets only GET and POST through."""
    meant = {"PATCH": append, "DELETE": terminate, "HEAD": where}.get(
        request.headers.get("X-HTTP-Method-Override", "").upper()
    )
    if meant is None:
        raise MethodNotAllowed(["HEAD", "PATCH", "DELETE"])
    return meant(upload_id)


def take(
    owner: Account, asked: Asked, pieces: Iterable[bytes], checksum: tuple[Any, bytes] | None = None
) -> tuple[Upload, int, Asset | None]:
    """Begins an upload and takes its first bytes: its row, where it stands, and its asset if that was all.

    The bytes come before the row: without an answer nobody knows the upload's address, so that what
    came of a broken request is of no use and goes at once.
    """
    max_upload_mib, instance = current_app.config["MAX_UPLOAD_MIB"], _instance()
    uploads.authorise(owner, asked, max_upload_mib=max_upload_mib, instance=instance, now=clock.now())
    _end_transaction()
    upload_id = uploads.new_id()
    stored: tuple[str, str] | None = None
    asset: Asset | None = None
    committing = False
    with Part(path_of(instance, upload_id), asked.size, create=True) as part:
        try:
            at = uploads.receive(part, pieces, 0, checksum)
            if at == asked.size:
                stored = uploads.store(upload_id, part, storage())
            set_reading(False)
            row = uploads.begin(owner, asked, upload_id, instance=instance, now=clock.now())
            if stored:
                asset = uploads.finish(row, owner, *stored, now=clock.now())
            committing = True
            session().commit()
        except BaseException:
            session().rollback()
            part.remove()
            if stored and not committing:  # a commit that failed may have happened: its file is not ours to delete
                storage().delete(stored[1])
            raise
        if asset is not None:
            part.remove()
            _hand_over(asset)
    return row, at, asset


def _find_with_part(owner: Account, upload_id: str) -> tuple[Upload, Part | None]:
    """The owner's upload and its open part file (None for a finished one); no transaction is open afterwards."""
    for _look in range(2):  # a part that vanished in between may have been finished by another request
        row = uploads.find(owner, upload_id, now=clock.now())
        _end_transaction()
        if row.asset_id is not None:
            return row, None
        with suppress(FileNotFoundError):
            return row, Part(path_of(_instance(), row.id), row.size)
    raise uploads.gone()


def _finish(row: Upload, part: Part, owner: Account) -> Asset:
    """Makes the complete upload an asset, once, whoever comes first."""
    with part.hold():
        row = uploads.find(owner, row.id, now=clock.now())
        _end_transaction()
        if row.asset_id is not None:
            return session().get_one(Asset, row.asset_id)
        sha256, name = uploads.store(row.id, part, storage())
        set_reading(False)
        try:
            row = uploads.find(owner, row.id, now=clock.now(), for_update=True)
            asset = uploads.finish(row, owner, sha256, name, now=clock.now())
            session().commit()
        except DomainError:
            session().rollback()
            storage().delete(name)
            raise
        part.remove()
    _hand_over(asset)
    return asset


def _hand_over(asset: Asset) -> None:
    """Lets a worker look inside. Where Redis is away the sweep for waiting assets does it later."""
    purpose = purposes.find(asset.purpose)
    try:
        enqueue(jobs.check, asset.id, queue=purpose.queue if purpose else "default", job_id=f"check-{asset.id}")
    except RedisError as away:
        current_app.logger.warning("asset %s waits for the sweep: %s", asset.id, away)


def _read_body_headers(room: int) -> tuple[Any, bytes] | None:
    """Holds the headers of a body against what may come (`room` in bytes); returns its checksum, if it has one."""
    if request.mimetype != protocol.BODY_TYPE:
        raise WrongBody(msg("The body of an upload must be %(type)s.", type=protocol.BODY_TYPE))
    if request.content_length is None:
        raise Malformed(msg("%(header)s must be a whole number of bytes.", header="Content-Length"))
    if request.content_length > CHUNK_BYTES:
        raise TooLarge(
            msg("One request may bring at most %(limit)s of a file.", limit=in_mb(CHUNK_BYTES)),
            hint=msg("Send the file in smaller pieces."),
            code="chunk_too_large",
        )
    if request.content_length > room:
        raise TooLarge(msg("More bytes came than the upload declared."), code="beyond_length")
    return protocol.read_checksum(request.headers)


def _body() -> Iterator[bytes]:
    while piece := request.stream.read(PIECE_BYTES):
        yield piece


def _instance() -> str:
    return str(current_app.config["INSTANCE"])


def _end_transaction() -> None:
    """Lets go of the database. What the sign-in wanted to note of the session's use is noted by another request:
    a reader's transaction that turns into a writer's fails on SQLite when somebody else wrote meanwhile."""
    for row in list(session().dirty):
        session().expire(row)
    session().commit()


def _state(status: int, row: Upload, offset: int, asset: Asset | None, **headers: str) -> Response:
    answer = _answer(status, **headers)
    answer.headers["Upload-Offset"] = str(offset)
    number = asset.id if asset is not None else row.asset_id
    if number is None:
        answer.headers["Upload-Expires"] = protocol.expires(row.expires_at)
    else:
        answer.headers["X-Asset"] = str(number)
    return answer


def _answer(status: int, **headers: str) -> Response:
    answer = Response(status=status)
    answer.headers.update(headers)
    answer.headers["Cache-Control"] = "no-store"
    del answer.headers["Content-Type"]
    return answer


def _begin_as_reader() -> None:
    if request.path.startswith(("/uploads", "/assets/upload/")):
        set_reading(True)


@bp.after_request
def _say_version(answer: Response) -> Response:
    answer.headers["Tus-Resumable"] = protocol.VERSION
    return answer


def init_app(app: Flask, csrf: Any) -> None:
    """Registers the server; it is called before the access gate is put up, which reads the account."""
    csrf.exempt(bp)
    app.before_request(_begin_as_reader)
    app.register_blueprint(bp)
