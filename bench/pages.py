"""What pages cost: the public ones of a poll over a Flask view that does nothing, on the real server; the organisers'
and judges' at full size over the same ones in a small contest, within the application."""

import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench import contest, load, stack
from bench.frame import Options, at_least, at_most, say
from bench.vote import CONNECTIONS, LOADERS, WARM_S, Polling, environ_of

VOTES = 1_000
SETTLE_S = 2.0
REPEATS = 30
WARM = 3

PUBLIC = ("gallery", "gallery_unchanged", "standings", "standings_unchanged")
SIZES = {"full": contest.FULL, "hundredth": contest.HUNDREDTH, "one_page": contest.ONE_PAGE}
EVENT = f"/events/{contest.SLUG}"
PAGES: dict[str, tuple[str, Callable[[contest.Contest], str]]] = {
    "desk": ("organiser", lambda c: f"{EVENT}/desk"),
    "screening": ("organiser", lambda c: f"{EVENT}/screening?status=all"),
    "screening_entry": ("organiser", lambda c: f"{EVENT}/screening/{c.entry}"),
    "teams": ("organiser", lambda c: f"{EVENT}/teams"),
    "team": ("organiser", lambda c: f"{EVENT}/teams/{c.team}"),
    "people": ("organiser", lambda c: f"{EVENT}/people"),
    "race": ("organiser", lambda c: f"{EVENT}/clips/standings"),
    "jury_round": ("organiser", lambda c: f"{EVENT}/jury/rounds/{c.round}"),
    "jury_progress": ("organiser", lambda c: f"{EVENT}/jury/rounds/{c.round}/progress.json"),
    "judge_rounds": ("judge", lambda c: f"{EVENT}/jury"),
    "judge_table": ("judge", lambda c: f"{EVENT}/jury/{c.round}/table"),
    "judge_works": ("judge", lambda c: f"{EVENT}/jury/{c.round}/table.json"),
    "judge_next": ("judge", lambda c: f"{EVENT}/jury/{c.round}/table/plain"),
}
GOALS = (
    {f"{name}_over_noop": at_least(0.5) for name in PUBLIC}
    | {f"{name}_over_{small}": at_most(1.2) for name in PAGES for small in ("hundredth", "one_page")}
    | {"pages_with_more_queries": at_most(0)}
)


def method(options: Options) -> str:
    """How it is taken."""
    return (
        f"public: {options.rounds} rounds of {options.seconds:g} s, {CONNECTIONS} connections, {options.workers} "
        f"processes of {options.threads} threads; desk and judge: processor time of the application, SQLite within, "
        f"{_repeats(options)} requests to each size in turn, medians"
    )


def run(options: Options) -> dict[str, Any]:
    """Measures; returns the figures by name."""
    return _public(options) | _private(options)


def _public(options: Options) -> dict[str, Any]:
    rates: dict[str, list[float]] = {name: [] for name in ("noop", *PUBLIC)}
    how: dict[str, Any] = {"connections": CONNECTIONS, "warm_s": WARM_S, "measure_s": options.seconds}
    sizes: dict[str, int] = {}
    with stack.folder() as where, ExitStack() as parts:
        redis_url, _ = parts.enter_context(stack.valkey(where))
        environ = environ_of(where, redis_url, options.database_url)
        (where / "instance").mkdir()
        poll = Polling(environ)
        for number in range(1, options.rounds + 1):
            with stack.noop(workers=options.workers, threads=options.threads) as (port, _):
                nothing = [load.request("GET", "/")] * 400_000
                rates["noop"].append(load.drive(port, [nothing] * LOADERS, **how).rate(200))
            served = stack.platform(environ, where / "log", workers=options.workers, threads=options.threads)
            with served as (port, _):
                load.drive(port, [poll.requests(VOTES)], connections=20, warm_s=0, measure_s=10.0)
                time.sleep(SETTLE_S)
                for name, (request, status, size) in _requests(port, poll).items():
                    found = load.drive(port, [[request] * 400_000] * LOADERS, **how)
                    if set(found.all_statuses) != {status}:
                        raise RuntimeError(f"{name} was answered {dict(found.all_statuses)}")
                    rates[name].append(found.rate(status))
                    sizes[f"{name}_bytes"] = size
            say(f"round {number}:", *(f"{name} {found[-1]:,.0f}/s" for name, found in rates.items()))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    return {
        **{f"{name}_per_s": rate for name, rate in medians.items()},
        **{f"{name}_over_noop": medians[name] / medians["noop"] for name in PUBLIC},
        **sizes,
        "rounds": rates,
    }


