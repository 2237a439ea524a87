"""Who gets past the gates of the media room. The files are `w.member`'s; their room lets an admin fetch them, too."""

import hashlib

from flask import current_app

from concours.base import clock
from concours.base.db import session
from concours.base.storage import storage
from concours.media import names
from concours.media.models import Asset, AssetStatus, Upload
from concours.media.parts import path_of
from tests.access import EVERYONE, SIGNED_IN, Row, World
from tests.media import probe
from tests.media.files import video

TUS = {"Tus-Resumable": "1.0.0"}


def _asset(w: World) -> Asset:
    probe.register()
    content = video(seconds=1.0)
    asset = Asset(
        owner_id=w.member.id,
        purpose="probe",
        purpose_id=w.member.id,
        filename="a.mp4",
        storage_name="originals/aa/bb/test",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        status=AssetStatus.READY,
        kind="video",
        format="mp4",
        created_at=clock.now(),
    )
    storage().put(asset.storage_name, content)
    session().add(asset)
    session().commit()
    return asset


def _upload(w: World) -> str:
    probe.register()
    row = Upload(
        id="0" * 32,
        owner_id=w.member.id,
        purpose="probe",
        purpose_id=w.member.id,
        size=10,
        created_at=clock.now(),
        expires_at=clock.now().replace(year=clock.now().year + 1),
    )
    session().merge(row)
    session().commit()
    path_of(current_app.config["INSTANCE"], row.id).touch()
    return f"/uploads/{row.id}"


def _rendition(w: World) -> str:
    name = "0" * 40 + ".webp"
    storage().put(names.path_of(name), b"RIFF")
    return f"/media/{name}"


ROWS = [
    Row("media.rendition", "GET", _rendition, EVERYONE),
    Row("media.original", "GET", lambda w: f"/assets/{_asset(w).id}/original", {"member", "admin"}),
    Row("media.stream", "GET", lambda w: f"/assets/{_asset(w).id}/stream", {"member", "admin"}),
    Row("media.status", "GET", lambda w: f"/assets/{_asset(w).id}/status.json", {"member", "admin"}),
    Row(
        "media_form.upload",
        "POST",
        lambda w: f"/assets/upload/probe/{w.member.id}",
        SIGNED_IN,  # what is refused is said on the next page, as of every form
        data=lambda w: {"back": "/"},
    ),
    Row("uploads.create", "POST", lambda w: "/uploads", SIGNED_IN, headers=TUS),
    Row("uploads.append", "PATCH", _upload, {"member"}, headers=TUS | {"Upload-Offset": "3"}),
    Row("uploads.override", "POST", _upload, {"member"}, headers=TUS | {"X-HTTP-Method-Override": "HEAD"}),
    Row("uploads.terminate", "DELETE", _upload, {"member"}, headers=TUS),
]
