"""concours-verify stands alone, and finds every change of a log of ten thousand votes."""

import ast
import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import concours_verify as verify
from concours.voting.log import closing, merkle, notes, publication, tiles
from concours.voting.receipts import leaf_of
from tests.verifying import Ran, run
from tests.voting.logs import entries

__all__ = ["run"]  # a fixture

SIZE = 10_000
ORIGIN = "concours/polls/demo-1"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CANDIDATES = [11, 12, 13]


def write_log(folder: Path, leaves: list[bytes], *, signed: list[bytes] | None = None, counts: Any = None) -> str:
    """A closed log in a folder, made of the platform's own parts: its votes are `leaves`, signed are `signed`."""
    signed = leaves if signed is None else signed
    hashes = [merkle.leaf_hash(leaf) for leaf in signed]
    grown = tiles.grow(0, {}, hashes)
    head = notes.Head(ORIGIN, len(signed), merkle.root(tiles.reader(grown), 0, len(signed)))
    if counts is None:
        counts = dict.fromkeys(CANDIDATES, 0)
        for leaf in signed:
            vote = json.loads(leaf)
            counts[vote["candidate"]] += vote["weight"]
    text = closing.statement(head, counts, datetime(2021, 7, 10).astimezone())
    key = str(notes.Verifier(ORIGIN, notes.ED25519, KEY.public_key().public_bytes_raw()))
    files: dict[str, bytes] = {
        "checkpoint": notes.note(head.text, notes.sign(head.text, ORIGIN, KEY)).encode(),
        "closing": notes.note(text, notes.sign(text, ORIGIN, KEY)).encode(),
        "keys": json.dumps({"origin": ORIGIN, "poll": 7, "receipt_key": "", "closed_at": "2021",
                            "log_keys": [{"number": 0, "key": key, "note": ""}], "witnesses": []}).encode(),
    }  # fmt: skip
    for (level, number), tile in grown.items():
        files[f"tile/{level}/{publication.path_of(number, len(tile) // 32)}"] = tile
    for number in range(0, len(leaves), 256):
        part = leaves[number : number + 256]
        width = min(256, len(signed) - number)
        bundle = b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in part)
        files[f"tile/entries/{publication.path_of(number // 256, width)}"] = bundle
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return key


@pytest.fixture(scope="module")
def votes() -> list[bytes]:
    """Ten thousand leaves."""
    return [leaf_of(7, e.candidate, e.day, e.commitment, e.weight) for e in entries(CANDIDATES, 0, SIZE)]


