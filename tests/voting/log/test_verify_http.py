"""concours-verify against the application behind a socket, with real votes."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from apiflask import APIFlask
from werkzeug.serving import make_server

import concours_verify as verify
from concours.base.db import db, session
from concours.voting.booth import booth
from concours.voting.log import witnesses
from concours.voting.models import PollLog
from tests.factories import Make
from tests.verifying import Ran, run
from tests.voting.build import PollMaker, PollWorld, Voter, at_work, sequencing, until_loaded
from tests.voting.logs import keep, keeper_of, record

__all__ = ["run"]  # a fixture


@pytest.fixture
def address(app: APIFlask) -> Iterator[str]:
    """The application behind a socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_with_real_votes_over_http(
    app: APIFlask,
    a_poll: PollMaker,
    a_voter: Callable[[PollWorld], Voter],
    make: Make,
    address: str,
    tmp_path: Path,
    run: Callable[..., Ran],
    now: datetime,
) -> None:
    world = a_poll(closes_at=a_poll.now + timedelta(seconds=8))
    log = f"{address}/log/{world.poll.slug}"
    with sequencing(app):
        until_loaded(world)
        given = [a_voter(world).vote(c).get_json()["receipt"] for c in world.candidates]
    hand = at_work(app)
    keeper = keeper_of(hand)
    record(world, hand, 297)
    with time_machine.travel(datetime.now().astimezone() + timedelta(seconds=11), tick=True):
        keep(keeper)
        keep(keeper)
    mine = tmp_path / "receipt.json"
    mine.write_text(json.dumps(given[1]))
    found = run("receipt", mine, "--log", log)
    assert (found.status, found.told["size"], found.told["mine"]) == (0, 300, True), found
    assert run("tally", "--log", log).status == 2  # still open
    lie = {**given[1], "candidate": world.candidates[0]}
    mine.write_text(json.dumps(lie))
    assert run("receipt", mine, "--log", log).status == 1
    mine.write_text(json.dumps({**given[1], "leaf": 2}))
    assert run("receipt", mine, "--log", log).status == 1
    mine.write_text(json.dumps({**given[1], "status": "provisional"}))
    assert run("receipt", mine, "--log", log).status == 2

    secret, state = tmp_path / "secret", tmp_path / "state"
    public = run("witness", "--new-key", secret, "--name", "witness.example/w1").told["key"]
    witnesses.add(world.poll, public, actor=make.account(), now=now)
    session().commit()
    step = ("witness", "--log", log, "--secret", secret, "--state", state, "--post")
    assert run(*step).status == 0
    early = state.read_text()

    key = run("receipt", mine, "--log", log).told.get("key") or verify.Log(log).trusted[0]
    with db.engine.begin() as connection:
        connection.execute(sa.update(PollLog).where(PollLog.poll_id == world.id).values(rotate=True))
    keep(keeper)
    record(world, hand, 300)
    until = time.monotonic() + 30
    while run("tally", "--log", log).status == 2:
        assert time.monotonic() < until, "the log was not closed"
        keep(keeper)
        time.sleep(0.3)
    recount = run("tally", "--log", log, "--key", key)  # the old key leads to the new one
    assert (recount.status, recount.told["size"]) == (0, 600), recount
    assert recount.told["votes"] == {str(c): n for c, n in booth().standings(world.id).votes.items()}
    assert recount.told["key"] != str(key)
    assert run(*step).status == 0
    assert "witness.example/w1" in verify.Log(log).note
    kept = tmp_path / "early"
    kept.write_text(early)
    assert run("consistency", kept, "--log", log).told["old"] == 300

    folder = tmp_path / "folder"
    assert run("fetch", folder, "--log", log).status == 0
    assert run("tally", "--log", folder).told["votes"] == recount.told["votes"]
    mine.write_text(json.dumps(given[2]))
    assert run("receipt", mine, "--log", folder, "--key", key).status == 0
    bundle = folder / "tile/entries/001"
    bundle.write_bytes(bundle.read_bytes().replace(b'"day":"2021-07-08"', b'"day":"2021-07-09"', 1))
    assert run("tally", "--log", folder).status == 1
    root = base64.b64encode(bytes(32)).decode()
    (folder / "checkpoint").write_text((folder / "checkpoint").read_text().replace("\n600\n", f"\n600\n{root}\n"))
    assert run("receipt", mine, "--log", folder).status == 1
