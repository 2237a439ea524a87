"""How long a platform whose Redis lost everything takes until it counts again, and whether it answers meanwhile."""

import http.client
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import ledger, stack
from bench.frame import Options, at_most, say
from bench.vote import Polling, environ_of

VOTES = 779_700
WITHIN_S = 300.0
EVERY_S = 0.05  # between two looks at the site
PAGES = ("/healthz", "/events/bench/", "/events/bench/polls/bench-1")

GOALS = {"sqlite_rebuilt_s": at_most(30.0), "postgresql_rebuilt_s": at_most(30.0)}


def votes_of(options: Options) -> int:
    """How many votes the ledger holds."""
    return options.sized(VOTES, 20_000)


def method(options: Options) -> str:
    """How it is taken."""
    return (
        f"a ledger of {votes_of(options):,} votes; the platform runs (web server, sequencer, Valkey) and all keys "
        "of Valkey are deleted; until the poll takes votes again and every count and voter is back; meanwhile a "
        f"visitor asks for {', '.join(PAGES)} every {EVERY_S * 1000:.0f} ms"
    )


def run(options: Options) -> dict[str, Any]:
    """Measures; returns the figures by name."""
    figures: dict[str, Any] = {"votes": votes_of(options)}
    with stack.folder() as where, ExitStack() as servers:
        urls = {}
        if options.database_url:
            urls["postgresql"] = options.database_url
        else:
            urls["sqlite"] = f"sqlite:///{where}/bench.sqlite3"
            urls["postgresql"] = servers.enter_context(ledger.postgres(where))
        for name, url in urls.items():
            figures |= {f"{name}_{what}": value for what, value in _measure(where / name, url, options).items()}
    return figures


class Visitor:
    """Somebody who looks at one page after the other until told to stop."""

    def __init__(self, port: int) -> None:
        self.took: list[float] = []
        self.statuses: Counter[int] = Counter()
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Visitor":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._over.wait(EVERY_S):
            for page in PAGES:
                begun = time.perf_counter()
                line.request("GET", page)
                answer = line.getresponse()
                answer.read()
                self.took.append(time.perf_counter() - begun)
                self.statuses[answer.status] += 1


def _measure(where: Path, url: str, options: Options) -> dict[str, Any]:
    count = votes_of(options)
    where.mkdir(exist_ok=True)
    with ledger.parts(where, url, 500) as made:
        ledger.fill(made, count)
        made.sequencer.release()
        environ = environ_of(where, made.url, url)
        with stack.platform(environ, where / "log", workers=options.workers, threads=options.threads) as (port, pids):
            client = made.sequencer.client
            _until_ready(made.poll, client, 0.0)
            voters = _voters(client)
            valkey, meter = made.server_seconds(), stack.Meter(pids)
            with Visitor(port) as visitor:
                client.flushall()
                begun = time.perf_counter()
                _until_ready(made.poll, client, begun)
                rebuilt = time.perf_counter() - begun
            spent = meter.spent()
            if _voters(client) != voters or made.poll.reconciled()["difference"] != 0:
                raise RuntimeError("not all is back")
        valkey = made.server_seconds() - valkey
    say(f"{count:,} votes rebuilt in {rebuilt:.1f} s; pages {dict(visitor.statuses)}")
    took = sorted(visitor.took)
    return {
        "rebuilt_s": rebuilt,
        "voters": voters,
        "sequencer_cpu_s": spent["sequencer"],
        "valkey_cpu_s": valkey,
        "pages_seen": len(took),
        "pages_failed": sum(number for status, number in visitor.statuses.items() if status >= 500),
        "page_median_ms": took[len(took) // 2] * 1000,
        "page_slowest_ms": took[-1] * 1000,
    }


def _voters(client: Any) -> int:
    """How many voters Valkey knows."""
    return sum(1 for _ in client.scan_iter(match="{p:*}:v:*", count=10_000))


def _until_ready(poll: Polling, client: Any, begun: float) -> None:
    """Waits until the poll takes votes."""
    from concours.voting import tally

    end = time.perf_counter() + WITHIN_S
    while tally.loaded(client, [poll.poll_id])[poll.poll_id].applied is None:
        if time.perf_counter() > end:
            raise TimeoutError(f"not rebuilt {time.perf_counter() - begun:.0f} s after Valkey lost everything")
        time.sleep(0.02)
