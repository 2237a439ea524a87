"""An organiser's acts on a poll: make it, change it, publish it, take it back before the first vote."""

import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Invalid, NotFound
from concours.base.messages import msg
from concours.events.models import Event, EventStatus
from concours.identity.models import Account
from concours.voting import secrets
from concours.voting.ladder import ways
from concours.voting.ladder.ways import NEVER, ON_EVIDENCE, Ways
from concours.voting.models import Candidate, Poll, PollLog, PollProgress, Tally, Witness
from concours.voting.rules import Rules

MAX_POLLS_PER_EVENT = 50
SLUG_LENGTH = 60


@dataclass(frozen=True)
class Draft:
    """What an organiser says of a poll; times are aware."""

    title: str
    introduction: str
    ways: Ways
    opens_at: datetime
    closes_at: datetime
    rules: Rules
    challenge: str = NEVER


def polls_of(event: Event, *, published_only: bool) -> list[Poll]:
    """The event's polls, the newest last."""
    query = sa.select(Poll).where(Poll.event_id == event.id).order_by(Poll.id)
    if published_only:
        query = query.where(Poll.published.is_(True))
    return list(session().scalars(query))


def poll_of(event: Event, poll_id: int) -> Poll:
    """The poll of that number in the event. Raises NotFound."""
    poll = session().scalar(sa.select(Poll).where(Poll.id == poll_id, Poll.event_id == event.id))
    if poll is None:
        raise NotFound(msg("There is no such poll."))
    return poll


def state_at(poll: Poll, now: datetime) -> str:
    """`upcoming`, `open` or `closed` at `now`."""
    return "upcoming" if now < poll.opens_at else "open" if now < poll.closes_at else "closed"


def published_poll(event: Event, slug: str) -> Poll:
    """The event's published poll of that slug. Raises NotFound."""
    query = sa.select(Poll).where(Poll.slug == slug, Poll.event_id == event.id, Poll.published.is_(True))
    poll = session().scalar(query)
    if poll is None:
        raise NotFound(msg("There is no such poll."))
    return poll


def leaves(poll: Poll) -> int:
    """How many leaves the ledger has: votes, and decisions about them."""
    return session().scalar(sa.select(PollProgress.next_leaf).where(PollProgress.poll_id == poll.id)) or 0


def recorded(poll: Poll) -> int:
    """How many votes the ledger holds, those that were voided among them."""
    return recorded_in([poll]).get(poll.id, 0)


def recorded_in(found: Sequence[Poll]) -> dict[int, int]:
    """How many votes the ledger holds of each of these polls."""
    votes = (PollProgress.next_leaf - PollProgress.amendments).label("votes")
    query = sa.select(PollProgress.poll_id, votes).where(PollProgress.poll_id.in_([poll.id for poll in found]))
    return {row.poll_id: row.votes for row in session().execute(query)}


def judged(poll: Poll) -> tuple[int, int]:
    """How many leaves of the ledger are decisions about votes, and how many votes are void by them."""
    query = sa.select(PollProgress.amendments, PollProgress.voided).where(PollProgress.poll_id == poll.id)
    found = session().execute(query).one_or_none()
    return (0, 0) if found is None else (found.amendments, found.voided)


def tallied(poll: Poll, candidate_ids: Sequence[int]) -> dict[int, int]:
    """The votes that these candidates have now, by weight: for the organiser's eyes, whatever is public."""
    votes = sa.select(Tally.candidate_id, Tally.votes).where(
        Tally.poll_id == poll.id, Tally.candidate_id.in_(candidate_ids)
    )
    return {row.candidate_id: row.votes for row in session().execute(votes)}


def has_votes(poll: Poll) -> bool:
    """Whether a vote is recorded in it."""
    return recorded(poll) > 0


def create(event: Event, draft: Draft, *, actor: Account, now: datetime, poll_key_secret: str) -> Poll:
    """Makes an unpublished poll with fresh keys. Raises Conflict at the event's fiftieth."""
    count = session().scalar(sa.select(sa.func.count()).select_from(Poll).where(Poll.event_id == event.id)) or 0
    if count >= MAX_POLLS_PER_EVENT:
        raise Conflict(msg("An event has at most %(count)s polls.", count=MAX_POLLS_PER_EVENT), code="too_many_polls")
    slug = _free_slug(event, count + 1)
    keys = secrets.make_keys(poll_key_secret, slug)
    poll = Poll(
        event_id=event.id,
        slug=slug,
        zone=event.zone,
        wrapped_key=keys.wrapped_key,
        wrapped_signing_key=keys.wrapped_signing_key,
        signing_public=keys.signing_public,
        created_at=now,
        changed_at=now,
        version=1,
    )
    _put(poll, draft)
    session().add(poll)
    session().flush()
    session().add(PollProgress(poll_id=poll.id, changed_at=now))
    audit.record(actor, "voting.create_poll", poll, now=now, event_id=event.id, title=poll.title, rules=poll.rules)
    return poll


