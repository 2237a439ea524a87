"""How many votes a second are recorded, and how long an answer takes, against a Flask view that does nothing and
against a voting page that only pushes to a Redis list.

The whole pipeline runs: the platform's web server, Valkey that flushes each write, the sequencer, SQL that flushes each
commit. Only 201 counts: recorded in SQL.
"""

import json
import os
import statistics
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import load, stack
from bench.frame import Options, at_least, at_most

SECRET = "bench-4b7d1f0c9e2a8d6f3c5b1a7e9d0f2c4b6a8e"
CANDIDATES = 100
PER_VOTER = 5
CONNECTIONS = 100
LOADERS = 2
WARM_S = 2.0

GOALS = {
    "recorded_over_peer": at_least(5.0),
    "recorded_over_noop": at_least(0.3),
    "p99_over_noop_median": at_most(25.0),
}


def method(options: Options) -> str:
    """How it is taken."""
    return (
        f"{options.rounds} rounds of {options.seconds:g} s, {CONNECTIONS} connections, {options.workers} processes of "
        f"{options.threads} threads, {'PostgreSQL' if options.database_url else 'SQLite'}, all on the same cores"
    )


class Polling:
    """A poll and the voters' requests."""

    def __init__(self, environ: dict[str, str]) -> None:
        from concours.base.db import db
        from concours.factory import create_app

        self.app = create_app(environ)
        with self.app.app_context():
            db.create_all()
            self.poll_id, self.candidates = self._make()
            from concours.voting.booth import booth

            self.facts = booth().facts(self.poll_id)
            self.signers = booth().voter_keys

    def _make(self) -> tuple[int, list[int]]:
        import sqlalchemy as sa

        from concours.base.db import session
        from concours.events.models import Event, EventStatus
        from concours.identity.models import Account, Department
        from concours.teams.models import Team
        from concours.voting import candidates, polls
        from concours.voting.ladder.ways import only
        from concours.voting.models import Candidate
        from concours.voting.rules import Rules

        now = datetime.now(UTC)
        event = Event(
            slug="bench", title="Bench", kind="team_contest", status=EventStatus.PUBLISHED, settings={}, created_at=now
        )
        actor = Account(username="bench", name="Bench", created_at=now)
        department = Department(code="B", name="Bench", created_at=now)
        session().add_all([event, actor, department])
        session().flush()
        session().add_all(
            Team(event_id=event.id, department_id=department.id, name=f"Team {n}", created_at=now)
            for n in range(CANDIDATES)
        )
        session().flush()
        rules = Rules(per_day=PER_VOTER, per_candidate_day=1, network_per_minute=0, new_devices_per_minute=0)
        draft = polls.Draft("Bench", "", only("device"), now - timedelta(hours=1), now + timedelta(days=30), rules)
        poll = polls.create(event, draft, actor=actor, now=now, poll_key_secret=self.app.config["POLL_KEY_SECRET"])
        candidates.add(poll, event, "teams", actor=actor, now=now)
        polls.publish(poll, event, actor=actor, now=now)
        session().commit()
        found = session().scalars(sa.select(Candidate.id).where(Candidate.poll_id == poll.id))
        numbers = list(found)
        session().commit()
        return poll.id, numbers

    def requests(self, count: int) -> list[bytes]:
        """`count` votes of count / 5 voters, none of which breaks a rule, in an order in which no voter hurries."""
        from concours.voting import voters

        path = f"/api/v1/polls/{self.poll_id}/votes"
        made: list[bytes] = []
        people = [
            voters.token_of(self.facts, voters.Voter(os.urandom(16)), self.signers, 0)
            for _ in range(-(-count // PER_VOTER))
        ]
        for turn in range(PER_VOTER):
            for number, token in enumerate(people):
                candidate = self.candidates[(number + turn * 7) % len(self.candidates)]
                body = json.dumps({"candidate": candidate, "nonce": os.urandom(16).hex()}).encode()
                headers = [("Authorization", f"Voter {token}"), ("Content-Type", "application/json")]
                made.append(load.request("POST", path, body, headers))
        return made[:count]

    def reconciled(self) -> dict[str, Any]:
        """The three counts of the poll."""
        from concours.voting.booth import booth
        from concours.voting.reconciliation import reconcile

        with self.app.app_context():
            return reconcile(booth(), self.poll_id).as_json()


def environ_of(where: Path, redis_url: str, database_url: str) -> dict[str, str]:
    """The platform's settings."""
    return {
        "SECRET_KEY": SECRET,
        "INSTANCE": str(where / "instance"),
        "DATABASE_URL": database_url or f"sqlite:///{where}/bench.sqlite3",
        "REDIS_URL": redis_url,
        "MEDIA_URL": (where / "media").as_uri(),
        "SECURE_COOKIES": "false",
        "LOG_LEVEL": "WARNING",
    }


def run(options: Options) -> dict[str, Any]:
    """Measures; returns the figures by name."""
    greatest: dict[str, list[float]] = {"noop": [], "vote": [], "peer": []}
    spent: dict[str, list[float]] = {}
    how: dict[str, Any] = {"connections": CONNECTIONS, "warm_s": WARM_S, "measure_s": options.seconds}
    nothing = [load.request("GET", "/")]
    form = b"vote=a"
    push = [load.request("POST", "/", form, [("Content-Type", "application/x-www-form-urlencoded")])]
    with stack.folder() as where, ExitStack() as parts:
        redis_url, valkey = parts.enter_context(stack.valkey(where))
        environ = environ_of(where, redis_url, options.database_url)
        (where / "instance").mkdir()
        poll = Polling(environ)
        for number in range(1, options.rounds + 1):
            with stack.noop(workers=options.workers, threads=options.threads) as (port, pid):
                meter = stack.Meter({"noop": pid})
                found = load.drive(port, [nothing * 400_000] * LOADERS, **how)
                _spend(spent, meter, found.all_statuses[200])
                greatest["noop"].append(found.rate(200))
            served = stack.platform(environ, where / "log", workers=options.workers, threads=options.threads)
            with served as (port, pids):
                wanted = int((WARM_S + options.seconds) * max(12_000, greatest["noop"][0] * 0.7))
                requests = load.split(poll.requests(wanted), LOADERS)
                meter = stack.Meter({**pids, "valkey": valkey})
                found = load.drive(port, requests, **how)
                _spend(spent, meter, found.all_statuses[201])
                greatest["vote"].append(found.rate(201))
                _say(number, "votes", dict(found.all_statuses), f"median {found.quantile(0.5) * 1000:.1f} ms")
            with stack.peer(redis_url) as port:
                found = load.drive(port, [push * 100_000] * LOADERS, **how)
                greatest["peer"].append(found.rate(200))
            _say(number, *(f"{name} {rates[-1]:,.0f}/s" for name, rates in greatest.items()))
        rate = statistics.median(greatest["vote"]) / 2
        with stack.noop(workers=options.workers, threads=options.threads) as (port, _):
            calm = load.drive(port, [nothing * 400_000] * LOADERS, rate=rate, **how)
        with stack.platform(environ, where / "log", workers=options.workers, threads=options.threads) as (port, _):
            requests = load.split(poll.requests(int((WARM_S + options.seconds) * rate * 1.1)), LOADERS)
            paced = load.drive(port, requests, rate=rate, **how)
        counts = poll.reconciled()
    medians = {name: statistics.median(rates) for name, rates in greatest.items()}
    return {
        "recorded_per_s": medians["vote"],
        "noop_per_s": medians["noop"],
        "peer_per_s": medians["peer"],
        "recorded_over_noop": medians["vote"] / medians["noop"],
        "recorded_over_peer": medians["vote"] / medians["peer"],
        "half_rate_per_s": rate,
        "p50_ms": paced.quantile(0.5) * 1000,
        "p99_ms": paced.quantile(0.99) * 1000,
        "noop_median_ms": calm.quantile(0.5) * 1000,
        "p99_over_noop_median": paced.quantile(0.99) / calm.quantile(0.5),
        "ledger": counts["ledger"],
        "receipts": counts["receipts"],
        "difference": counts["difference"],
        **{f"cpu_us_{name}": statistics.median(costs) for name, costs in spent.items()},
        "rounds": greatest,
    }


def _spend(spent: dict[str, list[float]], meter: stack.Meter, count: int) -> None:
    """Notes the processor time per answer, in µs."""
    for name, seconds in meter.spent().items():
        spent.setdefault(name, []).append(seconds / max(1, count) * 1e6)


def _say(number: int, *words: object) -> None:
    print(f"  round {number}:", *words, file=sys.stderr, flush=True)
