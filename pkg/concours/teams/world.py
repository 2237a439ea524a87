"""An event's departments, teams and people as they are at one moment, in the form in which a roster is held against
them.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from concours.base.db import session
from concours.events.models import Event, Quota
from concours.events.rules import read_settings
from concours.identity.accounts import find_many
from concours.identity.models import Account, Department
from concours.teams.models import Member, Team


@dataclass(frozen=True)
class KnownDepartment:
    """A department as it is; `max_teams` None: no limit, `teams` it has in the event."""

    id: int
    name: str
    max_teams: int | None = None
    teams: int = 0


@dataclass(frozen=True)
class KnownTeam:
    """A team of the event as it is; `captain` is that person's staff number."""

    id: int
    name: str
    department_id: int
    members: int = 0
    captain: str = ""


@dataclass(frozen=True)
class KnownPerson:
    """An account, and the team of the event it is in, if any."""

    id: int
    username: str
    name: str
    department_id: int | None
    is_active: bool = True
    team_id: int | None = None


@dataclass(frozen=True)
class World:
    """The event as it is now. Keys: departments by `word_key` of code and name, teams by name, people by `person_key`.

    `allowed`: the departments the actor may change, None for all. `team_max`: members of a team.
    """

    departments: Mapping[str, KnownDepartment] = field(default_factory=dict)
    teams: Mapping[str, KnownTeam] = field(default_factory=dict)
    people: Mapping[str, KnownPerson] = field(default_factory=dict)
    allowed: frozenset[int] | None = None
    team_max: int = 100

    @cached_property
    def team_names(self) -> dict[int, str]:
        """Names of teams by their numbers."""
        return {team.id: team.name for team in self.teams.values()}


def person_key(staff_number: str) -> str:
    """What makes two staff numbers the same: capitals do not matter."""
    return staff_number.lower()


def word_key(words: str) -> str:
    """What makes two names of a department the same: neither width, nor blanks, nor capitals matter."""
    return "".join(unicodedata.normalize("NFKC", words).split()).casefold()


def snapshot(event: Event, staff_numbers: Iterable[str], *, allowed: frozenset[int] | None) -> World:
    """The event as it is now, with the people of these (normal) staff numbers. Queries: four, and one per 1,000
    people.
    """
    settings = read_settings(event)
    own = dict(
        session()
        .execute(
            sa.select(Quota.department_id, Quota.max_teams).where(
                Quota.event_id == event.id, Quota.max_teams.is_not(None)
            )
        )
        .tuples()
        .all()
    )
    captain = aliased(Account)
    teams = {
        name: KnownTeam(number, name, department_id, members, username or "")
        for number, name, department_id, members, username in session()
        .execute(
            sa.select(Team.id, Team.name, Team.department_id, Team.member_count, captain.username)
            .outerjoin(captain, captain.id == Team.captain_id)
            .where(Team.event_id == event.id)
        )
        .tuples()
    }
    having: dict[int, int] = {}
    for team in teams.values():
        having[team.department_id] = having.get(team.department_id, 0) + 1
    departments: dict[str, KnownDepartment] = {}
    listed = session().execute(sa.select(Department.id, Department.code, Department.name)).tuples().all()
    for number, code, name in listed:
        limit = own.get(number, settings.max_teams_per_department)
        department = KnownDepartment(number, name, limit, having.get(number, 0))
        departments.setdefault(word_key(name), department)
        departments[word_key(code)] = department  # a code comes before a name that reads the same
    return World(departments, teams, _people(event.id, staff_numbers), allowed, settings.team_max)


def _people(event_id: int, staff_numbers: Iterable[str]) -> dict[str, KnownPerson]:
    team_of = dict(
        session()
        .execute(sa.select(Member.account_id, Member.team_id).where(Member.event_id == event_id))
        .tuples()
        .all()
    )
    return {
        person_key(account.username): KnownPerson(
            account.id,
            account.username,
            account.name,
            account.department_id,
            account.is_active,
            team_of.get(account.id),
        )
        for account in find_many(staff_numbers).values()
    }
