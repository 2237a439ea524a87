"""Builders of the jury room's tests: accepted works with ready files, panels, open rounds."""

import hashlib
import io
import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from PIL import Image

from concours.base.db import session
from concours.base.storage import storage
from concours.entries.models import Entry, EntryFile, EntryStatus
from concours.events.models import Category, Event
from concours.identity.models import Account, Department, Role
from concours.jury import closing, marks, opening, panel, rounds, shortlist
from concours.jury.kinds.criteria import CriterionDraft
from concours.jury.models import Assignment, Round
from concours.jury.rounds import RoundDraft
from concours.media import names
from concours.media.models import Asset, AssetStatus, Rendition
from tests.factories import Make

_numbers = itertools.count(1)
CRITERIA = (CriterionDraft("立意", 40, 1, 9), CriterionDraft("技法", 60, 1, 9))


class Jury:
    """An event with accepted works and judges; every step commits."""

    def __init__(self, make: Make, event: Event | None = None) -> None:
        self.make = make
        self.now: datetime = make.now
        self.event: Event = event or make.event()
        self.department: Department = make.department()
        self.organiser: Account = make.with_role(self.event, Role.ORGANISER)
        self.judges: list[Account] = []
        self._entry_number = itertools.count(1)

    def category(self, **values: Any) -> Category:
        """A category of the event; the event knows it at once."""
        made: Category = self.make.category(self.event, **values)
        session().expire(self.event, ["categories"])
        return made

    def judge(self, **values: Any) -> Account:
        """A judge of the event, of no department unless one is given."""
        account: Account = self.make.account(**values)
        self.make.grant(account, self.event, Role.JUDGE)
        self.judges.append(account)
        return account

    def entry(self, category: Category, *, files: int = 1, kind: str = "image", **values: Any) -> Entry:
        """An accepted work with ready files."""
        number = next(self._entry_number)
        if "author_id" not in values:
            values["author_id"] = self._author().id
        entry = Entry(
            **(
                {
                    "event_id": self.event.id,
                    "category_id": category.id,
                    "department_id": self.department.id,
                    "number": number,
                    "title": f"作品{number}",
                    "authors": "李四",
                    "values": {},
                    "status": EntryStatus.ACCEPTED,
                    "created_at": self.now,
                    "changed_at": self.now,
                    "submitted_at": self.now,
                }
                | values
            )
        )
        session().add(entry)
        session().flush()
        for place in range(files):
            self.file(entry, kind=kind, position=place)
        session().commit()
        return entry

    def entries(self, count: int, category: Category | None = None) -> list[Entry]:
        """Several accepted works without files, quickly."""
        category = category or (self.event.categories[0] if self.event.categories else self.category())
        author = self._author().id
        numbers = [next(self._entry_number) for _ in range(count)]
        session().execute(
            sa.insert(Entry),
            [
                {
                    "event_id": self.event.id,
                    "category_id": category.id,
                    "department_id": self.department.id,
                    "author_id": author,
                    "number": number,
                    "title": f"作品{number}",
                    "status": EntryStatus.ACCEPTED,
                    "created_at": self.now,
                    "changed_at": self.now,
                }
                for number in numbers
            ],
        )
        session().commit()
        wanted = sa.select(Entry).where(Entry.event_id == self.event.id, Entry.number.in_(numbers)).order_by(Entry.id)
        return list(session().scalars(wanted))

    def _author(self) -> Account:
        if not hasattr(self, "_one_author"):
            self._one_author: Account = self.make.account(department_id=self.department.id)
        return self._one_author

    def file(
        self,
        entry: Entry,
        *,
        kind: str = "image",
        position: int = 0,
        sha256: str = "",
        picture: Image.Image | None = None,
    ) -> Asset:
        """A ready file with the renditions its kind has; with `picture` they can be fetched."""
        n = next(_numbers)
        digest = sha256 or hashlib.sha256(f"file {n}".encode()).hexdigest()
        asset = Asset(
            owner_id=entry.author_id,
            purpose="entry",
            purpose_id=entry.id,
            filename=f"张三-书法-{n}.jpg",
            storage_name=f"originals/{n}",
            sha256=digest,
            size=3_000_000,
            status=AssetStatus.READY,
            kind=kind,
            format={"image": "jpeg", "video": "mp4", "audio": "mp3"}[kind],
            width=None if kind == "audio" else 4000,
            height=None if kind == "audio" else 3000,
            duration=None if kind == "image" else 12.5,
            facts={"exif": {"Artist": "张三"}},
            created_at=self.now,
        )
        session().add(asset)
        session().flush()
        width, height = picture.size if picture is not None else (4000, 3000)
        if kind != "audio":
            asset.width, asset.height = width, height
        sides = {"image": (400, 800, 1600), "video": (800,), "audio": ()}[kind]
        for side in sides:
            name = f"w{side}" if kind == "image" else "poster"
            rendition = self._rendition(asset, name, "image/webp", side, side * height // width)
            if picture is not None:
                shown = io.BytesIO()
                picture.resize((rendition.width, rendition.height)).save(shown, "WEBP")
                storage().put(names.path_of(rendition.storage_name), shown.getvalue())
        if kind != "image":
            sort = {"video": "video/mp4", "audio": "audio/mpeg"}[kind]
            self._rendition(asset, kind, sort, 1280 if kind == "video" else 0, 720 if kind == "video" else 0)
        session().add(EntryFile(entry_id=entry.id, asset_id=asset.id, position=position))
        session().flush()
        return asset

    def _rendition(self, asset: Asset, name: str, content_type: str, width: int, height: int) -> Rendition:
        made = Rendition(
            asset_id=asset.id,
            name=name,
            storage_name=names.rendition("test", asset.sha256, name, content_type),
            content_type=content_type,
            width=width,
            height=height,
            size=1000,
        )
        session().add(made)
        return made

    def round(self, *, judges: Sequence[Account] | None = None, **values: Any) -> Round:
        """A round being prepared, with `judges` (all of the event) on its panel."""
        draft = RoundDraft(
            **({"title": "初评", "kind": "yes_no", "reviews": 2, "select_count": 1} | values)  # type: ignore[arg-type]
        )
        made = rounds.create(self.event, draft, actor=self.organiser, now=self.now)
        session().commit()
        seated = self.judges if judges is None else judges
        if seated:
            numbers = [judge.id for judge in seated]
            panel.add_judges(self.event, made.id, numbers, actor=self.organiser, now=self.now)
            session().commit()
        return made

    def opened(self, *, anyway: bool = False, seed: str | None = "00ff", **values: Any) -> Round:
        """A round that is open."""
        made = self.round(**values)
        opening.open_round(self.event, made.id, actor=self.organiser, now=self.now, anyway=anyway, seed=seed)
        session().commit()
        return made

    def work(self, found: Round, judge: Account | None = None, entry: Entry | None = None) -> list[Assignment]:
        """The assignments that are somebody's now, in the judges' order."""
        query = sa.select(Assignment).where(
            Assignment.round_id == found.id, Assignment.recused_at.is_(None), Assignment.withdrawn_at.is_(None)
        )
        if judge is not None:
            query = query.where(Assignment.account_id == judge.id)
        if entry is not None:
            query = query.where(Assignment.entry_id == entry.id)
        query = query.order_by(Assignment.account_id, Assignment.position).execution_options(populate_existing=True)
        return list(session().scalars(query))

    def mark(self, assignment: Assignment, value: dict[str, Any] | None, client_id: str = "") -> marks.Answer:
        """A mark by the judge whose work it is."""
        judge = session().get(Account, assignment.account_id)
        assert judge is not None
        given = marks.Given(assignment.token, client_id or f"c{next(_numbers)}", value)
        answer = marks.record(self.event, assignment.round_id, [given], actor=judge, now=self.now)[0]
        session().commit()
        return answer

    def mark_all(self, found: Round, worth: dict[int, int] | None = None) -> None:
        """Everybody marks everything: points by the entry's number in `worth`, 5 without."""
        for assignment in self.work(found):
            points = (worth or {}).get(assignment.entry_id, 5)
            value: dict[str, Any] = {"yes": points >= 5}
            if found.kind == "points":
                value = {criterion.key: points for criterion in found.criteria}
            assert self.mark(assignment, value).saved

    def close(self, found: Round, missing: str = "") -> None:
        """Closes the round."""
        closing.close(self.event, found.id, missing, actor=self.organiser, now=self.now)
        session().commit()

    def select(self, found: Round, count: int) -> shortlist.Outcome:
        """Selects."""
        result = shortlist.choose(self.event, found.id, count, actor=self.organiser, now=self.now)
        session().commit()
        return result
