"""From a closed round's marks to its shortlist: scores, preview, exactly N."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

import sqlalchemy as sa

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Invalid
from concours.base.messages import Message, msg
from concours.entries.times import require_running
from concours.events.models import Event
from concours.identity.models import Account
from concours.jury import kinds, limits
from concours.jury.closing import missing_rule
from concours.jury.lookup import hold, require
from concours.jury.models import Round, RoundStatus, Selected
from concours.jury.rounds import quotas_of, ties_of
from concours.jury.scoring import Score, score
from concours.jury.selection import Candidate, CannotSelect, Selection, lottery_seed, select
from concours.jury.sources import Facts, entries_in, entries_then
from concours.jury.standing_scores import Ordering, ordering


@dataclass(frozen=True)
class Outcome:
    """What a round's marks come to for a number of places.

    `scores` by entry; `unscored`: entries that the rule for missing marks leaves without a score. `selection` is None
    and `problem` says why where that number cannot be selected. `ordering`: whether the mean or the model orders.
    """

    count: int
    entries: Mapping[int, Facts]
    scores: Mapping[int, Score]
    unscored: tuple[int, ...]
    selection: Selection | None
    problem: Message | None
    ordering: Ordering = field(default_factory=Ordering)


def outcome(event: Event, found: Round, count: int | None = None) -> Outcome:
    """The outcome for `count` places (the round's own number where it is None), computed from the marks.

    For a round whose shortlist stands, it is computed over the same entries as then.
    """
    if found.status == RoundStatus.SELECTED:
        entries = entries_then(found)
        count = int(found.outcome.get("count") or found.select_count)
    else:
        entries = entries_in(found)
        count = found.select_count if count is None else count
    scores = scores_of(found, entries)
    by = ordering(found, {facts.id for facts in entries})
    candidates = [
        Candidate(
            facts.id,
            lottery_label(facts),
            facts.category_id,
            by.estimates[facts.id].points if by.estimates else scores[facts.id].mean,
            scores[facts.id].median,
            scores[facts.id].reviews,
        )
        for facts in entries
        if facts.id in scores
    ]
    selection: Selection | None = None
    problem: Message | None = None
    try:
        selection = select(
            candidates, count, ties=ties_of(found), seed=lottery_seed(found.seed), quotas=quotas_of(found)
        )
    except CannotSelect as reason:
        problem = _why_not(event, reason)
    unscored = tuple(facts.id for facts in entries if facts.id not in scores)
    return Outcome(count, {facts.id: facts for facts in entries}, scores, unscored, selection, problem, by)


def scores_of(found: Round, entries: Collection[Facts]) -> dict[int, Score]:
    """The scores of the entries that have one, from the marks that stand."""
    said = kinds.worth(found, {facts.id for facts in entries})
    whole = said.whole or {}
    rule = missing_rule(found)
    scores = {
        facts.id: score(
            facts.id, said.marks.get(facts.id, ()), asked=found.reviews, missing=rule, whole=whole.get(facts.id)
        )
        for facts in entries
    }
    return {entry: value for entry, value in scores.items() if value is not None}


def standing_marks(found: Round) -> dict[int, list[Fraction]]:
    """The marks that stand, from 0 to 100, by entry; those of judges who stepped aside from it do not count."""
    return dict(kinds.worth(found).marks)


def lottery_label(facts: Facts) -> str:
    """What the lottery draws on: the public number."""
    return str(facts.number) if facts.number is not None else f"#{facts.id}"


def choose(event: Event, round_id: int, count: int, *, actor: Account, now: datetime) -> Outcome:
    """Selects exactly `count` entries of a closed round; the ties it took are kept with their deciding step."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.CLOSED)
    require_running(event)
    if not 1 <= count <= limits.SELECT_AT_MOST:
        raise Invalid(problems=[FieldProblem("count", msg("Please say how many are selected: 1 or more."))])
    result = outcome(event, found, count)
    if result.selection is None:
        raise Conflict(
            result.problem or msg("This number cannot be selected."),
            hint=msg("Choose another number, or reopen the round and let the missing marks be given."),
            code="cannot_select",
        )
    session().execute(
        sa.insert(Selected),
        [
            {
                "round_id": found.id,
                "entry_id": chosen.candidate.entry,
                "place": chosen.place,
                "score": float(chosen.candidate.score),
                "decided_by": str(chosen.decided_by),
            }
            for chosen in result.selection.selected
        ],
    )
    found.outcome = {"count": count, "entries": sorted(result.entries)}
    found.status = RoundStatus.SELECTED
    found.selected_at = now
    audit.record(
        actor,
        "jury.select",
        found,
        now=now,
        event_id=event.id,
        count=count,
        planned=found.select_count,
        entries=len(result.entries),
        unscored=len(result.unscored),
        lottery_seed=lottery_seed(found.seed),
        order=str(result.ordering.order),
        ties=[[str(tie.score), len(tie.members)] for tie in result.selection.ties],
    )
    return result


def withdraw_selection(event: Event, round_id: int, *, actor: Account, now: datetime) -> Round:
    """Takes a selection back, as long as no other round has taken its entries from it; the round is closed again."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.SELECTED)
    require_running(event)
    followers = session().scalars(sa.select(Round).where(Round.event_id == event.id, Round.status != RoundStatus.DRAFT))
    for other in followers:
        if other.input.get("round") == found.id:
            raise Conflict(
                msg("“%(round)s” already judges this shortlist.", round=other.title),
                hint=msg("A shortlist stands once another round has opened on it."),
                code="round_in_use",
            )
    session().execute(sa.delete(Selected).where(Selected.round_id == found.id))
    taken = found.outcome.get("count")
    found.outcome = {}
    found.status = RoundStatus.CLOSED
    found.selected_at = None
    audit.record(actor, "jury.withdraw_selection", found, now=now, event_id=event.id, count=taken)
    return found


def _why_not(event: Event, reason: CannotSelect) -> Message:
    titles = {category.id: category.title for category in event.categories}
    category = titles.get(reason.category or 0, "")
    if reason.what == "entries":
        return msg(
            "%(needed)s entries are to be selected, but only %(found)s have a score.",
            needed=reason.needed,
            found=reason.found,
        )
    if reason.what == "least" and reason.category is not None:
        return msg(
            "“%(category)s” has a minimum of %(needed)s, but only %(found)s of its entries have a score.",
            category=category,
            needed=reason.needed,
            found=reason.found,
        )
    if reason.what == "least":
        return msg(
            "The categories' minimums together are %(needed)s, more than the %(found)s to select.",
            needed=reason.needed,
            found=reason.found,
        )
    return msg(
        "The categories' maximums leave room for %(found)s, fewer than the %(needed)s to select.",
        needed=reason.needed,
        found=reason.found,
    )
