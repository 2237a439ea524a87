"""Who may begin, change and read entries.

A work belongs to the person who started it. A team's video belongs to the team: its captain and the coordinators of
its department may handle it, whoever of them began. Organisers and the auditor read all, coordinators what is of
their departments; what an actor may not read is not there for them.
"""

from collections.abc import Set

import sqlalchemy as sa

from concours.base.db import session
from concours.base.errors import Forbidden, NotFound
from concours.base.messages import msg
from concours.base.typed import GREATEST_NUMBER
from concours.entries.models import Entry
from concours.events.models import Category, Event
from concours.events.rules import read_settings
from concours.identity.access import departments_of, roles_in
from concours.identity.models import Account, Role
from concours.teams.models import Team


def teams_of(account: Account, event: Event, category: Category) -> list[Team]:
    """The teams for which `account` may enter `category`: those it leads and those of departments it coordinates."""
    mine = Team.captain_id == account.id
    departments = departments_of(account, event.id)
    if departments:
        mine = sa.or_(mine, Team.department_id.in_(departments))
    return list(
        session().scalars(
            sa.select(Team)
            .where(
                Team.event_id == event.id,
                mine,
                sa.or_(Team.category_id.is_(None), Team.category_id == category.id),
            )
            .order_by(Team.name)
            .limit(500)
        )
    )


def require_author(account: Account, event: Event) -> None:
    """Raises Forbidden where `account` may not enter works: it needs a department, unless the event is open to all."""
    if account.department_id is None and not read_settings(event).open_to_all:
        raise Forbidden(
            msg("Works are entered by people of a department, and your account has none yet."),
            hint=msg("Ask the organiser to put your account into your department."),
            code="no_department",
        )


def may_change(account: Account, entry: Entry) -> bool:
    """Whether `account` handles `entry` for its author or team."""
    if entry.team_id is None or entry.team is None:
        return entry.author_id == account.id
    return entry.team.captain_id == account.id or entry.team.department_id in departments_of(account, entry.event_id)


def may_read(account: Account, entry: Entry) -> bool:
    """Whether `account` may see `entry` with its author's data."""
    if entry.author_id == account.id or account.is_admin or may_change(account, entry):
        return True
    if entry.number is None:
        return False  # a draft that was never submitted is its author's alone
    roles = roles_in(account, entry.event_id)
    if roles & {Role.ORGANISER, Role.AUDITOR}:
        return True
    return Role.COORDINATOR in roles and entry.department_id in departments_of(account, entry.event_id)


def find_entry(event: Event, entry_id: int) -> Entry:
    """The entry of that number within `event`; raises NotFound."""
    if not 0 < entry_id <= GREATEST_NUMBER:
        raise no_such_entry()
    entry = session().scalar(sa.select(Entry).where(Entry.id == entry_id, Entry.event_id == event.id))
    if entry is None:
        raise no_such_entry()
    return entry


def find_to_change(event: Event, entry_id: int, account: Account) -> Entry:
    """The entry, where `account` handles it; raises NotFound."""
    entry = find_entry(event, entry_id)
    if not may_change(account, entry):
        raise no_such_entry()
    return entry


def find_to_read(event: Event, entry_id: int, account: Account) -> Entry:
    """The entry, where `account` may see it; raises NotFound."""
    entry = find_entry(event, entry_id)
    if not may_read(account, entry):
        raise no_such_entry()
    return entry


def no_such_entry() -> NotFound:
    """The refusal for an entry that is not there, or not for this actor."""
    return NotFound(msg("There is no such entry."), hint=msg("Your own entries are under “My entries”."))


def coordinated(account: Account, event: Event) -> Set[int]:
    """The numbers of the departments whose entries `account` reads as their coordinator."""
    return departments_of(account, event.id)
