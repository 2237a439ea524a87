"""What watches the platform: /healthz (the process is alive), /readyz (its parts are usable), /metrics (figures).

Each part is asked in a thread of its own and given a short time, so that a part that hangs makes /readyz answer 503
and not hang as well. Answers are kept for a moment: these addresses are open to all and cost next to nothing.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

import redis
from flask import Blueprint, Flask, Response, current_app, jsonify
from redis.exceptions import RedisError

from concours.base.cluster_map import is_cluster
from concours.base.db import db, reading
from concours.base.redis import client, servers
from concours.base.storage import storage
from concours.identity.access import PUBLIC, allow
from concours.voting.booth import booth
from concours.voting.sequencer import heartbeat

ANSWER_WITHIN_S = 2.0
KEPT_S = 1.0
STORAGE_KEPT_S = 10.0
PROBE = "health/probe"
PROBE_KEY = "concours:health:probe"

log = logging.getLogger(__name__)
bp = Blueprint("health", __name__)


@dataclass(frozen=True)
class Part:
    """Whether a part of the platform is usable, in a few words, and how long it took to say so, in ms."""

    ok: bool
    detail: str
    ms: float


class Away(Exception):
    """The part answers, but cannot be used; the text says why."""


def _sql() -> str:
    with reading(), db.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    return db.engine.dialect.name


def _redis() -> str:
    client().set(PROBE_KEY, 1, ex=60)  # a Redis that cannot write cannot take votes
    if current_app.config["VOTES_REDIS_URL"] == current_app.config["REDIS_URL"]:
        return "answers and writes"
    votes = booth().client
    if not is_cluster(current_app.config["VOTES_REDIS_URL"]):
        votes.set(PROBE_KEY, 1, ex=60)
        return "answers and writes; so does that of the votes"
    states = {name: _cluster_state(node) for name, node in servers(votes).items()}
    ill = [f"{name} says {state}" for name, state in states.items() if state != "ok"]
    if ill:
        raise Away(f"the Cluster of the votes is not whole: {', '.join(ill)}")
    return f"answers and writes; the Cluster of the votes has {len(states)} primaries, all well"


def _cluster_state(node: "redis.Redis") -> str:
    try:
        told: Any = node.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
    except RedisError:
        return "nothing"
    return str(told["cluster_state"])


def _sequencer() -> str:
    age = heartbeat(booth().client)
    if age is None:
        raise Away("no sequencer has reported in the last seconds; votes are taken but not recorded")
    return f"reported {age:.1f} s ago"


def _storage() -> str:
    storage().put(PROBE, b"ok")
    return "writes"


CHECKS: dict[str, tuple[Callable[[], str], float]] = {
    "sql": (_sql, KEPT_S),
    "redis": (_redis, KEPT_S),
    "sequencer": (_sequencer, KEPT_S),
    "storage": (_storage, STORAGE_KEPT_S),
}


class Readiness:
    """Asks the parts, never two at once for the same part, and keeps the answers for a moment."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._asked: dict[str, Future[Part]] = {}
        self._kept: dict[str, tuple[float, Part]] = {}

    def parts(self) -> dict[str, Part]:
        """Each part's state, after at most ANSWER_WITHIN_S seconds."""
        with self._lock:
            if self._pool is None:  # made late: a pool does not survive a fork
                self._pool = ThreadPoolExecutor(max_workers=len(CHECKS), thread_name_prefix="readyz")
            moment = time.monotonic()
            for name in CHECKS:
                kept = self._kept.get(name)
                if (kept is None or kept[0] < moment) and name not in self._asked:
                    self._asked[name] = self._pool.submit(self._ask, name)
            asked = dict(self._asked)
        until = moment + ANSWER_WITHIN_S
        found: dict[str, Part] = {}
        for name, (_, keep) in CHECKS.items():
            if name not in asked:
                found[name] = self._kept[name][1]
                continue
            try:
                part = asked[name].result(max(0.0, until - time.monotonic()))
            except TimeoutError:
                found[name] = Part(False, f"no answer within {ANSWER_WITHIN_S:g} s", ANSWER_WITHIN_S * 1000)
                continue
            found[name] = part
            with self._lock:
                if self._asked.get(name) is asked[name]:
                    del self._asked[name]
                    self._kept[name] = (time.monotonic() + (keep if part.ok else KEPT_S), part)
        return found

    def _ask(self, name: str) -> Part:
        begun = time.perf_counter()
        ok, detail = True, ""
        with self._app.app_context():
            try:
                detail = CHECKS[name][0]()
            except Away as away:
                ok, detail = False, str(away)
            except Exception as fault:
                log.warning("%s is not usable: %s", name, fault)
                ok, detail = False, "not usable; the log of the web server says why"
        return Part(ok, detail, round((time.perf_counter() - begun) * 1000, 1))


def readiness() -> Readiness:
    """The application's."""
    found: Readiness = current_app.extensions["concours_readiness"]
    return found


@bp.get("/healthz")
@allow(PUBLIC)
def healthz() -> Response:
    """The process is alive and answers."""
    return jsonify(ok=True)


@bp.get("/readyz")
@allow(PUBLIC)
def readyz() -> tuple[Response, int]:
    """Whether SQL, Redis, sequencer and storage are usable; 503 when one is not."""
    parts = readiness().parts()
    ok = all(part.ok for part in parts.values())
    answer = jsonify(ok=ok, parts={name: asdict(part) for name, part in parts.items()})
    answer.headers["Cache-Control"] = "no-store"
    return answer, 200 if ok else 503


def init_health(app: Flask) -> None:
    """Registers the routes."""
    app.extensions["concours_readiness"] = Readiness(app)
    app.register_blueprint(bp)
