"""What a decision does to the standings, said before anybody confirms it."""

from dataclasses import dataclass

import sqlalchemy as sa

from concours.base.db import session
from concours.voting.amendments.models import VOID, Decision, DecisionVote, VoidedVote
from concours.voting.models import Candidate, Tally, Vote


@dataclass(frozen=True, slots=True)
class Line:
    """A candidate's votes and place before and after; a withdrawn candidate has no place."""

    candidate: int
    before: int
    after: int
    place_before: int | None
    place_after: int | None

    @property
    def moves(self) -> bool:
        """Whether it changes its place."""
        return self.place_before != self.place_after


@dataclass(frozen=True, slots=True)
class Effect:
    """What a decision would do now: `changing` of its votes; the others are (or are not) void already.

    `lines`: the candidates whose votes or places change, the best placed first.
    """

    votes: int
    voters: int
    changing: int
    lines: list[Line]

    @property
    def same(self) -> int:
        """Votes for which nothing changes."""
        return self.votes - self.changing


def effect_of(decision: Decision) -> Effect:
    """The effect of the decision on the standings as they are now."""
    frozen = sa.select(DecisionVote.leaf).where(DecisionVote.decision_id == decision.id)
    votes = sa.and_(Vote.poll_id == decision.poll_id, Vote.leaf.in_(frozen))
    return _effect(decision.poll_id, decision.kind, votes, decision.voters)


def preview(poll_id: int, kind: str, votes: sa.ColumnElement[bool]) -> Effect:
    """The same of votes that nobody has proposed anything about: it only reads."""
    voters = session().scalar(sa.select(sa.func.count(sa.distinct(Vote.tag))).where(votes)) or 0
    return _effect(poll_id, kind, votes, voters)


def _effect(poll_id: int, kind: str, votes: sa.ColumnElement[bool], voters: int) -> Effect:
    void = kind == VOID
    marked = sa.exists().where(VoidedVote.poll_id == poll_id, VoidedVote.leaf == Vote.leaf)
    turns = sa.case((~marked if void else marked, 1), else_=0)
    rows = session().execute(
        sa.select(Vote.candidate_id, sa.func.count(), sa.func.sum(turns), sa.func.sum(turns * Vote.weight))
        .where(votes)
        .group_by(Vote.candidate_id)
    )
    covered, changing, change = 0, 0, {}
    for candidate, count, turning, weight in rows:
        covered += count
        changing += int(turning)
        change[candidate] = -int(weight) if void else int(weight)
    standing = sa.select(Candidate.id, Candidate.withdrawn).where(Candidate.poll_id == poll_id)
    running = {number: not withdrawn for number, withdrawn in session().execute(standing)}
    counted = sa.select(Tally.candidate_id, Tally.votes).where(Tally.poll_id == poll_id)
    before = dict.fromkeys(running, 0)
    before |= {row.candidate_id: row.votes for row in session().execute(counted)}
    after = {candidate: votes + change.get(candidate, 0) for candidate, votes in before.items()}
    return Effect(covered, voters, changing, lines_of(before, after, running))


def lines_of(before: dict[int, int], after: dict[int, int], running: dict[int, bool]) -> list[Line]:
    """The candidates whose votes or places differ, in the order of the first standings."""
    was, becomes = (_places({c: v for c, v in votes.items() if running.get(c)}) for votes in (before, after))
    order = sorted(before, key=lambda c: (-before[c], c))
    lines = [Line(c, before[c], after[c], was.get(c), becomes.get(c)) for c in order]
    return [line for line in lines if line.before != line.after or line.moves]


def _places(votes: dict[int, int]) -> dict[int, int]:
    """The place of each: who has as many votes shares it, and the next one counts on."""
    found: dict[int, int] = {}
    place, last = 0, -1
    for number, candidate in enumerate(sorted(votes, key=lambda c: -votes[c]), start=1):
        if votes[candidate] != last:
            place, last = number, votes[candidate]
        found[candidate] = place
    return found
