"""A poll whose ledger holds honest votes and a farm's, recorded by the product's own ledger."""

from datetime import date, timedelta
from typing import Any

import numpy as np

from concours.base.db import db, session
from concours.voting import ledger, secrets
from concours.voting.evidence import runs
from concours.voting.evidence.models import EvidenceGroup, EvidenceRun
from concours.voting.journal import Entry
from concours.voting.rules import milliseconds
from concours.voting.sequencer import Sequencer
from tests.voting.build import PollWorld

HOUR = 3_600_000
FARM = 120  # votes, 2.4 s apart, from one network


def cast(world: PollWorld, hand: Sequencer, *, farm: int = FARM, farms: int = 1) -> None:
    """300 people who vote on one or two days from everywhere, and `farms` farms for the first candidate."""
    draw = np.random.default_rng(5)
    begins = milliseconds(world.poll.opens_at)
    moments: list[tuple[int, int, int, bytes]] = []  # at, voter, candidate, network
    for voter in range(300):
        at, place = int(draw.uniform(0, 20) * HOUR), b"home%012d" % (voter % 150)
        chosen = draw.permutation(len(world.candidates))[: int(draw.integers(1, 4))]
        moments += [(begins + at + 9_000 * n, voter, int(c), place) for n, c in enumerate(chosen)]
    for number in range(farms):
        start = begins + (8 + number) * HOUR
        jitter = draw.uniform(-100, 100, farm)
        moments += [
            (int(start + 2_400 * n + jitter[n]), 1_000 * (number + 1) + n, 0, b"farm%012d" % number)
            for n in range(farm)
        ]
    moments.sort()
    entries, used = [], dict[int, int]()
    for line, (at, voter, candidate, place) in enumerate(moments):
        used[voter] = used.get(voter, 0) + 1
        tag = secrets.tag_of(b"k" * 32, world.id, b"voter %d" % voter)
        nonce = b"%016d" % line
        entries.append(
            Entry(
                f"{at}-{line}", tag, nonce, secrets.commitment_of(tag, nonce), world.candidates[candidate],
                date(2021, 7, 8), used[voter], 1, used[voter], secrets.network_tag(b"k" * 32, world.id, place.decode()),
            )
        )  # fmt: skip
    with db.engine.begin() as connection:
        ledger.record(
            connection, world.id, entries, after=ledger.progress(connection, world.id).journal_id,
            fence=hand.fence or 0, now=world.poll.opens_at + timedelta(hours=21),
        )  # fmt: skip


def a_group(world: PollWorld, number: int = 1, **more: Any) -> EvidenceGroup:
    """A kept group of three votes, as a run leaves it."""
    run = runs.last_run(world.poll)
    now = world.poll.opens_at
    if run is None:
        run = EvidenceRun(poll_id=world.id, status="done", asked_at=now, finished_at=now, figures={})
        session().add(run)
        session().flush()
    pace = {"step_ms": 60_000, "from_ms": milliseconds(now), "all": [1, 2, 0, 4], "group": [0, 1, 0, 2]}
    found = {"kind": "once", "p": 1e-9, "honest": 0.1, "facts": {"votes": 3, "others": 0, "usual": 0.1}}
    facts = {"findings": [found], "pace": pace, "intervals": [0, 2] + [0] * 13, "places": [[3, 4]]}
    values: dict[str, Any] = {
        "candidate_id": world.candidates[0], "kinds": ",once,", "strong": True, "votes": 3, "voters": 3, "networks": 1,
        "q": 1e-6, "honest": 0.03, "began_at": now, "ended_at": now, "facts": facts, "ranges": [[0, 2]], "note": "",
    }  # fmt: skip
    group = EvidenceGroup(run_id=run.id, number=number, **{**values, **more})
    session().add(group)
    session().commit()
    return group
