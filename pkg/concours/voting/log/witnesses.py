"""Witnesses: other parties that follow a poll's log and cosign its checkpoints, so that there is one log for all."""

from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict, Invalid, NotFound
from concours.base.messages import msg
from concours.identity.models import Account
from concours.voting.log import notes
from concours.voting.log.notes import COSIGNATURE, BadNote, Verifier
from concours.voting.models import Checkpoint, Cosignature, Poll, Witness
from concours.voting.rules import moment_of

MAX_WITNESSES = 16
MAX_LINES = 32
NAME_LENGTH = 120
AHEAD_S = 300  # of our clock, for a witness' clock

_cosignature = cast(sa.Table, Cosignature.__table__)


def witnesses_of(poll: Poll) -> list[Witness]:
    """The witnesses whose cosignatures are taken."""
    return list(session().scalars(sa.select(Witness).where(Witness.poll_id == poll.id).order_by(Witness.id)))


def add(poll: Poll, verifier: str, *, actor: Account, now: datetime) -> Witness:
    """Takes this witness' cosignatures from now on; `verifier` is its key, name+id+key. Raises Invalid, Conflict."""
    try:
        key = notes.read_verifier(verifier)
    except BadNote:
        key = None
    if key is None or key.kind != COSIGNATURE or len(key.name) > NAME_LENGTH:
        raise Invalid(
            msg("This is not the key of a witness."),
            hint=msg("Paste the line that concours-verify witness --new-key printed: name+id+key."),
        )
    standing = witnesses_of(poll)
    if any(witness.name == key.name for witness in standing):
        raise Conflict(msg("A witness of that name is there already."), code="witness_exists")
    if len(standing) >= MAX_WITNESSES:
        raise Conflict(msg("A poll has at most %(count)s witnesses.", count=MAX_WITNESSES), code="too_many_witnesses")
    witness = Witness(poll_id=poll.id, name=key.name, public=key.key, added_at=now)
    session().add(witness)
    session().flush()
    audit.record(actor, "voting.add_witness", poll, now=now, event_id=poll.event_id, witness=str(key))
    return witness


def take(connection: sa.Connection, poll_id: int, signed: str, *, now: datetime) -> list[str]:
    """Keeps the cosignatures under one of the log's checkpoints; the names of the witnesses that signed.

    Raises Invalid for what is no checkpoint or is signed by no witness of the poll, NotFound for a checkpoint that this
    log never signed, Conflict for one that contradicts it.
    """
    try:
        text, lines = notes.split(signed)
        head = notes.read_head(text)
    except BadNote:
        raise Invalid(msg("This is not a checkpoint with signatures."), code="not_a_checkpoint") from None
    ours = connection.execute(
        sa.select(Checkpoint.id, Checkpoint.note).where(Checkpoint.poll_id == poll_id, Checkpoint.size == head.size)
    ).one_or_none()
    if ours is None:
        raise NotFound(msg("The log has no checkpoint of that size."))
    if notes.split(ours.note)[0] != text:
        raise Conflict(
            msg("The log's own checkpoint of that size is another one."),
            hint=msg("Keep what you have: two different checkpoints of one size prove a fault."),
            code="forked",
        )
    rows = connection.execute(
        sa.select(Witness.id, Witness.name, Witness.public).where(Witness.poll_id == poll_id)
    ).all()
    new = [found for row in rows if (found := _signed_by(row, text, lines[:MAX_LINES], now)) is not None]
    if not new:
        raise Invalid(msg("None of the poll's witnesses has signed this checkpoint."), code="no_witness")
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    kept = [{"checkpoint_id": ours.id, "witness_id": w, "line": line, "made_at": at} for w, _, line, at in new]
    connection.execute(insert(_cosignature).on_conflict_do_nothing(), kept)
    return [name for _, name, _, _ in new]


def _signed_by(row: Any, text: str, lines: list[str], now: datetime) -> tuple[int, str, str, datetime] | None:
    key = Verifier(row.name, COSIGNATURE, row.public)
    for line in lines:
        try:
            at = notes.check(text, line, key)
        except BadNote:
            continue
        if at is not None and at <= now.timestamp() + AHEAD_S:
            return row.id, row.name, line + "\n", moment_of(at * 1000)
    return None
