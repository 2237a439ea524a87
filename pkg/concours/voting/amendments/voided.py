"""Which votes are void now, as the tables keep it and as the amendments themselves say."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from concours.voting.amendments.models import VOID, Amendment, ClosingNote, Decision, DecisionVote, VoidedVote
from concours.voting.models import Tally, Vote

_amendment, _closing, _voided, _decision, _chosen, _tally, _vote = (
    cast(sa.Table, model.__table__)
    for model in (Amendment, ClosingNote, VoidedVote, Decision, DecisionVote, Tally, Vote)
)


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


def void_among(connection: sa.Connection, poll_id: int, leaves: list[int]) -> set[int]:
    """Which of these leaves (a ballot's) are votes that are void now."""
    query = sa.select(_voided.c.leaf).where(_voided.c.poll_id == poll_id, _voided.c.leaf.in_(leaves))
    return set(connection.execute(query).scalars())


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


def judgements(connection: sa.Connection, poll_id: int, leaf: int) -> list[dict[str, Any]]:
    """The recorded decisions about that vote, the last one first: `number`, `kind`, `reason`, `recorded_at` (ISO)."""
    rows = connection.execute(
        sa.select(_decision.c.number, _decision.c.kind, _decision.c.reason, sa.func.max(_amendment.c.recorded_at))
        .join(_chosen, _chosen.c.decision_id == _decision.c.id)
        .join(_amendment, _amendment.c.decision_id == _decision.c.id)
        .where(_decision.c.poll_id == poll_id, _chosen.c.leaf == leaf, _chosen.c.leaf <= _decision.c.reached)
        .group_by(_decision.c.number, _decision.c.kind, _decision.c.reason)
        .order_by(sa.func.max(_amendment.c.leaf).desc())
    )
    return [
        {"number": number, "kind": kind, "reason": reason, "recorded_at": moment.isoformat(timespec="milliseconds")}
        for number, kind, reason, moment in rows
    ]


def counts(judged: list[dict[str, Any]]) -> bool:
    """Whether a vote counts about which these decisions were made, the last one first."""
    return not judged or judged[0]["kind"] != VOID


@dataclass(frozen=True, slots=True)
class Closed:
    """A closing note: the log's size then, and when it was signed."""

    number: int
    size: int
    signed_at: datetime


def closings(connection: sa.Connection, poll_id: int) -> list[Closed]:
    """The poll's closing notes, the first close first."""
    rows = connection.execute(
        sa.select(_closing.c.number, _closing.c.size, _closing.c.signed_at)
        .where(_closing.c.poll_id == poll_id)
        .order_by(_closing.c.number)
    )
    return [Closed(*row) for row in rows]


def leaves_of(connection: sa.Connection, decision_ids: list[int]) -> dict[int, tuple[int, int]]:
    """The first and the last leaf of each of these recorded decisions."""
    rows = connection.execute(
        sa.select(_amendment.c.decision_id, sa.func.min(_amendment.c.leaf), sa.func.max(_amendment.c.leaf))
        .where(_amendment.c.decision_id.in_(decision_ids))
        .group_by(_amendment.c.decision_id)
    )
    return {decision: (first, last) for decision, first, last in rows}
