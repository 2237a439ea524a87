"""The room's JSON: a judge's works, marks and steps aside; progress and selection for organisers and programs."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, StrictStr, StringConstraints, ValidationError

from concours.base import clock
from concours.base.db import session
from concours.base.errors import DomainError, Invalid, TooLarge
from concours.base.messages import msg
from concours.events.context import current_event
from concours.events.models import PhaseKind
from concours.events.phases import is_open
from concours.identity.access import actor, allow
from concours.identity.models import Role
from concours.jury import limits, marks
from concours.jury.forms import GREATEST
from concours.jury.light_table import outline, seat, share, works
from concours.jury.lookup import find_round
from concours.jury.models import Round, RoundStatus
from concours.jury.pages import ROUND, address, language, told
from concours.jury.progress import progress
from concours.jury.rounds import ties_of
from concours.jury.selection import Chosen, Tie, lottery_seed
from concours.jury.shortlist import Outcome, outcome

bp = APIBlueprint("jury_api", __name__, url_prefix="/events/<event_slug>/jury")


class TableQuery(BaseModel):
    """Works from behind the position `after`, at most `limit`."""

    after: int = Field(0, ge=0, le=GREATEST)
    limit: int = Field(limits.TABLE_PAGE, ge=1, le=limits.TABLE_PAGE)


Name = Annotated[StrictStr, StringConstraints(min_length=1)]


class MarkIn(BaseModel):
    """One mark: `value` is {"yes": bool}, {criterion key: points}, or null to take the mark back.

    `client_id` is the sender's random name for this mark; sent again under it, it is the same mark.
    """

    model_config = ConfigDict(extra="ignore")

    token: Annotated[Name, StringConstraints(max_length=limits.TOKEN_CHARACTERS)]
    client_id: Annotated[Name, StringConstraints(max_length=limits.CLIENT_ID_CHARACTERS)]
    value: dict[StrictStr, Any] | None


class RecusalIn(BaseModel):
    """Stepping aside from a work, with the reason."""

    token: Annotated[Name, StringConstraints(max_length=limits.TOKEN_CHARACTERS)]
    reason: Annotated[StrictStr, StringConstraints(max_length=4 * limits.REASON_CHARACTERS)]


class JudgeOut(BaseModel):
    """One judge's progress."""

    account: int
    name: str
    assigned: int
    marked: int
    recused: int
    last_mark_at: datetime | None
    dropped_at: datetime | None


class ProgressOut(BaseModel):
    """A round's progress. `marks` stand and count; `history`: all ever sent; `coverage`: marks per entry → entries."""

    round: int
    title: str
    kind: str
    status: str
    reviews: int
    entries: int
    asked: int
    marks: int
    missing: int
    unassigned: int
    complete: int
    recused: int
    history: int
    coverage: dict[str, int]
    judges: list[JudgeOut]


class ChosenOut(BaseModel):
    """An entry at or around the cut; `score_exact` is a fraction, `ticket` its number in the lottery."""

    entry: int
    number: int | None
    category: int
    place: int | None
    score: float
    score_exact: str
    median: float
    reviews: int
    decided_by: str
    ticket: str


class TieOut(BaseModel):
    """Entries of equal score of which some are in and some are out, in the order of the chain."""

    score: float
    score_exact: str
    entries: list[ChosenOut]


class SelectionOut(BaseModel):
    """What a round selected. `selected` is empty until its status is `selected`."""

    round: int
    title: str
    status: str
    count: int
    entries: int
    unscored: int
    ties_rule: list[str]
    missing_rule: str | None
    lottery_seed: str | None
    selected: list[ChosenOut]
    ties: list[TieOut]


@bp.get(f"/{ROUND}/table.json")
@allow(Role.JUDGE)
@bp.input(TableQuery, location="query")
@bp.doc(summary="The judge's own works in their random order, blind", tags=["Jury"])
def table(round_id: int, query_data: TableQuery) -> Response:
    """The judge's works with their own standing marks, and where the next page begins."""
    event = current_event()
    judge = actor()
    found = seat(event.id, round_id, judge)
    listed, following = works(
        found, judge, address=address, language=language(), after=query_data.after, limit=query_data.limit
    )
    mine = share(found, judge)
    return jsonify(
        {
            "round": _round_for_judges(found),
            "open": found.status == RoundStatus.OPEN and is_open(event, PhaseKind.JUDGING, clock.now()),
            "assigned": mine.assigned,
            "marked": mine.marked,
            "works": listed,
            "next": following,
        }
    )