def edit(poll: Poll, draft: Draft, *, version: int, actor: Account, now: datetime) -> None:
    """Changes the poll; `version` is the one the organiser saw.

    Raises Conflict where somebody else changed it meanwhile, Invalid where the change would be unfair to votes cast.
    """
    if version != poll.version:
        raise Conflict(
            msg("Somebody else changed this poll while you were editing it."),
            hint=msg("What you typed is still here. Compare it with the poll as it is now, and save again."),
            code="changed_meanwhile",
        )
    if (poll.opens_at, poll.closes_at) != (draft.opens_at, draft.closes_at) and _log_closed(poll):
        problem = FieldProblem("closes_at", msg("The final checkpoint is signed: the poll's times cannot be changed."))
        raise Invalid(problems=[problem])
    if ways.kept(ways.read(poll.ways)) != ways.kept(draft.ways) and has_votes(poll):
        problem = FieldProblem("ways", msg("Votes are recorded already: who votes can no longer be changed."))
        raise Invalid(problems=[problem])
    before = _said(poll)
    _put(poll, draft)
    changed(poll, now=now)
    audit.record(actor, "voting.edit_poll", poll, now=now, event_id=poll.event_id, before=before, after=_said(poll))


def publish(poll: Poll, event: Event, *, actor: Account, now: datetime) -> None:
    """Opens the poll's pages to all; votes are taken from its opening time on. Raises Conflict with what is missing."""
    if event.status == EventStatus.DRAFT:
        raise Conflict(msg("Publish the event first: its pages are still hidden."), code="event_is_draft")
    if poll.published:
        return
    standing = sa.select(Candidate.id).where(Candidate.poll_id == poll.id, Candidate.withdrawn.is_(False)).limit(2)
    if len(list(session().scalars(standing))) < 2:
        raise Conflict(
            msg("A poll needs at least two candidates."),
            hint=msg("Add works or teams below, then publish."),
            code="too_few_candidates",
        )
    if poll.closes_at <= now:
        raise Conflict(msg("This poll would be closed already. Set a later closing time."), code="closes_in_the_past")
    poll.published = True
    changed(poll, now=now)
    audit.record(actor, "voting.publish_poll", poll, now=now, event_id=poll.event_id)


def unpublish(poll: Poll, *, actor: Account, now: datetime) -> None:
    """Takes the poll back, as long as no vote is recorded. Raises Conflict."""
    if has_votes(poll):
        raise Conflict(msg("Votes are recorded already: the poll can no longer be taken back."), code="has_votes")
    poll.published = False
    changed(poll, now=now)
    audit.record(actor, "voting.unpublish_poll", poll, now=now, event_id=poll.event_id)


def was_public(poll: Poll) -> bool:
    """Whether the poll is public or was: then it has a log."""
    return poll.published or session().get(PollLog, poll.id) is not None or has_votes(poll)


def discard(poll: Poll, *, actor: Account, now: datetime) -> None:
    """Removes a poll that was never public, with its candidates and codes. Raises Conflict."""
    if was_public(poll):
        raise Conflict(
            msg("This poll was public once: it stays on record."),
            hint=msg("Take it back instead, as long as nobody has voted; then only organisers see it."),
            code="was_public",
        )
    audit.record(actor, "voting.discard_poll", poll, now=now, event_id=poll.event_id, title=poll.title, slug=poll.slug)
    for table in (Witness, PollProgress):
        session().execute(sa.delete(table).where(table.poll_id == poll.id))
    session().expire(poll, ["candidates"])
    session().execute(sa.delete(Candidate).where(Candidate.poll_id == poll.id))
    session().execute(sa.delete(Poll).where(Poll.id == poll.id))
    session().expunge(poll)


def ask_everybody(poll: Poll, asked: bool, *, actor: Account, now: datetime) -> None:
    """Whether every newcomer of a poll with a challenge on evidence solves one from now on. Raises Conflict."""
    if poll.challenge != ON_EVIDENCE:
        raise Conflict(
            msg("This poll does not ask for a puzzle on evidence."),
            hint=msg("That is set in the poll's form, under “Slowing programs down”."),
            code="no_challenge_on_evidence",
        )
    if poll.challenge_now == asked:
        return
    poll.challenge_now = asked
    changed(poll, now=now)
    audit.record(actor, "voting.ask_everybody", poll, now=now, event_id=poll.event_id, asked=asked)


def changed(poll: Poll, *, now: datetime) -> None:
    """Raises the version, by which every cache knows that it must read the poll again."""
    poll.version += 1
    poll.changed_at = now


def _log_closed(poll: Poll) -> bool:
    """Whether the poll's log has its last checkpoint; locked, so that it does not get it meanwhile."""
    query = sa.select(PollLog.closed_at).where(PollLog.poll_id == poll.id).with_for_update()
    return session().scalar(query) is not None


def _put(poll: Poll, draft: Draft) -> None:
    poll.title, poll.introduction = draft.title, draft.introduction
    poll.ways, poll.challenge = ways.kept(draft.ways), draft.challenge
    poll.challenge_now = bool(poll.challenge_now) and draft.challenge == ON_EVIDENCE
    poll.opens_at, poll.closes_at, poll.rules = draft.opens_at, draft.closes_at, draft.rules.kept()


def _said(poll: Poll) -> dict[str, object]:
    return {
        "title": poll.title,
        "ways": poll.ways,
        "challenge": poll.challenge,
        "opens_at": poll.opens_at.isoformat(),
        "closes_at": poll.closes_at.isoformat(),
        "rules": dict(poll.rules),
    }


def _free_slug(event: Event, number: int) -> str:
    slug = f"{event.slug[: SLUG_LENGTH - 8]}-{number}"
    while session().scalar(sa.select(Poll.id).where(Poll.slug == slug)) is not None:
        slug = f"{event.slug[: SLUG_LENGTH - 8]}-{random.token_hex(3)}"
    return slug
