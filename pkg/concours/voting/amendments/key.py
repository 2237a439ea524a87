"""Destroys a poll's key when it has done its work: from then on no way leads from an account or a device to its votes.

The tags stay in the ledger (the auditor's bundle and the unique keys need them), as numbers that mean nothing.
"""

import logging
from datetime import datetime

import redis
import sqlalchemy as sa
from redis.exceptions import ResponseError

from concours import audit
from concours.base.db import reading, session
from concours.base.errors import Conflict, FieldProblem, Invalid
from concours.base.messages import msg
from concours.base.redis import server_of
from concours.identity.models import Account
from concours.voting import keys, polls, tally
from concours.voting.log import closing
from concours.voting.models import Poll
from concours.voting.rules import read_facts

VACUUM = "VACUUM FULL poll"
CHECKPOINT = "PRAGMA wal_checkpoint(TRUNCATE)"  # waits for readers as long as the connection's busy_timeout

log = logging.getLogger(__name__)


def destroy(poll: Poll, *, typed: str, actor: Account | None, now: datetime) -> None:
    """Destroys the key behind the poll's pseudonyms; `typed` is the poll's short name, as the actor typed it.

    Call `forget` and `scrub` after the commit. Raises Conflict until the result is final, Invalid for another name.
    """
    if poll.key_destroyed_at is not None:
        raise Conflict(msg("The key of this poll is destroyed already."), code="key_destroyed")
    if not closing.settled(session(), [poll.id]):
        raise Conflict(
            msg("The key can be destroyed when the poll is closed and its result is final."),
            hint=msg("Until then the poll needs it to know its voters again."),
            code="log_open",
        )
    if typed.strip() != poll.slug:
        raise Invalid(problems=[FieldProblem("typed", msg("Type exactly: %(name)s", name=poll.slug))])
    if session().get_bind().dialect.name == "sqlite":
        session().execute(sa.text("PRAGMA secure_delete = ON"))  # overwritten, not only forgotten
    poll.wrapped_key = b""
    poll.key_destroyed_at = now
    polls.changed(poll, now=now)
    audit.record(actor, "voting.destroy_key", poll, now=now, event_id=poll.event_id, slug=poll.slug)


def announce(client: "redis.Redis", engine: sa.Engine, poll_id: int, secret: str) -> None:
    """Tells all processes that the poll has changed, so that they forget its key; `secret` is POLL_KEY_SECRET."""
    with reading(), engine.connect() as connection:
        facts = read_facts(connection, poll_id, secret)
        if facts is not None:
            tally.configure(client, connection, facts)


def forget(client: "redis.Redis", poll_id: int) -> None:
    """Takes the poll's voters out of Redis: their slots, and the votes that stand in the recorded journal; and has its
    files written anew, which hold every command of the past until then."""
    tally.forget_voters(client, poll_id)
    client.xtrim(keys.journal(poll_id), maxlen=0, approximate=False)
    try:
        server_of(client, keys.journal(poll_id)).bgrewriteaof()
    except ResponseError as refused:  # a provider's server may not allow it, or is at it already
        log.warning("Redis did not begin to write its files anew: %s", refused)


def scrub(engine: sa.Engine) -> bool:
    """Overwrites what the database still keeps of the old row, as far as it can be told to; whether it was done."""
    sqlite = engine.dialect.name == "sqlite"
    try:
        held = engine.raw_connection()  # no transaction: neither statement may stand in one
        try:
            if not sqlite:
                held.driver_connection.autocommit = True  # type: ignore[union-attr]
            cursor = held.cursor()
            for statement in [CHECKPOINT] if sqlite else ["SET lock_timeout = '5s'", VACUUM]:
                cursor.execute(statement)
            told = cursor.fetchone() if sqlite else None
            if told is not None and told[0]:  # a reader of the old pages was in the way, and nothing is raised
                raise TimeoutError
            cursor.close()
        finally:
            held.invalidate()
    except Exception as busy:
        log.warning("the old row of the poll's key is not overwritten yet: %s", type(busy).__name__)
        return False
    return True
