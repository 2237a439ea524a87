"""Looking through a poll's ledger, keeping what was found, and what people say of it. Nothing here decides about a
vote."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import redis
import sqlalchemy as sa
from sqlalchemy.orm import defer, joinedload

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Invalid, NotFound
from concours.base.messages import msg
from concours.identity.models import Account
from concours.voting.evidence.groups import Group, score
from concours.voting.evidence.models import DONE, FAILED, WAITING, EvidenceGroup, EvidenceRun
from concours.voting.evidence.reading import Ledger, read, solving_times
from concours.voting.evidence.shown import facts_of, figures_of
from concours.voting.evidence.votes import Ints
from concours.voting.models import Poll
from concours.voting.rules import moment_of

GROUPS = 300  # kept of a run, the strongest
KEPT_RUNS = 5  # of a poll; older ones go
WAITS = timedelta(minutes=15)  # a run that was asked for longer ago is taken for lost
PAGE = 30
NOTE_LIMIT = 1_000
SAME_SHARE = 0.9  # of two runs' votes: it is the same group, and what was said of it stays


@dataclass(frozen=True)
class Found:
    """What a look through the ledger brought, before it is kept."""

    ledger: Ledger
    groups: list[Group]


@dataclass(frozen=True)
class Wanted:
    """Which groups a page shows."""

    strong: bool = False
    new: bool = False
    candidate: int | None = None
    kind: str = ""


def ask(poll: Poll, *, actor: Account | None, now: datetime) -> EvidenceRun:
    """Asks for a look; the job does it. Raises Conflict where one is waiting."""
    last = session().scalar(
        sa.select(EvidenceRun).where(EvidenceRun.poll_id == poll.id).order_by(EvidenceRun.id.desc()).limit(1)
    )
    if last is not None and last.status == WAITING and now - last.asked_at < WAITS:
        raise Conflict(msg("The votes are being looked through already; it takes about a minute."), code="under_way")
    run = EvidenceRun(
        poll_id=poll.id, status=WAITING, asked_by_id=actor.id if actor else None, asked_at=now, figures={}
    )
    session().add(run)
    session().flush()
    audit.record(actor, "voting.ask_evidence", poll, now=now, event_id=poll.event_id)
    return run


def look(connection: sa.Connection, poll_id: int, client: "redis.Redis") -> Found:
    """Reads the ledger, and from Redis how fast puzzles were solved, and scores it; writes nothing."""
    ledger = read(connection, poll_id)
    return Found(ledger, score(ledger.votes, solving_times(client, poll_id, ledger.tags)))


def keep(run: EvidenceRun, found: Found, *, now: datetime) -> None:
    """Keeps what was found with the run; what was said of the same groups before goes with them."""
    ledger, groups = found.ledger, found.groups[:GROUPS]
    said = _said_before(run.poll_id)
    run.leaves, run.votes = ledger.size, len(ledger.votes)
    run.figures = figures_of(ledger.votes, ledger.candidate_ids, groups)
    for number, group in enumerate(groups, 1):
        kept = _kept(run, number, group, ledger)
        _take_over(kept, said)
        session().add(kept)
    run.status, run.finished_at = DONE, now
    session().flush()
    old = (
        sa.select(EvidenceRun.id)
        .where(EvidenceRun.poll_id == run.poll_id)
        .order_by(EvidenceRun.id.desc())
        .offset(KEPT_RUNS)
    )
    gone = list(session().scalars(old))
    session().execute(sa.delete(EvidenceGroup).where(EvidenceGroup.run_id.in_(gone)))
    session().execute(sa.delete(EvidenceRun).where(EvidenceRun.id.in_(gone)))


def fail(run: EvidenceRun, *, now: datetime) -> None:
    """The look could not be finished."""
    run.status, run.finished_at = FAILED, now


def last_run(poll: Poll, *, done: bool = True) -> EvidenceRun | None:
    """The newest run of the poll; with `done`, the newest that is finished."""
    query = sa.select(EvidenceRun).where(EvidenceRun.poll_id == poll.id).order_by(EvidenceRun.id.desc()).limit(1)
    return session().scalar(query.where(EvidenceRun.status == DONE) if done else query)


def groups_of(run: EvidenceRun, wanted: Wanted, *, after: int = 0) -> tuple[Sequence[EvidenceGroup], bool]:
    """A page of the run's groups behind number `after`, and whether there are more."""
    mine = EvidenceGroup
    query = sa.select(mine).where(mine.run_id == run.id, mine.number > after).order_by(mine.number).limit(PAGE + 1)
    query = query.options(defer(mine.ranges), joinedload(mine.looked_by))
    if wanted.strong:
        query = query.where(mine.strong.is_(True))
    if wanted.new:
        query = query.where(mine.looked_at.is_(None))
    if wanted.candidate is not None:
        query = query.where(mine.candidate_id == wanted.candidate)
    if wanted.kind:
        query = query.where(mine.kinds.contains(f",{wanted.kind},", autoescape=True))
    found = session().scalars(query).all()
    return found[:PAGE], len(found) > PAGE


