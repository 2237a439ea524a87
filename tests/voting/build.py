"""Polls as organisers make them, and voters as browsers are."""

import itertools
import secrets as random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask import current_app
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from concours.base.db import session, set_reading
from concours.entries.models import Entry, EntryStatus
from concours.events.models import Event
from concours.identity.models import Account
from concours.voting import candidates, polls, secrets, sequencer, tally, voters
from concours.voting.booth import booth
from concours.voting.ladder import cards, codes
from concours.voting.ladder.models import CodeBatch
from concours.voting.ladder.ways import Way, only
from concours.voting.log.keeper import Keeper
from concours.voting.models import Candidate, Poll
from concours.voting.rules import Rules
from concours.voting.sequencer import Sequencer
from tests.access import World
from tests.factories import Make

_numbers = itertools.count(1)
FREE = Rules(per_day=0, per_candidate_day=0, total=0, new_devices_per_minute=0)


@dataclass
class PollWorld:
    """A poll with the numbers of its candidates."""

    event: Event
    poll: Poll
    candidates: list[int]

    @property
    def id(self) -> int:
        """The poll's number."""
        return self.poll.id


class PollMaker:
    """Builds polls over teams (or works), through the organiser's own verbs."""

    def __init__(self, app: APIFlask, make: Make, now: datetime) -> None:
        self.app, self.make, self.now = app, make, now

    def works(self, event: Event, count: int) -> list[Entry]:
        """Accepted works."""
        category = self.make.category(event)
        author = self.make.account()
        made = [
            Entry(
                event_id=event.id,
                category_id=category.id,
                author_id=author.id,
                number=1000 + next(_numbers),
                title=f"作品{n}",
                authors="王羲之",
                status=EntryStatus.ACCEPTED,
                created_at=self.now,
                changed_at=self.now,
                submitted_at=self.now,
            )
            for n in range(1, count + 1)
        ]
        session().add_all(made)
        session().commit()
        return made

    def __call__(
        self,
        *,
        count: int = 3,
        kind: str = "teams",
        event: Event | None = None,
        publish: bool = True,
        who: str = "device",
        ways: dict[str, Way] | None = None,
        challenge: str = "never",
        opens_at: datetime | None = None,
        closes_at: datetime | None = None,
        zone: str = "Asia/Shanghai",
        title: str = "网络人气奖",
        **rules: Any,
    ) -> PollWorld:
        """A poll open from an hour ago to a day from now; rules as named, others without limit."""
        set_reading(False)  # after a GET of the test, whose context is this one
        event = event or self.make.event(zone=zone)
        actor = self.make.account()
        draft = polls.Draft(
            title=title,
            introduction="",
            ways=ways or only(who),
            challenge=challenge,
            opens_at=opens_at or self.now - timedelta(hours=1),
            closes_at=closes_at or self.now + timedelta(days=1),
            rules=Rules(**{**FREE.kept(), **rules}),
        )
        secret = self.app.config["POLL_KEY_SECRET"]
        poll = polls.create(event, draft, actor=actor, now=self.now, poll_key_secret=secret)
        if kind == "teams":
            department = self.make.department()
            for _ in range(count):
                self.make.team(event, department)
            candidates.add(poll, event, "teams", actor=actor, now=self.now)
        else:
            self.works(event, count)
            candidates.add(poll, event, "accepted", actor=actor, now=self.now)
        if publish:
            polls.publish(poll, event, actor=actor, now=min(self.now, draft.closes_at - timedelta(seconds=1)))
        session().commit()
        found = session().scalars(sa.select(Candidate.id).where(Candidate.poll_id == poll.id).order_by(Candidate.id))
        world = PollWorld(event, poll, list(found))
        session().commit()  # an open transaction would hold SQLite's write lock
        if publish and sequencer.heartbeat(booth().client) is not None:
            until_loaded(world)
        return world


def until_loaded(world: PollWorld, within_s: float = 5.0) -> None:
    """Waits until the sequencer at work has loaded the poll."""
    until = time.monotonic() + within_s
    while tally.loaded(booth().client, [world.id])[world.id].applied is None:
        assert time.monotonic() < until, "the sequencer did not load the poll"
        time.sleep(0.01)


def nonce() -> str:
    """16 random bytes in hexadecimal."""
    return random.token_hex(16)


