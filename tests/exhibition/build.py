"""A jury's selection, built as rows: what the exhibition starts from."""

from concours.base.db import session
from concours.entries.models import Entry, EntryStatus
from concours.events.models import Category, Event
from concours.exhibition.models import Hall
from concours.identity.models import Account
from concours.jury.models import Round, RoundStatus, Selected
from tests.factories import Make


def entry(make: Make, event: Event, category: Category, author: Account, number: int, **values: object) -> Entry:
    """An accepted entry of `author`."""
    row = Entry(
        **(
            {
                "event_id": event.id,
                "category_id": category.id,
                "author_id": author.id,
                "number": number,
                "title": f"作品{number}",
                "authors": "𠮷田",
                "status": EntryStatus.ACCEPTED,
                "created_at": make.now,
                "changed_at": make.now,
            }
            | values
        )
    )
    session().add(row)
    session().commit()
    return row


def selection(make: Make, event: Event, entries: list[Entry]) -> Round:
    """A round of `event` that selected `entries`, in that order."""
    jury_round = Round(
        event_id=event.id,
        position=1,
        title="终评",
        kind="points",
        status=RoundStatus.SELECTED,
        reviews=3,
        select_count=len(entries),
        seed="00",
        selected_at=make.now,
        created_at=make.now,
    )
    session().add(jury_round)
    session().flush()
    for place, one in enumerate(entries, 1):
        session().add(Selected(round_id=jury_round.id, entry_id=one.id, place=place, score=9.0, decided_by="score"))
    session().commit()
    return jury_round


def exhibition(make: Make, event: Event, works: int, *, opened: bool = True) -> tuple[Hall, list[Entry]]:
    """A hall of `event` with `works` selected works."""
    from concours.exhibition import verbs

    category, author, organiser = make.category(event), make.account(), make.account()
    entries = [entry(make, event, category, author, number) for number in range(1, works + 1)]
    selection(make, event, entries)
    hall = verbs.hang(event, title="一号厅", introduction="前言", category_id=None, actor=organiser, now=make.now)
    if opened:
        verbs.set_open(hall, True, actor=organiser, now=make.now)
    session().commit()
    return hall, entries
