"""What the public sees of the counts: live, later, or after the close; on every page, and for every program."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

import pytest
import sqlalchemy as sa
import time_machine
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import db, session
from concours.identity.models import Account, Role
from concours.voting import keys, snapshots
from concours.voting.booth import booth
from concours.voting.log import closing
from concours.voting.log.keeper import Keeper
from concours.voting.models import StandingsSnapshot
from tests.conftest import both_databases
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, at_work
from tests.voting.logs import keep, keeper_of, record

ClientAs = Callable[[Account], FlaskClient]
VOTES = 311
_snapshot = cast(sa.Table, StandingsSnapshot.__table__)


def public_ways(world: PollWorld) -> dict[str, str]:
    """Every address at which the public finds (or does not find) counts."""
    event, slug, first = world.event.slug, world.poll.slug, world.candidates[0]
    return {
        "standings": f"/events/{event}/polls/{slug}/standings",
        "gallery": f"/events/{event}/polls/{slug}",
        "candidate": f"/events/{event}/polls/{slug}/candidates/{first}",
        "results": f"/events/{event}/results",
        "api": f"/api/v1/polls/{world.id}/standings",
        "decisions": f"/events/{event}/polls/{slug}/decisions",
    }


def counts_of(world: PollWorld) -> list[int]:
    """The real counts, which are all different from one another and from numbers that a page may have by chance."""
    found = booth().standings(world.id).votes
    return sorted(found.values())


def recorded(world: PollWorld, app: APIFlask, count: int = VOTES) -> list[int]:
    hand = at_work(app)
    record(world, hand, count)
    hand.release()
    booth().client.delete(keys.HEARTBEAT)  # no sequencer is at work now
    return counts_of(world)


def says(client: FlaskClient, address: str, counts: list[int]) -> bool:
    text = client.get(address, headers={"Accept-Language": "en"}).get_data(as_text=True)
    session().rollback()
    return any(f">{count}<" in text or f": {count}}}" in text or f"{count} votes" in text for count in counts if count)


@pytest.mark.parametrize("how", ["hidden", "delayed"])
def test_nobody_outside_sees_a_count_too_early(app: APIFlask, a_poll: PollMaker, client: FlaskClient, how: str) -> None:
    live = a_poll()
    counts = recorded(live, app)
    told = {name for name, address in public_ways(live).items() if says(client, address, counts)}
    assert told >= {"standings", "candidate", "api"}  # where a live poll shows them: the test can fail
    world = a_poll(event=live.event, shown=how, delay_minutes=5)
    counts = recorded(world, app)
    for name, address in public_ways(world).items():
        if name != "results":  # has the live poll's as well
            assert not says(client, address, counts), name
    gallery = client.get(public_ways(world)["gallery"]).get_data(as_text=True)
    session().rollback()
    assert ("data-vote-votes" in gallery) == (how == "delayed")


def test_the_results_page_waits_for_polls_that_do_not_show_live(
    app: APIFlask, a_poll: PollMaker, client: FlaskClient
) -> None:
    world = a_poll(shown="hidden")
    counts = recorded(world, app)
    assert not says(client, public_ways(world)["results"], [*counts, VOTES])


def test_programs_are_told_why(app: APIFlask, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(shown="hidden")
    recorded(world, app)
    refused = client.get(public_ways(world)["api"])
    session().rollback()
    assert (refused.status_code, refused.get_json()["code"]) == (403, "standings_hidden")
    assert "ETag" not in refused.headers


def test_the_desk_sees_live_counts_and_is_told_that_the_public_does_not(
    app: APIFlask, a_poll: PollMaker, make: Make, client_as: ClientAs
) -> None:
    world = a_poll(shown="hidden")
    counts = recorded(world, app)
    for role in (Role.ORGANISER, Role.AUDITOR):
        account = make.account()
        make.grant(account, world.event, role)
        session().commit()
        desk = f"/events/{world.event.slug}/voting/{world.id}"
        page = client_as(account).get(desk, headers={"Accept-Language": "en"})
        text = page.get_data(as_text=True)
        session().rollback()
        assert "The public does not see these counts" in text
        assert all(f">{count}<" in text for count in counts)


@both_databases
def test_a_delay_shows_what_was_there_that_long_ago(
    app: APIFlask, a_poll: PollMaker, client: FlaskClient, now: datetime
) -> None:
    world = a_poll(shown="delayed", delay_minutes=5, closes_at=now + timedelta(hours=3))
    api = public_ways(world)["api"]
    hand = at_work(app)

    def shift(by: timedelta) -> None:
        with db.engine.begin() as connection:
            for (taken,) in connection.execute(sa.select(_snapshot.c.taken_at)).all():
                moved = sa.update(_snapshot).where(_snapshot.c.taken_at == taken)
                connection.execute(moved.values(taken_at=taken + by))

    def shown_at(moment: datetime, skew: timedelta = timedelta(0)) -> int:
        real = datetime.now().astimezone()
        shift(real - moment)  # as if Redis' clock, which nobody can set here, said that moment
        with time_machine.travel(real + skew, tick=False):
            answer = client.get(api)
            session().rollback()
        shift(moment - real)
        assert answer.status_code == 200
        return sum(row["votes"] for row in answer.get_json())

    started = datetime.now().astimezone() - timedelta(days=1)
    for minute, more in enumerate((100, 50, 0, 7)):
        if more:
            record(world, hand, more)
        with db.engine.begin() as connection:
            snapshots.take(connection, world.id, timedelta(minutes=5), started + timedelta(minutes=minute))
    found = {minute: shown_at(started + timedelta(minutes=minute, seconds=1)) for minute in (0, 4, 5, 6, 7, 8, 30)}
    assert found == {0: 0, 4: 0, 5: 100, 6: 150, 7: 150, 8: 157, 30: 157}
    for skew in (timedelta(hours=1), timedelta(hours=-1)):  # a web server's clock that is off shows nothing else
        assert shown_at(started + timedelta(minutes=6, seconds=1), skew) == 150
    booth().client.flushall()  # nothing of it is in Redis alone
    booth().past.clear()
    assert shown_at(started + timedelta(minutes=6, seconds=1)) == 150
    with db.engine.begin() as connection:  # what is no longer needed is forgotten, what is shown is not
        snapshots.take(connection, world.id, timedelta(minutes=5), started + timedelta(minutes=6, seconds=1))
        found_now = snapshots.as_of(connection, world.id, started + timedelta(minutes=1, seconds=1))
    assert sum(found_now.votes.values()) == 150
    hand.release()


def test_the_sequencer_keeps_the_standings_of_delayed_polls(app: APIFlask, a_poll: PollMaker) -> None:
    world, other = a_poll(shown="delayed"), a_poll()
    hand = at_work(app)
    record(world, hand, 12)
    record(other, hand, 12)
    hand._kept_minute = 0
    hand.forget()
    hand.tend()
    with db.engine.connect() as connection:
        later = datetime.now().astimezone() + timedelta(seconds=1)
        assert sum(snapshots.as_of(connection, world.id, later).votes.values()) == 12
        assert snapshots.as_of(connection, other.id, later).votes == {}
    hand.release()


@pytest.mark.parametrize("how", ["live", "delayed", "hidden"])
def test_a_close_that_a_difference_blocks_shows_nothing_to_anybody(
    app: APIFlask, a_poll: PollMaker, client: FlaskClient, how: str
) -> None:
    world = a_poll(shown=how, closes_at=a_poll.now + timedelta(seconds=1))
    hand = at_work(app)
    record(world, hand, VOTES)
    counts = counts_of(world)
    keeper: Keeper = keeper_of(hand)
    booth().client.hincrby(keys.counts(world.id), str(world.candidates[0]), 1)
    with time_machine.travel(datetime.now().astimezone() + timedelta(seconds=5), tick=True):
        refused = client.get(public_ways(world)["api"])
        session().rollback()
        assert (refused.status_code, refused.get_json()["code"]) == (403, "standings_waiting")
        for name, address in public_ways(world).items():
            assert not says(client, address, counts), name
    booth().client.hincrby(keys.counts(world.id), str(world.candidates[0]), -1)
    until = time.monotonic() + 15
    while not closing.settled(session(), [world.id]) and time.monotonic() < until:
        session().commit()
        keep(keeper)
    session().commit()
    for name in ("standings", "api", "candidate"):
        assert says(client, public_ways(world)[name], counts), name
    hand.release()


def test_the_final_result_is_what_was_signed_whatever_redis_says_later(
    app: APIFlask, a_poll: PollMaker, client: FlaskClient
) -> None:
    world = a_poll(opens_at=a_poll.now - timedelta(hours=2), closes_at=a_poll.now - timedelta(hours=1))
    number, first = world.id, world.candidates[0]
    address = f"/events/{world.event.slug}/polls/{world.poll.slug}/standings"
    hand = at_work(app)
    record(world, hand, VOTES)
    keep(keeper_of(hand))
    signed = {row["candidate"]: row["votes"] for row in client.get(f"/api/v1/polls/{number}/standings").get_json()}
    session().commit()
    assert sum(signed.values()) == VOTES
    booth().client.hincrby(keys.counts(number), str(first), 5_000)
    booth().client.hincrby(keys.state(number), "applied", 1)  # as a change would come about
    booth()._standings.clear()
    booth().past.clear()
    told = client.get(f"/api/v1/polls/{number}/standings", headers={"Cache-Control": "no-cache"}).get_json()
    session().commit()
    assert {row["candidate"]: row["votes"] for row in told} == signed
    booth().client.delete(keys.state(number))
    booth().past.clear()
    page = client.get(address)
    session().commit()
    assert page.status_code == 200
    assert str(max(signed.values())) in page.get_data(as_text=True)