@bp.get(f"/{ROUND}/outline.json")
@allow(Role.JUDGE)
@bp.doc(summary="All the judge's works in their random order: tokens, marks and flags", tags=["Jury"])
def table_outline(round_id: int) -> Response:
    """The judge's whole table in outline; what is shown of a work comes in pages of table.json."""
    event = current_event()
    judge = actor()
    found = seat(event.id, round_id, judge)
    listed = outline(found, judge)
    return jsonify(
        {
            "round": _round_for_judges(found),
            "open": found.status == RoundStatus.OPEN and is_open(event, PhaseKind.JUDGING, clock.now()),
            "assigned": len(listed),
            "marked": sum(work["mark"] is not None for work in listed),
            "works": listed,
        }
    )


@bp.post(f"/{ROUND}/marks")
@allow(Role.JUDGE)
@bp.doc(summary="Save one mark, or a list of up to 200 in their order", tags=["Jury"])
def give_marks(round_id: int) -> Response:
    """One mark: {"saved": true, …}, or a problem. A list: {"results": […]} with the fate of each."""
    event = current_event()
    judge = actor()
    body = request.get_json(silent=True)
    many = isinstance(body, list)
    items = body if isinstance(body, list) else [body]
    if not items or len(items) > limits.MARKS_AT_ONCE:
        raise TooLarge(msg("Send from 1 to %(limit)s marks at once.", limit=limits.MARKS_AT_ONCE))
    read = [_read_mark(item) for item in items]
    given = [mark for mark in read if isinstance(mark, marks.Given)]
    answers = iter(marks.record(event, round_id, given, actor=judge, now=clock.now()))
    fates = [next(answers) if isinstance(mark, marks.Given) else mark for mark in read]
    if not many:
        only = fates[0]
        if isinstance(only, Invalid):
            raise only
        if only.refusal is not None:
            raise only.refusal
    session().commit()
    found = find_round(event.id, round_id)
    mine = share(found, judge)
    counts = {"assigned": mine.assigned, "marked": mine.marked}
    results = [_fate(item, fate) for item, fate in zip(items, fates, strict=True)]
    return jsonify({**results[0], **counts} if not many else {"results": results, **counts})


@bp.post(f"/{ROUND}/recuse")
@allow(Role.JUDGE)
@bp.doc(summary="Step aside from a work", tags=["Jury"])
def step_aside(round_id: int) -> Response:
    """{token, reason} → {recused: true, replaced: whether another judge took the work over}."""
    event = current_event()
    judge = actor()
    try:
        asked = RecusalIn.model_validate(request.get_json(silent=True))
    except ValidationError as wrong:
        raise Invalid(msg("Send the work's token and the reason."), code="bad_recusal") from wrong
    _, successor = marks.recuse(event, round_id, asked.token, asked.reason, actor=judge, now=clock.now())
    session().commit()
    mine = share(find_round(event.id, round_id), judge)
    return jsonify(
        {"recused": True, "replaced": successor is not None, "assigned": mine.assigned, "marked": mine.marked}
    )


@bp.get(f"/rounds/{ROUND}/progress.json")
@allow(Role.ORGANISER, Role.AUDITOR)
@bp.output(ProgressOut)
@bp.doc(summary="How far a round is", tags=["Jury"])
def round_progress(round_id: int) -> dict[str, Any]:
    """How far a round is: per judge, and how many entries have how many marks."""
    found = find_round(current_event().id, round_id)
    now = progress(found)
    return {
        "round": found.id,
        "title": found.title,
        "kind": found.kind,
        "status": found.status,
        "reviews": found.reviews,
        "entries": now.entries,
        "asked": now.asked,
        "marks": now.marked,
        "missing": now.missing,
        "unassigned": now.unassigned,
        "complete": now.complete,
        "recused": now.recused,
        "history": now.history,
        "coverage": {str(count): entries for count, entries in now.coverage.items()},
        "judges": [
            {
                "account": row.account.id,
                "name": row.account.name,
                "assigned": row.assigned,
                "marked": row.marked,
                "recused": row.recused,
                "last_mark_at": row.last_mark_at,
                "dropped_at": row.dropped_at,
            }
            for row in now.judges
        ],
    }


