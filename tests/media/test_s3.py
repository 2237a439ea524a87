"""The same on object storage: a file is uploaded, looked into, and sent in parts."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from apiflask import APIFlask
from moto.server import ThreadedMotoServer

from concours.base import storage as storages
from concours.base.db import session
from concours.base.storage import storage
from concours.media import jobs
from concours.media.models import Asset
from tests.media import files
from tests.media.conftest import Tus


@pytest.fixture
def bucket(app: APIFlask) -> Iterator[str]:
    """An S3 server with an empty bucket, in which the application keeps its files."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    httpx.put(f"{url}/works").raise_for_status()
    app.config.update(
        MEDIA_URL="s3://works/site",
        S3_ENDPOINT=url,
        S3_ACCESS_KEY_ID="testing",
        S3_SECRET_ACCESS_KEY="testing",
    )
    storages.init_storage(app)
    yield url
    server.stop()


def test_a_film_in_a_bucket_is_checked_shown_and_forgotten(app: APIFlask, bucket: str, tus: Tus) -> None:
    content = files.video() + os.urandom(12 * 1024 * 1024)  # more than one part of the bucket's own uploads
    url = tus.begin(len(content))
    for at in range(0, len(content), 8 * 1024 * 1024):
        answer = tus.patch(url, at, content[at : at + 8 * 1024 * 1024])
    number = int(answer.headers["X-Asset"])
    assert not Path(app.config["INSTANCE"], "uploads", url.rsplit("/", 1)[1] + ".part").exists()
    jobs.check(number)
    asset = session().get_one(Asset, number, populate_existing=True)
    assert asset.status == "ready"
    assert {row.name for row in asset.renditions} == {"poster", "poster400", "video"}
    assert len(list(storage().names())) == 4
    session().commit()
    part = tus.browser.get(f"/assets/{number}/stream", headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.data) == (206, content[1000:2000])
    assert tus.browser.get(f"/assets/{number}/original").data == content
    row = next(row for row in asset.renditions if row.name == "poster400")
    assert len(tus.browser.get(f"/media/{row.storage_name}").data) == row.size
