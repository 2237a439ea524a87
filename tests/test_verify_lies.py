"""A log, a bundle or a closing note that is signed and lies: concours-verify must say so, whoever signed it."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from concours.voting import secrets
from concours.voting.amendments import sealing
from concours.voting.log import closing, merkle, notes, tiles
from concours.voting.receipts import leaf_of
from tests.test_verify import CANDIDATES, KEY, ORIGIN, write_log
from tests.verifying import Ran, run
from tests.voting.logs import DAY, entries

__all__ = ["run"]  # a fixture

COUNT = 300
AT = datetime(2021, 7, 11, tzinfo=UTC)


class Auditor:
    """Who has a key, and is handed bundles."""

    def __init__(self, folder: Path, run: Callable[..., Ran]) -> None:
        self._run, self._secret, self._path = run, folder / "auditor.key", folder / "bundle.age"
        self._public = run("uniqueness", "--new-key", self._secret).told["key"]

    def judges(self, log: Path, head: dict[str, Any], lines: list[str]) -> Ran:
        """The verdict on a bundle that says this of a log."""
        text = "".join(line + "\n" for line in [json.dumps(head), *lines]).encode()
        self._path.write_bytes(b"".join(sealing.seal(sealing.read_recipient(self._public), [text])))
        return self._run("uniqueness", self._path, "--secret", self._secret, "--log", log)


@pytest.fixture
def auditor(tmp_path: Path, run: Callable[..., Ran]) -> Auditor:
    """An auditor with a key."""
    return Auditor(tmp_path, run)


def votes(count: int = COUNT) -> list[bytes]:
    """Leaves of as many voters."""
    return [leaf_of(7, e.candidate, e.day, e.commitment, e.weight) for e in entries(CANDIDATES, 0, count)]


def head_of(leaves: list[bytes], **rules: int) -> dict[str, Any]:
    """What a bundle of these leaves says first."""
    root = merkle.root(tiles.reader(tiles.grow(0, {}, [merkle.leaf_hash(leaf) for leaf in leaves])), 0, len(leaves))
    return {
        "format": "concours-bundle/v1", "origin": ORIGIN, "poll": 7, "size": len(leaves),
        "root": notes.Head(ORIGIN, len(leaves), root).text.splitlines()[2], "votes": len(leaves), "rules": rules,
        "opens": "2021-07-07T16:30:00+00:00", "closes": "2021-07-20T04:00:00+00:00", "zone": "Asia/Shanghai",
    }  # fmt: skip


def lines_of(count: int = COUNT) -> list[str]:
    """Leaf, tag and nonce of each vote."""
    return [f"{n} {e.tag.hex()} {e.nonce.hex()}" for n, e in enumerate(entries(CANDIDATES, 0, count))]


def rewrite(folder: Path, note: str, name: str = "closing") -> None:
    """Puts a note of the log's own key into the folder."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(notes.note(note, notes.sign(note, ORIGIN, KEY)), encoding="utf-8")


def test_an_honest_bundle_holds(tmp_path: Path, auditor: Auditor) -> None:
    write_log(tmp_path / "log", votes())
    found = auditor.judges(tmp_path / "log", head_of(votes(), per_day=1), lines_of())
    assert (found.status, found.told.get("votes")) == (0, COUNT), found.said


@pytest.mark.parametrize(
    ("days", "word"),
    [
        (("2021-07-08", "2021-07-09", "2021-07-08", "2021-07-20"), ""),  # a clock that was set back at midnight
        (("2021-07-08", "2021-07-07"), "leaf 1 is of 2021-07-07, but the poll was open from 2021-07-08 to 2021-07-20"),
        (("2021-07-21",), "leaf 0 is of 2021-07-21, but"),
        (("2021-07-08", "2021-07-10", "2021-07-08"), "leaf 2 is of 2021-07-08, behind one of 2021-07-10"),
    ],
)
def test_days_outside_the_poll_or_out_of_order_are_found(
    days: tuple[str, ...], word: str, tmp_path: Path, auditor: Auditor
) -> None:
    """Whoever chooses a vote's day chooses how many a voter may give."""
    leaves = [leaf.replace(b"2021-07-08", day.encode()) for leaf, day in zip(votes(len(days)), days, strict=True)]
    write_log(tmp_path / "log", leaves)
    found = auditor.judges(tmp_path / "log", head_of(leaves, per_day=1), lines_of(len(days)))
    assert (found.status, word in found.said) == (1 if word else 0, True), found.said


def test_a_bundle_of_other_leaves_than_the_signed_ones_is_refused(tmp_path: Path, auditor: Auditor) -> None:
    """The auditor is shown leaves, root and lines that fit each other, and are not those of the checkpoint."""
    write_log(tmp_path / "log", votes(), signed=[*votes(COUNT - 1), votes()[0]])
    found = auditor.judges(tmp_path / "log", head_of(votes(), per_day=1), lines_of())
    assert found.status == 1, found.said
    assert "NOT those of the signed checkpoint" in found.said


@pytest.mark.parametrize("size", [0, 1, COUNT - 1])
def test_a_bundle_that_leaves_votes_out_is_refused(size: int, tmp_path: Path, auditor: Auditor) -> None:
    write_log(tmp_path / "log", votes())
    head = head_of(votes(size), per_day=1) if size else {**head_of(votes(1), per_day=1), "size": 0}
    if not size:
        head["root"] = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="  # of no leaves
    found = auditor.judges(tmp_path / "log", head, lines_of(size))
    assert found.status == 1, found.said
    assert f"the bundle ends before leaf {size}" in found.said


