"""The ladder in the form of a poll: which ways are open, what a vote counts in each, when newcomers solve a puzzle."""

from collections.abc import Mapping
from typing import Any

from concours.base.errors import FieldProblem
from concours.base.messages import Message, msg
from concours.identity.models import Role
from concours.voting.ladder.ways import (
    ACCOUNT,
    ALWAYS,
    CHALLENGES,
    CODE,
    DEVICE,
    HEAVIEST,
    KINDS,
    NEVER,
    OIDC,
    ON_EVIDENCE,
    PHONE,
    Way,
    Ways,
)

LABELS: dict[str, Message] = {
    "ways": msg("Who votes"),
    **{f"weight_{kind}": msg("Each vote counts") for kind in KINDS},
    "roles": msg("Only with one of these roles in the event"),
    "departments": msg("Only of these departments, and the units below them"),
    "challenge": msg("A small puzzle for the newcomers' devices"),
}
WAYS: dict[str, tuple[Message, Message]] = {
    ACCOUNT: (
        msg("People who sign in with an account"),
        msg("One account, one voter. The strongest rung inside an organisation."),
    ),
    DEVICE: (
        msg("Everybody: each browser is one voter"),
        msg("Quick, and easy to multiply for whoever tries: limits and evidence slow it, they do not prevent it."),
    ),
    CODE: (
        msg("Holders of an invitation code"),
        msg("You print cards with codes, in batches; each batch says what its votes count."),
    ),
    PHONE: (
        msg("Everybody with a mobile number"),
        msg("A message with six digits confirms the number; it is not stored. Messages cost money."),
    ),
    OIDC: (
        msg("People who sign in at %(provider)s"),
        msg("Each person there is one voter; nothing about the person is stored."),
    ),
}
ROLES: dict[str, Message] = {
    Role.MEMBER: msg("Members of its teams"),
    Role.COORDINATOR: msg("Coordinators of departments"),
    Role.JUDGE: msg("Judges"),
    Role.ORGANISER: msg("Organisers"),
    Role.AUDITOR: msg("Auditors"),
}
PUZZLES: dict[str, Message] = {
    NEVER: msg("Never"),
    ON_EVIDENCE: msg("When a network suddenly brings many new voters, or when you ask for it"),
    ALWAYS: msg("Always, before the first vote"),
}


def typed_of(ways: Ways, challenge: str) -> dict[str, Any]:
    """The form's fields for these ways."""
    found: dict[str, Any] = {"challenge": challenge}
    for kind, way in ways.items():
        found |= {f"way_{kind}": "1", f"weight_{kind}": way.weight}
        found |= {f"role_{role}": "1" for role in way.roles}
        found |= {f"department_{number}": "1" for number in way.departments}
    return found


def read(form: Mapping[str, str], departments: frozenset[int]) -> tuple[dict[str, Way], str, list[FieldProblem]]:
    """The ways and the challenge as typed, and what is wrong; `departments` are those there are."""
    problems: list[FieldProblem] = []
    ways: dict[str, Way] = {}
    for kind in KINDS:
        if form.get(f"way_{kind}") != "1":
            continue
        weight = _weight(form.get(f"weight_{kind}", "").strip() or "1")
        if weight is None:
            wrong = msg("A whole number from %(least)s to %(most)s.", least=1, most=HEAVIEST)
            problems.append(FieldProblem(f"weight_{kind}", wrong))
        ways[kind] = Way(weight or 1)
    if ACCOUNT in ways:
        roles = tuple(role.value for role in Role if role in ROLES and form.get(f"role_{role}") == "1")
        chosen = tuple(sorted(number for number in departments if form.get(f"department_{number}") == "1"))
        ways[ACCOUNT] = Way(ways[ACCOUNT].weight, roles, chosen)
    if not ways:
        problems.append(FieldProblem("ways", msg("Choose at least one way in which people vote.")))
    challenge = form.get("challenge", NEVER)
    if challenge not in CHALLENGES:
        problems.append(FieldProblem("challenge", msg("Choose when the puzzle is asked for.")))
    return ways, challenge, problems


def _weight(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        return None
    return int(text) if 1 <= int(text) <= HEAVIEST else None
