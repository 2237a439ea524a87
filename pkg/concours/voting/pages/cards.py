"""Candidates as the public sees them, in an order of the visitor's own: nobody is always first.

Who stands in a poll is kept by the poll's version, what is shown of a candidate for half a minute, so that a page full
of visitors asks SQL next to nothing.
"""

import random
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from concours.base.db import session
from concours.entries.models import Entry, EntryStatus
from concours.entries.public import PublicEntry, PublicFile, authors_are_told, public_entries
from concours.events.models import Event
from concours.teams.models import Team
from concours.voting.models import Candidate, Poll

PAGE = 24
KEPT_S = 30.0
CARDS_KEPT = 20_000
SEARCH_LIMIT = 60
_LITERALLY = str.maketrans({"%": "\\%", "_": "\\_", "\\": "\\\\"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A rendition: `name` is where it is kept, sides in pixels."""

    name: str
    width: int
    height: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A file of a candidate as it is shown: `stills` from narrow to wide, `plays` what a player can play."""

    kind: str
    stills: tuple[Shown, ...]
    plays: tuple[Shown, ...]


@dataclass(frozen=True)
class Card:
    """A candidate: `entry` is the work as the public may see it (a team: None), `by` its makers, if they are told."""

    id: int
    title: str
    by: str
    number: int | None
    entry: PublicEntry | None
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Who stands there: an entry or a team."""

    entry_id: int | None
    team_id: int | None
    category_id: int | None
    withdrawn: bool


@dataclass(frozen=True)
class Field:
    """Everybody who stands (or stood) in a poll, as of a version; `running`: those who can be voted for now."""

    version: int
    places: dict[int, Place]
    running: tuple[int, ...]


@dataclass
class Showcase:
    """A process' memory of candidates."""

    _fields: dict[int, Field] = field(default_factory=dict)
    _cards: dict[tuple[int, bool], tuple[float, Card]] = field(default_factory=dict)
    _drawn: dict[tuple[Hashable, ...], tuple[Card, str]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def field_of(self, poll: Poll) -> Field:
        """Who stands in the poll."""
        kept = self._fields.get(poll.id)
        if kept is None or kept.version != poll.version:
            kept = self._fields[poll.id] = _read_field(poll)
        return kept

    def cards(self, poll: Poll, event: Event, ids: Iterable[int], now: datetime) -> dict[int, Card]:
        """What is shown of these candidates, in their order. A work that is no longer accepted is left out."""
        told, wanted = authors_are_told(event, now), list(ids)
        with self._guard:
            kept = {i: found for i in wanted if (found := self._cards.get((i, told))) and found[0] > time.monotonic()}
        missing = [i for i in wanted if i not in kept]
        if missing:
            until = time.monotonic() + KEPT_S
            new = {card.id: (until, card) for card in _read_cards(self.field_of(poll), event, missing, now)}
            with self._guard:
                if len(self._cards) + len(new) > CARDS_KEPT:
                    self._cards.clear()
                self._cards.update({(number, told): found for number, found in new.items()})
            kept |= new
        return {i: kept[i][1] for i in wanted if i in kept}

    def drawn(self, card: Card, how: tuple[Hashable, ...], draw: Callable[[], str]) -> str:
        """The card as HTML, drawn once for as long as what is shown of it is kept; `how`: what else it depends on."""
        name = (card.id, *how)
        kept = self._drawn.get(name)
        if kept is None or kept[0] is not card:
            kept = (card, draw())
            with self._guard:
                if len(self._drawn) >= CARDS_KEPT:
                    self._drawn.clear()
                self._drawn[name] = kept
        return kept[1]


def _read_field(poll: Poll) -> Field:
    rows = session().execute(
        sa.select(Candidate.id, Candidate.entry_id, Candidate.team_id, Entry.category_id, Candidate.withdrawn)
        .outerjoin(Entry, Entry.id == Candidate.entry_id)
        .where(Candidate.poll_id == poll.id)
        .order_by(Candidate.position, Candidate.id)
    )
    places = {row.id: Place(row.entry_id, row.team_id, row.category_id, row.withdrawn) for row in rows}
    return Field(poll.version, places, tuple(sorted(i for i, place in places.items() if not place.withdrawn)))


def _read_cards(standing: Field, event: Event, ids: Sequence[int], now: datetime) -> list[Card]:
    places = {i: standing.places[i] for i in ids if i in standing.places}
    wanted = [place.entry_id for place in places.values() if place.entry_id is not None]
    entries = {e.id: e for e in public_entries(event, now, ids=wanted, limit=len(wanted))} if wanted else {}
    numbers = [place.team_id for place in places.values() if place.team_id is not None]
    teams: dict[int, Team] = {}
    if numbers:
        query = sa.select(Team).options(joinedload(Team.department)).where(Team.id.in_(numbers))
        teams = {team.id: team for team in session().scalars(query)}
    found = []
    for i, place in places.items():
        entry, team = entries.get(place.entry_id or 0), teams.get(place.team_id or 0)
        if entry is not None:
            by = " · ".join(part for part in (entry.authors, entry.department) if part)
            found.append(Card(i, entry.title, by, entry.number, entry, tuple(_figure(file) for file in entry.files)))
        elif team is not None:
            found.append(Card(i, team.name, team.department.name, None, None))
    return found


def _figure(file: PublicFile) -> Figure:
    shown = sorted(
        (Shown(r.storage_name, r.width, r.height, r.content_type) for r in file.renditions.values()),
        key=lambda rendition: rendition.width,
    )
    return Figure(
        kind=file.kind,
        stills=tuple(r for r in shown if r.content_type.startswith("image/")),
        plays=tuple(r for r in shown if r.content_type.startswith(("video/", "audio/"))),
    )


def search(poll: Poll, text: str) -> list[int]:
    """The candidates whose number is `text` or whose title (a team: name) holds it; at most 60."""
    pattern = f"%{text.translate(_LITERALLY)}%"
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
    query = (
        sa.select(Candidate.id)
        .outerjoin(Entry, Entry.id == Candidate.entry_id)
        .outerjoin(Team, Team.id == Candidate.team_id)
        .where(
            Candidate.poll_id == poll.id,
            Candidate.withdrawn.is_(False),
            sa.or_(
                sa.and_(
                    Entry.status == EntryStatus.ACCEPTED,
                    sa.or_(Entry.number == number, Entry.title.ilike(pattern, escape="\\")),
                ),
                Team.name.ilike(pattern, escape="\\"),
            ),
        )
        .limit(SEARCH_LIMIT)
    )
    return list(session().scalars(query))


@lru_cache(maxsize=512)
def order_of(running: tuple[int, ...], seed: str) -> tuple[int, ...]:
    """The candidates in the visitor's own order: the same for the same `seed`."""
    order = list(running)
    random.Random(seed).shuffle(order)  # noqa: S311 (an order for the eye, not a secret)
    return tuple(order)


def page_of(order: Sequence[int], after: int | None) -> tuple[Sequence[int], int | None]:
    """One page of `order` behind the candidate `after`, and the key of the next page (None: this is the last)."""
    begin = order.index(after) + 1 if after in order else 0
    page = order[begin : begin + PAGE]
    return page, (page[-1] if begin + PAGE < len(order) else None)


def neighbours(order: Sequence[int], candidate_id: int) -> tuple[int | None, int | None]:
    """Who stands before and after a candidate in the visitor's order."""
    if candidate_id not in order:
        return None, None
    place = order.index(candidate_id)
    return (order[place - 1] if place else None), (order[place + 1] if place + 1 < len(order) else None)