def test_it_imports_nothing_of_the_application() -> None:
    tree = ast.parse(Path(verify.__file__).read_text(encoding="utf-8"))
    names = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    names |= {node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    roots = {name.split(".")[0] for name in names}
    assert roots - set(sys.stdlib_module_names) == {"cryptography"}


def test_an_honest_log_holds(tmp_path: Path, votes: list[bytes], run: Callable[..., Ran]) -> None:
    key = write_log(tmp_path, votes)
    found = run("tally", "--log", tmp_path, "--key", key)
    assert (found.status, found.told["holds"], found.told["size"]) == (0, True, SIZE)
    assert sum(found.told["votes"].values()) == SIZE
    assert "every one of 3 candidates" in found.said


@pytest.mark.parametrize("place", [0, 1, 255, 256, 4_999, 9_984, 9_999])
@pytest.mark.parametrize("change", ["flip", "delete", "insert", "reorder", "revote"])
def test_any_change_of_a_leaf_is_found(
    change: str, place: int, tmp_path: Path, votes: list[bytes], run: Callable[..., Ran]
) -> None:
    changed = list(votes)
    if change == "flip":
        leaf = bytearray(changed[place])
        leaf[40] ^= 1  # a hexadecimal digit of the commitment
        changed[place] = bytes(leaf)
    elif change == "delete":
        del changed[place]
    elif change == "insert":
        changed.insert(place, changed[(place + 1) % SIZE])
    elif change == "reorder":
        other = (place + 1) % SIZE
        changed[place], changed[other] = changed[other], changed[place]
    else:
        now = json.loads(changed[place])["candidate"]
        changed[place] = changed[place].replace(b'"candidate":%d' % now, b'"candidate":%d' % (11 if now != 11 else 12))
    assert changed != votes
    write_log(tmp_path, changed, signed=votes)
    found = run("tally", "--log", tmp_path)
    assert (found.status, found.told["holds"]) == (1, False)
    if change in ("flip", "revote"):
        assert f"leaf {place}." in found.said


def test_wrong_results_and_doubled_votes_are_found(tmp_path: Path, votes: list[bytes], run: Callable[..., Ran]) -> None:
    counts = dict.fromkeys(CANDIDATES, 0)
    for leaf in votes[:300]:
        counts[json.loads(leaf)["candidate"]] += 1
    counts[11] += 1
    counts[12] -= 1
    write_log(tmp_path / "a", votes[:300], counts=counts)
    found = run("tally", "--log", tmp_path / "a")
    assert found.status == 1
    assert "published result is WRONG for candidate 11" in found.said
    write_log(tmp_path / "b", [*votes[:300], votes[5]])
    found = run("tally", "--log", tmp_path / "b")
    assert found.status == 1
    assert "1 votes are there twice" in found.said


def test_a_foreign_key_and_a_missing_file_are_told_apart(
    tmp_path: Path, votes: list[bytes], run: Callable[..., Ran]
) -> None:
    write_log(tmp_path, votes[:300])
    other = str(notes.Verifier(ORIGIN, notes.ED25519, Ed25519PrivateKey.generate().public_key().public_bytes_raw()))
    assert run("tally", "--log", tmp_path, "--key", other).status == 1
    (tmp_path / "tile/entries/000").unlink()
    assert run("tally", "--log", tmp_path).status == 2
    assert run("tally", "--log", tmp_path / "nowhere").status == 2
    (tmp_path / "checkpoint").write_text("rubbish")
    assert run("tally", "--log", tmp_path).status == 1


def test_a_witness_signs_what_continues_and_refuses_a_fork(
    tmp_path: Path, votes: list[bytes], run: Callable[..., Ran]
) -> None:
    secret, state, log = tmp_path / "secret", tmp_path / "state", tmp_path / "log"
    public = run("witness", "--new-key", secret, "--name", "witness.example/w1").told["key"]
    assert secret.stat().st_mode & 0o777 == 0o600
    write_log(log, votes[:5_000])
    step = ("witness", "--log", log, "--secret", secret, "--state", state)
    first = run(*step)
    assert first.status == 0
    text = notes.split((log / "checkpoint").read_text())[0]
    assert notes.check(text, first.told["cosignature"], notes.read_verifier(public)) is not None
    write_log(log, votes)
    again = run(*step)
    assert (again.status, again.told["old"], again.told["size"]) == (0, 5_000, SIZE)
    fork = list(votes)
    fork[17] = fork[17].replace(b'"day":"2021-07-08"', b'"day":"2021-07-09"')
    before = state.read_text()
    for other in (fork, [*fork, votes[0]], votes[:9_000]):
        write_log(log, other)
        refused = run(*step)
        assert refused.status == 1
        assert "FORKED" in refused.said or "shrunk" in refused.said
        assert "cosignature" not in refused.told
        assert state.read_text() == before
    write_log(log, votes)
    assert run(*step).status == 0


def test_two_witness_processes_never_sign_both_sides_of_a_fork(
    tmp_path: Path, votes: list[bytes], run: Callable[..., Ran]
) -> None:
    secret, state = tmp_path / "secret", tmp_path / "state"
    run("witness", "--new-key", secret, "--name", "witness.example/w1")
    fork = [*votes[:299], votes[299].replace(b'"day":"2021-07-08"', b'"day":"2021-07-09"')]
    for name, leaves in (("one", votes[:300]), ("other", fork)):
        write_log(tmp_path / name, leaves)
    with (tmp_path / "state.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        command = [sys.executable, verify.__file__, "witness", "--secret", str(secret), "--state", str(state), "--log"]
        both = [subprocess.Popen([*command, str(tmp_path / name)], stdout=subprocess.PIPE) for name in ("one", "other")]
        with pytest.raises(subprocess.TimeoutExpired):
            both[0].wait(3)  # it waits for whoever is at work
        assert both[1].poll() is None
        assert not state.exists()
    said = [process.communicate(timeout=60)[0].decode() for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    assert ["cosignature" in text or "— witness" in text for text in said].count(True) == 1


@pytest.mark.parametrize("weight", [b"0", b"-1", b"1001", b"true", b"1.0", b'"1"'])
def test_a_weight_that_no_voter_can_have_is_refused(
    weight: bytes, tmp_path: Path, votes: list[bytes], run: Callable[..., Ran]
) -> None:
    changed = [votes[0].replace(b'"weight":1', b'"weight":' + weight), *votes[1:300]]
    write_log(tmp_path, changed, counts=dict.fromkeys(CANDIDATES, 0))
    assert "a vote counts from 1 to 1000" in run("tally", "--log", tmp_path).said


def test_recounting_the_model_case_takes_seconds(tmp_path: Path, run: Callable[..., Ran]) -> None:
    """779,700 leaves would take 13 times what 60,000 take: at most 12 s here, on a machine that does other things."""
    write_log(
        tmp_path, [leaf_of(7, e.candidate, e.day, e.commitment, e.weight) for e in entries(CANDIDATES, 0, 60_000)]
    )
    begun = time.process_time()
    assert run("tally", "--log", tmp_path).status == 0
    assert (time.process_time() - begun) * 13 < 12
