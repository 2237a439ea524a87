"""The auditor's bundle: for each vote its leaf, tag and nonce, sealed to the auditor's key. It shows that no pseudonym
has more votes than the rules allow; it names nobody. What the auditor knows by it is written in docs/ledger.md."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from concours.base.db import reading
from concours.base.errors import Conflict
from concours.base.messages import msg
from concours.voting.amendments.models import ClosingNote
from concours.voting.models import Poll, Vote
from concours.voting.receipts import origin_of

FORMAT = "concours-bundle/v1"
ROWS = 5_000  # votes read at a time

_vote, _closing = cast(sa.Table, Vote.__table__), cast(sa.Table, ClosingNote.__table__)


def head_of(connection: sa.Connection, poll: Poll, now: datetime) -> dict[str, Any]:
    """The bundle's first line. Raises Conflict until the poll is closed: before, it would tell who leads."""
    newest = connection.execute(
        sa.select(_closing).where(_closing.c.poll_id == poll.id).order_by(_closing.c.number.desc()).limit(1)
    ).one_or_none()
    if newest is None:
        raise Conflict(
            msg("The bundle can be made when the poll is closed and its final checkpoint is signed."),
            code="log_open",
        )
    votes = sa.select(sa.func.count()).select_from(_vote)
    return {
        "format": FORMAT,
        "origin": origin_of(poll.slug),
        "poll": poll.id,
        "size": newest.size,
        "root": base64.b64encode(newest.root).decode(),
        "votes": connection.execute(votes.where(_vote.c.poll_id == poll.id, _vote.c.leaf < newest.size)).scalar_one(),
        "rules": dict(poll.rules),
        "opens": poll.opens_at.isoformat(),
        "closes": poll.closes_at.isoformat(),
        "zone": poll.zone,
        "made_at": now.isoformat(timespec="seconds"),
    }


def lines(engine: sa.Engine, head: dict[str, Any]) -> Iterator[bytes]:
    """The bundle's lines: the head, then `leaf tag nonce` of each vote, read in short transactions of their own."""
    yield json.dumps(head, sort_keys=True).encode() + b"\n"
    leaf = 0
    columns = (_vote.c.leaf, _vote.c.tag, _vote.c.nonce)
    while True:
        with reading(), engine.connect() as connection:
            rows = connection.execute(
                sa.select(*columns)
                .where(_vote.c.poll_id == head["poll"], _vote.c.leaf >= leaf, _vote.c.leaf < head["size"])
                .order_by(_vote.c.leaf)
                .limit(ROWS)
            ).all()
        if not rows:
            return
        yield "".join(f"{n} {bytes(tag).hex()} {bytes(nonce).hex()}\n" for n, tag, nonce in rows).encode()
        leaf = rows[-1].leaf + 1