@bp.get(f"/rounds/{ROUND}/selection.json")
@allow(Role.ORGANISER, Role.AUDITOR)
@bp.output(SelectionOut)
@bp.doc(summary="What a round selected, and what decided", tags=["Jury"])
def round_selection(round_id: int) -> dict[str, Any]:
    """What a round selected, with places, scores, and the ties at the cut as they were decided."""
    event = current_event()
    found = find_round(event.id, round_id)
    chosen = outcome(event, found) if found.status == RoundStatus.SELECTED else None
    selection = chosen.selection if chosen is not None else None
    return {
        "round": found.id,
        "title": found.title,
        "status": found.status,
        "count": chosen.count if chosen is not None else found.select_count,
        "entries": len(chosen.entries) if chosen is not None else 0,
        "unscored": len(chosen.unscored) if chosen is not None else 0,
        "ties_rule": [str(step) for step in ties_of(found)],
        "missing_rule": found.rule.get("missing"),
        "lottery_seed": lottery_seed(found.seed) if found.seed else None,
        "selected": [_chosen(fate, chosen) for fate in selection.selected] if chosen and selection else [],
        "ties": [_tie(tie, chosen) for tie in selection.ties] if chosen and selection else [],
    }


def _tie(tie: Tie, result: Outcome) -> dict[str, Any]:
    members = [_chosen(fate, result) for fate in tie.members]
    return {"score": float(tie.score), "score_exact": str(tie.score), "entries": members}


def _read_mark(item: Any) -> marks.Given | Invalid:
    try:
        mark = MarkIn.model_validate(item)
    except ValidationError:
        return Invalid(msg("A mark needs a token, a client_id and a value."), code="bad_mark")
    return marks.Given(mark.token, mark.client_id, mark.value)


def _fate(item: Any, fate: marks.Answer | Invalid) -> dict[str, Any]:
    if isinstance(fate, Invalid):
        named = item if isinstance(item, dict) else {}
        return {
            "token": named.get("token"),
            "client_id": named.get("client_id"),
            "saved": False,
            "code": fate.code,
            "message": told(fate.message),
        }
    answer: dict[str, Any] = {"token": fate.token, "client_id": fate.client_id, "saved": fate.saved}
    if fate.refusal is not None:
        answer |= {"code": fate.refusal.code, "message": told(fate.refusal.message), **_hint(fate.refusal)}
    return answer


def _hint(refusal: DomainError) -> dict[str, str]:
    return {"hint": told(refusal.hint)} if refusal.hint is not None else {}


def _round_for_judges(found: Round) -> dict[str, Any]:
    return {
        "id": found.id,
        "title": found.title,
        "kind": found.kind,
        "status": found.status,
        "maybe": bool(found.rule.get("maybe")),
        "criteria": [
            {
                "key": criterion.key,
                "title": criterion.title,
                "weight": criterion.weight,
                "lowest": criterion.lowest,
                "highest": criterion.highest,
                "step": criterion.step,
                "anchors": criterion.anchors,
            }
            for criterion in found.criteria
        ],
    }


def _chosen(fate: Chosen, result: Outcome) -> dict[str, Any]:
    candidate = fate.candidate
    return {
        "entry": candidate.entry,
        "number": result.entries[candidate.entry].number,
        "category": candidate.category,
        "place": fate.place,
        "score": float(candidate.score),
        "score_exact": str(candidate.score),
        "median": float(candidate.median),
        "reviews": candidate.reviews,
        "decided_by": str(fate.decided_by),
        "ticket": fate.ticket,
    }
