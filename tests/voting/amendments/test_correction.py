"""A decision after the close opens a new closing: the log goes on, and both results hold for a stranger."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import db, session
from concours.voting.amendments.models import Amendment, ClosingNote, VoidedVote
from concours.voting.log import closing
from concours.voting.log.keeper import Keeper
from concours.voting.models import PollLog
from concours.voting.sequencer import Sequencer
from tests.conftest import both_databases
from tests.factories import Make
from tests.verifying import Ran, run
from tests.voting.amendments.build import Council, settle, totals
from tests.voting.build import PollMaker, PollWorld, at_work
from tests.voting.logs import OPENED, keep, keeper_of, record

__all__ = ["run"]  # a fixture


def over(app: APIFlask, a_poll: PollMaker, count: int) -> tuple[PollWorld, Sequencer, Keeper]:
    """A poll whose time is over and whose log is closed."""
    world = a_poll(opens_at=OPENED, closes_at=a_poll.now - timedelta(hours=1))
    hand = at_work(app)
    record(world, hand, count)
    keeper = keeper_of(hand)
    keep(keeper)
    assert closing.settled(session(), [world.id])
    session().commit()
    return world, hand, keeper


def due(keeper: Keeper) -> None:
    """The keeper's next attempt to close, without the seconds between two."""
    with db.engine.begin() as connection:
        connection.execute(sa.update(PollLog).values(checked_at=None))
    keep(keeper)


