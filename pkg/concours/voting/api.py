"""The room's JSON: a poll, its voters, votes, standings and receipts. The vote itself comes in by `front`."""

import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import BaseModel

from concours.base import clock
from concours.base.db import session
from concours.base.errors import NotFound
from concours.base.messages import msg
from concours.entries.models import Entry, EntryStatus
from concours.events.context import current_event
from concours.identity.access import PUBLIC, allow
from concours.identity.models import Role
from concours.teams.models import Team
from concours.voting import front, polls, reconciliation, shown, standing, voters
from concours.voting.booth import booth
from concours.voting.described import BY_VOTER, SCHEMES, BallotIn, BallotOut, ReceiptOut, VoteIn, VoteOut, body, either
from concours.voting.models import Candidate, Poll

bp = APIBlueprint("voting_api", __name__, url_prefix="/api/v1", tag="Votes")
bp.record_once(lambda setup: setup.app.config.update(SECURITY_SCHEMES=SCHEMES))

POLL = "/polls/<int(max=9007199254740991):poll_id>"


class CandidateOut(BaseModel):
    """Who can be voted for; `number` is the public number of a work. Of a work that is no longer accepted neither title
    nor number is told."""

    id: int
    kind: str
    title: str
    number: int | None
    withdrawn: bool


class PollOut(BaseModel):
    """A poll. Times are in UTC; a day is a calendar day in `zone`; a rule of 0 is no limit. `ways`: how one becomes a
    voter (account, device, code, phone, oidc) and what each vote counts then (of codes: each batch has its own);
    `who`: these in one word. `challenge`: whether newcomers solve a puzzle: never, evidence, always."""

    id: int
    slug: str
    event: str
    title: str
    who: str
    ways: dict[str, int]
    challenge: str
    zone: str
    opens_at: str
    closes_at: str
    state: str
    rules: dict[str, int | str]
    version: int
    signing_key: str
    candidates: list[CandidateOut]


class PollsOut(BaseModel):
    """The published polls of an event."""

    polls: list[dict[str, Any]]


class LeftOut(BaseModel):
    """The voter today: votes used and left (null: no limit), votes given per candidate, and who can get no more."""

    used_today: int
    left_today: int | None
    left_total: int | None
    today: dict[str, int]
    full: list[int]


class StandingOut(BaseModel):
    """A candidate's recorded votes, each by its weight."""

    candidate: int
    votes: int


class ReconciliationOut(BaseModel):
    """The three counts of a poll side by side; `difference` is 0 where they agree for every candidate."""

    poll: int
    leaves: int
    receipts: int
    ledger: int
    tally: int
    redis: int
    waiting: int
    refused: dict[str, int]
    refused_reasons: dict[str, int]
    refused_late: int
    difference: int
    candidates: list[dict[str, int]]


def _published(poll_id: int) -> Poll:
    poll = session().scalar(sa.select(Poll).where(Poll.id == poll_id, Poll.published.is_(True)))
    if poll is None:
        raise NotFound(msg("There is no such poll."))
    return poll


@bp.get("/events/<event_slug>/polls")
@allow(PUBLIC)
@bp.output(PollsOut)
@bp.doc(summary="The polls of an event")
def listed() -> dict[str, Any]:
    """The published polls of the event."""
    now = clock.now()
    return {
        "polls": [
            {"id": poll.id, "slug": poll.slug, "title": poll.title, "state": polls.state_at(poll, now)}
            for poll in polls.polls_of(current_event(), published_only=True)
        ]
    }


@bp.get(POLL)
@allow(PUBLIC)
@bp.output(PollOut)
@bp.doc(summary="A poll with its rules and candidates")
def poll(poll_id: int) -> dict[str, Any]:
    """The poll, its rules, and who can be voted for."""
    found = _published(poll_id)
    facts = booth().facts(poll_id)
    rows = session().execute(
        sa.select(Candidate.id, Candidate.entry_id, Candidate.withdrawn, Entry.title, Entry.number, Team.name)
        .outerjoin(Entry, sa.and_(Entry.id == Candidate.entry_id, Entry.status == EntryStatus.ACCEPTED))
        .outerjoin(Team, Team.id == Candidate.team_id)
        .where(Candidate.poll_id == poll_id)
        .order_by(Candidate.position, Candidate.id)
    )
    return {
        "id": found.id,
        "slug": found.slug,
        "event": found.event.slug,
        "title": found.title,
        "who": found.who,
        "ways": {kind: way.weight for kind, way in facts.ways.items()},
        "challenge": facts.challenge,
        "zone": found.zone,
        "opens_at": found.opens_at.isoformat(),
        "closes_at": found.closes_at.isoformat(),
        "state": polls.state_at(found, clock.now()),
        "rules": facts.rules.kept(),
        "version": found.version,
        "signing_key": found.signing_public.hex(),
        "candidates": [
            {
                "id": row.id,
                "kind": "team" if row.entry_id is None else "entry",
                "title": row.name or row.title or "",
                "number": row.number,
                "withdrawn": row.withdrawn,
            }
            for row in rows
        ],
    }


