"""What came out of an event, read from the rooms below: the jury's selection, the public's votes, the teams' race."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from concours.base.db import session
from concours.base.messages import msg
from concours.entries.models import Entry, EntryFile
from concours.events.models import Category, Event
from concours.jury.models import Round, Selected
from concours.jury.results import final_rounds, final_selection
from concours.media.models import Asset
from concours.teams.models import Team
from concours.voting.candidates import ENTRIES, Source
from concours.voting.log import closing
from concours.voting.models import Candidate, Poll, Tally
from concours.voting.rules import LIVE, Rules

SELECTED_PAGE = 60
LEADERS = 10


@dataclass(frozen=True)
class Standing:
    """A candidate of a poll with its recorded votes."""

    title: str
    votes: int
    entry: Entry | None


@dataclass(frozen=True)
class PollResult:
    """A poll, all votes recorded in it, and its leaders.

    `reconciling`: its time is over and its final checkpoint is not signed yet; `withheld`: while it is open it shows
    its counts later, or not at all. Then neither votes nor leaders are told.
    """

    poll: Poll
    votes: int
    leaders: Sequence[Standing]
    reconciling: bool = False
    withheld: bool = False


@dataclass(frozen=True)
class Results:
    """The results of an event; `selected` is one page of the selection, `next_after` where the next begins."""

    selected_count: int
    by_category: Sequence[tuple[Category, int]]
    category_id: int | None
    selected: Sequence[Selected]
    next_after: str | None
    polls: Sequence[PollResult]
    teams: Sequence[Team]


def results(event: Event, *, now: datetime, category_id: int | None = None, after: tuple[int, int] = (0, 0)) -> Results:
    """The event's results as they are recorded now.

    The selection from behind `after` on, (position of the round, place in it), of one category if asked.
    """
    last = final_rounds(event.id)
    counts: dict[int, int] = {}
    page: list[Selected] = []
    if last:
        rows = session().execute(
            sa.select(Entry.category_id, sa.func.count())
            .join(Selected, Selected.entry_id == Entry.id)
            .where(_chosen(last))
            .group_by(Entry.category_id)
        )
        counts = dict(rows.tuples().all())
        page = _selected(last, category_id, after)
    more = len(page) > SELECTED_PAGE
    end = page[SELECTED_PAGE - 1] if more else None
    return Results(
        selected_count=sum(counts.values()),
        by_category=[(category, counts[category.id]) for category in event.categories if category.id in counts],
        category_id=category_id if category_id in counts else None,
        selected=page[:SELECTED_PAGE],
        next_after=f"{last[end.entry.category_id].position}-{end.place}" if end else None,
        polls=_polls(event, now),
        teams=_leading_teams(event),
    )


def _chosen(last: Mapping[int, Round], category_id: int | None = None) -> sa.ColumnElement[bool]:
    """Which rows of Selected are of the last round of their category."""
    return sa.or_(
        sa.false(),
        *(
            sa.and_(Selected.round_id == found.id, Entry.category_id == category)
            for category, found in last.items()
            if category_id in (None, category)
        ),
    )


def _selected(last: Mapping[int, Round], category_id: int | None, after: tuple[int, int]) -> list[Selected]:
    return list(
        session().scalars(
            sa.select(Selected)
            .join(Entry, Entry.id == Selected.entry_id)
            .join(Round, Round.id == Selected.round_id)
            .options(
                joinedload(Selected.entry).joinedload(Entry.author),
                joinedload(Selected.entry).joinedload(Entry.department),
                joinedload(Selected.entry).joinedload(Entry.category),
                joinedload(Selected.entry)
                .selectinload(Entry.files)
                .joinedload(EntryFile.asset)
                .selectinload(Asset.renditions),
            )
            .where(_chosen(last, category_id))
            .where(sa.or_(Round.position > after[0], sa.and_(Round.position == after[0], Selected.place > after[1])))
            .order_by(Round.position, Selected.place)
            .limit(SELECTED_PAGE + 1)
        )
    )


def _polls(event: Event, now: datetime) -> list[PollResult]:
    polls = list(session().scalars(sa.select(Poll).where(Poll.event_id == event.id, Poll.published).order_by(Poll.id)))
    if not polls:
        return []
    numbers = [poll.id for poll in polls]
    place = sa.func.row_number().over(partition_by=Tally.poll_id, order_by=(Tally.votes.desc(), Tally.candidate_id))
    ranked = sa.select(Tally.poll_id, Tally.candidate_id, Tally.votes, place.label("place")).where(
        Tally.poll_id.in_(numbers)
    )
    top = ranked.subquery()
    rows = session().execute(
        sa.select(Candidate, top.c.votes)
        .join(top, top.c.candidate_id == Candidate.id)
        .options(
            joinedload(Candidate.entry)
            .selectinload(Entry.files)
            .joinedload(EntryFile.asset)
            .selectinload(Asset.renditions),
            joinedload(Candidate.team),
        )
        .where(top.c.place <= LEADERS)
        .order_by(top.c.poll_id, top.c.place)
    )
    leaders: dict[int, list[Standing]] = {}
    for candidate, votes in rows:
        title = candidate.entry.title if candidate.entry else candidate.team.name if candidate.team else ""
        leaders.setdefault(candidate.poll_id, []).append(Standing(title, votes, candidate.entry))
    totals = dict(
        session()
        .execute(
            sa.select(Tally.poll_id, sa.func.sum(Tally.votes)).where(Tally.poll_id.in_(numbers)).group_by(Tally.poll_id)
        )
        .tuples()
        .all()
    )
    final = closing.settled(session(), numbers)
    return [
        PollResult(poll, int(totals.get(poll.id) or 0), leaders.get(poll.id, []))
        if poll.id in final or (now < poll.closes_at and Rules.read(poll.rules).shown == LIVE)
        else PollResult(poll, 0, [], reconciling=now >= poll.closes_at, withheld=now < poll.closes_at)
        for poll in polls
    ]


def _leading_teams(event: Event) -> list[Team]:
    return list(
        session().scalars(
            sa.select(Team)
            .options(selectinload(Team.department))
            .where(Team.event_id == event.id, Team.clip_count > 0)
            .order_by(Team.clip_count.desc(), Team.id)
            .limit(LEADERS)
        )
    )


def groups(event: Event) -> list[Source]:
    """What the jury selected, as a group that can be put up as candidates of a poll."""
    return [
        Source(
            "selected",
            msg("Works the jury selected"),
            ENTRIES,
            lambda: [one.entry_id for one in final_selection(event.id)],
        )
    ]