def save(client: FlaskClient, world: PollWorld, folder: Path) -> None:
    """The log as a stranger gets it over HTTP."""
    base = f"/log/{world.poll.slug}"
    names = ["keys", "checkpoint", "closing"]
    keys = client.get(f"{base}/keys").get_json()
    names += [f"closings/{number}" for number in range(keys["closings"])]
    size = int(client.get(f"{base}/checkpoint").get_data(as_text=True).splitlines()[1])
    for level in range(2):
        count = size >> 8 * level
        names += [f"tile/{level}/{n:03d}" for n in range(count // 256)]
        names += [f"tile/{level}/{count // 256:03d}.p/{count % 256}"] if count % 256 else []
    names += [f"tile/entries/{n:03d}" for n in range(size // 256)]
    names += [f"tile/entries/{size // 256:03d}.p/{size % 256}"] if size % 256 else []
    for name in names:
        answer = client.get(f"{base}/{name}")
        assert answer.status_code == 200, name
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(answer.get_data())
    session().commit()


@both_databases
def test_a_correction_continues_the_log_and_both_results_hold(
    app: APIFlask, a_poll: PollMaker, make: Make, client: FlaskClient, tmp_path: Path, run: Callable[..., Ran]
) -> None:
    world, hand, keeper = over(app, a_poll, 300)
    before = totals(world)
    save(client, world, tmp_path / "old")
    first = run("tally", "--log", tmp_path / "old")
    assert (first.status, first.told["closings"]) == (0, 1)
    council = Council(make, world)
    council.decide(range(0, 300, 7), reason="查实刷票")
    settle(hand)
    assert not closing.settled(session(), [world.id])  # the result waits for its new closing note
    session().commit()
    save(client, world, tmp_path / "between")  # what is public stays whole meanwhile
    assert run("tally", "--log", tmp_path / "between").status == 0
    due(keeper)
    assert closing.settled(session(), [world.id])
    session().commit()
    save(client, world, tmp_path / "new")
    grown = run("consistency", tmp_path / "old" / "checkpoint", "--log", tmp_path / "new")
    assert (grown.status, grown.told["old"], grown.told["size"]) == (0, 300, 301)
    second = run("tally", "--log", tmp_path / "new", "--note", tmp_path / "old" / "closing")
    assert (second.status, second.told["closings"], second.told["void"]) == (0, 2, 43)
    assert {int(c): v for c, v in second.told["votes"].items() if v} == totals(world) != before
    assert "corrected 1 times" in second.said
    page = client.get(f"/events/{world.event.slug}/polls/{world.poll.slug}/standings").get_data(as_text=True)
    session().commit()
    assert "This result was corrected on" in page
    council.decide(range(0, 7), "restore", "误判")
    settle(hand)
    due(keeper)
    save(client, world, tmp_path / "third")
    third = run("tally", "--log", tmp_path / "third", "--note", tmp_path / "new" / "closing")
    assert (third.status, third.told["closings"], third.told["void"]) == (0, 3, 42)


def test_a_closing_note_that_was_dropped_or_swapped_is_found(
    app: APIFlask, a_poll: PollMaker, make: Make, client: FlaskClient, tmp_path: Path, run: Callable[..., Ran]
) -> None:
    world, hand, keeper = over(app, a_poll, 60)
    save(client, world, tmp_path / "old")
    Council(make, world).decide(range(9))
    settle(hand)
    due(keeper)
    save(client, world, tmp_path / "new")
    first, last = tmp_path / "new/closings/0", tmp_path / "new/closing"
    one, two = first.read_bytes(), last.read_bytes()
    keys = (tmp_path / "new/keys").read_text()
    (tmp_path / "new/keys").write_text(keys.replace('"closings":2', '"closings":1'))
    assert "one is missing" in run("tally", "--log", tmp_path / "new").said
    (tmp_path / "new/keys").write_text(keys)
    last.write_bytes(one)
    assert run("tally", "--log", tmp_path / "new").status == 1
    last.write_bytes(two)
    first.write_bytes(two)
    assert run("tally", "--log", tmp_path / "new").status == 1
    first.write_bytes(one)
    assert run("tally", "--log", tmp_path / "new").status == 0


def test_a_close_waits_for_what_is_confirmed_and_not_recorded(app: APIFlask, a_poll: PollMaker, make: Make) -> None:
    world = a_poll(opens_at=a_poll.now - timedelta(hours=2), closes_at=a_poll.now - timedelta(hours=1))
    hand = at_work(app)
    record(world, hand, 30)
    Council(make, world).decide(range(3))
    keeper = keeper_of(hand)
    keep(keeper)
    assert not closing.settled(session(), [world.id])
    session().commit()
    settle(hand)
    due(keeper)
    assert closing.settled(session(), [world.id])
    assert session().scalar(sa.select(sa.func.count()).select_from(ClosingNote)) == 1
    session().commit()


def test_a_mark_that_was_edited_blocks_the_correction(app: APIFlask, a_poll: PollMaker, make: Make) -> None:
    world, hand, keeper = over(app, a_poll, 40)
    Council(make, world).decide(range(5))
    settle(hand)
    with db.engine.begin() as connection:
        connection.execute(sa.delete(VoidedVote).where(VoidedVote.leaf == 2))
    due(keeper)
    assert not closing.settled(session(), [world.id])
    trouble = session().scalar(sa.select(PollLog.trouble).where(PollLog.poll_id == world.id))
    session().commit()
    assert trouble


@pytest.mark.parametrize("change", ["wider", "narrower", "kind", "reason"])
def test_an_amendment_that_was_edited_blocks_the_correction(
    change: str, app: APIFlask, a_poll: PollMaker, make: Make
) -> None:
    world, hand, keeper = over(app, a_poll, 40)
    Council(make, world).decide([*range(5), 9])
    settle(hand)
    keeper.step()  # hashed
    edits = {"wider": (b"[9,9]", b"[9,10]"), "narrower": (b"[9,9]", b"[9,9]".replace(b"9,9", b"8,8")),
             "kind": (b'"void"', b'"restore"'), "reason": (b"\\u5237", b"\\u5238")}  # fmt: skip
    with db.engine.begin() as connection:
        data = bytes(connection.execute(sa.select(Amendment.data)).scalar_one())
        assert edits[change][0] in data
        connection.execute(sa.update(Amendment).values(data=data.replace(*edits[change])))
    due(keeper)
    assert not closing.settled(session(), [world.id])
    session().commit()
