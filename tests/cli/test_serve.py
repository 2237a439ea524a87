"""`concours serve` with real processes: it starts from nothing, ends cleanly, and leaves nothing when it is killed."""

import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from rq import Queue
from rq.job import Job

from concours.base.queue import RETRY_AFTER_S
from tests.drills.stack import Stack, free_port, until


def test_it_starts_from_nothing_serves_and_ends_without_a_trace(tmp_path: Path) -> None:
    with Stack(tmp_path / "data") as stack:
        stack.start()
        _, text = until(lambda: (told := stack.get("/readyz"))[0] == 200 and told, 60, "every part is usable")
        assert {name: part["ok"] for name, part in json.loads(text)["parts"].items()} == {
            "sql": True,
            "redis": True,
            "sequencer": True,
            "storage": True,
        }
        assert stack.get("/healthz")[0] == 200
        assert f"{stack.url}/" in stack.said()

        key = stack.instance / "secret_key"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert stat.S_IMODE(stack.instance.stat().st_mode) == 0o700
        config = redis.Redis.from_url(stack.redis_url()).config_get("append*")
        assert (config["appendonly"], config["appendfsync"]) == ("yes", "always")

        second = stack.command("serve", "--no-demo", "--port", str(free_port()))
        assert second.returncode == 1
        assert f"already runs on {stack.instance}" in second.stderr
        assert stack.get("/readyz")[0] == 200, "the refused second start does no harm to the first"

        made = stack.command("account", "create", "zhangwei", "--role", "admin", "--json")
        assert made.returncode == 0, made.stderr

        assert stack.interrupt() == 0
        stack.wait_gone(2)
        assert "Traceback" not in stack.said()
        for word in ("web", "worker", "sequencer", "Valkey"):
            assert f"{word} ended" not in stack.said(), "nothing died by itself"
        assert not (stack.instance / "pids.json").exists()


@pytest.mark.drill
def test_killed_hard_it_leaves_nothing_running_and_the_next_start_finds_everything(tmp_path: Path) -> None:
    with Stack(tmp_path / "data") as stack:
        stack.start()
        key = (stack.instance / "secret_key").read_text()
        connection = redis.Redis.from_url(stack.redis_url())
        connection.set("kept", "yes")
        job = Queue("default", connection=connection).enqueue(time.sleep, 300)
        until(lambda: job.get_status() == "started", 20, "the job is at work")
        before = stack.processes()
        assert len(before) >= 7, f"supervisor, Valkey, sequencer, worker and its scheduler, web with two: {before}"

        stack.kill("serve")
        stack.wait_gone()

        stack.start()
        assert stack.get("/readyz")[0] == 200
        assert (stack.instance / "secret_key").read_text() == key
        assert redis.Redis.from_url(stack.redis_url()).get("kept") == b"yes"
        assert stack.interrupt(signal.SIGTERM) == 0
        stack.wait_gone(2)


@pytest.mark.drill
def test_each_part_that_is_killed_comes_back_and_a_killed_workers_job_is_done_after_all(tmp_path: Path) -> None:
    with Stack(tmp_path / "data") as stack:
        stack.start()
        for name in ("web", "sequencer", "Valkey"):
            old = stack.kill(name)
            stack.wait_new(name, old)
            until(lambda: stack.get("/readyz")[0] == 200, 30, f"ready again after {name} was killed")

        connection = redis.Redis.from_url(stack.redis_url())
        until(lambda: answers(connection), 30, "the new Valkey answers")  # a new process is not yet an open socket
        from rq import Retry

        job = Queue("default", connection=connection).enqueue(time.sleep, 2, retry=Retry(3, interval=RETRY_AFTER_S))
        until(lambda: job.get_status() == "started", 20, "the job is at work")
        old = stack.kill("worker")
        stack.wait_new("worker", old)
        until(lambda: Job.fetch(job.id, connection).get_status() == "finished", 40, "the lost job is done after all")
        stack.interrupt()
        stack.wait_gone(2)


def answers(connection: redis.Redis) -> bool:
    """Whether Redis takes a command at this moment."""
    try:
        return bool(connection.ping())
    except redis.ConnectionError:
        return False


