"""Screening: the organiser accepts an entry, returns it with a reason, or rejects it with one.

Decisions are only ever added; the last one stands. Each is about the revision that was looked at: where the author
changed the entry meanwhile, it is refused, and one looks again.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from concours import audit
from concours.base import typed
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Invalid
from concours.base.messages import msg
from concours.entries import register
from concours.entries.limits import HOLDING, places_problems
from concours.entries.models import Entry, EntryStatus, Screening
from concours.entries.times import require_screening
from concours.events.models import Event
from concours.identity.models import Account

REASON_LIMIT = 1000  # characters
BULK_LIMIT = 100  # entries accepted by one act
SCREENABLE = (EntryStatus.SUBMITTED, EntryStatus.ACCEPTED, EntryStatus.RETURNED, EntryStatus.REJECTED)


class Verdict(StrEnum):
    """What can be decided; the words are those of the status that follows."""

    ACCEPTED = "accepted"
    RETURNED = "returned"
    REJECTED = "rejected"


def decide(
    entry: Entry, event: Event, verdict: Verdict, *, reason: str, revision: str, actor: Account, now: datetime
) -> Screening | None:
    """Decides about `entry` as it was in `revision`; the author sees it at once. None where it stood so already.

    Raises Closed out of the phase, Invalid without a reason where one is needed (or with one of more than 1,000
    characters), Conflict where the entry was changed meanwhile or cannot be screened.
    """
    require_screening(event, now)
    said = _reason(verdict, reason)
    register.hold(event.id)
    register.lock(entry)
    return _decide(entry, event, verdict, said, revision, actor, now)


def accept_many(
    chosen: Sequence[tuple[int, str]], event: Event, *, actor: Account, now: datetime
) -> tuple[list[Entry], list[Entry]]:
    """Accepts those of `chosen` (number in the database, revision) that are still submitted and unchanged.

    Returns the accepted ones and those left alone, because they were changed or decided meanwhile; numbers of other
    events are passed over. Raises Invalid for more than 100.
    """
    if len(chosen) > BULK_LIMIT:
        raise Invalid(msg("At most %(limit)s entries can be accepted at once.", limit=BULK_LIMIT))
    require_screening(event, now)
    register.hold(event.id)
    seen = dict(chosen)
    found = session().scalars(
        sa.select(Entry)
        .where(Entry.event_id == event.id, Entry.id.in_(seen), Entry.number.is_not(None))
        .order_by(Entry.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    accepted: list[Entry] = []
    left: list[Entry] = []
    for entry in found:
        if entry.status != EntryStatus.SUBMITTED or entry.revision != seen[entry.id]:
            left.append(entry)
            continue
        _decide(entry, event, Verdict.ACCEPTED, "", seen[entry.id], actor, now)
        accepted.append(entry)
    return accepted, left


RECENT_REASONS = 5


def recent_reasons(actor: Account, event: Event) -> list[str]:
    """The reasons that `actor` gave last in the event, each once: most reasons are said again and again."""
    given = session().scalars(
        sa.select(Screening.reason)
        .join(Entry, Entry.id == Screening.entry_id)
        .where(Screening.actor_id == actor.id, Screening.reason != "", Entry.event_id == event.id)
        .order_by(Screening.id.desc())
        .limit(RECENT_REASONS * 8)
    )
    return list(dict.fromkeys(given))[:RECENT_REASONS]


def _reason(verdict: Verdict, reason: str) -> str:
    said = typed.paragraphs(reason)
    if not said and verdict != Verdict.ACCEPTED:
        raise Invalid(problems=[FieldProblem("reason", msg("Please tell the author why."))])
    if len(said) > REASON_LIMIT:
        raise Invalid(
            problems=[
                FieldProblem(
                    "reason",
                    msg(
                        "This has %(length)s characters; at most %(limit)s are possible.",
                        length=len(said),
                        limit=REASON_LIMIT,
                    ),
                )
            ]
        )
    return said


def _decide(
    entry: Entry, event: Event, verdict: Verdict, reason: str, revision: str, actor: Account, now: datetime
) -> Screening | None:
    if entry.status not in SCREENABLE or entry.number is None:
        raise Conflict(
            msg("This entry is not submitted now, so there is nothing to decide."),
            hint=msg("Its author may have withdrawn it. Go on with the next one."),
            code="not_submitted",
        )
    if entry.revision != revision:
        raise Conflict(
            msg("The author changed this entry while you looked at it."),
            hint=msg("Look at it as it is now, then decide again."),
            code="changed_elsewhere",
        )
    if entry.status == verdict and (not reason or _last_reason(entry) == reason):
        return None
    before = entry.status
    if before not in HOLDING and EntryStatus(verdict) in HOLDING:
        problems = places_problems(entry, event, entry.category)
        if problems:
            raise Conflict(problems[0], code="no_place")
    register.move(entry, EntryStatus(verdict))
    decision = Screening(
        entry_id=entry.id, actor_id=actor.id, verdict=verdict, reason=reason, revision=revision, at=now
    )
    session().add(decision)
    audit.record(
        actor,
        f"entries.screen_{verdict}",
        entry,
        now=now,
        event_id=event.id,
        before=str(before),
        reason=reason,
        revision=revision,
    )
    return decision


def _last_reason(entry: Entry) -> str | None:
    return session().scalar(
        sa.select(Screening.reason).where(Screening.entry_id == entry.id).order_by(Screening.id.desc()).limit(1)
    )
