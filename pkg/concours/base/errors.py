"""What the domain refuses, and how: each class is mapped to HTTP once, in `web.errors`.

Every refusal carries a stable `code` for programs, a sentence for people, and, where there is one,
the next step. Raise the class whose meaning fits; do not subclass for a wording.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from concours.base.messages import Message, msg


class DomainError(Exception):
    """A refusal with a reason.

    Arguments: `message` says what and why; `hint` what to do next; `code` is stable for programs;
    `retry_after` is in whole seconds, where waiting helps.
    """

    code = "refused"

    def __init__(
        self,
        message: Message,
        *,
        hint: Message | None = None,
        code: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(str(message))
        self.message = message
        self.hint = hint
        self.code = code or type(self).code
        self.retry_after = retry_after


class NotFound(DomainError):
    """There is no such thing, or not for this actor (404)."""

    code = "not_found"


class Forbidden(DomainError):
    """The actor may not do this (403)."""

    code = "forbidden"


class Closed(DomainError):
    """The phase, round or poll is not open now (403)."""

    code = "closed"


class Conflict(DomainError):
    """It clashes with what is already there (409)."""

    code = "conflict"


@dataclass(frozen=True)
class FieldProblem:
    """One field of a form and what is wrong with it."""

    field: str
    message: Message


class Invalid(DomainError):
    """The input cannot be accepted as it is (422); `problems` names the fields."""

    code = "invalid"

    def __init__(
        self,
        message: Message | None = None,
        *,
        problems: Sequence[FieldProblem] = (),
        hint: Message | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message or msg("Please correct the marked fields."), hint=hint, code=code)
        self.problems = tuple(problems)

    def by_field(self) -> Mapping[str, list[Message]]:
        """The problems of each field, in order."""
        found: dict[str, list[Message]] = {}
        for problem in self.problems:
            found.setdefault(problem.field, []).append(problem.message)
        return found


class TooLarge(DomainError):
    """More bytes, rows or pixels than the limit (413)."""

    code = "too_large"


class RateLimited(DomainError):
    """Too often (429); `retry_after` says when again."""

    code = "rate_limited"


class Unavailable(DomainError):
    """A part the request needs is away for the moment (503)."""

    code = "unavailable"
