"""Who gets past the gate of each route of the jury room."""

from typing import Any

import sqlalchemy as sa

from concours.base.db import session
from concours.jury import declaring, remarks
from concours.jury.models import Remark, Round
from tests.access import Row, World
from tests.jury.build import Jury

LOOKS = frozenset({"organiser", "auditor", "admin"})
ACTS = frozenset({"organiser", "admin"})
JUDGES = frozenset({"judge"})
NOBODY: frozenset[str] = frozenset()
KIND_RULES: dict[str, dict[str, Any]] = {"pairwise": {"comparisons": 2}}
SET_UP = {"title": "初评", "kind": "yes_no", "reviews": "1", "select_count": "1", "ties": "median,lottery"}


def build(w: World, status: str = "draft") -> Round:
    """A round of the world's event with its judge on the panel."""
    jury: Jury = w.__dict__.setdefault("jury", Jury(w.make, w.event))
    jury.judges = [w.judge]
    jury.entries(2)
    if status == "draft":
        return jury.round(reviews=1, select_count=1)
    found = jury.opened(reviews=1, select_count=1)
    if status in {"closed", "selected"}:
        jury.close(found, "lowest")
    if status == "selected":
        jury.select(found, 1)
    w.__dict__["open_round"] = found
    return found


def desk(w: World, what: str = "", status: str = "draft") -> str:
    """An address of the organiser, below a round in that status."""
    return f"/events/{w.event.slug}/jury/rounds/{build(w, status).id}{what}"


def elsewhere(w: World, what: str = "") -> str:
    """A round under the address of another event: nobody's."""
    return f"/events/{w.event_elsewhere.slug}/jury/rounds/{build(w).id}{what}"


def seat(w: World, what: str) -> str:
    """An address of a judge, in an open round."""
    return f"/events/{w.event.slug}/jury/{build(w, 'open').id}/{what}"


def seat_elsewhere(w: World, what: str) -> str:
    """The same under the address of another event: nobody's."""
    return f"/events/{w.event_elsewhere.slug}/jury/{build(w, 'open').id}/{what}"


def token(w: World) -> str:
    """The token of one of the judge's works."""
    found: Round = w.__dict__["open_round"]
    return str(w.__dict__["jury"].work(found)[0].token)


def mark(w: World) -> dict[str, Any]:
    """A mark."""
    return {"token": token(w), "client_id": "one", "value": {"yes": True}}


def plain_mark(w: World) -> dict[str, Any]:
    """The same from the plain form."""
    return {"token": token(w), "client_id": "two", "position": "1", "yes": "1"}


def placed(w: World) -> dict[str, Any]:
    """A work put on the line."""
    return {"token": token(w), "client_id": "three", "act": "put", "place": "1"}


def compared(w: World) -> dict[str, Any]:
    """Two works compared."""
    found: Round = w.__dict__["open_round"]
    one, other = (work.token for work in w.__dict__["jury"].work(found)[:2])
    return {"first": one, "second": other, "client_id": "four", "better": "first"}


def aside(w: World) -> dict[str, Any]:
    """Stepping aside."""
    return {"token": token(w), "reason": "亲属", "position": "1"}


def of_kind(w: World, kind: str, what: str) -> str:
    """An address of a judge in an open round of that kind."""
    jury: Jury = w.__dict__.setdefault("jury", Jury(w.make, w.event))
    jury.judges = [w.judge]
    jury.entries(3)
    found = w.__dict__["open_round"] = jury.opened(kind=kind, reviews=1, select_count=1, **KIND_RULES.get(kind, {}))
    return f"/events/{w.event.slug}/jury/{found.id}/{what}"


def discussed(w: World) -> str:
    """The page of an open discussion."""
    jury: Jury = w.__dict__.setdefault("jury", Jury(w.make, w.event))
    jury.judges = [w.judge]
    jury.__dict__["first_entry"] = jury.entries(1)[0].id
    found = jury.opened(kind="discussion", reviews=1, select_count=1)
    return f"/events/{w.event.slug}/jury/rounds/{found.id}/discussion"


def at_rounds(w: World) -> str:
    """The list of rounds."""
    return f"/events/{w.event.slug}/jury/rounds"


def remark(w: World) -> dict[str, Any]:
    """A flag."""
    return {"token": token(w), "client_id": "r", "kind": "discuss", "text": ""}


def plain_remark(w: World) -> dict[str, Any]:
    """A note by the plain form."""
    return {"token": token(w), "at": "1", "note": "请看"}


def remarked(w: World) -> str:
    """The address of a flag that the world's judge raised."""
    page = desk(w, "/remarks", "open")
    found: Round = w.__dict__["open_round"]
    said = [remarks.Said(token(w), "r", "discuss", "")]
    assert remarks.give(w.event, found.id, said, actor=w.judge, now=w.make.now)[0].saved
    number = session().scalar(sa.select(Remark.id).where(Remark.round_id == found.id))
    session().commit()
    return f"{page}/{number}"


def conflict(w: World) -> dict[str, Any]:
    """A conflict of the world's judge with a department."""
    return {"judge": str(w.judge.id), "department": str(w.make.department().id)}


