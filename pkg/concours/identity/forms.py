"""What forms of pages share: the table of an import, and what to say beside the fields of a refused form."""

from collections.abc import Mapping, Sequence

from werkzeug.datastructures import FileStorage

from concours.base import sheets, typed
from concours.base.errors import Conflict, DomainError, Forbidden, Invalid, TooLarge
from concours.base.messages import Message

Errors = Mapping[str, Sequence[Message]]


def number(text: str) -> int:
    """A row's number from an address or a form, as a type for `args.get(…, type=number)`; raises ValueError."""
    found = typed.number(text)
    if found is None:
        raise ValueError(text[:20])
    return found


_STATUS: tuple[tuple[type[DomainError], int], ...] = ((Conflict, 409), (TooLarge, 413), (Forbidden, 403))


def pasted(file: FileStorage | None, text: str) -> str:
    """The table of an import: the file that was chosen, else the pasted text."""
    return sheets.decode(file.read()) if file is not None and file.filename else text


def errors_of(refusal: DomainError, field: str) -> tuple[Errors, int]:
    """The sentences by field of a refused form, and its status; a refusal without a field stands at `field`."""
    if isinstance(refusal, Invalid) and refusal.problems:
        return refusal.by_field(), 422
    sentences = [refusal.message] + ([refusal.hint] if refusal.hint is not None else [])
    return {field: sentences}, next((status for kind, status in _STATUS if isinstance(refusal, kind)), 422)