def test_one_voter_is_not_taken_for_several_by_the_spelling(tmp_path: Path, auditor: Auditor) -> None:
    """Ten votes of one tag, whose hexadecimal digits are written in ten ways."""
    tag = hashlib.sha256(b"a voter").digest()
    nonces = [bytes([n]) * 16 for n in range(10)]
    leaves = [leaf_of(7, 11, DAY, secrets.commitment_of(tag, nonce), 1) for nonce in nonces]
    write_log(tmp_path / "log", leaves)
    lines = []
    for n, nonce in enumerate(nonces):
        written = "".join(c.upper() if n >> (at % 8) & 1 else c for at, c in enumerate(tag.hex()))
        lines.append(f"{n} {written} {nonce.hex()}")
    found = auditor.judges(tmp_path / "log", head_of(leaves, per_day=1), lines)
    assert found.status == 1, found.said
    assert "the rules are BROKEN: per_day 1 times" in found.said


def test_a_leaf_cannot_say_itself_whose_it_is(tmp_path: Path, auditor: Auditor) -> None:
    """Ten votes of one tag, each with a field `voter` of its own: what the verifier counts by is not the leaf's."""
    tag = hashlib.sha256(b"a voter").digest()
    nonces = [bytes([n]) * 16 for n in range(10)]
    leaves = [
        leaf_of(7, 11, DAY, secrets.commitment_of(tag, nonce), 1).replace(b'"v":1,', b'"v":1,"voter":%d,' % n)
        for n, nonce in enumerate(nonces)
    ]
    write_log(tmp_path / "log", leaves)
    lines = [f"{n} {tag.hex()} {nonce.hex()}" for n, nonce in enumerate(nonces)]
    assert auditor.judges(tmp_path / "log", head_of(leaves, per_day=1), lines).status == 1


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        (b'"candidate":11', b'"candidate":11.0'),  # equal to 11 in Python, and to nothing elsewhere
        (b'"candidate":11', b'"candidate":12,"candidate":11'),  # the first or the last of two, as a reader likes
        (b'"day":"2021-07-08"', b'"day":"some day"'),
        (b'"v":1', b'"v":1,"x":0'),
        (b'"poll":7', b'"poll": 7'),
        (b'"v":1', b'"v":true'),
    ],
)
def test_a_vote_that_is_not_written_as_the_format_has_it_is_refused(
    was: bytes, is_now: bytes, tmp_path: Path, run: Callable[..., Ran]
) -> None:
    leaves = votes()
    place = next(n for n, leaf in enumerate(leaves) if was in leaf)
    changed = [*leaves[:place], leaves[place].replace(was, is_now), *leaves[place + 1 :]]
    assert changed != leaves
    write_log(tmp_path, changed)
    found = run("tally", "--log", tmp_path)
    assert (found.status, f"leaf {place}" in found.said) == (1, True), found.said


def test_a_commitment_in_capitals_is_no_second_vote(tmp_path: Path, run: Callable[..., Ran]) -> None:
    leaves = votes()
    commitment = json.loads(leaves[5])["commitment"].encode()
    write_log(tmp_path, [*leaves, leaves[5].replace(commitment, commitment.upper())])
    assert run("tally", "--log", tmp_path).status == 1


def closed_again(folder: Path, first: list[bytes], more: list[bytes], counts: dict[int, int]) -> None:
    """A log that was closed with `first`, then went on and was closed again; both notes are signed."""
    write_log(folder, [*first, *more], counts=counts)
    heads = [_head(first), _head([*first, *more])]
    before: dict[int, int] = dict.fromkeys(CANDIDATES, 0)
    for leaf in first:
        before[json.loads(leaf)["candidate"]] += 1
    rewrite(folder, closing.statement(heads[0], before, AT), "closings/0")
    rewrite(folder, closing.statement(heads[1], counts, AT, heads[0]))
    keys = json.loads((folder / "keys").read_text())
    (folder / "keys").write_text(json.dumps({**keys, "closings": 2}))


def _head(leaves: list[bytes]) -> notes.Head:
    grown = tiles.grow(0, {}, [merkle.leaf_hash(leaf) for leaf in leaves])
    return notes.Head(ORIGIN, len(leaves), merkle.root(tiles.reader(grown), 0, len(leaves)))


def test_votes_from_after_the_close_are_refused(tmp_path: Path, run: Callable[..., Ran]) -> None:
    """A correction may take votes out or put them back; it must not bring new ones, however well it is signed."""
    leaves = votes()
    counts: dict[int, int] = dict.fromkeys(CANDIDATES, 0)
    for leaf in leaves:
        counts[json.loads(leaf)["candidate"]] += 1
    closed_again(tmp_path, leaves[:290], leaves[290:], counts)
    found = run("tally", "--log", tmp_path)
    assert found.status == 1, found.said
    assert "leaf 290 is a vote from after the close, which had 290 leaves" in found.said


def test_a_closing_note_that_names_a_candidate_twice_is_refused(tmp_path: Path, run: Callable[..., Ran]) -> None:
    write_log(tmp_path, votes())
    lines = (tmp_path / "closing").read_text().split("\n\n")[0].splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("11 "))
    rewrite(tmp_path, "\n".join([*lines[:at], "11 9999", *lines[at:]]) + "\n")
    found = run("tally", "--log", tmp_path)
    assert (found.status, "names a candidate twice" in found.said) == (1, True), found.said
