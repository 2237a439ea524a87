"""A poll is closed when nothing can come any more and everything agrees; a difference blocks it and names its place."""

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import db, session
from concours.base.errors import Invalid
from concours.identity.models import Account, Role
from concours.voting import keys, polls
from concours.voting.booth import booth
from concours.voting.ladder.ways import only
from concours.voting.log import closing
from concours.voting.log.keeper import Keeper
from concours.voting.models import PollLog, Tally, Vote
from concours.voting.pages.poll_form import typed_of
from concours.voting.reconciliation import reconcile
from concours.voting.rules import Rules
from concours.voting.sequencer import Sequencer
from tests.conftest import both_databases
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, Voter, at_work, sequencing
from tests.voting.logs import keep, keeper_of, record

ClientAs = Callable[[Account], FlaskClient]


def log_of(world: PollWorld) -> PollLog:
    found = session().scalars(
        sa.select(PollLog).where(PollLog.poll_id == world.id).execution_options(populate_existing=True)
    )
    log = found.one()
    session().commit()
    return log


def over(app: APIFlask, a_poll: PollMaker, count: int = 40) -> tuple[PollWorld, Sequencer, Keeper]:
    """A poll with votes whose time is over, by Redis' clock as well."""
    world = a_poll(closes_at=a_poll.now + timedelta(seconds=1))
    hand = at_work(app)
    record(world, hand, count)
    seconds = (world.poll.closes_at - datetime.now().astimezone()).total_seconds()
    session().commit()
    time.sleep(max(0.0, seconds) + closing.GRACE_MS / 1000 + 0.1)
    return world, hand, keeper_of(hand)


@both_databases
def test_what_agrees_is_closed_once(app: APIFlask, a_poll: PollMaker) -> None:
    world, _, keeper = over(app, a_poll)
    keep(keeper)
    log = log_of(world)
    assert log.closed_at is not None
    assert (log.size, log.published, log.trouble) == (40, 40, [])
    keep(keeper)
    assert log_of(world).closing == log.closing
    assert closing.settled(session(), [world.id]) == {world.id}


@both_databases
def test_a_difference_blocks_the_close_and_names_the_candidate(app: APIFlask, a_poll: PollMaker) -> None:
    world, hand, keeper = over(app, a_poll)
    hurt = world.candidates[1]
    booth().client.hincrby(keys.counts(world.id), str(hurt), 1)
    keep(keeper)
    log = log_of(world)
    assert (log.closed_at, log.closing) == (None, "")
    assert [line["candidate"] for line in log.trouble] == [hurt]
    assert log.trouble[0]["redis"] == log.trouble[0]["ledger"] + 1
    booth().client.hincrby(keys.counts(world.id), str(hurt), -1)
    keep(keeper)
    assert log_of(world).closed_at is None  # not at once again
    with db.engine.begin() as connection:
        connection.execute(sa.update(PollLog).values(checked_at=a_poll.now - timedelta(minutes=1)))
    keep(keeper)
    assert log_of(world).closed_at is not None
    assert hand.fence is not None


def test_a_tally_that_was_edited_blocks_the_close(app: APIFlask, a_poll: PollMaker) -> None:
    world, _, keeper = over(app, a_poll)
    with db.engine.begin() as connection:
        connection.execute(sa.update(Tally).where(Tally.candidate_id == world.candidates[1]).values(votes=9_000))
    keep(keeper)
    assert [line["candidate"] for line in log_of(world).trouble] == [world.candidates[1]]


