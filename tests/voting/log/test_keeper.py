"""The log follows the ledger: tiles, checkpoints every ten seconds while there is news, keys that hand over."""

import time
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from apiflask import APIFlask

from concours.base.db import db, session
from concours.voting import ledger, secrets
from concours.voting.booth import booth
from concours.voting.log import notes, tiles
from concours.voting.log.keeper import Keeper
from concours.voting.log.merkle import EMPTY_ROOT, Frontier, leaf_hash
from concours.voting.log.notes import ED25519, Verifier
from concours.voting.models import Checkpoint, LogKey, LogTile, PollLog, Vote
from concours.voting.reconciliation import reconcile
from tests.conftest import both_databases
from tests.voting.build import PollMaker, PollWorld, at_work, sequencing
from tests.voting.logs import keep, keeper_of, record


def root_of(leaves: list[bytes]) -> bytes:
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf_hash(leaf))
    return tree.root()


def heads(world: PollWorld) -> list[notes.Head]:
    """What the signed checkpoints say, each verified by the log's last key."""
    session().commit()
    keys = session().scalars(sa.select(LogKey).where(LogKey.poll_id == world.id).order_by(LogKey.number)).all()
    origin = f"concours/polls/{world.poll.slug}"
    found = session().scalars(sa.select(Checkpoint).where(Checkpoint.poll_id == world.id).order_by(Checkpoint.size))
    heads = [notes.read_head(notes.verify(c.note, Verifier(origin, ED25519, keys[-1].public))) for c in found]
    session().commit()
    return heads


def log_of(world: PollWorld) -> PollLog:
    session().commit()
    found = session().scalar(
        sa.select(PollLog).where(PollLog.poll_id == world.id).execution_options(populate_existing=True)
    )
    assert found is not None
    session().commit()
    return found


@both_databases
def test_checkpoints_follow_the_votes(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll()
    hand = at_work(app)
    keeper = keeper_of(hand)
    keeper.step()
    assert [(h.size, h.root) for h in heads(world)] == [(0, EMPTY_ROOT)]
    leaves = record(world, hand, 700)
    keep(keeper)
    assert log_of(world).size == 700
    assert [h.size for h in heads(world)] == [0]  # not ten seconds ago
    with time_machine.travel(datetime.now().astimezone() + timedelta(seconds=11), tick=True):
        keeper.step()
        keeper.step()
    assert [(h.size, h.root) for h in heads(world)] == [(0, EMPTY_ROOT), (700, root_of(leaves))]
    with time_machine.travel(datetime.now().astimezone() + timedelta(seconds=60), tick=True):
        keeper.step()
    assert [h.size for h in heads(world)] == [0, 700]  # no news, no checkpoint
    leaves += record(world, hand, 3_000)
    keep(keeper)
    with time_machine.travel(datetime.now().astimezone() + timedelta(seconds=90), tick=True):
        keep(keeper)
    assert heads(world)[-1] == notes.Head(f"concours/polls/{world.poll.slug}", 3_700, root_of(leaves))
    assert reconcile(booth(), world.id).difference == 0
    with db.engine.connect() as connection:
        kept = tiles.load(connection, world.id, [(0, 0), (0, 14), (1, 0)])
    assert {place: len(hashes) // 32 for place, hashes in kept.items()} == {(0, 0): 256, (0, 14): 116, (1, 0): 14}


def test_a_clock_that_is_set_back_stops_no_checkpoint(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll()
    hand = at_work(app)
    keeper = keeper_of(hand)
    keeper.step()
    record(world, hand, 10)
    with time_machine.travel(datetime.now().astimezone() - timedelta(hours=1), tick=True):
        keep(keeper)
        keep(keeper)
    assert [h.size for h in heads(world)] == [0, 10]


def test_a_changed_tile_is_never_signed_over(
    app: APIFlask, a_poll: PollMaker, caplog: pytest.LogCaptureFixture
) -> None:
    world = a_poll()
    hand = at_work(app)
    keeper = keeper_of(hand)
    record(world, hand, 300)
    keep(keeper)
    signed = heads(world)
    with db.engine.begin() as connection:
        connection.execute(
            sa.update(LogTile).where(LogTile.level == 0, LogTile.number == 1).values(hashes=bytes(44 * 32))
        )
    record(world, hand, 100)
    with time_machine.travel(datetime.now().astimezone() + timedelta(seconds=11), tick=True):
        keep(keeper)
    assert heads(world) == signed
    assert "do not continue the checkpoint of 300 leaves" in caplog.text


def test_a_lost_vote_stops_the_log(app: APIFlask, a_poll: PollMaker, caplog: pytest.LogCaptureFixture) -> None:
    world = a_poll()
    hand = at_work(app)
    record(world, hand, 30)
    with db.engine.begin() as connection:
        connection.execute(sa.delete(Vote).where(Vote.poll_id == world.id, Vote.leaf == 7))
    keeper_of(hand).step()
    assert "a leaf is missing" in caplog.text


def test_the_old_key_signs_the_new_one_and_is_destroyed(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll()
    hand = at_work(app)
    keeper = keeper_of(hand)
    record(world, hand, 10)
    keep(keeper)
    with db.engine.begin() as connection:
        connection.execute(sa.update(PollLog).values(rotate=True))
    keeper.step()
    old, new = session().scalars(sa.select(LogKey).order_by(LogKey.number)).all()
    origin = f"concours/polls/{world.poll.slug}"
    before, after = Verifier(origin, ED25519, old.public), Verifier(origin, ED25519, new.public)
    lines = notes.verify(new.note, before).splitlines()
    assert lines[:4] == ["concours-log-key/v1", origin, "1", str(after)]
    assert notes.verify(new.note, after)
    assert old.wrapped == b""
    newest = session().scalars(sa.select(Checkpoint).order_by(Checkpoint.size.desc())).first()
    assert newest is not None
    assert notes.verify(newest.note, before) == notes.verify(newest.note, after)
    secret = app.config["POLL_KEY_SECRET"]
    assert secrets.unwrap_log_key(secret, world.poll.slug, new.wrapped).public_key().public_bytes_raw() == new.public
    session().commit()
    record(world, hand, 5)
    with time_machine.travel(datetime.now().astimezone() + timedelta(seconds=11), tick=True):
        keep(keeper)
    assert heads(world)[-1].size == 15


def test_a_keeper_whose_term_is_over_writes_nothing(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll()
    first = at_work(app)
    keeper = keeper_of(first)
    keeper.step()
    record(world, first, 20)
    stale = first.fence
    first.release()
    second = at_work(app)
    later = keeper_of(second)
    keep(later)
    record(world, second, 20)
    late = Keeper(first.engine, first.client, keeper.poll_key_secret, lambda: stale)
    with pytest.raises(ledger.LostLease):
        late.step()
    assert log_of(world).size == 20
    keep(later)
    assert log_of(world).size == 40


def test_beside_a_sequencer_at_work_the_log_keeps_itself(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll()
    with sequencing(app):
        until = time.monotonic() + 10
        while not heads(world) and time.monotonic() < until:
            time.sleep(0.05)
    assert [h.size for h in heads(world)] == [0]
