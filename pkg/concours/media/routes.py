"""Routes of the media room: what may be shown to anyone, originals for those who may have them, how far a file is, and
the form for browsers without script. Uploads themselves are in `tus`."""

from typing import Any

from flask import Blueprint, Flask, Response, jsonify
from flask_babel import gettext

from concours.base.db import session
from concours.base.errors import NotFound
from concours.base.messages import msg
from concours.identity.access import PUBLIC, SIGNED_IN, actor, allow
from concours.identity.models import Account
from concours.media import delivery, form, purposes, tus
from concours.media.models import Asset, AssetStatus
from concours.media.verbs import refusal_of
from concours.media.words import in_mb

bp = Blueprint("media", __name__, template_folder="templates")


@bp.get("/media/<name>")
@allow(PUBLIC)
def rendition(name: str) -> Response:
    """A rendition: who knows its name may see it."""
    return delivery.send_rendition(name)


@bp.get("/assets/<int:asset_id>/original")
@allow(SIGNED_IN)
def original(asset_id: int) -> Response:
    """The file as it was sent, as an attachment."""
    return delivery.send_attachment(_fetchable(asset_id, actor()))


@bp.get("/assets/<int:asset_id>/stream")
@allow(SIGNED_IN)
def stream(asset_id: int) -> Response:
    """A film or recording as it was sent, for playing it in the page; any part of it."""
    return delivery.send_inline(_fetchable(asset_id, actor()))


@bp.get("/assets/<int:asset_id>/status.json")
@allow(SIGNED_IN)
def status(asset_id: int) -> Response:
    """How far the file is: for its owner and those who may have it."""
    account = actor()
    asset = session().get(Asset, asset_id)
    if asset is None or asset.owner_id != account.id:
        asset = _fetchable(asset_id, account)
    found = delivery.urls(asset)
    refused = asset.status == AssetStatus.REFUSED
    return jsonify(
        {
            "id": asset.id,
            "status": asset.status,
            "refusal": said(asset) if refused else None,
            "filename": asset.filename,
            "size": asset.size,
            "kind": asset.kind,
            "format": asset.format,
            "width": asset.width,
            "height": asset.height,
            "seconds": asset.duration,
            "renditions": {
                shown.name: {
                    "url": shown.url,
                    "type": shown.content_type,
                    "width": shown.width,
                    "height": shown.height,
                }
                for shown in (*found.pictures, found.video, found.sound)
                if shown is not None
            },
        }
    )


def said(asset: Asset) -> str:
    """Why the asset was refused, in the reader's language."""
    reason = refusal_of(asset)
    return str(gettext(reason.text, **reason.values))


def _fetchable(asset_id: int, account: Account) -> Asset:
    """The asset, where its purpose lets the account have it; raises NotFound otherwise."""
    asset = session().get(Asset, asset_id)
    purpose = purposes.find(asset.purpose) if asset is not None else None
    if asset is None or purpose is None or not purpose.may_fetch(account, asset):
        raise NotFound(msg("This file is not here, or not for you."))
    return asset


def init_app(app: Flask, csrf: Any) -> None:
    """Registers the room's routes and what its macros need."""
    tus.init_app(app, csrf)
    form.init_app(app)
    app.register_blueprint(bp)
    app.jinja_env.globals.update(media_urls=delivery.urls, media_refusal=said, in_mb=in_mb)
