"""Closing a round to marks, with the rule for those that are missing, and opening it again."""

from datetime import datetime

import sqlalchemy as sa

from concours import audit
from concours.base.db import session
from concours.base.errors import FieldProblem, Invalid
from concours.base.messages import msg, nmsg
from concours.entries.models import Entry, EntryStatus
from concours.entries.times import require_running
from concours.events.models import Event, PhaseKind
from concours.events.phases import require_open
from concours.identity.models import Account
from concours.jury.kinds import discussion
from concours.jury.lookup import hold, require
from concours.jury.models import Assignment, Round, RoundEntry, RoundKind, RoundStatus
from concours.jury.scoring import Missing


def missing_reviews(found: Round) -> int:
    """How many of the reviews the round asks for are not given, over its accepted entries; in a discussion, how
    many of these no show of hands has decided."""
    if found.kind == RoundKind.DISCUSSION:
        entries, decided = discussion.counts(found)
        return entries - decided
    given = (
        sa.select(Assignment.entry_id, sa.func.count().label("marks"))
        .where(
            Assignment.round_id == found.id,
            Assignment.marked_at.is_not(None),
            Assignment.recused_at.is_(None),
        )
        .group_by(Assignment.entry_id)
        .subquery()
    )
    lacking = found.reviews + RoundEntry.extra_reviews - sa.func.coalesce(given.c.marks, 0)
    total = session().scalar(
        sa.select(sa.func.sum(sa.case((lacking > 0, lacking), else_=0)))
        .select_from(RoundEntry)
        .join(Entry, Entry.id == RoundEntry.entry_id)
        .outerjoin(given, given.c.entry_id == RoundEntry.entry_id)
        .where(RoundEntry.round_id == found.id, Entry.status == EntryStatus.ACCEPTED)
    )
    return int(total or 0)


def close(event: Event, round_id: int, missing: str, *, actor: Account, now: datetime) -> Round:
    """Closes the round to marks. Where reviews are missing, `missing` says by which rule they count.

    Raises Invalid where marks are missing and no rule is stated: nothing is decided silently.
    """
    found = hold(event.id, round_id)
    require(found, RoundStatus.OPEN)
    lacking = missing_reviews(found)
    rule = Missing.NONE
    if lacking:
        if missing not in {Missing.AVAILABLE, Missing.LOWEST, Missing.EXCLUDE}:
            sentence = nmsg(
                "One review is missing: please say what becomes of it.",
                "%(count)s reviews are missing: please say what becomes of them.",
                lacking,
            )
            raise Invalid(sentence, problems=[FieldProblem("missing", sentence)], code="missing_rule")
        rule = Missing(missing)
    found.rule = {**found.rule, "missing": str(rule)}
    found.status = RoundStatus.CLOSED
    found.closed_at = now
    audit.record(actor, "jury.close_round", found, now=now, event_id=event.id, missing=lacking, rule=str(rule))
    return found


def reopen(event: Event, round_id: int, *, actor: Account, now: datetime) -> Round:
    """Opens a closed round to marks again; the rule for missing marks is asked anew at its next closing."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.CLOSED)
    require_running(event)
    require_open(event, PhaseKind.JUDGING, now)
    found.rule = {key: value for key, value in found.rule.items() if key != "missing"}
    found.status = RoundStatus.OPEN
    found.closed_at = None
    if found.closes_at is not None and found.closes_at <= now:
        found.closes_at = None
    audit.record(actor, "jury.reopen_round", found, now=now, event_id=event.id)
    return found


def extend(event: Event, round_id: int, until: datetime | None, *, actor: Account, now: datetime) -> Round:
    """Sets, moves or (None) clears the moment from which a round takes no more marks; the organiser closes it all the
    same. Also after that moment: the judges go on."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.OPEN)
    if until is not None and until <= now:
        sentence = msg("Please choose a moment that is still to come, or leave it empty for none.")
        raise Invalid(problems=[FieldProblem("closes_at", sentence)])
    before, found.closes_at = found.closes_at, until
    said = [moment.isoformat() if moment is not None else None for moment in (before, until)]
    audit.record(actor, "jury.extend_round", found, now=now, event_id=event.id, before=said[0], after=said[1])
    return found


def missing_rule(found: Round) -> Missing:
    """The rule for missing marks stated when the round was closed."""
    return Missing(found.rule.get("missing", Missing.NONE))
