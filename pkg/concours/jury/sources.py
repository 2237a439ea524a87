"""Which entries a round is about, and which judges must not review which of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from concours.base.db import session
from concours.base.errors import Conflict
from concours.base.messages import msg
from concours.entries.models import Entry, EntryStatus
from concours.jury import conflicts
from concours.jury.assignment import Pair
from concours.jury.models import Assignment, Panelist, Round, RoundEntry, RoundStatus, Selected
from concours.teams.models import Member


@dataclass(frozen=True)
class Facts:
    """What the jury room needs to know of an entry."""

    id: int
    number: int | None
    category_id: int
    department_id: int | None
    author_id: int
    team_id: int | None


_COLUMNS = (Entry.id, Entry.number, Entry.category_id, Entry.department_id, Entry.author_id, Entry.team_id)


def entries_offered(found: Round) -> list[Facts]:
    """The entries that the round's input names now: accepted ones, those on the former round's shortlist, or those
    picked by hand.

    Raises Conflict where the former round has no shortlist yet.
    """
    query = sa.select(*_COLUMNS).where(Entry.event_id == found.event_id, Entry.status == EntryStatus.ACCEPTED)
    source = found.input.get("round")
    if source is not None:
        former = session().get(Round, source)
        if former is None or former.event_id != found.event_id or former.status != RoundStatus.SELECTED:
            raise Conflict(
                msg("“%(round)s” has no shortlist yet.", round=former.title if former else "?"),
                hint=msg("Close that round and select its entries first."),
                code="no_shortlist",
            )
        query = query.join(Selected, Selected.entry_id == Entry.id).where(Selected.round_id == source)
    picked = found.input.get("picked")
    if picked is not None:
        query = query.where(Entry.id.in_([int(entry) for entry in picked]))
    categories = found.input.get("categories") or []
    if categories:
        query = query.where(Entry.category_id.in_(categories))
    return [Facts(*row) for row in session().execute(query.order_by(Entry.id)).tuples()]


def entries_in(found: Round, *, only: int | None = None) -> list[Facts]:
    """The entries of a round that has opened (or one of them), without those that were withdrawn or rejected since."""
    query = (
        sa.select(*_COLUMNS)
        .join(RoundEntry, RoundEntry.entry_id == Entry.id)
        .where(RoundEntry.round_id == found.id, Entry.status == EntryStatus.ACCEPTED)
        .order_by(Entry.id)
    )
    if only is not None:
        query = query.where(Entry.id == only)
    return [Facts(*row) for row in session().execute(query).tuples()]


def entries_then(found: Round) -> list[Facts]:
    """The entries that a round's shortlist was chosen from, whatever became of them since."""
    then = set(found.outcome.get("entries") or [])
    query = (
        sa.select(*_COLUMNS)
        .join(RoundEntry, RoundEntry.entry_id == Entry.id)
        .where(RoundEntry.round_id == found.id)
        .order_by(Entry.id)
    )
    return [facts for facts in (Facts(*row) for row in session().execute(query).tuples()) if facts.id in then]


def newcomers(found: Round) -> list[Facts]:
    """Entries that the round's input names now and that are not in it: accepted after it opened."""
    inside = set(session().scalars(sa.select(RoundEntry.entry_id).where(RoundEntry.round_id == found.id)))
    return [facts for facts in entries_offered(found) if facts.id not in inside]


def asked_beyond(found: Round) -> tuple[dict[int, int], frozenset[int]]:
    """What is asked beyond the round's number of reviews: extra reviews by entry, and the anchor entries."""
    rows = session().execute(
        sa.select(RoundEntry.entry_id, RoundEntry.extra_reviews, RoundEntry.anchor).where(
            RoundEntry.round_id == found.id, sa.or_(RoundEntry.extra_reviews > 0, RoundEntry.anchor)
        )
    )
    known = rows.tuples().all()
    extra = {entry: more for entry, more, _ in known if more}
    return extra, frozenset(entry for entry, _, anchor in known if anchor)


def barred_pairs(found: Round, entries: Sequence[Facts], judges: Collection[Panelist]) -> set[Pair]:
    """(entry, judge) that must not be: a category that is not theirs, own department, work or team, a declared
    conflict, or stepped aside in any round of the event."""
    barred: set[Pair] = set()
    kept: dict[str, dict[int, list[int]]] = {"category": {}, "department": {}, "author": {}, "team": {}, "entry": {}}
    for facts in entries:
        known = (facts.category_id, facts.department_id, facts.author_id, facts.team_id, facts.id)
        for by, number in zip(kept, known, strict=True):
            if number is not None:
                kept[by].setdefault(number, []).append(facts.id)

    def bar(account: int, by: str, number: int | None) -> None:
        if number is not None:
            barred.update((entry, account) for entry in kept[by].get(number, ()))

    numbers = [judge.account_id for judge in judges]
    for judge in judges:
        bar(judge.account_id, "department", judge.account.department_id)
        bar(judge.account_id, "author", judge.account_id)
        for category in kept["category"].keys() - set(judge.categories or kept["category"]):
            bar(judge.account_id, "category", category)
    if kept["team"]:
        rows = session().execute(
            sa.select(Member.account_id, Member.team_id).where(
                Member.event_id == found.event_id, Member.account_id.in_(numbers)
            )
        )
        for account, team in rows.tuples():
            bar(account, "team", team)
    for account, by, number in conflicts.standing(found.event_id, numbers):
        bar(account, by, number)
    rows_aside = session().execute(
        sa.select(Assignment.account_id, Assignment.entry_id)
        .join(Round, Round.id == Assignment.round_id)
        .where(Round.event_id == found.event_id, Assignment.recused_at.is_not(None), Assignment.account_id.in_(numbers))
    )
    for account, entry in rows_aside.tuples():
        bar(account, "entry", entry)
    return barred
