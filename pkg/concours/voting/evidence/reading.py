"""Reads a poll's ledger into arrays, a part at a time: some 60 bytes a vote."""

import logging
from dataclasses import dataclass
from typing import cast

import numpy as np
import redis
import sqlalchemy as sa
from numpy.typing import NDArray
from redis.exceptions import RedisError

from concours.voting import keys
from concours.voting.amendments import voided
from concours.voting.evidence.solving import UNKNOWN
from concours.voting.evidence.votes import UNKNOWN_NETWORK, Ints, Votes
from concours.voting.models import Vote

AT_ONCE = 20_000  # votes read in one statement
ASKED_AT_ONCE = 2_000  # voters asked of Redis in one go, so that no vote waits for long behind them
LONGEST_MS = 86_400_000
_TAG = np.dtype("V32")
log = logging.getLogger(__name__)

_vote = cast(sa.Table, Vote.__table__)


@dataclass(frozen=True)
class Ledger:
    """A poll's votes as arrays, with what leads back to the ledger: `leaf` of each vote, `candidate_ids` by number,
    `tags` (32 bytes each) by voter."""

    votes: Votes
    leaf: Ints
    candidate_ids: Ints
    size: int
    tags: "NDArray[np.void]"


def read(connection: sa.Connection, poll_id: int) -> Ledger:
    """The poll's votes that count now, in order of time. The time is that of the admission, in ms."""
    columns = (_vote.c.leaf, _vote.c.candidate_id, _vote.c.tag, _vote.c.network, _vote.c.day, _vote.c.journal_id)
    parts: list[tuple[Ints, ...]] = []
    whole: list[NDArray[np.void]] = []
    leaf = 0
    while rows := connection.execute(
        sa.select(*columns)
        .where(_vote.c.poll_id == poll_id, _vote.c.leaf >= leaf)
        .order_by(_vote.c.leaf)
        .limit(AT_ONCE)
    ).all():
        leaf = rows[-1].leaf + 1
        whole.append(np.frombuffer(b"".join([bytes(r.tag) for r in rows]), dtype=_TAG))
        parts.append(
            (
                np.array([r.leaf for r in rows], dtype=np.int64),
                np.array([r.candidate_id for r in rows], dtype=np.int64),
                _short([r.tag for r in rows]),
                _short([r.network or bytes(8) for r in rows]),
                np.array([r.day.toordinal() for r in rows], dtype=np.int64),
                np.array([admitted_ms(r.journal_id) for r in rows], dtype=np.int64),
            )
        )
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Ledger(Votes(none, none, none, none, none), none, none, 0, np.zeros(0, dtype=_TAG))
    leaves, candidate, tag, network, day, at = (np.concatenate(column) for column in zip(*parts, strict=True))
    del parts
    void = voided.void_leaves(connection, poll_id)
    kept = np.flatnonzero(~np.isin(leaves, np.fromiter(void, dtype=np.int64, count=len(void))))
    kept = kept[np.argsort(at[kept], kind="stable")]
    candidate_ids, numbered = np.unique(candidate[kept], return_inverse=True)
    _, first, voter = np.unique(tag[kept], return_index=True, return_inverse=True)
    votes = Votes(
        at=at[kept],
        voter=voter,
        candidate=numbered,
        network=_numbered(network[kept]),
        day=day[kept] - (day.min() if len(day) else 0),
    )
    return Ledger(votes, leaves[kept], candidate_ids, leaf, np.concatenate(whole)[kept[first]])


def solving_times(client: "redis.Redis", poll_id: int, tags: "NDArray[np.void]") -> Ints | None:
    """How long each voter's device took to solve the poll's puzzle, in ms; `solving.UNKNOWN` where Redis does not know.

    None where it knows of nobody, or is away: this evidence is then left out.
    """
    found = np.full(len(tags), UNKNOWN, dtype=np.int64)
    try:
        for begin in range(0, len(tags), ASKED_AT_ONCE):
            pipe = client.pipeline(transaction=False)
            for tag in tags[begin : begin + ASKED_AT_ONCE]:
                pipe.hget(keys.voter(poll_id, tag.tobytes()), "pw")
            for place, said in enumerate(pipe.execute(), begin):
                if said is not None and said.isdigit():
                    found[place] = min(int(said), LONGEST_MS)
    except RedisError as away:
        log.warning("times of puzzles are left out: %r", away)
        return None
    return found if (found != UNKNOWN).any() else None


def admitted_ms(journal_id: str) -> int:
    """When the vote was admitted, in ms since 1970 by Redis' clock: it leads the number of its journal entry."""
    return int(journal_id.partition("-")[0])


def _short(pseudonyms: list[bytes]) -> Ints:
    """The first 8 bytes of each, as numbers: of a million voters two are taken for one with a chance of 3 in 10^8."""
    return np.frombuffer(b"".join([bytes(p[:8]) for p in pseudonyms]), dtype=np.int64).copy()


def _numbered(network: Ints) -> Ints:
    """Networks by number, -1 where the ledger has none."""
    known: NDArray[np.bool_] = network != 0
    found = np.full(len(network), UNKNOWN_NETWORK, dtype=np.int64)
    found[known] = np.unique(network[known], return_inverse=True)[1]
    return found