def _token() -> str:
    return front.voter_token(request.headers.get("Authorization", ""))


@bp.get(f"{POLL}/voter")
@allow(PUBLIC)
@bp.output(LeftOut)
@bp.doc(
    summary="What this voter has used and has left today",
    responses={401: "`voter_required`: no valid voter token for this poll."},
    extensions={"security": BY_VOTER},
)
def this_voter(poll_id: int) -> Response:
    """Needs `Authorization: Voter TOKEN`."""
    facts = booth().facts(poll_id)
    voter = voters.voter_of(_token(), facts, booth().voter_keys, time.time())
    response = jsonify(standing.of_voter(booth(), facts, voter))
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post(f"{POLL}/votes")
@allow(PUBLIC)
@bp.doc(
    summary="Votes",
    responses={
        201: either("Recorded in SQL.", VoteOut, BallotOut),
        202: either("Admitted; it is recorded soon. The receipts are provisional.", VoteOut, BallotOut),
        401: "`voter_required`: no valid voter token for this poll.",
        403: "`poll_closed`, `poll_not_open`, `not_eligible`.",
        409: "`already_voted`, `nonce_reused`.",
        413: "`too_large`.",
        422: "`invalid`, `wrong_picks`.",
        429: "`rate_limited`, `quota_used`; Retry-After says when again.",
        503: "Redis or SQL is away; send the same nonce again after Retry-After.",
    },
    extensions=body(VoteIn, BallotIn) | {"security": BY_VOTER},
)
def vote(poll_id: int) -> Response:
    """JSON {candidate, nonce: 32 hex digits} with `Authorization: Voter TOKEN`. The same nonce gets the same answer.

    Or {candidates: [...], nonce}: a ballot of several, which counts as a whole; its answer has `receipts`, one each.
    """
    session().commit()  # on SQLite the sequencer could not record it while this request has the write lock
    status, headers, body = front.take(
        booth(),
        poll=poll_id,
        body=request.get_data(),
        authorization=request.headers.get("Authorization", ""),
        address=request.remote_addr or "",
    )
    return Response(body, status, headers)


@bp.get(f"{POLL}/standings")
@allow(PUBLIC)
@bp.output(list[StandingOut])  # type: ignore[arg-type]
@bp.doc(
    summary="Votes per candidate",
    responses={
        403: "`standings_hidden` until the close; `standings_waiting` from the close until the result is signed."
    },
)
def standings(poll_id: int) -> Response:
    """[{candidate, votes}], most votes first; the ETag names the ledger size they stand for. While the poll is open its
    rule `shown` decides: `live`, `delayed` by `delay_minutes`, or `hidden`."""
    facts = booth().facts(poll_id)
    found = shown.standings(booth(), facts, clock.now())
    response = Response(status=304)
    etag = f"{facts.id}-{found.size}"
    if etag not in request.if_none_match:
        response = Response(found.json, mimetype="application/json")
    response.set_etag(etag)
    response.headers["Cache-Control"] = "public, max-age=1"
    response.headers["Concours-Ledger-Size"] = str(found.size)
    return response


@bp.get(f"{POLL}/receipts/<receipt_id>")
@allow(PUBLIC)
@bp.output(ReceiptOut)
@bp.doc(summary="Where a vote stands")
def receipt(poll_id: int, receipt_id: str) -> Response:
    """The vote of a receipt: recorded (with its leaf), provisional, refused, or unknown."""
    response = jsonify(standing.of_receipt(booth(), booth().facts(poll_id), receipt_id))
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/events/<event_slug>/polls/<int(max=9007199254740991):poll_id>/reconciliation")
@allow(Role.ORGANISER, Role.AUDITOR)
@bp.output(ReconciliationOut)
@bp.doc(summary="Receipts, ledger and Redis side by side")
def reconcile(poll_id: int) -> Mapping[str, Any]:
    """The three counts of a poll, per candidate, and what was refused by reason."""
    return reconciliation.reconcile(booth(), polls.poll_of(current_event(), poll_id).id).as_json()
