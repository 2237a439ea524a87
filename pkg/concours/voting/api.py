"""The room's JSON: a poll, its voters, votes, standings and receipts. The vote itself comes in by `front`."""

import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import sqlalchemy as sa
from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from concours.base import clock
from concours.base.db import session
from concours.base.errors import FieldProblem, Invalid, NotFound
from concours.base.messages import Message, msg
from concours.entries.models import Entry
from concours.events.context import current_event
from concours.identity.access import PUBLIC, allow
from concours.identity.models import Role
from concours.teams.models import Team
from concours.voting import entrance, front, polls, reconciliation, shown, standing, voters
from concours.voting.booth import booth
from concours.voting.ladder import challenge
from concours.voting.models import Candidate, Poll
from concours.voting.rules import moment_of

bp = APIBlueprint("voting_api", __name__, url_prefix="/api/v1", tag="Votes")

Given = TypeVar("Given", bound=BaseModel)

POLL = "/polls/<int(max=9007199254740991):poll_id>"


class CandidateOut(BaseModel):
    """Who can be voted for; `number` is the public number of a work."""

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


class VoterIn(BaseModel):
    """How the voter comes in: nothing (this browser, or the account that is signed in), `by` (`device` or `account`,
    where both would do), an invitation `code`, or a `phone` number with the one-time `password` sent to it.
    `challenge`: the solution of a challenge (base64 of JSON, as ALTCHA has it), where one is required."""

    model_config = ConfigDict(extra="forbid")

    by: Literal["", "device", "account"] = ""
    code: Annotated[str, Field(max_length=200)] = ""
    phone: Annotated[str, Field(max_length=200)] = ""
    password: Annotated[str, Field(max_length=40)] = ""
    challenge: Annotated[str, Field(max_length=8_000)] = ""


class VoterOut(BaseModel):
    """A voter token: send it as `Authorization: Voter TOKEN`. `way`: how the voter came in; `weight`: what each of its
    votes counts."""

    voter: str
    way: str
    weight: int
    expires_at: str | None


class PhoneIn(BaseModel):
    """The number a one-time password is sent to; without + it is one of the site's country."""

    phone: Annotated[str, Field(max_length=200)]
    challenge: Annotated[str, Field(max_length=8_000)] = ""


class PasswordOut(BaseModel):
    """A password is on its way: for how many seconds it is good, and after how many another can be asked for."""

    expires_s: int
    again_s: int


class ChallengeOut(BaseModel):
    """A challenge of the ALTCHA protocol, version 2 (PBKDF2/SHA-256 in deterministic mode)."""

    parameters: dict[str, Any]
    signature: str


class BallotIn(BaseModel):
    """A vote. The same nonce again gets the same answer and never counts twice."""

    candidate: int
    nonce: Annotated[str, Field(pattern="^[0-9a-fA-F]{32}$")]


class InclusionOut(BaseModel):
    """The proof that a checkpoint has the leaf (RFC 6962 section 2.1.1): hashes in base64, from the leaf upwards."""

    size: int
    root: str
    checkpoint: str
    hashes: list[str]


class JudgedOut(BaseModel):
    """A decision about a vote: a void or a restore."""

    number: int
    kind: str
    reason: str
    recorded_at: str


class ReceiptOut(BaseModel):
    """Where a vote stands. `weight`: how many votes it counts; `status`: recorded, provisional, refused or unknown;
    `inclusion` is null until the first checkpoint behind the vote. `decisions`: voids and restores of it, the last one
    first; `counts`: whether it counts now."""

    id: str
    poll: int
    candidate: int | None
    day: str | None
    weight: int | None
    status: str
    leaf: int | None
    leaf_hash: str | None
    commitment: str
    recorded_at: str | None
    signature: str | None
    reason: str | None = None
    inclusion: InclusionOut | None = None
    decisions: list[JudgedOut] = []
    counts: bool | None = None


class VoteOut(BaseModel):
    """The receipt, and how many votes are left (null: no such limit, or not known)."""

    receipt: dict[str, Any]
    left: dict[str, int | None]


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
        sa.select(Candidate.id, Candidate.withdrawn, Entry.title, Entry.number, Team.name)
        .outerjoin(Entry, Entry.id == Candidate.entry_id)
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
                "kind": "entry" if row.name is None else "team",
                "title": row.name or row.title,
                "number": row.number,
                "withdrawn": row.withdrawn,
            }
            for row in rows
        ],
    }


