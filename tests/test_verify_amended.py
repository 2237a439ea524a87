"""A log of ten thousand leaves with decisions among them: whatever is changed, put in, taken out or moved is found; and
a witness that saw it signs no other one, however well that other one is made."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concours.voting.amendments.leaves import leaf_of as decision_leaf
from concours.voting.amendments.leaves import ranges_of
from concours.voting.log import publication
from concours.voting.receipts import leaf_of
from tests.test_verify import CANDIDATES, SIZE, write_log
from tests.verifying import Ran, run
from tests.voting.logs import entries

__all__ = ["run"]  # a fixture

EVERY = 97  # each leaf of this number is a decision
KINDS = ("vote", "void", "restore")
CHANGES = ("flip", "delete", "insert", "reorder", "replace", "cut", "add")
BUNDLE = 256  # leaves of a file


class Amended(NamedTuple):
    """The leaves, the counts they give, where each kind stands, and the folder that holds the honest log."""

    leaves: list[bytes]
    counts: dict[int, int]
    places: dict[str, list[int]]
    folder: Path


def made(size: int) -> tuple[list[bytes], dict[int, int], dict[str, list[int]]]:
    """So many leaves, counted by hand: votes, behind each 96 a void of some before, or a restore of some of those."""
    votes = iter(entries(CANDIDATES, 0, size))
    drawn = random.Random(2021)
    leaves: list[bytes] = []
    cast: dict[int, int] = {}  # leaf -> candidate
    void: set[int] = set()
    places: dict[str, list[int]] = {kind: [] for kind in KINDS}
    while len(leaves) < size:
        place = len(leaves)
        if place % EVERY == EVERY - 1:
            kind = "restore" if void and drawn.random() < 0.4 else "void"
            chosen = sorted(
                drawn.sample(sorted(void if kind == "restore" else cast.keys() - void), 12 if kind == "void" else 5)
            )
            leaves.append(decision_leaf(7, kind, f"刷票 {place}", ranges_of(chosen)))
            void = void - set(chosen) if kind == "restore" else void | set(chosen)
        else:
            kind, vote = "vote", next(votes)
            leaves.append(leaf_of(7, vote.candidate, vote.day, vote.commitment, vote.weight))
            cast[place] = vote.candidate
        places[kind].append(place)
    counts = {one: sum(c == one and place not in void for place, c in cast.items()) for one in CANDIDATES}
    return leaves, counts, places


@pytest.fixture(scope="module")
def amended(tmp_path_factory: pytest.TempPathFactory) -> Amended:
    """The honest log, closed."""
    leaves, counts, places = made(SIZE)
    folder = tmp_path_factory.mktemp("amended")
    write_log(folder, leaves, counts=counts)
    return Amended(leaves, counts, places, folder)


def test_an_honest_log_with_decisions_holds(amended: Amended, run: Callable[..., Ran]) -> None:
    found = run("tally", "--log", amended.folder)
    assert found.status == 0, found.said
    assert found.told["size"] == SIZE
    assert {int(candidate): votes for candidate, votes in found.told["votes"].items()} == amended.counts
    assert min(len(amended.places[kind]) for kind in KINDS) > 20
    assert found.told["void"] == len(amended.places["vote"]) - sum(amended.counts.values()) > 0


def bundles(leaves: list[bytes], first: int) -> Iterator[tuple[str, bytes]]:
    """The files of leaves from the one with leaf `first` on, named as those of the honest log."""
    for number in range(first // BUNDLE, -(-SIZE // BUNDLE)):
        part = leaves[number * BUNDLE : (number + 1) * BUNDLE if (number + 1) * BUNDLE < SIZE else None]
        width = min(BUNDLE, SIZE - number * BUNDLE)
        data = b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in part)
        yield f"tile/entries/{publication.path_of(number, width)}", data


def changed(leaves: list[bytes], change: str, place: int, other: int, bit: int) -> list[bytes]:
    """The leaves with one change."""
    found = list(leaves)
    if change == "flip":
        leaf = bytearray(found[place])
        leaf[bit // 8 % len(leaf)] ^= 1 << bit % 8
        found[place] = bytes(leaf)
    elif change == "delete":
        del found[place]
    elif change == "insert":
        found.insert(place, found[other])
    elif change == "reorder":
        found[place], found[other] = found[other], found[place]
    elif change == "replace":
        found[place] = found[other]
    elif change == "cut":
        del found[place:]
    else:
        found.append(found[other])
    return found


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_change_of_any_leaf_is_found(amended: Amended, run: Callable[..., Ran], data: st.DataObject) -> None:
    change = data.draw(st.sampled_from(CHANGES))
    place = data.draw(st.sampled_from(KINDS).flatmap(lambda kind: st.sampled_from(amended.places[kind])))
    other = data.draw(st.sampled_from(KINDS).flatmap(lambda kind: st.sampled_from(amended.places[kind])))
    bit = data.draw(st.integers(0, 8 * 400))
    lies = changed(amended.leaves, change, place, other, bit)
    if lies == amended.leaves:
        return  # a leaf that is put in its own place
    first = min(place, other) if change == "reorder" else SIZE - 1 if change == "add" else place
    honest = {name: (amended.folder / name).read_bytes() for name, _ in bundles(amended.leaves, first)}
    try:
        for name, told in bundles(lies, first):
            (amended.folder / name).write_bytes(told)
        found = run("tally", "--log", amended.folder)
        assert (found.status, found.told["holds"]) == (1, False), (change, place, other, found.said)
    finally:
        for name, told in honest.items():
            (amended.folder / name).write_bytes(told)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", ["flip", "delete", "insert", "reorder", "replace", "cut"])
def test_a_witness_refuses_a_log_that_was_signed_anew(
    kind: str, change: str, amended: Amended, tmp_path: Path, run: Callable[..., Ran]
) -> None:
    """The operator has all keys: tiles, checkpoint and result of the fork are of one piece."""
    size, more = 1_000, 1_100
    secret, state, log = tmp_path / "secret", tmp_path / "state", tmp_path / "log"
    run("witness", "--new-key", secret, "--name", "witness.example/w1")
    step = ("witness", "--log", log, "--secret", secret, "--state", state)
    write_log(log, amended.leaves[:size], counts={})
    assert run(*step).status == 0
    seen = state.read_text()
    place = next(place for place in reversed(amended.places[kind]) if place < size - EVERY)
    fork = changed(amended.leaves[:more], change, place, place + 1, 8 * 30)
    assert fork != amended.leaves[:more]
    write_log(log, fork, counts={})
    refused = run(*step)
    assert refused.status == 1, refused.said
    assert "cosignature" not in refused.told
    assert state.read_text() == seen
    write_log(log, amended.leaves[:more], counts={})
    assert run(*step).status == 0, "the honest log goes on"
