"""Logs of polls, with as many votes as a test wants: recorded by the ledger's own functions, kept by the keeper."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime

from apiflask import APIFlask
from flask import current_app

from concours.base.db import db, session
from concours.voting import ledger, secrets
from concours.voting.journal import Entry
from concours.voting.log.keeper import Keeper
from concours.voting.receipts import leaf_of
from concours.voting.sequencer import Sequencer
from tests.voting.build import PollWorld

DAY = date(2021, 7, 8)
OPENED = datetime(2021, 7, 7, 16, 30, tzinfo=UTC)  # that day in China: polls over these votes were open then
BATCH = 500


def entries(candidates: Sequence[int], first: int, count: int, *, behind: int = 0) -> list[Entry]:
    """Votes as they stand in a journal behind that moment (ms), each of a voter of its own; the same numbers give the
    same votes."""
    found = []
    for number in range(first, first + count):
        tag = hashlib.sha256(b"voter %d" % number).digest()
        nonce = hashlib.sha256(b"nonce %d" % number).digest()[:16]
        commitment = secrets.commitment_of(tag, nonce)
        candidate = candidates[number * number % len(candidates)]
        found.append(Entry(f"{behind + number - first + 1}-0", tag, nonce, commitment, candidate, DAY, 1, 1, 1))
    return found


def record(world: PollWorld, hand: Sequencer, count: int) -> list[bytes]:
    """Records so many more votes in the ledger and brings Redis up to them; the leaves' bytes."""
    assert hand.fence is not None
    leaves = []
    while count:
        with db.engine.begin() as connection:
            reached = ledger.progress(connection, world.id)
            behind = int(reached.journal_id.split("-")[0])
            batch = entries(world.candidates, reached.next_leaf, min(BATCH, count), behind=behind)
            ledger.record(
                connection, world.id, batch, after=reached.journal_id, fence=hand.fence, now=datetime.now(UTC)
            )
        leaves += [leaf_of(world.id, e.candidate, e.day, e.commitment, e.weight) for e in batch]
        count -= len(batch)
    hand.forget()
    hand.tend()
    return leaves


def keeper_of(hand: Sequencer) -> Keeper:
    """The keeper that works when it is told to: `.step()`."""
    app: APIFlask = current_app._get_current_object()  # type: ignore[attr-defined]
    session().commit()  # the test's transaction would hold SQLite's write lock
    return Keeper(hand.engine, hand.client, app.config["POLL_KEY_SECRET"], lambda: hand.fence)


def keep(keeper: Keeper) -> None:
    """Steps until the tiles have all votes."""
    while keeper.step():
        pass
