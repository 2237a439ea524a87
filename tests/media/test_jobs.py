"""Work on files survives what happens to workers, Redis and the disk."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from apiflask import APIFlask

from concours.base.db import session
from concours.base.storage import Storage, storage
from concours.cli.worker import Worker
from concours.media import checks, jobs, limits, names, sandbox, uploads, verbs
from concours.media.models import Asset, Rendition, Upload
from concours.media.sandboxed.wire import Findings, parse
from tests.conftest import both_databases
from tests.media import files
from tests.media.conftest import Tus
from tests.media.probe import Probe

Checked = Callable[..., Asset]


def work(app: APIFlask) -> None:
    """Lets a real worker do what is in the queues."""
    worker = Worker(list(app.extensions["concours_queues"].values()), connection=app.extensions["concours_redis"])
    worker.app = app
    worker.work(burst=True, logging_level="ERROR")


@both_databases
def test_what_is_uploaded_is_looked_into_by_a_worker(app: APIFlask, tus: Tus, probe: Probe) -> None:
    content = files.image()
    number = int(tus.create(len(content), content, filename="a.jpg").headers["X-Asset"])
    session().commit()
    work(app)
    asset = session().get_one(Asset, number, populate_existing=True)
    assert (asset.status, len(asset.renditions)) == ("ready", 3)
    assert probe.checked == [(number, "ready")]


def test_a_worker_killed_while_it_stores_leaves_nothing_half_and_the_next_one_finishes(
    app: APIFlask, tus: Tus, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = files.image()
    number = int(tus.create(len(content), content, filename="a.jpg").headers["X-Asset"])
    put, stored = Storage.put, []

    def die_at_the_second(self: Storage, name: str, data: object) -> None:
        if stored:
            raise KeyboardInterrupt
        put(self, name, data)  # type: ignore[arg-type]
        stored.append(name)

    with monkeypatch.context() as patched:
        patched.setattr(Storage, "put", die_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            jobs.check(number)
    session().rollback()
    asset = session().get_one(Asset, number, populate_existing=True)
    assert (asset.status, asset.renditions) == ("checking", [])
    jobs.check(number)
    asset = session().get_one(Asset, number, populate_existing=True)
    assert (asset.status, len(asset.renditions)) == ("ready", 3)
    assert len(list(storage().names("renditions"))) == 3


def test_an_asset_whose_job_was_lost_is_given_to_the_workers_again(
    app: APIFlask, tus: Tus, now: datetime, redis_url: str
) -> None:
    """Redis lost its data; an asset that merely has many others before it keeps its place."""
    numbers = [int(tus.create(5, b"hello").headers["X-Asset"]) for _ in range(3)]
    session().execute(sa.update(Asset).where(Asset.id != numbers[2]).values(created_at=now - timedelta(minutes=6)))
    session().commit()
    queue = app.extensions["concours_queues"]["default"]
    assert jobs.requeue_stuck() == 0
    assert len(queue) == 3
    redis.Redis.from_url(redis_url).flushall()
    assert jobs.requeue_stuck() == 2, "the third was uploaded just now"
    assert sorted(queue.job_ids) == sorted(f"check-{number}" for number in numbers[:2])
    jobs.sweep()
    assert len(queue) == 2


def test_an_upload_is_taken_while_redis_is_away(app: APIFlask, tus: Tus) -> None:
    connection = redis.Redis.from_url("unix:///nowhere.sock")
    for queue in app.extensions["concours_queues"].values():
        queue.connection = connection
    answer = tus.create(5, b"hello")
    assert answer.status_code == 201
    assert session().get_one(Asset, int(answer.headers["X-Asset"])).status == "checking"


@both_databases
def test_what_a_room_lets_go_of_is_removed_with_its_files_but_not_what_others_use(
    app: APIFlask, checked: Checked, tus: Tus, now: datetime
) -> None:
    first, twin = checked(files.image(), "a.jpg"), checked(files.image(), "b.jpg")
    shown = [row.storage_name for row in first.renditions]
    assert [row.storage_name for row in twin.renditions] == shown
    session().commit()
    freed = verbs.discard(first, actor=tus.account, now=now)
    session().commit()
    assert jobs.forget(*freed) == 1, "the original; its renditions are the other's too"
    assert all(storage().exists(names.path_of(name)) for name in shown)
    assert storage().exists(twin.storage_name)
    freed = verbs.discard(twin, actor=tus.account, now=now)
    session().commit()
    assert jobs.forget(*freed) == 4
    assert list(storage().names()) == []
    assert session().scalar(sa.select(sa.func.count()).select_from(Rendition)) == 0
    assert session().scalar(sa.select(sa.func.count()).select_from(Upload)) == 0


@both_databases
@pytest.mark.parametrize("forgotten_before_the_commit", [True, False])
def test_a_picture_that_comes_in_again_while_its_twin_is_forgotten_keeps_its_renditions(
    app: APIFlask,
    checked: Checked,
    tus: Tus,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    forgotten_before_the_commit: bool,
) -> None:
    """The same file removed and added again: its renditions have the same names."""
    content = files.image()
    freed = verbs.discard(checked(content, "a.jpg"), actor=tus.account, now=now)
    session().commit()
    number = int(tus.create(len(content), content, filename="a.jpg").headers["X-Asset"])
    if forgotten_before_the_commit:
        settle = checks.settle

        def forgotten_first(*given: Any, **named: Any) -> Any:
            session().rollback()
            assert jobs.forget(*freed) == 4
            return settle(*given, **named)

        monkeypatch.setattr(checks, "settle", forgotten_first)
        jobs.check(number)
    else:
        unused = verbs.unused

        def checked_meanwhile(asked: Iterable[str]) -> list[str]:
            found = unused(asked)
            session().rollback()
            jobs.check(number)
            return found

        monkeypatch.setattr(verbs, "unused", checked_meanwhile)
        jobs.forget(*freed)
    monkeypatch.undo()
    work(app)
    asset = session().get_one(Asset, number, populate_existing=True)
    assert asset.status == "ready"
    assert all(storage().exists(names.path_of(row.storage_name)) for row in asset.renditions)


def test_a_name_that_is_not_there_is_no_error(app: APIFlask) -> None:
    assert not storage().exists("originals/no/such")
    storage().delete("originals/no/such")


def test_readiness_counts_and_tells_why(checked: Checked, tus: Tus) -> None:
    good, bad = checked(files.image(), "a.jpg"), checked(b"GIF89a" + bytes(9), "b.jpg")
    waiting = session().get_one(Asset, int(tus.create(5, b"hello").headers["X-Asset"]))
    found = verbs.readiness([good, bad, waiting])
    assert (found.ready, found.refused, found.checking, found.all_ready) == (1, 1, 1, False)
    assert [str(reason)[:19] for _, reason in found.refusals] == ["This file says .jpg"]
    assert verbs.readiness([good]).all_ready
    assert verbs.readiness([]).all_ready


def test_a_film_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    content = files.video(width=1280, height=720, seconds=8.0)
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    begun = time.monotonic()
    with path.open("rb") as original, sandbox.work_file(tmp_path) as copy:
        found = sandbox.look(original, "mp4", len(content), copy, widths=(800,), seconds=0.001)
    assert found.fault == "too_costly"
    assert time.monotonic() - begun < 5


def test_a_decoder_that_breaks_down_is_replaced(checked: Checked) -> None:
    old = sandbox.start()._process
    os.kill(old.pid, signal.SIGKILL)
    old.wait(5)
    assert checked(files.image(), "a.jpg").status == "ready"
    assert sandbox.start()._process.pid != old.pid


def test_the_decoders_end_with_a_worker_that_is_killed() -> None:
    worker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time\nfrom concours.media import sandbox\n"
            "print(sandbox.start()._process.pid, flush=True)\ntime.sleep(60)",
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": sandbox.PACKAGES},
    )
    assert worker.stdout is not None
    decoders = int(worker.stdout.readline())
    assert Path(f"/proc/{decoders}").exists()
    worker.kill()
    worker.wait(5)
    until = time.monotonic() + 5
    while Path(f"/proc/{decoders}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{decoders}").exists()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no json\n",
        b"[]\n",
        b"{}\n",
        b"x" * 70_000,
        b'{"facts":{},"fault":"","playable":{},"pictures":[{"name":"w400"}]}\n',
        b'{"facts":{},"fault":"","playable":{},"pictures":[{"name":"w400","content_type":"image/webp","width":1,'
        b'"height":1,"bytes":99}]}\nshort',
    ],
)
def test_what_a_decoder_says_is_not_trusted(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  which words it has is of no interest
        parse(raw)


def test_a_name_or_type_that_no_decoder_has_is_not_taken_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer = (
        b'{"facts":{},"fault":"","playable":{"name":"video","content_type":"text/html","width":1,"height":1},'
        b'"pictures":[{"name":"../../x","content_type":"image/webp","width":1,"height":1,"bytes":1},'
        b'{"name":"w400","content_type":"text/html","width":1,"height":1,"bytes":1}]}\nab'
    )
    monkeypatch.setattr(sandbox, "_read", lambda _source, _until: answer)
    path = tmp_path / "a.jpg"
    path.write_bytes(files.image(width=64, height=64))
    with path.open("rb") as original, sandbox.work_file(tmp_path) as copy:
        found = sandbox.look(original, "jpeg", path.stat().st_size, copy, widths=(400,))
    assert found == Findings()


def test_a_check_of_something_else_meanwhile_settled_changes_nothing(checked: Checked, now: datetime) -> None:
    asset = checked(files.image(), "a.jpg")
    outcome = checks.Outcome("gif", {}, None)
    assert checks.settle(asset.id, outcome, now=now) is None
    assert asset.format == "jpeg"
    assert checks.settle(10**9, outcome, now=now) is None


def test_a_part_that_was_stored_but_never_finished_goes_when_its_time_is_over(
    app: APIFlask, tus: Tus, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = tus.begin(5)
    with monkeypatch.context() as patched:

        def die(*_args: object, **_values: object) -> None:
            raise SystemError("the process dies here")

        patched.setattr(uploads, "finish", die)
        tus.patch(url, 0, b"hello")
    session().rollback()
    assert len(list(storage().names("originals"))) == 1
    uploads.expire(storage(), instance=app.config["INSTANCE"], now=now + limits.KEPT_FOR + timedelta(hours=1))
    session().commit()
    assert list(storage().names("originals")) == []