@bp.post(f"{POLL}/voters")
@allow(PUBLIC)
@bp.output(VoterOut, status_code=201)
@bp.doc(
    summary="A voter token",
    responses={
        401: "`sign_in_required`: the poll is for accounts.",
        403: "`way_required`, `not_among_voters`, `wrong_code`, `wrong_password`, `password_expired`, `poll_closed`;"
        " `challenge_required`: GET the challenge, solve it, send the solution; `challenge_failed`: get another.",
        422: "`mistyped_code`, `no_mobile_number`, `invalid`.",
        429: "`rate_limited`; Retry-After says when again.",
    },
)
def new_voter(poll_id: int) -> Response:
    """Body (optional, JSON): `by`, `code`, `phone` with `password`, `challenge`. Without one: the voter that this
    browser is already (its cookie makes it the same voter again), the account that is signed in, or a new browser."""
    given = _given(VoterIn)
    facts = booth().facts(poll_id)
    booth().still_published(facts)
    facts = booth().facts(poll_id)
    if given.code:
        came = entrance.by_code(facts, given.code)
        session().commit()
    elif given.phone or given.password:
        came = entrance.by_phone(facts, given.phone, given.password)
    else:
        came = entrance.enter(facts, solution=given.challenge, by=given.by)
    ends = int(came.token.split(".")[1])
    expires = moment_of(ends * 1000).isoformat().replace("+00:00", "Z") if ends else None
    response = jsonify(voter=came.token, way=came.kind, weight=entrance.weight_of(came), expires_at=expires)
    response.status_code = 201
    response.headers["Cache-Control"] = "no-store"
    entrance.remember(response, facts, came)
    return response


def _given(model: type[Given]) -> Given:
    """The request's JSON as `model`; an empty body is one without fields. Raises Invalid.

    A body must say that it is JSON: a form of a foreign page cannot.
    """
    if request.content_length and not request.is_json:
        raise Invalid(msg("Send JSON, with the header Content-Type: application/json."))
    try:
        return model.model_validate(request.get_json(silent=True) if request.content_length else {})
    except ValidationError as wrong:
        problems = [
            FieldProblem(".".join(str(part) for part in fault["loc"]), Message("%(fault)s", {"fault": fault["msg"]}))
            for fault in wrong.errors()
        ]
        raise Invalid(problems=problems) from None


@bp.get(f"{POLL}/challenge")
@allow(PUBLIC)
@bp.output(ChallengeOut)
@bp.doc(summary="A puzzle for newcomers", responses={403: "`poll_closed`."})
def new_challenge(poll_id: int) -> Response:
    """A proof of work (ALTCHA, version 2), good for ten minutes and one voter. Solve it, and send the base64 of JSON
    {challenge, solution} as `challenge`."""
    response = jsonify(challenge.make(booth().facts(poll_id), int(time.time() * 1000)))
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post(f"{POLL}/phone")
@allow(PUBLIC)
@bp.output(PasswordOut, status_code=202)
@bp.doc(
    summary="Sends a one-time password to a phone",
    responses={
        403: "`way_required`, `challenge_required`, `challenge_failed`, `poll_closed`.",
        422: "`no_mobile_number`.",
        429: "`rate_limited`; Retry-After says when again.",
        503: "`message_not_sent`.",
    },
)
def send_password(poll_id: int) -> Response:
    """JSON {phone, challenge}. Then POST …/voters with the number and the password."""
    given = _given(PhoneIn)
    _, sent = entrance.send_password(booth().facts(poll_id), given.phone, given.challenge)
    response = jsonify(expires_s=sent.expires_s, again_s=sent.again_s)
    response.status_code = 202
    response.headers["Cache-Control"] = "no-store"
    return response


def _token() -> str:
    return front.voter_token(request.headers.get("Authorization", ""))


@bp.get(f"{POLL}/voter")
@allow(PUBLIC)
@bp.output(LeftOut)
@bp.doc(summary="What this voter has used and has left today")
def this_voter(poll_id: int) -> Response:
    """Needs `Authorization: Voter TOKEN`."""
    facts = booth().facts(poll_id)
    voter = voters.read_token(_token(), poll_id, booth().voter_keys, time.time())
    response = jsonify(standing.of_voter(booth(), facts, voter))
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post(f"{POLL}/votes")
@allow(PUBLIC)
@bp.output(VoteOut, status_code=201, description="Recorded in SQL.")
@bp.doc(
    summary="Votes",
    responses={
        202: "Admitted; it is recorded soon. The receipt is provisional.",
        401: "`voter_required`: no valid voter token for this poll.",
        403: "`poll_closed`, `poll_not_open`, `not_eligible`.",
        409: "`already_voted`, `nonce_reused`.",
        422: "`invalid`.",
        429: "`rate_limited`, `quota_used`; Retry-After says when again.",
        503: "Redis or SQL is away; send the same nonce again after Retry-After.",
    },
)
def vote(poll_id: int) -> Response:
    """JSON {candidate, nonce: 32 hex digits} with `Authorization: Voter TOKEN`. The same nonce gets the same answer."""
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
