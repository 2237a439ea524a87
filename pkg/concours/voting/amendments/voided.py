"""Which votes are void now, as the tables keep it and as the amendments themselves say."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import sqlalchemy as sa

from concours.voting.amendments.models import VOID, Amendment, Decision, DecisionVote, VoidedVote
from concours.voting.models import Tally, Vote

_amendment, _voided, _decision, _chosen, _tally, _vote = (
    cast(sa.Table, model.__table__) for model in (Amendment, VoidedVote, Decision, DecisionVote, Tally, Vote)
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a decision said of a vote, the last one first where there are several."""

    number: int
    kind: str
    reason: str
    recorded_at: datetime


def voided_votes(connection: sa.Connection, poll_id: int) -> dict[int, int]:
    """Per candidate the votes that are void now, by weight."""
    rows = connection.execute(
        sa.select(_vote.c.candidate_id, sa.func.sum(_vote.c.weight))
        .select_from(_voided.join(_vote, sa.and_(_vote.c.poll_id == _voided.c.poll_id, _vote.c.leaf == _voided.c.leaf)))
        .where(_voided.c.poll_id == poll_id)
        .group_by(_vote.c.candidate_id)
    )
    return {candidate: int(votes) for candidate, votes in rows}


def taken_out(connection: sa.Connection, poll_id: int) -> dict[int, int]:
    """The same as the tally keeps it, without reading the votes."""
    rows = connection.execute(sa.select(_tally.c.candidate_id, _tally.c.voided).where(_tally.c.poll_id == poll_id))
    return {row.candidate_id: row.voided for row in rows}


def void_leaves(connection: sa.Connection, poll_id: int) -> set[int]:
    """The leaves of the votes that are void now, as they are kept."""
    return set(connection.execute(sa.select(_voided.c.leaf).where(_voided.c.poll_id == poll_id)).scalars())


def void_by_word(connection: sa.Connection, poll_id: int) -> set[int]:
    """The leaves of the votes that are void now, as the amendments say in their order: what a stranger would count."""
    found: set[int] = set()
    rows = connection.execute(
        sa.select(_amendment.c.data).where(_amendment.c.poll_id == poll_id).order_by(_amendment.c.leaf)
    )
    for data in rows.scalars():
        said = json.loads(bytes(data))
        change = found.update if said["type"] == VOID else found.difference_update
        for first, last in said["of"]:
            change(range(first, last + 1))
    return found


def amendments(connection: sa.Connection, poll_id: int) -> int:
    """How many leaves of the log are amendments."""
    query = sa.select(sa.func.count()).select_from(_amendment).where(_amendment.c.poll_id == poll_id)
    return int(connection.execute(query).scalar_one())


def judgements(connection: sa.Connection, poll_id: int, leaf: int) -> list[Judged]:
    """The recorded decisions about that vote, the last one first."""
    rows = connection.execute(
        sa.select(_decision.c.number, _decision.c.kind, _decision.c.reason, _amendment.c.recorded_at)
        .join(_chosen, _chosen.c.decision_id == _decision.c.id)
        .join(_amendment, _amendment.c.decision_id == _decision.c.id)
        .where(_decision.c.poll_id == poll_id, _chosen.c.leaf == leaf, _chosen.c.leaf <= _decision.c.reached)
        .order_by(_amendment.c.leaf.desc())
    )
    found: dict[int, Judged] = {}
    for row in rows:
        found.setdefault(row.number, Judged(row.number, row.kind, row.reason, row.recorded_at))
    return list(found.values())
