"""An entry begins as a draft and changes as its author types."""

from datetime import datetime

import sqlalchemy as sa

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict, Forbidden, Invalid, NotFound
from concours.base.messages import msg
from concours.entries import authors, register
from concours.entries.history import note
from concours.entries.models import Entry, EntryStatus, StepKind
from concours.entries.times import DRAFTING, STANDING, require_running, require_submission
from concours.entries.words import Typed, current_statement, is_kept, put_words, read_words
from concours.events.models import Category, Event
from concours.events.rules import is_for_teams
from concours.identity.models import Account

DRAFTS_LIMIT = 30  # drafts of one person in one event


def start(event: Event, category: Category, *, actor: Account, now: datetime, team_id: int | None = None) -> Entry:
    """A new draft of `actor` in `category`; in a category of teams, of the team `team_id`.

    Raises Closed out of the phase, Forbidden without a department, NotFound for a team that is not the actor's to
    enter, Conflict when there are too many drafts.
    """
    require_submission(event, now)
    by_team = is_for_teams(event, category)
    teams = {team.id: team for team in authors.teams_of(actor, event, category)} if by_team else {}
    if by_team and not teams:
        raise Forbidden(
            msg("In “%(category)s” teams enter, and you lead none that can.", category=category.title),
            hint=msg("A team's captain or its department's coordinator enters its video."),
            code="no_team",
        )
    if not by_team:
        authors.require_author(actor, event)
    register.hold(event.id)
    drafts = session().scalar(
        sa.select(sa.func.count()).where(
            Entry.author_id == actor.id, Entry.event_id == event.id, Entry.status == EntryStatus.DRAFT
        )
    )
    if (drafts or 0) >= DRAFTS_LIMIT:
        raise Conflict(
            msg("You have %(count)s drafts in this event already.", count=drafts),
            hint=msg("Finish or discard some of them under “My entries” first."),
            code="too_many_drafts",
        )
    team = None
    if by_team:
        chosen = next(iter(teams)) if team_id is None and len(teams) == 1 else team_id
        team = teams.get(chosen) if chosen is not None else None
        if team is None and team_id is not None:
            raise NotFound(msg("There is no such team for you to enter."))
        if team is None:
            raise Invalid(msg("Please choose the team first."), code="choose_team")
    entry = Entry(
        event_id=event.id,
        category_id=category.id,
        department_id=team.department_id if team else actor.department_id,
        author_id=actor.id,
        team_id=team.id if team else None,
        authors=team.name if team else actor.name,
        status=EntryStatus.DRAFT,
        created_at=now,
        changed_at=now,
    )
    session().add(entry)
    session().flush()
    register.enter(entry)
    note(entry, StepKind.STARTED, actor=actor, now=now)
    audit.record(actor, "entries.start", entry, now=now, event_id=event.id, category=category.code)
    return entry


def change(entry: Entry, event: Event, sent: Typed, *, actor: Account, now: datetime, version: int) -> bool:
    """Keeps what was typed, and says whether anything changed (sending the same form twice is no error).

    A draft or a returned entry may be incomplete, and can be saved at any time. One that was submitted or accepted must
    stay complete, changes only while submission is open, and an accepted one is screened again.

    Raises Conflict (`changed_elsewhere`) where the form was of another `version` than the one kept now, Invalid with
    the fields' problems, Closed, Conflict for an entry that cannot change any more.
    """
    require_running(event)
    standing = entry.status in STANDING
    if standing:
        register.hold(event.id)
    register.lock(entry)
    words, problems = read_words(entry.category, current_statement(event.id), sent, complete=standing)
    if not problems and is_kept(entry, words):
        return False
    if (entry.status in STANDING) != standing or entry.version != version:
        raise changed_elsewhere()
    if not standing and entry.status not in DRAFTING:
        raise cannot_change(entry)
    if standing:
        require_submission(event, now, entry)
    if problems:
        raise Invalid(problems=problems)
    changed = put_words(entry, words)
    entry.version += 1
    entry.changed_at = now
    if entry.number is not None:
        note(entry, StepKind.CHANGED, actor=actor, now=now, **changed)
    if standing:
        register.move(entry, EntryStatus.SUBMITTED)
    audit.record(actor, "entries.change", entry, now=now, event_id=event.id, fields=list(changed))
    return True


def changed_elsewhere() -> Conflict:
    """The refusal for a form that was sent from an older version."""
    return Conflict(
        msg("This entry was changed in another window or on another device since you opened this form."),
        hint=msg("Nothing you typed is lost: both versions are shown. Choose what to keep, then save again."),
        code="changed_elsewhere",
    )


def cannot_change(entry: Entry) -> Conflict:
    """The refusal for an entry whose status allows no change."""
    if entry.status == EntryStatus.WITHDRAWN:
        return Conflict(
            msg("This entry is withdrawn."), hint=msg("Bring it back first, then it can be changed."), code="withdrawn"
        )
    return Conflict(msg("This entry was rejected and cannot be changed any more."), code="rejected")
