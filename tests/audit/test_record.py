"""The record: it stands or falls with the act, nothing changes it, and it can be read in words."""

import ast
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from apiflask import APIFlask

from concours import audit
from concours.audit import reading, words
from concours.audit.models import AuditRecord
from concours.base.db import session
from tests.conftest import both_databases
from tests.factories import Make

PACKAGE = Path(audit.__file__).parents[1]


def verbs_in_code() -> Iterator[tuple[str, str]]:
    """Every literal verb that some room records, with the file it stands in."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name != "record":
                continue
            for part in ast.walk(node.args[1]):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and "." in part.value:
                    yield part.value, str(path.relative_to(PACKAGE))


def test_every_act_that_is_recorded_has_its_words() -> None:
    found = dict(verbs_in_code())
    assert len(found) > 40, "the search itself must find them"
    screened = {f"entries.screen_{verdict}" for verdict in ("accepted", "returned", "rejected")}
    missing = {verb: file for verb, file in found.items() if verb not in words.VERBS and not verb.endswith("_")}
    assert not missing, f"give these their words in audit/words.py (and their Chinese): {missing}"
    assert screened <= set(words.VERBS)
    assert {verb.split(".")[0] for verb in words.VERBS} <= set(words.ROOMS)


@both_databases
def test_the_record_stands_or_falls_with_the_act(app: APIFlask, make: Make, now: datetime) -> None:
    actor = make.account()
    audit.record(actor, "events.publish", ("event", 7), now=now, event_id=7, title="𠮷 😀")
    session().rollback()
    assert reading.records() == []
    audit.record(actor, "events.publish", ("event", 7), now=now, event_id=7, title="𠮷 😀")
    session().commit()
    kept = reading.records()
    assert [(r.verb, r.subject_type, r.subject_id, r.detail) for r in kept] == [
        ("events.publish", "event", "7", {"title": "𠮷 😀"})
    ]


@both_databases
def test_a_record_is_found_by_event_person_act_and_time(app: APIFlask, make: Make, now: datetime) -> None:
    one, other = make.account(), make.account()
    for n, (actor, verb, event_id) in enumerate(
        [
            (one, "events.publish", 1),
            (other, "events.archive", 1),
            (None, "entries.submit", 1),
            (one, "events.publish", 2),
        ]
    ):
        audit.record(actor, verb, ("thing", n), now=now + timedelta(minutes=n), event_id=event_id)
    session().commit()

    def numbers(**asked: object) -> list[str]:
        return [r.subject_id for r in reading.records(**asked)]  # type: ignore[arg-type]

    assert numbers() == ["3", "2", "1", "0"]
    assert numbers(event_id=1) == ["2", "1", "0"]
    assert numbers(event_id=1, actor_id=one.id) == ["0"]
    assert numbers(verb="events") == ["3", "1", "0"]
    assert numbers(verb="events.archive") == ["1"]
    assert numbers(verb="event_") == []
    assert numbers(verb="%") == []
    assert numbers(since=now + timedelta(minutes=1), until=now + timedelta(minutes=3)) == ["2", "1"]


def test_no_verb_of_the_room_changes_or_deletes_a_record() -> None:
    for path in (PACKAGE / "audit").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        for forbidden in (".delete(", "sa.update", "sa.delete"):
            assert forbidden not in text, f"{path.name} contains {forbidden}"


@pytest.mark.parametrize("size", [1, 51, 120])
def test_a_page_holds_one_more_than_it_shows(app: APIFlask, now: datetime, size: int) -> None:
    for n in range(size):
        session().add(AuditRecord(at=now, verb="events.publish", subject_type="event", subject_id=str(n), detail={}))
    session().commit()
    assert len(reading.records()) == min(size, reading.PAGE + 1)
