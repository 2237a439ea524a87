"""`concours serve`: the whole platform on one machine, under one supervisor. What `make run` starts."""

import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from concours import __version__
from concours.base import config, embedded
from concours.cli import environment, lock
from concours.cli.supervisor import Part, Stopped, Supervisor

READY_WITHIN_S = 300.0
VALKEY_WITHIN_S = 120.0  # a large append-only file takes a while to read
JOB_GRACE_S = 10.0
GIVE_UP_AFTER = 3  # ends of one part before everything was ready
SHOW_WAITING_EVERY_S = 10.0
DEMO_FILE = "demo.json"


def say(text: str = "") -> None:
    """A line for people. A reader that went away (`make run | head`) does not stop the platform."""
    try:
        click.echo(text)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def step(name: str, text: str) -> None:
    """One line of progress."""
    say(f"  {name:<10} {text}")


def concours(*arguments: str) -> list[str]:
    """The command line of another process of the platform."""
    return [sys.executable, "-m", "concours.cli", *arguments]


@click.command(name="serve")
@click.option("--host", help="Address to listen on. [default: BIND_ADDRESS, else 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port to listen on. [default: PORT, else 8000]")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes of the web server. [default: 2]")
@click.option("--threads", type=click.IntRange(1, 512), help="Threads of each of them. [default: 32]")
@click.option("--jobs", type=click.IntRange(1, 32), default=1, show_default=True, help="Processes that work on jobs.")
@click.option("--no-demo", is_flag=True, help="Do not load the demo event into an empty instance.")
def command(
    host: str | None, port: int | None, workers: int | None, threads: int | None, jobs: int, no_demo: bool
) -> None:
    """Serve the whole platform: Valkey, web server, job workers and sequencer, until Ctrl-C.

    Needs nothing but a folder to write in (INSTANCE, default instance/). DATABASE_URL and REDIS_URL name
    a PostgreSQL and a Redis of your own instead of the embedded ones.
    """
    for name, given in (("BIND_ADDRESS", host), ("PORT", port), ("WEB_WORKERS", workers), ("WEB_THREADS", threads)):
        if given is not None:
            os.environ[name] = str(given)
    instance = config.instance_of(os.environ)
    say(f"Concours (赛展) {__version__}")
    step("instance", str(instance))
    try:
        held = lock.take(instance)
    except lock.Taken as taken:
        raise click.ClickException(f"{taken}") from None
    except OSError as fault:
        raise click.ClickException(f"the instance folder cannot be used: {fault}") from None
    Stack(instance, held, jobs=jobs, demo=not no_demo).run()


