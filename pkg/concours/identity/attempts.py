"""Guessing made slow: from the fifth failure in a row a name waits, a minute first, then twice as long each time.

The failure is counted before the password is looked at, and taken back when it was right: a hundred guesses sent at
once are a hundred failures. Names that no account has are counted in the same way, so that no answer and no delay
tells who has an account.
"""

import hashlib
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from concours.base.db import session
from concours.base.errors import RateLimited
from concours.base.messages import msg, nmsg
from concours.identity.models import SignInAttempt

FREE_FAILURES = 5  # the fifth failure in a row locks
FIRST_DELAY_S = 60
LONGEST_DELAY_S = 3600
FORGOTTEN_AFTER = timedelta(hours=24)


def delay_after(failures: int) -> timedelta:
    """How long a name is locked after that many failures in a row."""
    if failures < FREE_FAILURES:
        return timedelta(0)
    return timedelta(seconds=min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(failures - FREE_FAILURES, 10)))


def hash_of(name: str) -> str:
    """How a typed name is known in the table of attempts."""
    return hashlib.sha256(name.lower().encode()).hexdigest()


def begin(name: str, *, now: datetime) -> None:
    """Counts a try for the typed `name` as a failure; the caller commits, then looks at the password.

    Raises RateLimited while the name is locked.
    """
    key = hash_of(name)
    session().execute(sa.delete(SignInAttempt).where(SignInAttempt.seen_at < now - FORGOTTEN_AFTER))
    insert = postgresql.insert if session().get_bind().dialect.name == "postgresql" else sqlite.insert
    session().execute(
        insert(SignInAttempt)
        .values(name_hash=key, failures=0, seen_at=now)
        .on_conflict_do_nothing(index_elements=["name_hash"])
    )
    row = (
        session()
        .scalars(
            sa.select(SignInAttempt).where(SignInAttempt.name_hash == key).with_for_update(),
            execution_options={"populate_existing": True},
        )
        .one()
    )
    if row.locked_until is not None and row.locked_until > now:
        raise locked(row.locked_until, now=now)
    row.failures += 1
    row.seen_at = now
    delay = delay_after(row.failures)
    row.locked_until = now + delay if delay else None


def succeeded(name: str) -> None:
    """Forgets the failures of `name`: the password was right."""
    session().execute(sa.delete(SignInAttempt).where(SignInAttempt.name_hash == hash_of(name)))


def lock_of(name: str, *, now: datetime) -> RateLimited | None:
    """The refusal that `name` would get at its next try, if it is locked now."""
    row = session().get(SignInAttempt, hash_of(name))
    if row is None or row.locked_until is None or row.locked_until <= now:
        return None
    return locked(row.locked_until, now=now)


def locked(until: datetime, *, now: datetime) -> RateLimited:
    """The refusal of a locked name, saying how long."""
    seconds = max(1, int((until - now).total_seconds()) + 1)
    minutes = max(1, -(-seconds // 60))
    return RateLimited(
        nmsg(
            "Too many wrong passwords in a row. Sign-in with this name waits for another %(count)s minute.",
            "Too many wrong passwords in a row. Sign-in with this name waits for another %(count)s minutes.",
            minutes,
        ),
        hint=msg("If you have forgotten the password, ask your coordinator or the administrator for a new link."),
        code="sign_in_locked",
        retry_after=seconds,
    )
