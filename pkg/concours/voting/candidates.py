"""Who stands in a poll: accepted entries or teams of the event, added by the group, withdrawn one by one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from concours import audit
from concours.base import clock
from concours.base.db import session
from concours.base.errors import Conflict, Invalid, NotFound
from concours.base.messages import Message, msg
from concours.entries.models import Entry, EntryStatus
from concours.events.models import Event
from concours.identity.models import Account
from concours.teams.models import Team
from concours.voting.models import Candidate, Poll
from concours.voting.polls import changed

MAX_CANDIDATES = 5_000
ENTRIES, TEAMS = "entries", "teams"


@dataclass(frozen=True)
class Source:
    """A group that can be put up as candidates: `kind` entries or teams; `ids` asks for their numbers when needed."""

    key: str
    label: Message
    kind: str
    ids: Callable[[], Sequence[int]]


_offers: list[Callable[[Event], Sequence[Source]]] = []


def offer(sources: Callable[[Event], Sequence[Source]]) -> None:
    """Lets a room above (which knows the jury's selections, say) add groups of its own for an event."""
    if sources not in _offers:
        _offers.append(sources)


def sources(event: Event) -> list[Source]:
    """The groups of the event that can be put up: accepted works, by category, teams, and what is offered."""
    found = [Source("accepted", msg("All accepted works"), ENTRIES, partial(_accepted, event))]
    if len(event.categories) > 1:
        found += [
            Source(
                f"category-{category.id}",
                msg("Accepted works of “%(category)s”", category=category.title),
                ENTRIES,
                partial(_accepted, event, category.id),
            )
            for category in event.categories
        ]
    found.append(Source("teams", msg("All teams"), TEAMS, partial(_teams, event)))
    for offered in _offers:
        found += offered(event)
    return found


def add(poll: Poll, event: Event, key: str, *, actor: Account, now: datetime) -> int:
    """Puts up a group of `sources`; who stands already stays. Returns how many are new.

    Raises Invalid for an unknown or an empty group, Conflict beyond 5,000 candidates.
    """
    source = next((source for source in sources(event) if source.key == key), None)
    if source is None:
        raise Invalid(msg("Choose what to add."))
    ids = source.ids()
    if not ids:
        raise Invalid(msg("There is nothing in “%(group)s” yet.", group=source.label))
    column = Candidate.entry_id if source.kind == ENTRIES else Candidate.team_id
    standing = set(session().scalars(sa.select(column).where(Candidate.poll_id == poll.id)))
    new = [number for number in ids if number not in standing]
    last = session().scalar(sa.select(sa.func.max(Candidate.position)).where(Candidate.poll_id == poll.id)) or 0
    if len(standing) + len(new) > MAX_CANDIDATES:
        raise Conflict(
            msg("A poll has at most %(count)s candidates.", count=MAX_CANDIDATES), code="too_many_candidates"
        )
    if new:
        field = "entry_id" if source.kind == ENTRIES else "team_id"
        session().execute(
            sa.insert(Candidate),
            [
                {"poll_id": poll.id, field: number, "position": last + place, "withdrawn": False}
                for place, number in enumerate(new, start=1)
            ],
        )
        changed(poll, now=now)
        audit.record(
            actor, "voting.add_candidates", poll, now=now, event_id=poll.event_id, group=source.key, count=len(new)
        )
    return len(new)


def withdraw(poll: Poll, candidate_id: int, *, actor: Account, now: datetime) -> None:
    """Takes a candidate out of the running: its votes stay in the ledger, new ones are refused. Raises NotFound."""
    _set(poll, candidate_id, withdrawn=True, actor=actor, now=now)


def reinstate(poll: Poll, candidate_id: int, *, actor: Account, now: datetime) -> None:
    """Lets a withdrawn candidate take votes again. Raises NotFound."""
    _set(poll, candidate_id, withdrawn=False, actor=actor, now=now)


def entry_moved(entry: Entry, was: EntryStatus) -> None:
    """A work that is no longer accepted takes no more votes, and one that is accepted again does: the polls in which it
    stands are read anew."""
    if EntryStatus.ACCEPTED not in {was, entry.status}:
        return
    standing = sa.select(Candidate.poll_id).where(Candidate.entry_id == entry.id)
    for poll in session().scalars(sa.select(Poll).where(Poll.id.in_(standing))):
        changed(poll, now=clock.now())


def _set(poll: Poll, candidate_id: int, *, withdrawn: bool, actor: Account, now: datetime) -> None:
    candidate = session().scalar(sa.select(Candidate).where(Candidate.id == candidate_id, Candidate.poll_id == poll.id))
    if candidate is None:
        raise NotFound(msg("There is no such candidate in this poll."))
    if candidate.withdrawn == withdrawn:
        return
    candidate.withdrawn = withdrawn
    changed(poll, now=now)
    verb = "voting.withdraw_candidate" if withdrawn else "voting.reinstate_candidate"
    audit.record(actor, verb, candidate, now=now, event_id=poll.event_id, poll=poll.id)


def _accepted(event: Event, category_id: int | None = None) -> list[int]:
    query = sa.select(Entry.id).where(Entry.event_id == event.id, Entry.status == EntryStatus.ACCEPTED)
    if category_id is not None:
        query = query.where(Entry.category_id == category_id)
    return list(session().scalars(query.order_by(Entry.number, Entry.id)))


def _teams(event: Event) -> list[int]:
    return list(session().scalars(sa.select(Team.id).where(Team.event_id == event.id).order_by(Team.id)))
