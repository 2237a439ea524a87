"""Who gets past the gate of each route of the entries room."""

from typing import Any

from concours.base.db import session
from concours.entries import submission
from concours.entries.models import Entry
from concours.identity.models import Account
from tests.access import SIGNED_IN, Row, World
from tests.entries.build import Build

DESK = frozenset({"organiser", "auditor", "admin"})
DECIDES = frozenset({"organiser", "admin"})
AUTHOR = frozenset({"member"})


def draft(w: World, author: Account | None = None) -> Entry:
    """A draft of the world's member, complete."""
    return Build(w.make).draft(w.event, w.make.category(w.event, media_kind="series"), author or w.member)


def submitted(w: World) -> Entry:
    """The same, submitted."""
    return Build(w.make).submitted(w.event, w.make.category(w.event, media_kind="series"), w.member)


def withdrawn(w: World) -> Entry:
    """The same, withdrawn."""
    entry = submitted(w)
    submission.withdraw(entry, w.event, actor=w.member, now=w.make.now)
    session().commit()
    return entry


def team_draft(w: World) -> Entry:
    """A draft of the world's team: its captain's and its department's coordinator's to handle."""
    w.event.kind = "team_contest"
    w.team.captain_id = w.member.id
    session().commit()
    build = Build(w.make)
    return build.draft(w.event, w.make.category(w.event, media_kind="video"), w.member)


def own(w: World, what: str = "", entry: Entry | None = None) -> str:
    """An address below the entry of the world's member."""
    return f"/events/{w.event.slug}/entries/{(entry or draft(w)).id}{what}"


def file_act(w: World, what: str) -> str:
    """An address of the first file of the member's draft."""
    entry = draft(w)
    return own(w, f"/files/{entry.files[0].id}/{what}", entry)


def foreign(w: World, what: str = "") -> str:
    """The member's entry under the address of another event: nobody's."""
    return f"/events/{w.event_elsewhere.slug}/entries/{draft(w).id}{what}"


def at(w: World, path: str) -> str:
    """An address below the world's event."""
    return f"/events/{w.event.slug}/{path}"


def words(_w: World) -> dict[str, Any]:
    """A form, of whatever version."""
    return {"title": "新题目", "authors": "王", "version": "1"}


ROWS = [
    Row("entries.mine", "GET", lambda w: at(w, "entries"), SIGNED_IN),
    Row("entries.new", "GET", lambda w: at(w, "entries/new"), SIGNED_IN),
    Row("entries.start", "POST", lambda w: at(w, "entries"), SIGNED_IN, data=lambda w: {"category": "no such"}),
    Row("entries.show", "GET", own, AUTHOR | {"admin"}),
    Row(
        "entries.show",
        "GET",
        lambda w: own(w, "", submitted(w)),
        frozenset({"member", "coordinator", "organiser", "auditor", "admin"}),
    ),
    Row("entries.show", "GET", lambda w: own(w, "", team_draft(w)), frozenset({"member", "coordinator", "admin"})),
    Row("entries.show", "GET", foreign, frozenset()),
    Row("entries.edit", "GET", lambda w: own(w, "/edit"), AUTHOR),
    Row("entries.edit", "GET", lambda w: own(w, "/edit", team_draft(w)), frozenset({"member", "coordinator"})),
    Row("entries.edit", "GET", lambda w: foreign(w, "/edit"), frozenset()),
    Row("entries.save", "POST", own, AUTHOR, data=words),
    Row("entries.save", "POST", lambda w: own(w, "", team_draft(w)), frozenset({"member", "coordinator"}), data=words),
    Row("entries.save", "POST", foreign, frozenset(), data=words),
    Row("entries.withdraw", "POST", lambda w: own(w, "/withdraw"), AUTHOR),
    Row("entries.withdraw", "POST", lambda w: foreign(w, "/withdraw"), frozenset()),
    Row("entries.reopen", "POST", lambda w: own(w, "/reopen", withdrawn(w)), AUTHOR),
    Row("entries.reopen", "POST", lambda w: foreign(w, "/reopen"), frozenset()),
    Row("entries.files_part", "GET", lambda w: own(w, "/files"), AUTHOR),
    Row("entries.files_part", "GET", lambda w: foreign(w, "/files"), frozenset()),
    Row("entries.order_files", "POST", lambda w: own(w, "/files/order"), AUTHOR, data=lambda w: {"order": "1"}),
    Row("entries.move_file", "POST", lambda w: file_act(w, "move"), AUTHOR, data=lambda w: {"to": "down"}),
    Row("entries.remove_file", "POST", lambda w: file_act(w, "remove"), AUTHOR),
    Row("entries.remove_file", "POST", lambda w: own(w, f"/files/{draft(w).files[0].id}/remove"), frozenset()),
    Row("entries.desk", "GET", lambda w: at(w, "screening"), DESK),
    Row("entries.screen", "GET", lambda w: at(w, f"screening/{submitted(w).id}"), DESK),
    Row("entries.screen", "GET", lambda w: at(w, f"screening/{draft(w).id}"), frozenset()),
    Row("entries.decide", "POST", lambda w: at(w, f"screening/{submitted(w).id}"), DECIDES, data=words),
    Row(
        "entries.decide",
        "POST",
        lambda w: f"/events/{w.event_elsewhere.slug}/screening/{submitted(w).id}",
        frozenset(),
        data=words,
    ),
    Row("entries.accept_many", "POST", lambda w: at(w, "screening/accept"), DECIDES),
    Row(
        "entries.department",
        "GET",
        lambda w: at(w, "entries/department"),
        frozenset({"coordinator", "coordinator_other", "admin"}),
    ),
    Row("entries_api.counts", "GET", lambda w: at(w, "entries/counts.json"), DESK),
    Row("entries_api.listed", "GET", lambda w: at(w, "entries.json"), DESK),
]