def declared(w: World) -> int:
    """The number of a conflict that the world's judge declared."""
    made = declaring.declare(
        w.event, w.judge.id, department=w.make.department().id, actor=w.judge, now=w.make.now, organiser=False
    )
    session().commit()
    return made.id


ROWS = [
    Row("jury_remarks.remarks_page", "GET", lambda w: desk(w, "/remarks", "open"), LOOKS),
    Row("jury_remarks.remarks_page", "GET", lambda w: elsewhere(w, "/remarks"), NOBODY),
    Row("jury_remarks.handle_remark", "POST", remarked, ACTS, data=lambda w: {"handled": "seen"}),
    Row("jury_remarks_api.give_remarks", "POST", lambda w: seat(w, "remarks"), JUDGES, json=remark),
    Row("jury_remarks_api.give_remarks", "POST", lambda w: seat_elsewhere(w, "remarks"), NOBODY, json=remark),
    Row("jury_plain_remarks.remark_form", "GET", lambda w: seat(w, "table/remarks?at=1"), JUDGES),
    Row("jury_plain_remarks.remark_form", "GET", lambda w: seat_elsewhere(w, "table/remarks?at=1"), NOBODY),
    Row("jury_plain_remarks.keep_remarks", "POST", lambda w: seat(w, "table/remarks"), JUDGES, data=plain_remark),
    Row("jury_api.table_outline", "GET", lambda w: seat(w, "outline.json"), JUDGES),
    Row("jury_api.table_outline", "GET", lambda w: seat_elsewhere(w, "outline.json"), NOBODY),
    Row("jury.rounds_page", "GET", at_rounds, LOOKS),
    Row("jury.new_round", "GET", lambda w: at_rounds(w) + "/new", ACTS),
    Row("jury.create_round", "POST", at_rounds, ACTS, data=lambda w: SET_UP),
    Row("jury.edit_round", "GET", lambda w: desk(w, "/edit"), ACTS),
    Row("jury.change_round", "POST", lambda w: desk(w, "/edit"), ACTS, data=lambda w: SET_UP),
    Row("jury.delete_round", "POST", lambda w: desk(w, "/delete"), ACTS, anew=True),
    Row("jury.round_page", "GET", desk, LOOKS),
    Row("jury.round_page", "GET", lambda w: desk(w, "", "open"), LOOKS),
    Row("jury.round_page", "GET", elsewhere, NOBODY),
    Row("jury.add_judges", "POST", lambda w: desk(w, "/panel"), ACTS, data=lambda w: {"judges": str(w.judge.id)}),
    Row(
        "jury.add_judges", "POST", lambda w: elsewhere(w, "/panel"), NOBODY, data=lambda w: {"judges": str(w.judge.id)}
    ),
    Row("jury.drop_judge", "POST", lambda w: desk(w, f"/panel/{w.judge.id}/drop"), ACTS),
    Row("jury.change_reviews", "POST", lambda w: desk(w, "/reviews", "open"), ACTS, data=lambda w: {"reviews": "1"}),
    Row("jury.include_newcomers", "POST", lambda w: desk(w, "/newcomers", "open"), ACTS),
    Row("jury.open_it", "POST", lambda w: desk(w, "/open"), ACTS),
    Row("jury.open_it", "POST", lambda w: elsewhere(w, "/open"), NOBODY),
    Row("jury.close_it", "POST", lambda w: desk(w, "/close", "open"), ACTS, data=lambda w: {"missing": "lowest"}),
    Row("jury.reopen_it", "POST", lambda w: desk(w, "/reopen", "closed"), ACTS),
    Row("jury_results.results_page", "GET", lambda w: desk(w, "/results", "closed"), LOOKS),
    Row("jury_results.results_page", "GET", lambda w: elsewhere(w, "/results"), NOBODY),
    Row(
        "jury_results.select_entries",
        "POST",
        lambda w: desk(w, "/select", "closed"),
        ACTS,
        data=lambda w: {"count": "1"},
    ),
    Row("jury_conflicts.conflicts_page", "GET", lambda w: f"{at_rounds(w)}/conflicts", LOOKS),
    Row("jury_conflicts.declare", "POST", lambda w: f"{at_rounds(w)}/conflicts", ACTS, data=conflict),
    Row("jury_conflicts.withdraw", "POST", lambda w: f"{at_rounds(w)}/conflicts/{declared(w)}/withdraw", ACTS),
    Row("jury_conflicts.own_page", "GET", lambda w: f"/events/{w.event.slug}/jury/conflicts", JUDGES),
    Row(
        "jury_conflicts.declare_own", "POST", lambda w: f"/events/{w.event.slug}/jury/conflicts", JUDGES, data=conflict
    ),
    Row(
        "jury_conflicts.withdraw_own",
        "POST",
        lambda w: f"/events/{w.event.slug}/jury/conflicts/{declared(w)}/withdraw",
        JUDGES,
    ),
    Row("jury_panel.change_page", "GET", lambda w: desk(w, "/change", "open"), ACTS),
    Row("jury_panel.change_page", "GET", lambda w: elsewhere(w, "/change"), NOBODY),
    Row(
        "jury_panel.change_it",
        "POST",
        lambda w: desk(w, "/change/reviews", "open"),
        ACTS,
        data=lambda w: {"reviews": "1"},
    ),
    Row("jury_panel.change_it", "POST", lambda w: elsewhere(w, "/change/reviews"), NOBODY),
    Row("jury_results.review_cut", "POST", lambda w: desk(w, "/review-cut", "closed"), ACTS),
    Row("jury_results.review_cut", "POST", lambda w: elsewhere(w, "/review-cut"), NOBODY),
    Row("jury_results.take_back", "POST", lambda w: desk(w, "/withdraw-selection", "selected"), ACTS),
    Row("jury_results.protocol_page", "GET", lambda w: desk(w, "/protocol", "selected"), LOOKS),
    Row("jury_protocol.protocol_pdf", "GET", lambda w: desk(w, "/protocol.pdf", "selected"), LOOKS),
    Row("jury_protocol.protocol_pdf", "GET", lambda w: elsewhere(w, "/protocol.pdf"), NOBODY),
    Row("jury_protocol.results_xlsx", "GET", lambda w: desk(w, "/results.xlsx", "selected"), LOOKS),
    Row("jury_report.show", "GET", lambda w: desk(w, "/report", "selected"), LOOKS),
    Row("jury_report.show", "GET", lambda w: elsewhere(w, "/report"), NOBODY),
    Row("jury_report.ask", "POST", lambda w: desk(w, "/report", "closed"), LOOKS),
    Row("jury_results.results_csv", "GET", lambda w: desk(w, "/results.csv", "selected"), LOOKS),
    Row("jury_api.round_progress", "GET", lambda w: desk(w, "/progress.json", "open"), LOOKS),
    Row("jury_api.round_progress", "GET", lambda w: elsewhere(w, "/progress.json"), NOBODY),
    Row("jury_api.round_selection", "GET", lambda w: desk(w, "/selection.json", "selected"), LOOKS),
    Row("jury_table.my_rounds", "GET", lambda w: f"/events/{w.event.slug}/jury", JUDGES),
    Row("jury_table.table", "GET", lambda w: seat(w, "table"), JUDGES),
    Row("jury_table.table", "GET", lambda w: seat_elsewhere(w, "table"), NOBODY),
    Row("jury_table.plain", "GET", lambda w: seat(w, "table/plain"), JUDGES),
    Row("jury_table.plain_mark", "POST", lambda w: seat(w, "table/plain"), JUDGES, data=plain_mark),
    Row("jury_kinds.ranking_page", "GET", lambda w: of_kind(w, "ranking", "ranking"), JUDGES),
    Row("jury_kinds.ranking_page", "GET", lambda w: seat_elsewhere(w, "ranking"), NOBODY),
    Row("jury_kinds.rank", "POST", lambda w: of_kind(w, "ranking", "ranking"), JUDGES, data=placed),
    Row("jury_kinds.rank", "POST", lambda w: seat_elsewhere(w, "ranking"), NOBODY, data=placed),
    Row("jury_pairs.pairs_page", "GET", lambda w: of_kind(w, "pairwise", "pairs"), JUDGES),
    Row("jury_pairs.pairs_page", "GET", lambda w: seat_elsewhere(w, "pairs"), NOBODY),
    Row("jury_pairs.compare", "POST", lambda w: of_kind(w, "pairwise", "pairs"), JUDGES, data=compared),
    Row("jury_pairs.compare", "POST", lambda w: seat_elsewhere(w, "pairs"), NOBODY, data=compared),
    Row(
        "jury_pairs_api.give_comparisons",
        "POST",
        lambda w: of_kind(w, "pairwise", "comparisons"),
        JUDGES,
        json=compared,
    ),
    Row("jury_pairs_api.give_comparisons", "POST", lambda w: seat_elsewhere(w, "comparisons"), NOBODY, json=compared),
    Row("jury_discussion.discussion_page", "GET", discussed, LOOKS),
    Row("jury_discussion.discussion_page", "GET", lambda w: elsewhere(w, "/discussion"), NOBODY),
    Row(
        "jury_discussion.show_hands",
        "POST",
        lambda w: f"{discussed(w)}/{w.__dict__['jury'].__dict__['first_entry']}",
        ACTS,
        data=lambda w: {"in_favour": "3"},
    ),
    Row("jury_table.plain_recuse", "POST", lambda w: seat(w, "table/recuse"), JUDGES, data=aside),
    Row("jury_api.table", "GET", lambda w: seat(w, "table.json"), JUDGES),
    Row("jury_api.table", "GET", lambda w: seat_elsewhere(w, "table.json"), NOBODY),
    Row("jury_api.give_marks", "POST", lambda w: seat(w, "marks"), JUDGES, json=mark),
    Row("jury_api.give_marks", "POST", lambda w: seat_elsewhere(w, "marks"), NOBODY, json=mark),
    Row("jury_api.step_aside", "POST", lambda w: seat(w, "recuse"), JUDGES, json=aside),
]