def test_a_vote_that_was_edited_after_it_was_hashed_blocks_the_close(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll(closes_at=a_poll.now + timedelta(seconds=2))
    hand = at_work(app)
    record(world, hand, 300)
    keeper = keeper_of(hand)
    keep(keeper)
    with db.engine.begin() as connection:  # two votes change hands: every sum stays as it was
        rows = connection.execute(sa.select(Vote.leaf, Vote.candidate_id).where(Vote.poll_id == world.id)).all()
        one = next(r for r in rows if r.candidate_id == world.candidates[0])
        two = next(r for r in rows if r.candidate_id == world.candidates[1])
        for row, other in ((one, two), (two, one)):
            connection.execute(sa.update(Vote).where(Vote.leaf == row.leaf).values(candidate_id=other.candidate_id))
    until = time.monotonic() + 15
    while not log_of(world).trouble and time.monotonic() < until:
        time.sleep(0.2)
        keep(keeper)
    assert log_of(world).trouble == [{"leaf": leaf} for leaf in sorted((one.leaf, two.leaf))]
    assert log_of(world).closed_at is None


def test_nothing_is_closed_while_a_vote_waits_or_redis_has_other_times(app: APIFlask, a_poll: PollMaker) -> None:
    world, hand, keeper = over(app, a_poll)
    entry = {"t": b"t" * 32, "n": b"n" * 16, "c": world.candidates[0], "d": 738_000, "s": 1, "r": 1, "o": 1}
    booth().client.xadd(keys.journal(world.id), entry)  # type: ignore[arg-type]
    keep(keeper)
    assert log_of(world).closed_at is None
    booth().client.delete(keys.journal(world.id))
    booth().client.hincrby(keys.state(world.id), "closes", 60_000)
    keep(keeper)
    assert log_of(world).closed_at is None
    booth().client.hincrby(keys.state(world.id), "closes", -60_000)
    keep(keeper)
    assert log_of(world).closed_at is not None
    assert hand.fence is not None


def test_a_closed_poll_is_not_opened_again(app: APIFlask, a_poll: PollMaker, make: Make, now: datetime) -> None:
    world, _, keeper = over(app, a_poll)
    keep(keeper)
    draft = polls.Draft(
        title="另一个名字",
        introduction="",
        ways=only(world.poll.who),
        opens_at=world.poll.opens_at,
        closes_at=now + timedelta(days=2),
        rules=Rules.read(world.poll.rules),
    )
    actor = make.account()
    with pytest.raises(Invalid) as refused:
        polls.edit(world.poll, draft, version=world.poll.version, actor=actor, now=now)
    assert [problem.field for problem in refused.value.problems] == ["closes_at"]
    same = polls.Draft(**{**draft.__dict__, "closes_at": world.poll.closes_at})
    polls.edit(world.poll, same, version=world.poll.version, actor=actor, now=now)
    assert typed_of(world.poll)["title"] == "另一个名字"


def told(page: str) -> str:
    """What a page says in its main part, without its times of day: a figure looked for must not be found in those."""
    main = page.split("<main")[1].split("</main>", maxsplit=1)[0]
    return re.sub(r"<time.*?</time>|<[^>]*>", "", main, flags=re.DOTALL)


ALL_VOTES = re.compile(r"(?<![\w:./-])40(?![\w:./-])")  # a number of its own, no part of a time or a name


def test_results_wait_for_the_close(app: APIFlask, a_poll: PollMaker, make: Make, client_as: ClientAs) -> None:
    world, _, keeper = over(app, a_poll)
    organiser = client_as(make.with_role(world.event, Role.ORGANISER))
    session().commit()
    results, standings = (
        f"/events/{world.event.slug}/results",
        f"/events/{world.event.slug}/polls/{world.poll.slug}/standings",
    )
    for address in (results, standings):
        page = organiser.get(address).get_data(as_text=True)
        session().commit()
        assert "The votes are being reconciled" in page, address
        assert not ALL_VOTES.search(told(page)), address
    keep(keeper)
    for address in (results, standings):
        page = organiser.get(address).get_data(as_text=True)
        session().commit()
        assert "The votes are being reconciled" not in page, address
        assert ALL_VOTES.search(told(page)), address
    assert "This is the final result" in organiser.get(standings).get_data(as_text=True)


@both_databases
def test_no_vote_is_recorded_behind_the_close_whatever_redis_believes(
    app: APIFlask, a_poll: PollMaker, a_voter: Callable[[PollWorld], Voter]
) -> None:
    """Redis lost its last second, or its clock was set back, and takes the poll for open: SQL knows that it is over."""
    world, hand, keeper = over(app, a_poll)
    number, first = world.id, world.candidates[0]
    keep(keeper)
    session().commit()
    voter = a_voter(world)
    session().commit()
    booth().client.hset(keys.state(number), "closes", int(time.time() * 1000) + 60_000)
    booth().patience_s = 0.1
    answer = voter.vote(first)
    assert answer.status_code == 202  # all that Redis can say
    receipt = answer.get_json()["receipt"]["id"]
    hand.step()
    session().rollback()
    assert closing.settled(session(), [number]) == {number}
    assert session().scalar(sa.select(sa.func.count(Vote.leaf)).where(Vote.poll_id == number)) == 40
    session().commit()
    told = voter.client.get(f"/api/v1/polls/{number}/receipts/{receipt}").get_json()
    session().commit()
    assert (told["status"], told["reason"]) == ("refused", "poll_closed")
    assert reconcile(booth(), number).difference == 0
    booth().patience_s = 20
    with sequencing(app):
        late = voter.vote(first)
    assert (late.status_code, late.get_json()["code"]) == (403, "poll_closed")
    assert "1970" not in late.get_json()["detail"]
