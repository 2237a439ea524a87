"""Builders of the entries room's tests: people who enter works, drafts, files in any state."""

import hashlib
import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from concours.base.db import session
from concours.entries import drafts, screening, submission
from concours.entries.models import Entry, EntryFile
from concours.entries.words import Typed, current_statement
from concours.events.models import Category, Event
from concours.identity.models import Account, Role
from concours.media.models import Asset, AssetStatus, Rendition
from tests.factories import Make

_numbers = itertools.count(1)


class Build:
    """Builds entries as their authors would, by the verbs; each step commits."""

    def __init__(self, make: Make) -> None:
        self.make = make
        self.now: datetime = make.now

    def author(self, **values: Any) -> Account:
        """An account of a new department (or of `department_id`)."""
        if "department_id" not in values:
            values["department_id"] = self.make.department().id
        return self.make.account(**values)

    def draft(
        self, event: Event, category: Category, author: Account, *, title: str = "兰亭序", files: int | None = None
    ) -> Entry:
        """A draft that could be submitted: title, authors, the statement agreed to, `files` ready files."""
        entry = drafts.start(event, category, actor=author, now=self.now)
        session().commit()
        self.type(entry, event, author, title=title)
        if files is None:
            files = {"image": 1, "series": 4, "video": 1, "audio": 1}.get(category.media_kind, 0)
        for _ in range(files):
            self.file(entry)
        return entry

    def typed(self, entry: Entry, *, title: str | None = None, values: Mapping[str, str] | None = None) -> Typed:
        """A whole form for `entry`, with the statement agreed to."""
        statement = current_statement(entry.event_id)
        return Typed(
            title=entry.title if title is None else title,
            authors=entry.authors,
            values=values or {key: str(value) for key, value in (entry.values or {}).items()},
            agreed=statement.id if statement else None,
        )

    def type(
        self,
        entry: Entry,
        event: Event,
        author: Account,
        *,
        title: str | None = None,
        values: Mapping[str, str] | None = None,
        now: datetime | None = None,
    ) -> None:
        """Changes the words of `entry`."""
        drafts.change(
            entry,
            event,
            self.typed(entry, title=title, values=values),
            actor=author,
            now=now or self.now,
            version=entry.version,
        )
        session().commit()

    def asset(self, entry: Entry, status: str = AssetStatus.READY, **values: Any) -> Asset:
        """A file as the media room leaves it, with a small rendition where it is ready."""
        n = next(_numbers)
        digest = values.pop("sha256", hashlib.sha256(str(n).encode()).hexdigest())
        asset = Asset(
            **(
                {
                    "owner_id": entry.author_id,
                    "purpose": "entry",
                    "purpose_id": entry.id,
                    "filename": f"IMG_{n:04}.jpg",
                    "storage_name": f"originals/{n}",
                    "sha256": digest,
                    "size": 3_400_000,
                    "status": status,
                    "kind": "image",
                    "format": "jpeg",
                    "width": 4000,
                    "height": 3000,
                    "created_at": self.now,
                }
                | values
            )
        )
        if status == AssetStatus.REFUSED and asset.refusal is None:
            asset.refusal = {"text": "This is no picture.", "values": {}}
        session().add(asset)
        session().flush()
        if status == AssetStatus.READY:
            for name, width in (("w400", 400), ("w800", 800), ("w1600", 1600)):
                session().add(
                    Rendition(
                        asset_id=asset.id,
                        name=name,
                        storage_name=f"r/{digest[:20]}{name}.webp",
                        content_type="image/webp",
                        width=width,
                        height=width * 3 // 4,
                        size=1000,
                    )
                )
        session().commit()
        return asset

    def file(self, entry: Entry, status: str = AssetStatus.READY, **values: Any) -> EntryFile:
        """A file of `entry` in the given state, as the last one."""
        asset = self.asset(entry, status, **values)
        file = EntryFile(asset_id=asset.id, position=len(entry.files))
        entry.files.append(file)
        session().commit()
        return file

    def submitted(self, event: Event, category: Category, author: Account | None = None, **values: Any) -> Entry:
        """An entry that was submitted."""
        author = author or self.author()
        entry = self.draft(event, category, author, **values)
        submission.submit(entry, event, actor=author, now=self.now)
        session().commit()
        return entry

    def screened(self, event: Event, category: Category, verdict: str, author: Account | None = None) -> Entry:
        """An entry that was screened, with a reason where one is needed."""
        entry = self.submitted(event, category, author)
        self.decide(entry, event, verdict)
        return entry

    def decide(self, entry: Entry, event: Event, verdict: str, reason: str = "画面不清晰") -> None:
        """Screens `entry` by a new organiser."""
        screening.decide(
            entry,
            event,
            screening.Verdict(verdict),
            reason="" if verdict == "accepted" else reason,
            revision=entry.revision,
            actor=self.make.with_role(event, Role.ORGANISER),
            now=self.now,
        )
        session().commit()
