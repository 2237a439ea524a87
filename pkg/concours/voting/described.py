"""What the API's description says of requests and answers where this room's views read and write them themselves."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from concours.voting.front import NUMBER_LIMIT
from concours.voting.rules import MOST_PICKS

VOTER_TOKEN = "VoterToken"  # noqa: S105 (the scheme's name)
SCHEMES = {
    VOTER_TOKEN: {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Voter TOKEN`, with the token that POST …/voters gave.",
    }
}
BY_VOTER: list[dict[str, list[str]]] = [{VOTER_TOKEN: []}]


class VoteIn(BaseModel):
    """A vote for one candidate. The same nonce again gets the same answer and never counts twice."""

    candidate: Annotated[int, Field(gt=0, lt=NUMBER_LIMIT)]
    nonce: Annotated[str, Field(pattern="^[0-9a-fA-F]{32}$")]


class BallotIn(BaseModel):
    """A ballot of several different candidates, which counts as a whole."""

    candidates: Annotated[list[int], Field(min_length=1, max_length=MOST_PICKS)]
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


class NewReceiptOut(BaseModel):
    """The receipt of a vote as its voter gets it, once: with `nonce` and `tag`, by which the vote can be shown to be
    theirs. `status`: recorded or provisional, which has no leaf and no signature yet."""

    id: str
    poll: int
    candidate: int
    day: str
    weight: int
    status: str
    leaf: int | None
    leaf_hash: str
    commitment: str
    recorded_at: str | None
    signature: str | None
    nonce: str
    tag: str


class StillLeftOut(BaseModel):
    """How many votes are left today and in all (null: no such limit, or not known)."""

    today: int | None
    total: int | None


class VoteOut(BaseModel):
    """The receipt, and how many votes are left."""

    receipt: NewReceiptOut
    left: StillLeftOut


class BallotOut(BaseModel):
    """A receipt for each candidate, and how many votes are left."""

    receipts: list[NewReceiptOut]
    left: StillLeftOut


def body(*models: type[BaseModel], required: bool = True) -> dict[str, Any]:
    """A JSON body as one of the models has it."""
    schemas = [_schema(model) for model in models]
    schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def note(meaning: str) -> Any:
    """An answer, or a request, of plain text."""
    return {"description": meaning, "content": {"text/plain": {"schema": {"type": "string"}}}}


def octets(meaning: str) -> Any:
    """An answer of bytes."""
    binary = {"type": "string", "format": "binary"}
    return {"description": meaning, "content": {"application/octet-stream": {"schema": binary}}}


def either(meaning: str, *models: type[BaseModel]) -> Any:
    """An answer of JSON as one of the models has it."""
    schemas = [_schema(model) for model in models]
    return {"description": meaning, "content": {"application/json": {"schema": {"oneOf": schemas}}}}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's schema with those inside it written out: references would point to the document's root."""
    found = model.model_json_schema()
    return dict(_written_out(found, found.pop("$defs", {})))


def _written_out(part: Any, inside: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_written_out(one, inside) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _written_out(inside[part["$ref"].rsplit("/", 1)[-1]], inside)
    return {name: _written_out(one, inside) for name, one in part.items()}
