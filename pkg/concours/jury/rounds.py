"""Setting up rounds: what is asked of the judges, of which entries, and how ties will be decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from concours import audit
from concours.base import typed
from concours.base.db import session
from concours.base.errors import Conflict, FieldProblem, Invalid
from concours.base.messages import msg
from concours.events.models import Event
from concours.identity.models import Account
from concours.jury import limits, picked
from concours.jury.kinds import rule as kind_rule
from concours.jury.kinds.criteria import CriterionDraft
from concours.jury.kinds.criteria import checked as checked_criteria
from concours.jury.lookup import hold, require
from concours.jury.models import Assignment, Criterion, Panelist, Round, RoundKind, RoundStatus
from concours.jury.picked import Pick
from concours.jury.selection import CHAINS, Quota, Step
from concours.jury.words import KIND_NAMES

MODELLED = frozenset({RoundKind.YES_NO, RoundKind.POINTS})
"""Kinds of rounds whose entries the model can order: each mark stands for itself."""
SCORES = ("mean", "model")
"""What can order a round's entries; the first is meant where nothing is said."""


@dataclass(frozen=True)
class RoundDraft:
    """A round as it is set up.

    `source`: the number of the round whose shortlist is judged, or None for accepted entries. `categories`: their
    numbers, empty for all. `picked`: the entries themselves, by public number with a reason; None where they are not
    picked by hand. `ties`: one of `selection.CHAINS`. `quotas` by category. `maybe`: whether judges may say Maybe
    beside Yes and No. `top`: of a ranking, how many of their works judges rank, None for all; `group`: how many
    they rank at once, None for all. `comparisons`: of pairs, in about how many of a judge's each work stands.
    `score`: what orders the entries, "mean" or "model" (`standing_scores`).
    """

    title: str
    kind: str
    reviews: int
    select_count: int
    source: int | None = None
    categories: Sequence[int] = ()
    criteria: Sequence[CriterionDraft] = ()
    ties: Sequence[str] = CHAINS[0]
    quotas: Mapping[int, Quota] = field(default_factory=dict)
    titles: bool = True
    maybe: bool = False
    picked: Sequence[Pick] | None = None
    top: int | None = None
    group: int | None = None
    comparisons: int | None = None
    score: str = "mean"


def create(event: Event, draft: RoundDraft, *, actor: Account, now: datetime) -> Round:
    """A new round behind the event's others. Raises Invalid with the fields that are wrong."""
    draft, chosen = _checked(event, draft, None)
    places = session().execute(
        sa.select(sa.func.max(Round.position), sa.func.count()).where(Round.event_id == event.id)
    )
    last, count = places.one().tuple()
    if count >= limits.ROUNDS_PER_EVENT:
        raise Conflict(msg("An event has at most %(limit)s rounds.", limit=limits.ROUNDS_PER_EVENT))
    made = Round(event_id=event.id, position=(last or 0) + 1, status=RoundStatus.DRAFT, created_at=now)
    _apply(made, draft, chosen)
    session().add(made)
    audit.record(actor, "jury.create_round", made, now=now, event_id=event.id, **_said(draft))
    return made


def change(event: Event, round_id: int, draft: RoundDraft, *, actor: Account, now: datetime) -> Round:
    """Changes a round that is being prepared; once it opened, its rules stand."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.DRAFT)
    draft, chosen = _checked(event, draft, found.id)
    found.criteria.clear()
    session().flush()
    _apply(found, draft, chosen)
    audit.record(actor, "jury.change_round", found, now=now, event_id=event.id, **_said(draft))
    return found


def delete(event: Event, round_id: int, *, actor: Account, now: datetime) -> None:
    """Removes a round that is being prepared and has no marks."""
    found = hold(event.id, round_id)
    require(found, RoundStatus.DRAFT)
    following = session().scalars(sa.select(Round).where(Round.event_id == event.id, Round.id != found.id))
    for other in following:
        if other.input.get("round") == found.id:
            raise Conflict(
                msg("The round “%(round)s” takes its entries from this one.", round=other.title),
                hint=msg("Change or delete that round first."),
                code="round_in_use",
            )
    audit.record(actor, "jury.delete_round", found, now=now, event_id=event.id, title=found.title)
    for table in (Criterion, Panelist, Assignment):
        session().execute(sa.delete(table).where(table.round_id == found.id))
    session().execute(sa.delete(Round).where(Round.id == found.id))
    session().expire_all()


def quotas_of(found: Round) -> dict[int, Quota]:
    """The round's quotas by category."""
    kept: Mapping[str, Mapping[str, int | None]] = found.rule.get("quotas") or {}
    return {
        int(category): Quota(least=quota.get("min") or 0, most=quota.get("max")) for category, quota in kept.items()
    }


def ties_of(found: Round) -> tuple[Step, ...]:
    """The round's chain for ties."""
    return tuple(Step(step) for step in found.rule.get("ties") or CHAINS[0])