class Stack:
    """The embedded stack of one instance folder, from its start to its end."""

    def __init__(self, instance: Path, held: int, *, jobs: int, demo: bool) -> None:
        self.instance = instance
        self.jobs = jobs
        self.demo = demo
        self.own_redis = not os.environ.get("REDIS_URL", "").strip()
        environ = environment.resolve(embedded_stack=True)
        environ["PYTHONUNBUFFERED"] = "1"
        try:
            self.settings = config.load(environ, root=config.PROJECT)
        except config.ConfigError as fault:
            raise click.ClickException(f"the configuration cannot be used:\n  {fault}") from None
        self.address = f"http://{self._reachable()}:{self.settings['PORT']}"
        environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(instance / "metrics"))
        self.supervisor = Supervisor(environ, lock=held, pids=instance / "pids.json", say=lambda text: step("!", text))

    def run(self) -> None:
        """Starts everything, watches it, and stops it all when asked or when the start fails."""
        failure: click.ClickException | None = None
        try:
            self._start()
            self.supervisor.watch()
        except Stopped:
            say()
        except click.ClickException as fault:
            failure = fault
        if self.supervisor.parts:
            step("stopping", "web, jobs, sequencer and Valkey, in this order")
        self.supervisor.stop()
        if failure is not None:
            raise failure
        step("stopped", "everything is kept; start again with the same command")

    def _start(self) -> None:
        begun = time.monotonic()
        self._check_port()
        if self.own_redis:
            self._start_valkey()
        self._prepare_database()
        # stopped last first: the web server, then the workers, the sequencer, and Valkey at the very end
        self.supervisor.start(Part("sequencer", concours("sequencer")))
        for number in range(1, self.jobs + 1):
            name = "worker" if self.jobs == 1 else f"worker-{number}"
            self.supervisor.start(Part(name, concours("worker"), grace=JOB_GRACE_S))
        self.supervisor.start(Part("web", concours("web"), grace=15.0))
        step("starting", "web server, job worker and sequencer")
        self._wait_until_ready()
        step("ready", f"after {time.monotonic() - begun:.1f} s")
        self._warn_of_plain_http()
        if self.demo:
            self._load_demo()
        self._tell_addresses()

    def _reachable(self) -> str:
        bound = str(self.settings["BIND_ADDRESS"])
        if bound in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
            return "127.0.0.1"
        return f"[{bound}]" if ":" in bound else bound

    def _check_port(self) -> None:
        bound, port = str(self.settings["BIND_ADDRESS"]), int(self.settings["PORT"])
        family = socket.AF_INET6 if ":" in bound else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((bound, port))
            except OSError as fault:
                raise click.ClickException(
                    f"port {port} of {bound} cannot be used ({os.strerror(fault.errno or 0)});"
                    f" choose another, for example: make run PORT={port % 65_535 + 1}"
                ) from None

    def _start_valkey(self) -> None:
        path = environment.socket_path(self.instance)
        if path.parent != self.instance:
            _private_folder(path.parent)
        path.unlink(missing_ok=True)
        folder = self.instance / environment.VALKEY_FOLDER
        try:
            line = [*embedded.command(folder, path), "--logfile", str(folder / "valkey.log")]
        except (embedded.NoServer, OSError) as fault:
            raise click.ClickException(str(fault)) from None
        part = Part("Valkey", line, orphaned=signal.SIGTERM)
        self.supervisor.start(part)
        until = time.monotonic() + VALKEY_WITHIN_S
        while not embedded.answers(path):
            if not self.supervisor.running(part) or time.monotonic() > until:
                raise click.ClickException(f"Valkey did not start; what it says is in {folder / 'valkey.log'}")
            self.supervisor.rest(0.02)
            if self.supervisor.running(part):
                self.supervisor.look()
        step("Valkey", "embedded, every write flushed to disk")

    def _prepare_database(self) -> None:
        status, said = self.supervisor.run(concours("db", "upgrade", "--json", "--then-check"))
        if status != 0:
            raise click.ClickException("the database could not be prepared; the reason is above")
        found: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
        self.empty = bool(found["empty"])
        kind = "PostgreSQL" if found["dialect"].startswith("postgres") else "SQLite"
        news = "" if found["before"] == found["revision"] else f", brought from {found['before'] or 'nothing'}"
        step("database", f"{kind}, schema {found['revision']}{news}")

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + READY_WITHIN_S
        told = time.monotonic()
        missing = "the web server does not answer yet"
        while time.monotonic() < until:
            self.supervisor.look()
            failing = [part.name for part in self.supervisor.parts if len(part.ended) >= GIVE_UP_AFTER]
            if failing:
                raise click.ClickException(f"{failing[0]} ended {GIVE_UP_AFTER} times; the reason is above")
            ready, missing = self._ask_ready()
            if ready:
                return
            if time.monotonic() - told > SHOW_WAITING_EVERY_S:
                told = time.monotonic()
                step("waiting", missing)
            self.supervisor.rest(0.15)
        raise click.ClickException(f"not ready after {READY_WITHIN_S:g} s: {missing}")

    def _ask_ready(self) -> tuple[bool, str]:
        try:
            with urllib.request.urlopen(f"{self.address}/readyz", timeout=5) as answer:  # noqa: S310  # our own address
                return answer.status == 200, ""
        except urllib.error.HTTPError as refusal:
            try:
                parts = json.load(refusal)["parts"]
                return False, "; ".join(f"{name}: {part['detail']}" for name, part in parts.items() if not part["ok"])
            except (ValueError, KeyError, TypeError):
                return False, f"the web server answers {refusal.code}"
        except OSError as fault:
            return False, f"the web server does not answer yet ({fault})"

    def _warn_of_plain_http(self) -> None:
        exposed = not environment.is_loopback(str(self.settings["BIND_ADDRESS"]))
        if exposed and not self.settings["SECURE_COOKIES"]:
            step("!", "passwords travel unencrypted on this network: put HTTPS in front and set SITE_URL=https://…")

    def _load_demo(self) -> None:
        if not self.empty or (self.instance / DEMO_FILE).exists() or find_spec("concours.cli.demo") is None:
            return
        step("demo", "loading the demo event (once); the site can be used meanwhile")
        status, said = self.supervisor.run(concours("demo", "load", "--url", self.address, "--json"))
        if status != 0:
            step("!", "the demo event could not be loaded; the platform runs without it")
            return
        (self.instance / DEMO_FILE).write_text(said.strip().splitlines()[-1] + "\n")
        (self.instance / DEMO_FILE).chmod(0o600)

    def _tell_addresses(self) -> None:
        say()
        say(f"  {self.settings['SITE_NAME']}   {self.address}/")
        try:
            demo: dict[str, Any] = json.loads((self.instance / DEMO_FILE).read_text())
        except (OSError, ValueError):
            demo = {}
        for place in demo.get("addresses", []):
            say(f"    {place['title']}   {self.address}{place['path']}")
        if demo.get("accounts"):
            say()
            say("  Demo sign-ins:")
            for account in demo["accounts"]:
                say(f"    {account['role']:<12} {account['username']:<20} {account['password']}")
            self._tell_codes(demo.get("invited", {}))
        elif self.empty:
            say("    The first account:  concours account create NAME --role admin")
        say()
        say("  Ctrl-C stops everything.")
        say()

    def _tell_codes(self, invited: Mapping[str, Any]) -> None:
        """Invitation codes of the demonstration to try, and where its organiser sees all of them."""
        if not invited:
            return
        say()
        say(f"  Demo invitation codes for {invited['title']}   {self.address}{invited['path']}")
        say(f"    {'   '.join(invited['codes'])}")
        say(f"    the organiser prints the cards within the hour:   {self.address}{invited['sheet']}")


def _private_folder(folder: Path) -> None:
    """Makes `folder` for this user alone; refuses one that belongs to somebody else."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as fault:
        raise click.ClickException(f"no folder for Valkey's socket: {fault}") from None
    if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise click.ClickException(f"{folder} is not private to this user; remove it, or use a shorter INSTANCE path")
