"""Records what two people decided: leaves in the ledger, and the tally without (or again with) the votes they cover.

The sequencer alone calls it, under its fence, for nobody else gives out leaves. A decision is recorded in parts of at
most MAX_VOTES votes and MAX_RANGES ranges, each one leaf and one transaction with its share of tally and progress, so
that votes never wait long and a part that was begun is whole or not there. Whoever comes after a crash goes on behind
`Decision.reached`. A vote that is void already is not taken out twice, one that counts is not restored: such a part
changes nothing for that vote, and says so by `changed`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from concours.voting.amendments import leaves
from concours.voting.amendments.models import CONFIRMED, RECORDED, VOID, Amendment, Decision, DecisionVote, VoidedVote
from concours.voting.ledger import LostLease
from concours.voting.models import Poll, PollProgress, Tally, Vote

_decision, _chosen, _amendment, _voided, _poll, _progress, _tally, _vote = (
    cast(sa.Table, model.__table__)
    for model in (Decision, DecisionVote, Amendment, VoidedVote, Poll, PollProgress, Tally, Vote)
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a decision that was recorded as `leaf`: `changes` is what each candidate's votes gained (or lost)."""

    poll_id: int
    leaf: int
    changes: dict[int, int]
    finished: bool


def waiting(connection: sa.Connection) -> list[tuple[int, int]]:
    """The confirmed decisions that are not wholly recorded, as (poll, decision), the oldest confirmation first."""
    rows = connection.execute(
        sa.select(_decision.c.poll_id, _decision.c.id)
        .join(_poll, _poll.c.id == _decision.c.poll_id)
        .where(_decision.c.status == CONFIRMED, _poll.c.published.is_(True))
        .order_by(_decision.c.decided_at, _decision.c.id)
    )
    return [(row.poll_id, row.id) for row in rows]


def waits_in(connection: sa.Connection, poll_id: int) -> bool:
    """Whether the poll has a confirmed decision that is not wholly recorded."""
    query = sa.select(_decision.c.id).where(_decision.c.poll_id == poll_id, _decision.c.status == CONFIRMED).limit(1)
    return connection.execute(query).first() is not None


def record_part(connection: sa.Connection, poll_id: int, decision_id: int, *, fence: int, now: datetime) -> Part | None:
    """Records the next part of the decision in the running transaction; None where nothing of it waits.

    Raises LostLease, having written nothing.
    """
    progress = connection.execute(sa.select(_progress).where(_progress.c.poll_id == poll_id).with_for_update()).one()
    if progress.fence > fence:
        raise LostLease
    row = connection.execute(
        sa.select(_decision).where(_decision.c.id == decision_id, _decision.c.poll_id == poll_id)
    ).one()
    if row.status != CONFIRMED:
        return None
    mine = sa.and_(_chosen.c.decision_id == decision_id, _chosen.c.leaf > row.reached)
    numbers = connection.execute(
        sa.select(_chosen.c.leaf).where(mine).order_by(_chosen.c.leaf).limit(leaves.MAX_VOTES + 1)
    ).scalars()
    waiting = list(numbers)
    ranges = leaves.ranges_of(waiting[: leaves.MAX_VOTES])[: leaves.MAX_RANGES]
    last = ranges[-1][1]
    covered = sum(end - begin + 1 for begin, end in ranges)
    leaf = int(progress.next_leaf)
    connection.execute(
        sa.insert(_amendment).values(
            poll_id=poll_id,
            leaf=leaf,
            decision_id=decision_id,
            data=leaves.leaf_of(poll_id, row.kind, row.reason, ranges),
            votes=covered,
            recorded_at=now,
        )
    )
    changed, changes = _change(connection, row, last)
    finished = covered == len(waiting)
    connection.execute(
        sa.update(_decision)
        .where(_decision.c.id == decision_id)
        .values(
            reached=last,
            changed=_decision.c.changed + changed,
            standings=_told(connection, row, changes),
            status=RECORDED if finished else CONFIRMED,
            recorded_at=now if finished else None,
        )
    )
    for candidate, votes in changes.items():
        connection.execute(
            sa.update(_tally)
            .where(_tally.c.poll_id == poll_id, _tally.c.candidate_id == candidate)
            .values(votes=_tally.c.votes + votes, voided=_tally.c.voided - votes)
        )
    connection.execute(
        sa.update(_progress)
        .where(_progress.c.poll_id == poll_id)
        .values(
            next_leaf=leaf + 1,
            amendments=_progress.c.amendments + 1,
            voided=_progress.c.voided + (changed if row.kind == VOID else -changed),
            fence=fence,
            changed_at=now,
        )
    )
    return Part(poll_id, leaf, changes, finished)


def _change(connection: sa.Connection, row: sa.Row[Any], last: int) -> tuple[int, dict[int, int]]:
    """Marks the part's votes as void, or no longer: how many change, and each candidate's votes by weight."""
    void = row.kind == VOID
    mine = sa.and_(_chosen.c.decision_id == row.id, _chosen.c.leaf > row.reached, _chosen.c.leaf <= last)
    marked = sa.exists().where(_voided.c.poll_id == row.poll_id, _voided.c.leaf == _chosen.c.leaf)
    turning = sa.and_(mine, ~marked if void else marked)
    found = connection.execute(
        sa.select(_vote.c.candidate_id, sa.func.count().label("votes"), sa.func.sum(_vote.c.weight).label("weight"))
        .select_from(_chosen.join(_vote, sa.and_(_vote.c.poll_id == row.poll_id, _vote.c.leaf == _chosen.c.leaf)))
        .where(turning)
        .group_by(_vote.c.candidate_id)
    ).all()
    if void:
        columns = (sa.literal(row.poll_id), _chosen.c.leaf, sa.literal(row.id))
        connection.execute(
            sa.insert(_voided).from_select(["poll_id", "leaf", "decision_id"], sa.select(*columns).where(turning))
        )
    else:
        numbers = sa.select(_chosen.c.leaf).where(mine)
        connection.execute(sa.delete(_voided).where(_voided.c.poll_id == row.poll_id, _voided.c.leaf.in_(numbers)))
    sign = -1 if void else 1
    return sum(r.votes for r in found), {r.candidate_id: sign * int(r.weight) for r in found}


def _told(connection: sa.Connection, row: sa.Row[Any], changes: dict[int, int]) -> dict[str, list[int]]:
    """Per candidate the votes before the decision's first part and the change so far."""
    told: dict[str, list[int]] = {name: list(pair) for name, pair in row.standings.items()}
    new = [candidate for candidate in changes if str(candidate) not in told]
    if new:
        before = sa.select(_tally.c.candidate_id, _tally.c.votes)
        for r in connection.execute(before.where(_tally.c.poll_id == row.poll_id, _tally.c.candidate_id.in_(new))):
            told[str(r.candidate_id)] = [r.votes, 0]
    for candidate, votes in changes.items():
        told[str(candidate)][1] += votes
    return told