def _apply(found: Round, draft: RoundDraft, chosen: Mapping[str, str]) -> None:
    found.title = draft.title
    found.kind = draft.kind
    found.reviews = draft.reviews
    found.select_count = draft.select_count
    found.input = {"round": draft.source, "categories": sorted(draft.categories)}
    if draft.picked is not None:
        found.input["picked"] = dict(chosen)
    kept = {name: said for name, said in (found.rule or {}).items() if name not in _OF_A_KIND}
    found.rule = kept | {
        "ties": [str(step) for step in draft.ties],
        "titles": draft.titles,
        "score": draft.score,
        "quotas": {str(number): {"min": quota.least, "max": quota.most} for number, quota in draft.quotas.items()},
    }
    found.rule |= _rule_of(draft, [])
    found.criteria.extend(
        Criterion(
            key=f"c{place}",
            title=criterion.title,
            weight=criterion.weight,
            lowest=criterion.lowest,
            highest=criterion.highest,
            step=criterion.step,
            anchors={str(points): sentence for points, sentence in criterion.anchors.items()},
            position=place,
        )
        for place, criterion in enumerate(draft.criteria, 1)
    )


_OF_A_KIND = frozenset({"maybe", "top", "group", "comparisons"})


def _rule_of(draft: RoundDraft, problems: list[FieldProblem]) -> dict[str, Any]:
    if draft.score not in SCORES:
        problems.append(FieldProblem("score", msg("Please choose what orders the entries.")))
    return kind_rule.checked(
        draft.kind,
        maybe=draft.maybe,
        top=draft.top,
        group=draft.group,
        comparisons=draft.comparisons,
        problems=problems,
    )


def _said(draft: RoundDraft) -> dict[str, Any]:
    return {
        "title": draft.title,
        "kind": draft.kind,
        "reviews": draft.reviews,
        "select": draft.select_count,
        "source": draft.source,
        "categories": sorted(draft.categories),
        "ties": [str(step) for step in draft.ties],
        "score": draft.score,
        "quotas": {str(number): [quota.least, quota.most] for number, quota in draft.quotas.items()},
        "picked": None if draft.picked is None else [[number, reason] for number, reason in draft.picked],
        "rule": _rule_of(draft, []),
        "criteria": [[c.title, c.weight, c.lowest, c.highest, c.step] for c in draft.criteria],
    }


def _checked(event: Event, draft: RoundDraft, own_id: int | None) -> tuple[RoundDraft, dict[str, str]]:
    """The draft with its texts cleaned and what does not belong to its kind left out, and what was picked by hand
    (entry → reason); raises Invalid."""
    problems: list[FieldProblem] = []

    def wrong(name: str, message: Any) -> None:
        problems.append(FieldProblem(name, message))

    title = typed.line(draft.title)
    if not title:
        wrong("title", msg("Please give the round a name."))
    elif len(title) > limits.TITLE_CHARACTERS:
        wrong("title", msg("At most %(limit)s characters, please.", limit=limits.TITLE_CHARACTERS))
    if draft.kind not in KIND_NAMES:
        wrong("kind", msg("Please choose how the judges speak."))
    if not 1 <= draft.reviews <= limits.REVIEWS_PER_ENTRY:
        wrong("reviews", msg("From 1 to %(limit)s reviews are possible.", limit=limits.REVIEWS_PER_ENTRY))
    if not 1 <= draft.select_count <= limits.SELECT_AT_MOST:
        wrong("select_count", msg("Please say how many are selected: 1 or more."))
    if tuple(draft.ties) not in {tuple(str(step) for step in chain) for chain in CHAINS}:
        wrong("ties", msg("Please choose one of the rules for ties."))
    known = {category.id for category in event.categories}
    if not set(draft.categories) <= known or not set(draft.quotas) <= known:
        wrong("categories", msg("Please choose categories of this event."))
    if draft.source is not None and not _may_follow(event, draft.source, own_id):
        wrong("source", msg("Please choose an earlier round of this event."))
    for number, quota in draft.quotas.items():
        if quota.least < 0 or (quota.most is not None and quota.most < max(quota.least, 0)):
            wrong(f"quota-{number}", msg("The least must not be more than the most."))
    if sum(quota.least for quota in draft.quotas.values()) > draft.select_count:
        wrong("select_count", msg("The categories' minimums together are more than the number to select."))
    chosen = picked.resolved(event.id, draft.picked, problems) if draft.picked is not None else {}
    _rule_of(draft, problems)
    criteria = checked_criteria(draft.criteria, problems) if draft.kind == RoundKind.POINTS else ()
    if problems:
        raise Invalid(problems=problems)
    clean = RoundDraft(
        title=title,
        kind=draft.kind,
        reviews=1 if draft.kind == RoundKind.DISCUSSION else draft.reviews,
        select_count=draft.select_count,
        source=draft.source if draft.picked is None else None,
        categories=tuple(sorted(set(draft.categories))),
        criteria=criteria,
        ties=tuple(draft.ties),
        quotas={number: quota for number, quota in draft.quotas.items() if quota.least or quota.most is not None},
        titles=draft.titles,
        maybe=draft.maybe,
        picked=draft.picked,
        top=draft.top,
        group=draft.group,
        comparisons=draft.comparisons,
        score=draft.score if draft.kind in MODELLED else SCORES[0],
    )
    return clean, chosen


def _may_follow(event: Event, source: int, own_id: int | None) -> bool:
    rows = session().execute(sa.select(Round.id, Round.input).where(Round.event_id == event.id))
    inputs: dict[int, dict[str, Any]] = dict(rows.tuples().all())
    seen: set[int] = {own_id} if own_id is not None else set()
    at: int | None = source
    while at is not None:
        if at in seen or at not in inputs:
            return False
        seen.add(at)
        at = inputs[at].get("round")
    return True
