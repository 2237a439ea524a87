"""A round as one file: the same bytes each time, worked out again without a database, and nothing changes unseen."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from concours.base.db import session
from concours.cli.round import command
from concours.identity.models import Department
from concours.jury import archive
from concours.jury.models import Round
from concours.jury.replay import replay
from tests.conftest import both_databases
from tests.factories import Make
from tests.jury.build import CRITERIA, Jury


def selected(jury: Jury, kind: str = "points") -> Round:
    """A round over two categories with a judge of the entries' own department, ties, and a selection."""
    jury.entries(8, jury.category(title="书法"))
    jury.entries(4, jury.category(title="绘画"))
    other: Department = jury.make.department()
    for _ in range(4):
        jury.judge(department_id=other.id)
    criteria = CRITERIA if kind == "points" else ()
    found = jury.opened(kind=kind, reviews=2, select_count=5, criteria=criteria)
    jury.mark_all(found, {work.entry_id: 3 + work.entry_id % 4 for work in jury.work(found)})
    jury.close(found)
    jury.select(found, 5)
    return found


def exported(found: Round) -> bytes:
    """The file."""
    return archive.written(archive.export(found))


def told(content: bytes) -> dict[str, bool | None]:
    """What the replay says."""
    return {one.what: one.equal for one in replay(content)}


def changed(content: bytes, change: Any) -> bytes:
    """The file with something changed, written canonically."""
    kept = json.loads(content)
    change(kept)
    return archive.written(kept)


ALL_EQUAL = dict.fromkeys(("file", "lottery", "assignment", "scores", "selection"), True)


@both_databases
@pytest.mark.parametrize("kind", ["points", "yes_no"])
def test_a_round_is_worked_out_again_from_its_file(make: Make, kind: str) -> None:
    jury = Jury(make)
    found = selected(jury, kind)
    content = exported(found)
    assert told(content) == ALL_EQUAL
    session().expire_all()
    assert exported(found) == content, "the same round, the same bytes"


def test_what_became_of_people_since_does_not_matter(jury: Jury) -> None:
    found = selected(jury)
    for judge in jury.judges:
        judge.department_id = jury.department.id
    session().commit()
    assert told(exported(found))["assignment"] is True


def test_any_change_of_a_mark_changes_the_digest(jury: Jury) -> None:
    found = selected(jury)
    before = archive.digest(exported(found))
    work = jury.work(found)[0]
    kept = dict(work.value or {})
    key = found.criteria[0].key
    work.value = {**kept, key: kept[key] + 1}
    session().commit()
    assert archive.digest(exported(found)) != before
    work.value = kept
    session().commit()
    assert archive.digest(exported(found)) == before


def test_each_part_is_told_apart(jury: Jury) -> None:
    content = exported(selected(jury))

    def lower(kept: dict[str, Any]) -> None:
        value = kept["marks"][0][2]
        value.update(dict.fromkeys(value, 1))

    def swap(kept: dict[str, Any]) -> None:
        kept["selection"][0][1], kept["selection"][1][1] = kept["selection"][1][1], kept["selection"][0][1]

    def reseed(kept: dict[str, Any]) -> None:
        kept["seed"] = "11"

    def bar(kept: dict[str, Any]) -> None:
        judge = kept["plan"]["judges"][0]
        kept["plan"]["barred"] = {str(judge): kept["plan"]["entries"]}

    assert told(changed(content, lower))["scores"] is False
    assert told(changed(content, swap)) == ALL_EQUAL | {"selection": False}
    assert told(changed(content, reseed))["lottery"] is False
    assert told(changed(content, bar)) == ALL_EQUAL | {"assignment": False}
    assert told(content.replace(b":", b": ", 1)) == ALL_EQUAL | {"file": False}


def test_the_command_needs_no_database_and_says_where_it_differs(jury: Jury, tmp_path: Path) -> None:
    content = exported(selected(jury))
    file, wrong = tmp_path / "round.json", tmp_path / "wrong.json"
    file.write_bytes(content)

    def lower(kept: dict[str, Any]) -> None:
        kept["scores"][str(kept["entries"][0]["id"])][0] = "0"

    wrong.write_bytes(changed(content, lower))
    bare = {"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite:////nowhere/at/all.db"}
    done = subprocess.run(
        [sys.executable, "-m", "concours.cli", "round", "replay", str(file)],
        env=bare, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert archive.digest(content) in done.stdout
    assert done.stdout.count("equal") == 5
    differs = CliRunner().invoke(command, ["replay", str(wrong)])
    assert differs.exit_code == 1
    assert "scores      different" in differs.output


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b'{"format":1}', b"\xff", b'{"format":2}'])
def test_what_is_no_round_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not a round that this program exported"):
        replay(content)
