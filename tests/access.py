"""The authorisation table: role x route x owner. Each room lists its routes in `tests/<room>/access_rows.py`.

    ROWS = [Row("entries.desk", "GET", lambda w: f"/events/{w.event.slug}/screening", {"organiser", "admin"})]

`url` (and `data`) may build what they need with `w.make`; what they build belongs to the people of the world: the work
of `w.member`, the team of `w.coordinator`'s department. Everyone not named must be turned away (401, 403, 404, or to
the sign-in page); everyone named must get past the gate (anything but those; a 409 or 422 is past it).
"""

from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Any

from concours.events.models import Event
from concours.identity.models import Account, Department, Role
from tests.factories import Make

PEOPLE = (
    "anonymous",
    "stranger",
    "member",
    "member_other",
    "coordinator",
    "coordinator_other",
    "judge",
    "judge_elsewhere",
    "auditor",
    "organiser",
    "organiser_elsewhere",
    "admin",
)
EVERYONE = frozenset(PEOPLE)
SIGNED_IN = EVERYONE - {"anonymous"}


class World:
    """One event with its people, and a second event whose people have no business in the first.

    `member` is of `department`; `member_other` and `coordinator_other` are of `department_other`, in the same event.
    """

    def __init__(self, make: Make) -> None:
        self.make = make
        self.department: Department = make.department()
        self.department_other: Department = make.department()
        self.event: Event = make.event()
        self.event_elsewhere: Event = make.event()
        self.team = make.team(self.event, self.department)
        self.team_other = make.team(self.event, self.department_other)
        self.people: dict[str, Account | None] = {
            "anonymous": None,
            "stranger": make.account(),
            "member": make.member(self.team).account,
            "member_other": make.member(self.team_other).account,
            "coordinator": make.with_role(self.event, Role.COORDINATOR, self.department),
            "coordinator_other": make.with_role(self.event, Role.COORDINATOR, self.department_other),
            "judge": make.with_role(self.event, Role.JUDGE),
            "judge_elsewhere": make.with_role(self.event_elsewhere, Role.JUDGE),
            "auditor": make.with_role(self.event, Role.AUDITOR),
            "organiser": make.with_role(self.event, Role.ORGANISER),
            "organiser_elsewhere": make.with_role(self.event_elsewhere, Role.ORGANISER),
            "admin": make.admin(),
        }

    def __getattr__(self, name: str) -> Account:
        account = self.__dict__.get("people", {}).get(name)
        if account is None:
            raise AttributeError(name)
        return account


@dataclass(frozen=True)
class Row:
    """A route, how to reach it in the world, and who gets past its gate.

    With `anew`, `url` builds again for each person: what one removed, the next would not find.
    """

    endpoint: str
    method: str
    url: Callable[[World], str]
    allowed: Set[str]
    data: Callable[[World], dict[str, Any]] | None = None
    json: Callable[[World], dict[str, Any]] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    anew: bool = False
