"""`concours poll`: what whoever runs the platform does with a closed poll, as real commands beside a real database."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.audit import AuditRecord
from concours.base.db import db, reading, session
from concours.voting import keys
from concours.voting.amendments import key
from concours.voting.booth import booth
from concours.voting.models import Poll
from tests.conftest import both_databases
from tests.verifying import Ran, run
from tests.voting.amendments.build import totals
from tests.voting.amendments.test_correction import over, save
from tests.voting.build import PollMaker, at_work

__all__ = ["run"]  # a fixture
GIVEN = ("SECRET_KEY", "POLL_KEY_SECRET", "DATABASE_URL", "REDIS_URL", "VOTES_REDIS_URL", "INSTANCE")


def poll(app: APIFlask, *arguments: object, typed: str = "") -> "subprocess.CompletedProcess[str]":
    """`concours poll …` on what the application under test works on."""
    session().commit()
    return subprocess.run(
        [sys.executable, "-m", "concours.cli", "poll", *map(str, arguments)],
        env={**os.environ, **{name: str(app.config[name]) for name in GIVEN}},
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_bundle_is_sealed_for_the_auditor_and_goes_into_the_record(
    app: APIFlask, a_poll: PollMaker, client: FlaskClient, tmp_path: Path, run: Callable[..., Ran]
) -> None:
    world, _, _ = over(app, a_poll, 40)
    secret, path = tmp_path / "auditor.key", tmp_path / "bundle.age"
    public = run("uniqueness", "--new-key", secret).told["key"]
    refused = poll(app, "bundle", world.poll.slug, path, "--to", "age1nobody")
    assert refused.returncode == 1
    assert "concours-verify uniqueness --new-key" in refused.stderr
    assert not path.exists()
    made = poll(app, "bundle", world.poll.slug, path, "--to", public, "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout) == {"poll": world.poll.slug, "file": str(path), "votes": 40, "size": 40}
    assert path.stat().st_mode & 0o777 == 0o600
    save(client, world, tmp_path / "log")
    found = run("uniqueness", path, "--secret", secret, "--log", tmp_path / "log")
    assert (found.status, found.told["votes"]) == (0, 40), found.said
    again = poll(app, "bundle", world.poll.slug, path, "--to", public)
    assert (again.returncode, "is there already" in again.stderr) == (1, True)
    recorded = session().scalars(sa.select(AuditRecord).where(AuditRecord.verb == "voting.seal_bundle")).all()
    assert [(one.actor_id, one.detail["recipient"]) for one in recorded] == [(None, public)]
    session().commit()


def test_an_open_poll_has_no_bundle_and_keeps_its_key(app: APIFlask, a_poll: PollMaker, tmp_path: Path) -> None:
    world = a_poll()
    at_work(app)
    recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"  # the age specification's own example
    early = poll(app, "bundle", world.poll.slug, tmp_path / "early", "--to", recipient)
    assert (early.returncode, "when the poll is closed" in early.stderr) == (1, True), early.stderr
    assert list(tmp_path.glob("early*")) == []
    kept = poll(app, "destroy-key", world.poll.slug, "--sure", world.poll.slug)
    assert (kept.returncode, "Until then the poll needs it" in kept.stderr) == (1, True), kept.stderr
    unknown = poll(app, "destroy-key", "no-such", "--sure", "no-such")
    assert (unknown.returncode, "there is no poll 'no-such'" in unknown.stderr) == (1, True)


@both_databases
def test_a_key_is_destroyed_by_who_types_the_polls_name(app: APIFlask, a_poll: PollMaker) -> None:
    world, _, _ = over(app, a_poll, 20)
    before = totals(world)
    slug, old = world.poll.slug, booth().facts(world.id).key
    assert len(booth().client.keys(keys.every_voter(world.id))) == 20
    wrong = poll(app, "destroy-key", slug, typed="another\n")
    assert (wrong.returncode, f"Type exactly: {slug}" in wrong.stderr) == (1, True), wrong.stderr
    assert session().scalar(sa.select(Poll.wrapped_key).where(Poll.id == world.id))
    done = poll(app, "destroy-key", slug, typed=f"{slug}\n")
    assert done.returncode == 0, done.stderr
    assert "the key is destroyed" in done.stdout
    row = session().execute(sa.select(Poll.wrapped_key, Poll.key_destroyed_at).where(Poll.id == world.id)).one()
    assert (row.wrapped_key, row.key_destroyed_at is not None) == (b"", True)
    session().commit()
    assert booth().client.keys(keys.every_voter(world.id)) == []
    state = booth().client.hgetall(keys.state(world.id))
    with db.engine.connect() as connection:
        assert int(state[b"version"]) == connection.execute(sa.select(Poll.version)).scalar_one()
    assert booth().facts(world.id, fresh=True).key != old
    assert totals(world) == before
    again = poll(app, "destroy-key", slug, "--sure", slug)
    assert (again.returncode, "destroyed already" in again.stderr) == (1, True)


def test_a_reader_in_the_way_is_told(app: APIFlask, a_poll: PollMaker) -> None:
    world, _, _ = over(app, a_poll, 3)
    session().commit()
    impatient = sa.create_engine(db.engine.url, connect_args={"timeout": 0.1})
    with reading():
        reader = db.engine.connect()
        reader.execute(sa.text("select count(*) from poll")).one()  # its snapshot needs the pages of before
    world.poll.title = "another title"
    session().commit()
    assert not key.scrub(impatient)
    reader.close()
    assert key.scrub(impatient)
    impatient.dispose()
