"""What goes wrong short of dying: Redis stands still, a disk is full, a clock is an hour off. Votes wait or are refused
in so many words; what was acknowledged stays."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from concours.cli import environment
from concours.cli.replay import polls
from concours.cli.replay.ballots import Voters
from tests.drills.stack import Stack, free_port, until
from tests.drills.votes import holds, poll_of_teams

VOTES = 3_000
HANDS = 32
STOPPED_S = 5.0
FULL_S = 5.0
DISK_MB = 160  # SQLite's write-ahead log may take 64 of them before it is moved home
FAKETIME = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")

pytestmark = pytest.mark.drill


def missing(sentence: str) -> None:
    """What this machine cannot do is said loudly, and a failure in CI."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(sentence, pytrace=False)
    pytest.skip(f"NOT DRILLED. {sentence}")


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of DISK_MB in memory, mounted at `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=700", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        missing(f"A small disk cannot be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Within this block nothing more fits on the disk of `folder`."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(b"\0" * 4_096)
            except OSError:
                break
    try:
        assert shutil.disk_usage(folder).free < 4_096
        yield
    finally:
        ballast.unlink()


def drill(stack: Stack, trouble: Callable[[], None]) -> Voters:
    """VOTES votes, with `trouble` after a third of them; then everything must agree."""
    stage, slug, poll, candidates = poll_of_teams(stack, VOTES)
    voters = Voters(stack.url, poll)
    turns = [polls.Turn(turn.candidates, troubles=False) for turn in polls.turns(stage, candidates)]
    faults: list[BaseException] = []

    def make_trouble() -> None:
        try:
            until(lambda: voters.count.sent > VOTES / 3, 120, "votes go on")
            trouble()
        except BaseException as fault:
            faults.append(fault)

    troubling = threading.Thread(target=make_trouble)
    troubling.start()
    with ThreadPoolExecutor(HANDS) as pool:
        for _ in pool.map(lambda turn: polls.take_turn(voters, turn, candidates), turns):
            pass
    troubling.join()
    if faults:
        raise faults[0]
    holds(stack, stage, slug, voters, VOTES)
    return voters


def test_redis_stands_still_for_five_seconds(tmp_path: Path) -> None:
    with Stack(tmp_path / "data") as stack:
        stack.start()
        seen: list[int] = []

        def trouble() -> None:
            stack.kill("Valkey", signal.SIGSTOP)
            seen.append(stack.get("/healthz")[0])
            time.sleep(STOPPED_S)
            stack.kill("Valkey", signal.SIGCONT)

        drill(stack, trouble)
        assert seen == [200], "a web process lives, whatever Redis does"


@pytest.mark.long  # mounting takes a right that not every machine gives
def test_the_disk_is_full_under_redis(tmp_path: Path) -> None:
    instance = tmp_path / "data"
    with small_disk(instance / environment.VALKEY_FOLDER) as disk, Stack(instance) as stack:
        stack.start()
        told: set[int] = set()

        def trouble() -> None:
            with full(disk):
                end = time.monotonic() + FULL_S
                while time.monotonic() < end:
                    told.add(stack.get("/readyz")[0])
                    time.sleep(0.1)

        drill(stack, trouble)
        assert 503 in told, "it says that it is not ready: a server that flushes always ends where it cannot write"


@pytest.mark.long  # mounting takes a right that not every machine gives
def test_the_disk_is_full_under_sql(tmp_path: Path) -> None:
    small = tmp_path / "sql"  # only the database is on the small disk
    database = f"sqlite:///{small}/concours.sqlite3"
    with small_disk(small) as disk, Stack(tmp_path / "data", DATABASE_URL=database) as stack:
        stack.start()

        def trouble() -> None:
            with full(disk):
                time.sleep(FULL_S)

        voters = drill(stack, trouble)
        print(f"answered late (202): {voters.count.late}")
        assert voters.count.late > 0, "votes were admitted and waited for the disk"


@pytest.mark.long
def test_a_web_process_whose_clock_steps_by_an_hour_counts_the_same(tmp_path: Path) -> None:
    library = next((path for name in FAKETIME for path in sorted(Path("/").glob(name.lstrip("/")))), None)
    if library is None:
        missing("libfaketime is not installed (Debian: libfaketime).")
    with Stack(tmp_path / "data") as stack:
        stack.start()
        port, clock = free_port(), tmp_path / "clock"
        clock.write_text("+0\n")
        ahead = stack.environ | {
            "PORT": str(port),
            "WEB_WORKERS": "1",
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        with (tmp_path / "ahead.log").open("wb") as log:
            web = subprocess.Popen(
                [sys.executable, "-m", "concours.cli", "web"], env=ahead, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            stage, slug, poll, candidates = poll_of_teams(stack, VOTES)
            here, there = Voters(stack.url, poll), Voters(f"http://127.0.0.1:{port}", poll)
            turns = [polls.Turn(turn.candidates, troubles=False) for turn in polls.turns(stage, candidates)]
            until(lambda: _asks(there), 60, "the second web process answers")
            with ThreadPoolExecutor(HANDS) as pool:
                work = [
                    pool.submit(polls.take_turn, (here, there)[number % 2], turn, candidates)
                    for number, turn in enumerate(turns)
                ]
                until(lambda: there.count.sent > VOTES / 6, 120, "votes go on")
                clock.write_text("+1h\n")
                for done in work:
                    done.result()
        finally:
            web.terminate()
            web.wait(30)
        found = polls.reconcile(stage, slug, poll)
        assert not here.count.wrong, here.count.wrong[:3]
        assert not there.count.wrong, there.count.wrong[:3]
        assert there.count.accepted > VOTES / 3
        assert here.count.accepted + there.count.accepted == found["ledger"] == found["redis"] == VOTES
        assert found["difference"] == 0
        days = {receipt["day"] for voters in (here, there) for receipt in voters.count.receipts.values()}
        assert len(days) <= 2, days  # by Redis' clock; two where midnight falls into the drill


def _asks(voters: Voters) -> bool:
    try:
        return voters.line.ask("GET", "/healthz").status == 200
    except OSError:
        return False
