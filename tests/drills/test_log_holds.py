"""The log never goes back on what it signed: a witness follows it while the sequencer is killed; strangers recount."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import concours_verify
from concours.cli.replay import polls
from concours.cli.replay.ballots import Voters
from tests.drills.stack import Stack, until
from tests.drills.votes import poll_of_teams

VOTES = 3_000
HANDS = 16
KILLS = 4
SAMPLED = 20
CACHED_S = 2.0  # a checkpoint may be served for a second after a later one is signed

pytestmark = pytest.mark.drill


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A platform on an empty instance."""
    with Stack(tmp_path / "data") as platform:
        yield platform.start()


def verify(*args: object) -> tuple[int, dict[str, Any]]:
    """The real command, in a process of its own."""
    command = [sys.executable, "-I", concours_verify.__file__, *(str(arg) for arg in args), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env={"PATH": "/usr/bin"})
    assert ran.stdout, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return ran.returncode, told


def test_a_witness_never_sees_a_fork_while_the_sequencer_is_killed(stack: Stack, tmp_path: Path) -> None:
    stage, slug, poll, candidates = poll_of_teams(stack, VOTES)
    log = f"{stack.url}/log/{poll}"
    until(lambda: stack.get(f"/log/{poll}/checkpoint")[0] == 200, 30, "the log begins")
    key = verify("witness", "--new-key", tmp_path / "secret", "--name", "witness.example/drill")[1]["key"]
    page = stage.admin.get(f"/events/{slug}/voting/{poll}/ledger")
    stage.admin.submit(page, "/witnesses", {"key": key})
    follow = ("witness", "--log", log, "--secret", tmp_path / "secret", "--state", tmp_path / "seen", "--post")
    told: list[tuple[int, dict[str, Any]]] = []
    over = threading.Event()

    def witness() -> None:
        while not over.is_set():
            told.append(verify(*follow))
            over.wait(1)

    watching = threading.Thread(target=witness)
    watching.start()
    voters = Voters(stack.url, poll)
    turns = [polls.Turn(turn.candidates, troubles=False) for turn in polls.turns(stage, candidates)]
    share = len(turns) // KILLS
    with ThreadPoolExecutor(HANDS) as pool:
        for number in range(KILLS):
            end = len(turns) if number == KILLS - 1 else (number + 1) * share
            begun = voters.count.sent
            votes = [pool.submit(polls.take_turn, voters, turn, candidates) for turn in turns[number * share : end]]
            until(lambda begun=begun: voters.count.sent > begun + 50, 120, "votes go on")
            old = stack.kill("sequencer")
            for vote in votes:
                vote.result()
            stack.wait_new("sequencer", old, within=60)
    assert len(polls.leaves(voters)) == VOTES
    polls.close(stage, slug, poll)
    until(lambda: stack.get(f"/log/{poll}/closing")[0] == 200, 90, "the poll is closed")
    over.set()
    watching.join(150)
    time.sleep(CACHED_S)
    told.append(verify(*follow))

    assert [word for status, word in told if status == 1] == [], "a fork, or a signature that does not hold"
    sizes = [word["size"] for status, word in told if status == 0]
    assert sizes == sorted(sizes)
    assert sizes[-1] == VOTES
    status, recount = verify("tally", "--log", log)
    assert (status, recount["size"]) == (0, VOTES), recount
    counted = {int(number): votes for number, votes in recount["votes"].items() if votes}
    assert counted == dict(voters.count.per_candidate())
    assert "witness.example/drill" in stack.get(f"/log/{poll}/checkpoint")[1]
    folder = tmp_path / "folder"
    assert verify("fetch", folder, "--log", log)[0] == 0
    for receipt in list(voters.count.receipts.values())[:: VOTES // SAMPLED]:
        paper = tmp_path / "receipt.json"
        paper.write_text(json.dumps(receipt))
        assert verify("receipt", paper, "--log", folder)[0] == 0, receipt