@pytest.mark.drill
def test_ctrl_c_while_a_job_never_ends_still_ends_everything_in_bounded_time(tmp_path: Path) -> None:
    with Stack(tmp_path / "data") as stack:
        stack.start()
        job = Queue("default", connection=redis.Redis.from_url(stack.redis_url())).enqueue(time.sleep, 300)
        until(lambda: job.get_status() == "started", 20, "the job is at work")
        begun = time.monotonic()
        assert stack.interrupt(within=45) == 0
        assert time.monotonic() - begun < 40
        stack.wait_gone(2)


@pytest.mark.drill
def test_an_instance_with_a_long_path_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("long-" * 20) / ("path-" * 10)
    with Stack(deep) as stack:
        stack.start()
        assert stack.get("/readyz")[0] == 200
        assert not (deep / "valkey.sock").exists()
        socket = Path(stack.redis_url().removeprefix("unix://"))
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert stack.interrupt() == 0
        stack.wait_gone(2)


def test_a_port_in_use_is_refused_with_the_way_out_and_nothing_is_started(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken, Stack(tmp_path / "data") as stack:
        taken.bind(("127.0.0.1", stack.port))
        taken.listen()
        ended = stack.command("serve", "--no-demo")
        assert ended.returncode == 1
        assert f"make run PORT={stack.port + 1}" in ended.stderr
        assert not stack.processes()


def test_a_setting_that_cannot_be_used_stops_the_start_with_its_name(tmp_path: Path) -> None:
    with Stack(tmp_path / "data", DEFAULT_TIMEZONE="Peking", SESSION_DAYS="0") as stack:
        ended = stack.command("serve", "--no-demo")
        assert ended.returncode == 1
        assert "DEFAULT_TIMEZONE" in ended.stderr
        assert "SESSION_DAYS" in ended.stderr
        assert "Traceback" not in ended.stderr


def _a_folder(instance: Path) -> None:
    (instance / "secret_key").mkdir()


def _no_text(instance: Path) -> None:
    (instance / "secret_key").write_bytes(bytes(range(128, 168)))


def _no_database(instance: Path) -> None:
    (instance / "concours.sqlite3").write_text("this is no database\n" * 100)


def _a_folder_for_the_lock(instance: Path) -> None:
    (instance / "lock").mkdir()


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_a_folder, "secret_key cannot be used"),
        (_no_text, "secret_key cannot be used"),
        (_no_database, "the database cannot be used: file is not a database"),
        (_a_folder_for_the_lock, "the instance folder cannot be used"),
    ],
)
def test_an_instance_that_cannot_be_read_is_refused_in_words_and_left_as_it_is(
    tmp_path: Path, harm: Callable[[Path], None], words: str
) -> None:
    with Stack(tmp_path / "data") as stack:
        stack.instance.mkdir()
        harm(stack.instance)
        before = {path.name: path.stat().st_size for path in stack.instance.iterdir()}
        refused = stack.command("serve", "--no-demo", "--port", str(free_port()))
        assert refused.returncode == 1
        assert words in refused.stderr
        assert "Traceback" not in refused.stderr + refused.stdout
        assert {name: (stack.instance / name).stat().st_size for name in before} == before


def test_a_supervisor_that_cannot_write_goes_on(tmp_path: Path) -> None:
    """The disk is full when a part has to be started again."""
    script = (
        "from pathlib import Path; from concours.cli.supervisor import *;"
        " s = Supervisor({}, lock=1, pids=Path('/dev/full/pids.json'), say=print);"
        " s.start(Part('part', ['/bin/sleep', '60'])); print('running', s.running(s.parts[0])); s.stop(); print('over')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    told = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert "running True" in told
    assert told[-1] == "over"
    assert "cannot be written" in told[0]


def test_python_app_py_is_the_same_stack_and_app_py_builds_nothing_when_imported() -> None:
    root = Path(__file__).parents[2]
    shown = subprocess.run(
        [sys.executable, str(root / "app.py"), "--help"], capture_output=True, text=True, check=False, timeout=60
    )
    assert shown.returncode == 0
    code = "import app, concours.factory; assert 'app' not in vars(app); print('unbuilt')"
    imported = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False, timeout=60
    )
    assert imported.stdout.strip() == "unbuilt", imported.stderr
