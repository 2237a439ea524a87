"""A contest of the size that is asked for, put into an empty database at once: teams, members, works with their files,
a panel with its marks."""

import os
import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

SLUG = "bench"
DEPARTMENTS = 55
TEAMS, MEMBERS = 276, 6_624
ENTRIES, JUDGES, REVIEWS = 1_700, 60, 3
WIDTHS = (400, 800, 1_600)


@dataclass(frozen=True)
class Size:
    """How many of what there are; `own`: works of the judge whose pages are asked for."""

    entries: int
    teams: int
    members: int
    judges: int
    own: int


FULL = Size(ENTRIES, TEAMS, MEMBERS, JUDGES, ENTRIES * REVIEWS // JUDGES)
HUNDREDTH = Size(ENTRIES // 100, TEAMS // 100 + 1, MEMBERS // 100, REVIEWS, ENTRIES // 100)
ONE_PAGE = Size(FULL.own, 51, 51 * (MEMBERS // TEAMS), JUDGES, FULL.own)
"""As much as the pages show of the full size at once, and no more: what else a list holds is not there."""


@dataclass(frozen=True)
class Contest:
    """What pages are asked for: numbers of a team, an entry and a round, and the secrets of two people's sessions."""

    team: int
    entry: int
    round: int
    organiser: str
    judge: str


def build(size: Size) -> Contest:
    """Fills the database of the running application, which must be empty."""
    from concours.base.db import session
    from concours.identity.models import Account
    from concours.identity.sign_in import begin_session

    now = datetime.now(UTC)
    made = _Builder(size, now)
    made.people()
    made.event()
    made.teams()
    made.works()
    made.jury()
    secrets = [
        begin_session(session().get_one(Account, number), user_agent="bench", days=1, now=now)
        for number in (made.organiser, made.first_judge)
    ]
    session().commit()
    return Contest(1, 1, 1, *secrets)


class _Builder:
    """Inserts table by table; every number is known beforehand, as all tables are empty."""

    def __init__(self, size: Size, now: datetime) -> None:
        self.size = size
        self.now = now
        self.chance = random.Random(7)
        self.departments = min(DEPARTMENTS, size.teams)
        self.organiser = 1
        self.first_judge = 2
        self.first_member = 2 + size.judges

    def put(self, model: Any, rows: list[dict[str, Any]]) -> None:
        """Rows into a model's table."""
        import sqlalchemy as sa

        from concours.base.db import session

        if rows:
            session().execute(sa.insert(model), rows)

    def department_of(self, number: int) -> int:
        return number % self.departments + 1

    def people(self) -> None:
        """Departments and accounts: the organiser, the judges, then the members."""
        from concours.identity.models import Account, Department

        self.put(
            Department,
            [
                {"id": n, "code": f"D{n}", "name": f"部门{n}", "created_at": self.now}
                for n in range(1, self.departments + 1)
            ],
        )
        self.put(
            Account,
            [
                {
                    "id": n, "username": f"u{n}", "name": f"张{n}", "created_at": self.now,
                    "department_id": self.department_of(n) if n >= self.first_member else None,
                }
                for n in range(1, self.first_member + self.size.members)
            ],
        )  # fmt: skip

    def event(self) -> None:
        """The event with open phases, four categories and everybody's roles."""
        from concours.events.models import Category, Event, EventStatus, Phase, PhaseKind, Statement
        from concours.identity.models import Grant, Role

        day = timedelta(days=1)
        self.put(
            Event,
            [
                {
                    "id": 1, "slug": SLUG, "title": "Bench", "kind": "team_contest", "status": EventStatus.PUBLISHED,
                    "settings": {"check_in": True}, "created_at": self.now,
                }
            ],
        )  # fmt: skip
        self.put(
            Phase,
            [
                {"event_id": 1, "kind": kind, "position": n, "opens_at": self.now - day, "closes_at": self.now + day}
                for n, kind in enumerate(PhaseKind)
            ],
        )
        self.put(
            Statement, [{"id": 1, "event_id": 1, "version": 1, "text": "本人保证作品为原创。", "created_at": self.now}]
        )
        self.put(
            Category,
            [
                {"id": n, "event_id": 1, "code": f"c{n}", "title": f"类别{n}", "media_kind": "image", "position": n}
                for n in range(1, 5)
            ],
        )
        roles = {self.organiser: Role.ORGANISER} | {self.first_judge + n: Role.JUDGE for n in range(self.size.judges)}
        roles |= {self.first_member + n: Role.MEMBER for n in range(self.size.members)}
        self.put(
            Grant,
            [{"account_id": n, "event_id": 1, "role": role, "granted_at": self.now} for n, role in roles.items()],
        )

    def teams(self) -> None:
        """Teams of about the same size, with the counters of a race."""
        from concours.teams.models import Member, Team

        teams, members = self.size.teams, self.size.members
        self.put(
            Team,
            [
                {
                    "id": n + 1, "event_id": 1, "department_id": self.department_of(n), "name": f"队{n + 1}",
                    "captain_id": self.first_member + n, "member_count": len(range(n, members, teams)),
                    "clip_count": self.chance.randrange(1_000, 3_000), "active_count": 20, "day_count": 900,
                    "created_at": self.now,
                }
                for n in range(teams)
            ],
        )  # fmt: skip
        self.put(
            Member,
            [
                {
                    "event_id": 1, "team_id": n % teams + 1, "account_id": self.first_member + n,
                    "staff_number": f"u{self.first_member + n}", "name": f"张{self.first_member + n}",
                    "clip_count": 90, "day_count": 40, "created_at": self.now,
                }
                for n in range(members)
            ],
        )  # fmt: skip

    def works(self) -> None:
        """Accepted works of one picture each, with their history and the counts that are kept of them."""
        from concours.entries.models import (
            Entry,
            EntryCount,
            EntryFile,
            EntryRegister,
            EntryStatus,
            EntryStep,
            Screening,
        )
        from concours.media.models import Asset, AssetStatus, Rendition

        numbers, now = range(1, self.size.entries + 1), self.now

        def category(n: int) -> int:
            return n % 4 + 1

        def author(n: int) -> int:
            return self.first_member + n % self.size.members

        self.put(
            Entry,
            [
                {
                    "id": n, "event_id": 1, "category_id": category(n), "department_id": self.department_of(author(n)),
                    "author_id": author(n), "number": n, "title": f"作品{n}", "authors": "李四", "values": {},
                    "status": EntryStatus.ACCEPTED, "statement_id": 1, "created_at": now, "changed_at": now,
                    "submitted_at": now,
                }
                for n in numbers
            ],
        )  # fmt: skip
        self.put(
            Asset,
            [
                {
                    "id": n, "owner_id": author(n), "purpose": "entry", "purpose_id": n, "filename": f"{n}.jpg",
                    "storage_name": f"originals/{n}", "sha256": f"{n:064x}", "size": 3_000_000,
                    "status": AssetStatus.READY, "kind": "image", "format": "jpeg", "width": 4_000, "height": 3_000,
                    "facts": {"exif": True, "icc": True}, "created_at": now, "checked_at": now,
                }
                for n in numbers
            ],
        )  # fmt: skip
        self.put(
            Rendition,
            [
                {
                    "asset_id": n, "name": f"w{width}", "storage_name": f"{n:060x}-{width}.webp",
                    "content_type": "image/webp", "width": width, "height": width * 3 // 4, "size": width * 200,
                }
                for n in numbers
                for width in WIDTHS
            ],
        )  # fmt: skip
        self.put(EntryFile, [{"entry_id": n, "asset_id": n, "position": 0} for n in numbers])
        self.put(
            Screening,
            [{"entry_id": n, "actor_id": 1, "verdict": "accepted", "revision": "1.0", "at": now} for n in numbers],
        )
        self.put(
            EntryStep,
            [
                {"entry_id": n, "actor_id": author(n), "kind": kind, "at": now}
                for n in numbers
                for kind in ("started", "submitted")
            ],
        )
        self.put(EntryRegister, [{"event_id": 1, "last_number": self.size.entries}])
        counts = Counter((category(n), self.department_of(author(n))) for n in numbers)
        self.put(
            EntryCount,
            [
                {"event_id": 1, "category_id": c, "department_id": d, "status": EntryStatus.ACCEPTED, "entries": count}
                for (c, d), count in counts.items()
            ],
        )

    def jury(self) -> None:
        """An open round of points; every work has its reviews, all given but the last of each judge."""
        from concours.jury.models import (
            Assignment,
            Criterion,
            Mark,
            Panelist,
            Round,
            RoundEntry,
            RoundKind,
            RoundStatus,
        )

        now, judges = self.now, range(self.first_judge, self.first_judge + self.size.judges)
        self.put(
            Round,
            [
                {
                    "id": 1, "event_id": 1, "position": 1, "title": "初评", "kind": RoundKind.POINTS,
                    "status": RoundStatus.OPEN, "reviews": REVIEWS,
                    "select_count": max(1, self.size.entries * 647 // ENTRIES),
                    "input": {"categories": [], "round": None}, "rule": {"ties": ["median", "lottery"], "titles": True},
                    "seed": os.urandom(32).hex(), "opened_at": now, "created_at": now,
                }
            ],
        )  # fmt: skip
        self.put(
            Criterion,
            [
                {"round_id": 1, "key": key, "title": key, "weight": 50.0, "position": n}
                for n, key in enumerate(("idea", "craft"))
            ],
        )
        self.put(Panelist, [{"round_id": 1, "account_id": judge, "added_at": now} for judge in judges])
        self.put(RoundEntry, [{"round_id": 1, "entry_id": n} for n in range(1, self.size.entries + 1)])
        given: list[dict[str, Any]] = []
        marks: list[dict[str, Any]] = []
        place = Counter[int]()
        for entry, judge in self._shared_out(list(judges)):
            place[judge] += 1
            value = {"idea": self.chance.randint(1, 9), "craft": self.chance.randint(1, 9)}
            marked = place[judge] > 1
            given.append(
                {
                    "id": len(given) + 1, "round_id": 1, "entry_id": entry, "account_id": judge,
                    "token": os.urandom(12).hex(), "position": place[judge],
                    "value": value if marked else None, "marked_at": now if marked else None,
                }
            )  # fmt: skip
            if marked:
                marks.append(
                    {"round_id": 1, "assignment_id": len(given), "client_id": str(entry), "value": value, "at": now}
                )
        self.put(Assignment, given)
        self.put(Mark, marks)

    def _shared_out(self, judges: list[int]) -> list[tuple[int, int]]:
        """Who reviews what: the first judge `own` works, the others as many as each other."""
        first, others = judges[0], judges[1:]
        pairs, turn = [], 0
        step = self.size.entries // self.size.own
        for entry in range(1, self.size.entries + 1):
            mine = (entry - 1) % step == 0 and (entry - 1) // step < self.size.own
            pairs += [(entry, first)] if mine else []
            for _ in range(REVIEWS - mine):
                pairs.append((entry, others[turn % len(others)]))
                turn += 1
        return pairs