def _requests(port: int, poll: Polling) -> dict[str, tuple[bytes, int, int]]:
    """Each page's request, the status it must be answered with, and how large the answer is."""
    from concours.voting.pages.public import SEED_COOKIE

    cookie = ("Cookie", f"{SEED_COOKIE}=benchbenchbench0")
    paths = {
        "gallery": f"/events/bench/polls/{poll.facts.slug}",
        "standings": f"/api/v1/polls/{poll.poll_id}/standings",
    }
    found = {}
    for name, path in paths.items():
        asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=dict([cookie]) | {"Host": "bench"})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            tag, size = answer.headers["ETag"], len(answer.read())
        found[name] = (load.request("GET", path, headers=[cookie]), 200, size)
        known = [cookie, ("If-None-Match", tag)]
        found[f"{name}_unchanged"] = (load.request("GET", path, headers=known), 304, 0)
    return found


def _repeats(options: Options) -> int:
    return options.sized(REPEATS, 5)


def _private(options: Options) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    uneven = []
    with stack.folder() as where, ExitStack() as opened:
        redis_url, _ = opened.enter_context(stack.valkey(where))
        visits = {name: opened.enter_context(_visits(where / name, redis_url, size)) for name, size in SIZES.items()}
        say("three contests are built")
        for page, (person, address) in PAGES.items():
            found = _page(visits, person, address, _repeats(options))
            for name, seen in found.items():
                figures[f"{page}_{name}_ms"] = seen["processor"]
            figures[f"{page}_full_wall_ms"] = found["full"]["wall"]
            figures[f"{page}_queries"] = int(found["full"]["queries"])
            for small in ("hundredth", "one_page"):
                figures[f"{page}_over_{small}"] = found["full"]["processor"] / found[small]["processor"]
            if len({seen["queries"] for seen in found.values()}) > 1:
                uneven.append(page)
                say(f"{page}: queries", *(f"{name} {seen['queries']:g}" for name, seen in found.items()))
    figures["pages_with_more_queries"] = len(uneven)
    return figures


class Visits:
    """Two people's browsers in a contest."""

    def __init__(self, app: Any, made: contest.Contest, engine: Any) -> None:
        import sqlalchemy as sa

        from concours.identity.sign_in import SESSION_FIELD

        self.contest = made
        self.queries = 0
        self.browsers = {}
        for person, secret in (("organiser", made.organiser), ("judge", made.judge)):
            browser = self.browsers[person] = app.test_client()
            with browser.session_transaction() as cookie:
                cookie[SESSION_FIELD] = secret
        sa.event.listen(engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        self.queries += 1

    def get(self, person: str, path: str) -> tuple[float, float, int]:
        """Asks for a page; its processor time and wall time in ms, and how many SQL statements it took."""
        before, spent, begun = self.queries, time.process_time(), time.perf_counter()
        answer = self.browsers[person].get(path)
        taken = (time.process_time() - spent) * 1000, (time.perf_counter() - begun) * 1000
        if answer.status_code != 200:
            raise RuntimeError(f"{path} was answered {answer.status_code}")
        return *taken, self.queries - before


@contextmanager
def _visits(where: Path, redis_url: str, size: contest.Size) -> Iterator[Visits]:
    from concours.base.db import db
    from concours.factory import create_app

    where.mkdir()
    (where / "instance").mkdir()
    app = create_app(environ_of(where, redis_url, ""))
    with app.app_context():
        db.create_all()
        made = contest.build(size)
        engine = db.engine
        with engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
        db.session.remove()
    try:
        yield Visits(app, made, engine)
    finally:
        engine.dispose()


def _page(
    visits: dict[str, Visits], person: str, address: Callable[[contest.Contest], str], repeats: int
) -> dict[str, dict[str, float]]:
    """Medians of a page by size: the same request to each in turn."""
    seen: dict[str, list[tuple[float, float, int]]] = {name: [] for name in visits}
    for turn in range(WARM + repeats):
        for name, visit in visits.items():
            found = visit.get(person, address(visit.contest))
            if turn >= WARM:
                seen[name].append(found)
    return {
        name: {
            "processor": statistics.median(processor for processor, _, _ in all_seen),
            "wall": statistics.median(wall for _, wall, _ in all_seen),
            "queries": statistics.median(queries for _, _, queries in all_seen),
        }
        for name, all_seen in seen.items()
    }
