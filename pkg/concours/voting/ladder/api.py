"""The ladder in JSON: a voter token by any of a poll's ways, the challenge, a one-time password.

Its routes are the voting room's own (`voting.api.bp`).
"""

import time
from typing import Annotated, Any, Literal, TypeVar

from flask import Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from concours.base.db import session
from concours.base.errors import FieldProblem, Invalid
from concours.base.messages import Message, msg
from concours.identity.access import PUBLIC, allow
from concours.voting import entrance
from concours.voting.api import POLL, bp
from concours.voting.booth import booth
from concours.voting.described import body
from concours.voting.ladder import challenge
from concours.voting.rules import moment_of

Given = TypeVar("Given", bound=BaseModel)


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


@bp.post(f"{POLL}/voters")
@allow(PUBLIC)
@bp.output(VoterOut, status_code=201)
@bp.doc(
    summary="A voter token",
    responses={
        401: "`sign_in_required`: the poll is for accounts.",
        403: "`way_required`, `not_among_voters`, `wrong_code`, `wrong_password`, `poll_closed`;"
        " `challenge_required`: GET the challenge, solve it, send the solution; `challenge_failed`: get another.",
        422: "`mistyped_code`, `no_mobile_number`, `invalid`.",
        429: "`rate_limited`; Retry-After says when again.",
        503: "`redis_away`; Retry-After says when again.",
    },
    extensions=body(VoterIn, required=False),
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
    extensions=body(PhoneIn),
)
def send_password(poll_id: int) -> Response:
    """JSON {phone, challenge}. Then POST …/voters with the number, the password and the cookie that this one sets."""
    given = _given(PhoneIn)
    facts = booth().facts(poll_id)
    _, sent = entrance.send_password(facts, given.phone, given.challenge)
    response = jsonify(expires_s=sent.expires_s, again_s=sent.again_s)
    response.status_code = 202
    response.headers["Cache-Control"] = "no-store"
    entrance.keep_handle(response, facts, sent)
    return response
