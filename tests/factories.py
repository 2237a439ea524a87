"""Small builders of what tests need; each commits, so that routes see it."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from concours.base.db import session
from concours.events.models import Category, Event, EventStatus, Phase, PhaseKind, Statement
from concours.identity.models import Account, Department, Grant, Role
from concours.teams.models import Member, Team

_numbers = itertools.count(1)


class Make:
    """Builds rows with sensible values; keyword arguments override any column."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def _keep(self, row: Any) -> Any:
        session().add(row)
        session().commit()
        return row

    def department(self, **values: Any) -> Department:
        """A department."""
        n = next(_numbers)
        return self._keep(Department(**({"code": f"D{n}", "name": f"部门{n}", "created_at": self.now} | values)))

    def account(self, **values: Any) -> Account:
        """An account without a password."""
        n = next(_numbers)
        return self._keep(Account(**({"username": f"u{n}", "name": f"张{n}", "created_at": self.now} | values)))

    def admin(self) -> Account:
        """A site administrator."""
        return self.account(is_admin=True)

    def event(self, *, open_phases: bool = True, **values: Any) -> Event:
        """A published event; every phase is open from yesterday till tomorrow unless `open_phases` is False."""
        n = next(_numbers)
        event: Event = self._keep(
            Event(
                **(
                    {
                        "slug": f"event-{n}",
                        "title": f"活动{n}",
                        "kind": "works_exhibition",
                        "status": EventStatus.PUBLISHED,
                        "zone": "Asia/Shanghai",
                        "settings": {"check_in": True},
                        "created_at": self.now,
                    }
                    | values
                )
            )
        )
        shift = timedelta(0) if open_phases else timedelta(days=-10)
        for position, kind in enumerate(PhaseKind):
            self._keep(
                Phase(
                    event_id=event.id,
                    kind=kind,
                    position=position,
                    opens_at=self.now - timedelta(days=1) + shift,
                    closes_at=self.now + timedelta(days=1) + shift,
                )
            )
        self._keep(Statement(event_id=event.id, version=1, text="本人保证作品为原创。", created_at=self.now))
        return event

    def category(self, event: Event, **values: Any) -> Category:
        """A category for single images, with no demands on files."""
        n = next(_numbers)
        return self._keep(
            Category(**({"event_id": event.id, "code": f"c{n}", "title": f"类别{n}", "media_kind": "image"} | values))
        )

    def grant(self, account: Account, event: Event, role: Role, department: Department | None = None) -> Grant:
        """A role of `account` in `event`."""
        return self._keep(
            Grant(
                account_id=account.id,
                event_id=event.id,
                role=role,
                department_id=department.id if department else None,
                granted_at=self.now,
            )
        )

    def with_role(self, event: Event, role: Role, department: Department | None = None) -> Account:
        """A new account with that role."""
        account = self.account(department_id=department.id if department else None)
        self.grant(account, event, role, department)
        return account

    def team(self, event: Event, department: Department, **values: Any) -> Team:
        """A team."""
        n = next(_numbers)
        return self._keep(
            Team(
                **(
                    {
                        "event_id": event.id,
                        "department_id": department.id,
                        "name": f"队{n}",
                        "created_at": self.now,
                    }
                    | values
                )
            )
        )

    def member(self, team: Team, account: Account | None = None) -> Member:
        """A member of `team` (with an account and the member's role)."""
        account = account or self.account(department_id=team.department_id)
        session().add(Grant(account_id=account.id, event_id=team.event_id, role=Role.MEMBER, granted_at=self.now))
        team.member_count += 1
        return self._keep(
            Member(
                event_id=team.event_id,
                team_id=team.id,
                account_id=account.id,
                staff_number=account.username,
                name=account.name,
                created_at=self.now,
            )
        )
