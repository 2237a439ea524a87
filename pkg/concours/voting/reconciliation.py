"""Receipts, ledger and Redis side by side, per candidate. Where they differ, the result must not be published."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import redis
import sqlalchemy as sa

from concours.base.db import reading
from concours.voting import journal, keys, ledger
from concours.voting.amendments import voided
from concours.voting.models import RefusedVote, Vote


class Connected(Protocol):
    """Who has connections to SQL and to Redis: a booth, a sequencer, the keeper of the logs."""

    engine: sa.Engine
    client: "redis.Redis"


@dataclass(frozen=True, slots=True)
class Line:
    """One candidate's votes that count, each by its weight: receipts given, the ledger, the tally in SQL, what Redis
    shows. `voided` are not among them: they have receipts and leaves and were taken out by decisions."""

    candidate: int
    receipts: int
    ledger: int
    tally: int
    redis: int
    voided: int = 0

    @property
    def difference(self) -> int:
        """0 where ledger, tally and Redis agree."""
        return max(self.ledger, self.tally, self.redis) - min(self.ledger, self.tally, self.redis)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The counts of a poll; `leaves` is the ledger's size as its progress says, `rows` as they are counted (votes and
    amendments); `waiting` the journal entries that are admitted but not recorded yet, `waiting_votes` their votes by
    weight. `misjudged`: votes that are kept as void and are not by the amendments' own words, or the other way round.

    `refused`: how often by reason, by the limits in Redis; `refused_late`: by the ledger's unique keys. While votes
    come in, the parts are read a moment apart and may differ by those in between.
    """

    poll: int
    leaves: int
    rows: int
    waiting: int
    waiting_votes: int
    lines: tuple[Line, ...]
    refused: dict[str, int]
    refused_late: int
    misjudged: int = 0

    def total(self, part: str) -> int:
        """The sum over all candidates of `receipts`, `ledger`, `tally`, `redis` or `voided`."""
        return sum(getattr(line, part) for line in self.lines)

    @property
    def difference(self) -> int:
        """0 where everything agrees: per candidate, with the ledger's size, and with the receipts."""
        missing = abs(self.total("receipts") - self.total("redis") - self.waiting_votes)
        return sum(line.difference for line in self.lines) + abs(self.leaves - self.rows) + missing + self.misjudged

    def refused_by_code(self) -> dict[str, int]:
        """Refusals by the code that the API answers with."""
        found: dict[str, int] = {}
        for reason, count in self.refused.items():
            code = reason.partition(":")[0]
            found[code] = found.get(code, 0) + count
        return found

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        parts = {part: self.total(part) for part in ("receipts", "ledger", "tally", "redis", "voided")}
        return {
            "poll": self.poll,
            "leaves": self.leaves,
            "waiting": self.waiting,
            **parts,
            "refused": self.refused_by_code(),
            "refused_reasons": self.refused,
            "refused_late": self.refused_late,
            "difference": self.difference,
            "candidates": [asdict(line) for line in self.lines],
        }


def reconcile(booth: Connected, poll_id: int) -> Reconciliation:
    """Counts everything. Reads every vote of the poll once. Raises RedisError or SQLAlchemyError."""
    table = Vote.__table__
    with reading(), booth.engine.connect() as connection:
        rows = connection.execute(
            sa.select(table.c.candidate_id, sa.func.sum(table.c.weight), sa.func.count())
            .where(table.c.poll_id == poll_id)
            .group_by(table.c.candidate_id)
        ).all()
        recorded: dict[int, int] = {row[0]: int(row[1]) for row in rows}
        taken_out = voided.voided_votes(connection, poll_id)
        amendments = voided.amendments(connection, poll_id)
        misjudged = len(voided.void_by_word(connection, poll_id) ^ voided.void_leaves(connection, poll_id))
        tally = ledger.totals(connection, poll_id)
        leaves = ledger.progress(connection, poll_id).next_leaf
        late = sa.select(sa.func.count()).select_from(RefusedVote).where(RefusedVote.poll_id == poll_id)
        refused_late = int(connection.execute(late).scalar_one())
    pipe = booth.client.pipeline(transaction=True)
    pipe.hgetall(keys.issued(poll_id))
    pipe.hgetall(keys.counts(poll_id))
    pipe.hgetall(keys.refused(poll_id))
    pipe.hget(keys.state(poll_id), "mark")
    issued, counts, refused, mark = pipe.execute()
    first = f"({mark.decode()}" if mark else "-"
    waiting: Any = booth.client.xrange(keys.journal(poll_id), first, "+")
    shown = {int(candidate): int(votes) for candidate, votes in counts.items()}
    given = {int(candidate): int(votes) for candidate, votes in issued.items()}
    return Reconciliation(
        poll=poll_id,
        leaves=leaves,
        rows=sum(row[2] for row in rows) + amendments,
        waiting=len(waiting),
        waiting_votes=sum(journal.votes_in(fields) for _, fields in waiting),
        lines=tuple(
            Line(
                c,
                receipts=given.get(c, 0) - taken_out.get(c, 0),
                ledger=recorded.get(c, 0) - taken_out.get(c, 0),
                tally=tally.get(c, 0),
                redis=shown.get(c, 0),
                voided=taken_out.get(c, 0),
            )
            for c in sorted({*recorded, *tally, *shown, *given})
        ),
        refused={reason.decode(): int(count) for reason, count in refused.items()},
        refused_late=refused_late,
        misjudged=misjudged,
    )
