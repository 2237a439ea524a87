"""What a program is told of a roster's import."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel


class ImportStatusOut(BaseModel):
    """Where an import stands. `progress` is 0 to 100 of what is running; `counts` as `RosterImport.counts`."""

    id: int
    status: str
    progress: int
    filename: str
    size: int
    counts: dict[str, int]
    problem: str | None
    hint: str | None
    created_at: datetime
    confirmed_at: datetime | None
    applied_at: datetime | None
    fates_url: str
    page_url: str
    confirm_url: str | None


class FateOut(BaseModel):
    """One row of the file and what becomes of it; `row` is its number in the file."""

    row: int
    verdict: str
    refused: bool
    reason: str
    staff_number: str
    name: str
    department: str
    team: str
    phone: str
    captain: str


class FatesOut(BaseModel):
    """Rows, what was refused first; `next_url` leads to those after them."""

    fates: list[FateOut]
    next_url: str | None


def plain(model: BaseModel) -> dict[str, Any]:
    """The model as JSON values."""
    return model.model_dump(mode="json")