def weighing(world: PollWorld, client: FlaskClient, weight: int) -> "Voter":
    """A voter whose votes count `weight` times."""
    voter = Voter(client, world.id)
    facts, signers = booth().facts(world.id), booth().voter_keys
    known = voters.voter_of(voter.token, booth().facts(world.id), signers, time.time())
    voter.token = voters.token_of(facts, voters.Voter(known.id, weight), signers, int(time.time()))
    return voter


class Voter:
    """A browser that votes by the API."""

    def __init__(self, client: FlaskClient, poll_id: int) -> None:
        self.client, self.poll_id = client, poll_id
        answer = client.post(f"/api/v1/polls/{poll_id}/voters")
        assert answer.status_code == 201, answer.get_data(as_text=True)
        self.token: str = answer.get_json()["voter"]
        session().rollback()  # the test's context is the request's as well: nothing else ends its transaction

    @property
    def headers(self) -> dict[str, str]:
        """What shows who votes."""
        return {"Authorization": f"Voter {self.token}"}

    def vote(self, candidate: int, with_nonce: str | None = None, **more: Any) -> TestResponse:
        """Votes; the answer as it comes."""
        return self.client.post(
            f"/api/v1/polls/{self.poll_id}/votes",
            json={"candidate": candidate, "nonce": with_nonce or nonce()},
            headers=self.headers,
            **more,
        )


def at_work(app: APIFlask) -> Sequencer:
    """A sequencer that works when it is told to: `.tend()`, `.step()`."""
    found = Sequencer.of(app)
    assert found.hold()
    found.tend()
    return found


@contextmanager
def sequencing(app: APIFlask) -> Iterator[threading.Thread]:
    """A sequencer at work in a thread, until the block ends. It looks for new polls, and whether it shall stop, ten
    times as often as on a server: hundreds of tests would wait for that and nothing else. A vote's way is the same."""
    with pytest.MonkeyPatch.context() as often:
        often.setattr(sequencer, "TEND_S", sequencer.TEND_S / 10)
        often.setattr(sequencer, "BLOCK_MS", sequencer.BLOCK_MS // 10)
        stop = threading.Event()
        thread = threading.Thread(target=sequencer.run, args=(app, stop), daemon=True)
        thread.start()
        until = time.monotonic() + 10
        while sequencer.heartbeat(booth().client) is None and time.monotonic() < until:
            time.sleep(0.01)
        try:
            yield thread
        finally:
            stop.set()
            thread.join(10)
        assert not thread.is_alive()


def a_batch(world: PollWorld, count: int = 3, **values: Any) -> CodeBatch:
    """A batch of codes of the poll that can be printed."""
    app = cast(APIFlask, current_app._get_current_object())  # type: ignore[attr-defined]
    set_reading(False)
    now = datetime.now(UTC)
    key = secrets.unwrap_key(app.config["POLL_KEY_SECRET"], world.poll.slug, world.poll.wrapped_key)
    actor = session().scalars(sa.select(Account).limit(1)).one()
    draft = codes.BatchDraft(**{"name": "退休职工", "count": count, **values})
    batch, seed = codes.make_batch(world.poll, draft, key=key, actor=actor, now=now)
    session().commit()
    cards.keep(booth().client, world.poll, batch, seed, app.config["POLL_KEY_SECRET"])
    return batch


def codes_in(world: PollWorld, batch: CodeBatch) -> list[str]:
    """The codes of a batch, as its cards have them."""
    seed = cards.seed_of(booth().client, world.poll, batch, current_app.config["POLL_KEY_SECRET"])
    assert seed is not None
    return list(codes.codes_of(seed, batch.count))


def poll_in(world: World, *, publish: bool = True, keep: bool = False, ways: dict[str, Way] | None = None) -> PollWorld:
    """A poll of the authorisation table's event, over its teams, loaded in Redis; with `keep` its log has begun."""
    app = cast(APIFlask, current_app._get_current_object())  # type: ignore[attr-defined]
    made = PollMaker(app, world.make, world.make.now)(event=world.event, publish=publish, ways=ways)
    hand = at_work(app)
    if keep:
        Keeper(hand.engine, hand.client, app.config["POLL_KEY_SECRET"], lambda: hand.fence).step()
    hand.release()
    return made
