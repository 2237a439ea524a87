"""When a poll's key is destroyed, nothing leads from an account or a device to its votes, and everything else stays."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.audit import AuditRecord
from concours.base.db import db, session
from concours.base.errors import Conflict
from concours.identity.models import Account, Role
from concours.voting import keys, secrets
from concours.voting.amendments import key
from concours.voting.booth import booth
from concours.voting.models import Poll, Vote
from concours.voting.reconciliation import reconcile
from concours.voting.rules import read_facts
from tests.conftest import both_databases
from tests.factories import Make
from tests.voting.amendments.build import totals
from tests.voting.amendments.test_correction import over
from tests.voting.build import PollMaker, at_work

ClientAs = Callable[[Account], FlaskClient]


def everything_in_redis() -> bytes:
    """All names and values of the server."""
    client, found = booth().client, []
    for name in client.scan_iter():
        found += [name, client.dump(name) or b""]
    return b"".join(found)


@both_databases
def test_no_tag_can_be_made_any_more(app: APIFlask, a_poll: PollMaker, make: Make, client_as: ClientAs) -> None:
    world, hand, _ = over(app, a_poll, 20)
    secret = app.config["POLL_KEY_SECRET"]
    with db.engine.connect() as connection:
        facts = read_facts(connection, world.id, secret)
        wrapped = bytes(connection.execute(sa.select(Poll.wrapped_key).where(Poll.id == world.id)).scalar_one())
        tags = [bytes(tag) for tag in connection.execute(sa.select(Vote.tag)).scalars()]
    assert facts is not None
    old = facts.key
    voter = b"an account's id!"
    expected = secrets.tag_of(old, world.id, voter)
    assert len(booth().client.keys(keys.every_voter(world.id))) == 20
    before = totals(world)
    organiser = client_as(make.with_role(world.event, Role.ORGANISER))
    session().commit()
    address = f"/events/{world.event.slug}/voting/{world.id}/closed"
    page = organiser.get(f"{address}?sure=1").get_data(as_text=True)
    session().commit()
    assert "Backups made before still hold the key" in page
    assert organiser.post(f"{address}/key", data={"typed": "something else"}).status_code == 422
    session().commit()
    assert organiser.post(f"{address}/key", data={"typed": world.poll.slug}).status_code == 303
    session().commit()
    with db.engine.connect() as connection:
        again = [read_facts(connection, world.id, secret) for _ in range(2)]
        dumped = [
            bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()
            for table in Poll.metadata.sorted_tables
            for row in connection.execute(sa.select(table))
            for value in row
        ]
    made = {secrets.tag_of(f.key, world.id, voter) for f in again if f is not None}
    assert len(made) == 2  # of nobody, and another each time
    assert not made & {expected, *tags}
    for hidden in (old, wrapped):
        assert not any(hidden in value or hidden.hex().encode() in value for value in dumped)
        assert hidden not in everything_in_redis()
    assert booth().facts(world.id).key != old  # nor does this process remember it
    assert booth().client.keys(keys.every_voter(world.id)) == []
    assert not any(keys.short(tag).encode() in everything_in_redis() or tag in everything_in_redis() for tag in tags)
    if db.engine.dialect.name == "sqlite":
        path = Path(str(db.engine.url.database))
        for file in path.parent.glob(path.name + "*"):
            assert wrapped not in file.read_bytes(), file
    verbs = session().scalars(sa.select(AuditRecord.verb).where(AuditRecord.verb == "voting.destroy_key")).all()
    session().commit()
    assert len(verbs) == 1
    assert totals(world) == before  # and the result stays, also when Redis is lost
    booth().client.flushall()
    hand.forget()
    assert hand.hold()
    hand.tend()
    assert totals(world) == before
    assert reconcile(booth(), world.id).difference == 0
    assert booth().client.keys(keys.every_voter(world.id)) == []


def test_a_key_stays_until_the_result_is_final(app: APIFlask, a_poll: PollMaker, make: Make) -> None:
    world = a_poll()
    at_work(app)
    with pytest.raises(Conflict):
        key.destroy(world.poll, typed=world.poll.slug, actor=None, now=datetime.now(UTC))
    session().rollback()


@both_databases
def test_a_key_is_destroyed_once(app: APIFlask, a_poll: PollMaker, make: Make) -> None:
    world, _, _ = over(app, a_poll, 3)
    key.destroy(world.poll, typed=world.poll.slug, actor=None, now=datetime.now(UTC))
    session().commit()
    with pytest.raises(Conflict):
        key.destroy(world.poll, typed=world.poll.slug, actor=None, now=datetime.now(UTC))
    session().rollback()
