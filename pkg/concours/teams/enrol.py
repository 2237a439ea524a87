"""Putting people into teams: the one place that writes teams' people, for a roster of thousands as for one person."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from concours.base.db import session
from concours.events.models import Event
from concours.identity.models import Account, Grant, Role
from concours.teams.fates import CHANGING, Fate, Verdict
from concours.teams.models import Member, Team

AT_ONCE = 1_000  # rows of one insert


def enrol(
    event: Event, fates: Sequence[Fate], *, now: datetime, step: Callable[[float], None] = lambda _share: None
) -> None:
    """Does what the good fates say: new teams, new accounts (without a password), members, roles, captains, counters.

    Every fate is good; the event is held (`scope.hold`). `step` is told the share that is done, from 0 to 1.
    """
    changing = [fate for fate in fates if fate.verdict in CHANGING]
    teams = _teams(event, changing, now)
    step(0.1)
    accounts = _accounts(changing, now)
    step(0.4)
    joining = [fate for fate in changing if fate.verdict == Verdict.NEW]
    insert(
        Member,
        [
            {
                "event_id": event.id,
                "team_id": teams[fate.line.team],
                "account_id": accounts[fate.staff_number],
                "staff_number": fate.staff_number,
                "name": fate.person.name if fate.person is not None else fate.line.name,
                "created_at": now,
            }
            for fate in joining
        ],
    )
    step(0.7)
    _grant(event, [accounts[fate.staff_number] for fate in joining], now)
    step(0.9)
    for team_id, more in Counter(teams[fate.line.team] for fate in joining).items():
        _update(team_id, member_count=Team.member_count + more)
    for fate in changing:
        if fate.captain:
            _update(teams[fate.line.team], captain_id=accounts[fate.staff_number])
    session().expire_all()
    step(1.0)


def _update(team_id: int, **values: Any) -> None:
    session().execute(
        sa.update(Team).where(Team.id == team_id).values(values).execution_options(synchronize_session=False)
    )


def insert(table: type[Any], rows: list[dict[str, Any]], *, key: Any = None) -> dict[Any, int]:
    """Inserts many rows; returns their numbers by `key`, a column of the table (or by number).

    With RETURNING SQLAlchemy sends whole pages of VALUES, several times as fast on PostgreSQL as row after row.
    """
    found: dict[Any, int] = {}
    statement = sa.insert(table).returning(table.id if key is None else key, table.id)
    for start in range(0, len(rows), AT_ONCE):
        found.update(session().execute(statement, rows[start : start + AT_ONCE]).tuples().all())
    return found


def _teams(event: Event, fates: Sequence[Fate], now: datetime) -> dict[str, int]:
    """The numbers of all teams by name; those that do not exist yet are made."""
    known = {fate.line.team: fate.team.id for fate in fates if fate.team is not None}
    homes = {fate.line.team: fate.department.id for fate in fates if fate.team is None and fate.department is not None}
    new = [
        {
            "event_id": event.id,
            "department_id": department_id,
            "name": name,
            "created_at": now,
        }
        for name, department_id in homes.items()
    ]
    return known | insert(Team, new, key=Team.name)


def _accounts(fates: Sequence[Fate], now: datetime) -> dict[str, int]:
    """The numbers of all accounts by staff number; unknown people get one, of the team's department."""
    known = {fate.staff_number: fate.person.id for fate in fates if fate.person is not None}
    new = [
        {
            "username": fate.staff_number,
            "name": fate.line.name,
            "phone": fate.line.phone,
            "department_id": fate.department.id,
            "created_at": now,
        }
        for fate in fates
        if fate.person is None and fate.department is not None
    ]
    return known | insert(Account, new, key=Account.username)


def _grant(event: Event, account_ids: list[int], now: datetime) -> None:
    """Gives each the member's role, where they have it not yet."""
    have = set(
        session().scalars(sa.select(Grant.account_id).where(Grant.event_id == event.id, Grant.role == Role.MEMBER))
    )
    insert(
        Grant,
        [
            {"account_id": account_id, "event_id": event.id, "role": Role.MEMBER, "granted_at": now}
            for account_id in account_ids
            if account_id not in have
        ],
    )