def group_of(poll: Poll, group_id: int) -> EvidenceGroup:
    """A group of the poll, of any of its runs. Raises NotFound."""
    group = session().scalar(
        sa.select(EvidenceGroup)
        .join(EvidenceRun, EvidenceRun.id == EvidenceGroup.run_id)
        .where(EvidenceGroup.id == group_id, EvidenceRun.poll_id == poll.id)
    )
    if group is None:
        raise NotFound(msg("There is no such group of votes; the poll may have been looked through again."))
    return group


def leaves_of(group: EvidenceGroup, *, after: int = -1, count: int | None = None) -> list[int]:
    """The leaves of its votes behind `after`, in order; at most `count`."""
    found: list[int] = []
    for first, last in group.ranges:
        found += range(max(first, after + 1), last + 1)
        if count is not None and len(found) >= count:
            return found[:count]
    return found


def dismiss(group: EvidenceGroup, poll: Poll, note: str, *, actor: Account, now: datetime) -> None:
    """Says that the group was looked at and is not suspicious, and why. Raises Invalid."""
    note = note.strip()
    if not note:
        raise Invalid(problems=[FieldProblem("note", msg("Please say what you saw: others will rely on it."))])
    if len(note) > NOTE_LIMIT:
        raise Invalid(problems=[FieldProblem("note", msg("At most %(count)s characters, please.", count=NOTE_LIMIT))])
    group.looked_at, group.looked_by_id, group.note = now, actor.id, note
    audit.record(actor, "voting.dismiss_evidence", poll, now=now, event_id=poll.event_id, group=group.number, note=note)


def take_up(group: EvidenceGroup, poll: Poll, *, actor: Account, now: datetime) -> None:
    """Takes that back: the group is open again."""
    if group.looked_at is None:
        return
    group.looked_at, group.looked_by_id, group.note = None, None, ""
    audit.record(actor, "voting.take_up_evidence", poll, now=now, event_id=poll.event_id, group=group.number)


def _kept(run: EvidenceRun, number: int, group: Group, ledger: Ledger) -> EvidenceGroup:
    votes, index = ledger.votes, group.index
    networks = votes.network[index]
    kinds = dict.fromkeys(found.kind for found in group.findings)
    return EvidenceGroup(
        run_id=run.id,
        number=number,
        candidate_id=int(ledger.candidate_ids[np.bincount(votes.candidate[index]).argmax()]),
        kinds=f",{','.join(kinds)},",
        strong=group.strong,
        votes=len(index),
        voters=len(np.unique(votes.voter[index])),
        networks=len(np.unique(networks[networks >= 0])),
        q=max(group.q, 1e-300),
        honest=group.honest,
        began_at=moment_of(int(votes.at[index[0]])),
        ended_at=moment_of(int(votes.at[index[-1]])),
        facts=facts_of(votes, group),
        ranges=ranges_of(np.sort(ledger.leaf[index])),
        note="",
    )


def ranges_of(leaves: Ints) -> list[list[int]]:
    """Ascending numbers as [first, last] of each run without a gap."""
    if not len(leaves):
        return []
    breaks = np.flatnonzero(np.diff(leaves) != 1)
    firsts, lasts = np.r_[leaves[0], leaves[breaks + 1]], np.r_[leaves[breaks], leaves[-1]]
    return [[int(a), int(b)] for a, b in zip(firsts, lasts, strict=True)]


def _said_before(poll_id: int) -> list[EvidenceGroup]:
    last = sa.select(sa.func.max(EvidenceRun.id)).where(EvidenceRun.poll_id == poll_id, EvidenceRun.status == DONE)
    return list(
        session().scalars(
            sa.select(EvidenceGroup).where(
                EvidenceGroup.run_id == last.scalar_subquery(), EvidenceGroup.looked_at.is_not(None)
            )
        )
    )


def _take_over(kept: EvidenceGroup, said: Sequence[EvidenceGroup]) -> None:
    for before in said:
        if before.candidate_id != kept.candidate_id or not kept.votes * SAME_SHARE <= before.votes:
            continue
        same = len(set(leaves_of(before)) & set(leaves_of(kept)))
        if same >= SAME_SHARE * max(before.votes, kept.votes):
            kept.looked_at, kept.looked_by_id, kept.note = before.looked_at, before.looked_by_id, before.note
            return
