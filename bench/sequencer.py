"""The sequencer alone: votes from a filled journal into SQL, and into the tree of the log, over the plain bulk insert
of the same rows in the same database."""

import statistics
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import ledger, stack
from bench.frame import Options, at_least, say

BATCH = 1_000
VOTES = 60_000
SCRATCH = "bench_plain"

GOALS = {
    f"{database}_{what}": at_least(0.3)
    for database in ("sqlite", "postgresql")
    for what in ("recorded_over_insert", "with_tree_over_insert", "with_tree_over_unkeyed_insert")
}


def method(options: Options) -> str:
    """How it is taken."""
    return (
        f"{options.rounds} rounds of {options.sized(VOTES, 5_000):,} votes in batches of {BATCH:,}; the journal is "
        "filled by the product's script beforehand; Valkey flushes each write, the database each commit"
    )


def run(options: Options) -> dict[str, Any]:
    """Measures; returns the figures by name."""
    figures: dict[str, Any] = {}
    with stack.folder() as where, ExitStack() as servers:
        urls = {}
        if options.database_url:
            urls["postgresql" if options.database_url.startswith("postgresql") else "sqlite"] = options.database_url
        else:
            urls["sqlite"] = f"sqlite:///{where}/bench.sqlite3"
            urls["postgresql"] = servers.enter_context(ledger.postgres(where))
        for name, url in urls.items():
            figures |= {f"{name}_{what}": value for what, value in _measure(where / name, url, options).items()}
    return figures


def _measure(where: Path, url: str, options: Options) -> dict[str, Any]:
    count = options.sized(VOTES, 5_000)
    rates: dict[str, list[float]] = {"recorded": [], "with_tree": [], "insert": [], "unkeyed": []}
    processor: dict[str, list[float]] = {"recorded": [], "with_tree": [], "insert": []}
    with ledger.parts(where, url, BATCH) as made:
        from concours.voting.log.keeper import Keeper

        sequencer = made.sequencer
        made.ready()
        keeper = Keeper(made.engine, sequencer.client, sequencer.poll_key_secret, lambda: sequencer.fence)
        for number in range(1, options.rounds + 1):
            made.admit(made.ballots(count))
            first, done = made.leaves(), 0
            begun, spent = time.perf_counter(), time.process_time()
            while done < count:
                sequencer.hold()
                done += sequencer.step()
            recorded = time.perf_counter() - begun
            processor["recorded"].append((time.process_time() - spent) / count * 1e6)
            while keeper.step():
                pass
            with_tree = time.perf_counter() - begun
            processor["with_tree"].append((time.process_time() - spent) / count * 1e6)
            rates["recorded"].append(count / recorded)
            rates["with_tree"].append(count / with_tree)
            rows = _rows(made, first)
            if len(rows) != count:
                raise RuntimeError(f"{len(rows)} of {count} votes are recorded")
            for name, keyed in (("insert", True), ("unkeyed", False)):
                spent = time.process_time()
                rates[name].append(count / _insert(made, rows, keyed=keyed))
                if keyed:
                    processor[name].append((time.process_time() - spent) / count * 1e6)
            say(f"{made.engine.dialect.name}, round {number}:", *(f"{k} {v[-1]:,.0f}/s" for k, v in rates.items()))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    return {
        **{f"{name}_per_s": rate for name, rate in medians.items()},
        "recorded_over_insert": medians["recorded"] / medians["insert"],
        "with_tree_over_insert": medians["with_tree"] / medians["insert"],
        "with_tree_over_unkeyed_insert": medians["with_tree"] / medians["unkeyed"],
        **{f"own_cpu_us_{name}": statistics.median(found) for name, found in processor.items()},
        "rounds": rates,
    }


def _rows(made: ledger.Parts, first: int) -> list[dict[str, Any]]:
    """The votes from that leaf on, as they were recorded."""
    import sqlalchemy as sa

    from concours.voting.models import Vote

    table: Any = Vote.__table__
    with made.engine.connect() as connection:
        found = connection.execute(sa.select(table).where(table.c.leaf >= first).order_by(table.c.leaf))
        return [dict(row._mapping) for row in found]


def _insert(made: ledger.Parts, rows: list[dict[str, Any]], *, keyed: bool) -> float:
    """Seconds of a plain insert of these rows by SQLAlchemy's core, in one transaction: into an empty table like
    the ledger's with all its unique keys, or with its primary key alone."""
    import sqlalchemy as sa

    from concours.voting.models import Vote

    ledger_table: Any = Vote.__table__
    table = sa.Table(
        SCRATCH, sa.MetaData(), *(sa.Column(c.name, c.type, primary_key=c.primary_key) for c in ledger_table.c)
    )
    if keyed:
        for number, key in enumerate(c for c in ledger_table.constraints if isinstance(c, sa.UniqueConstraint)):
            table.append_constraint(sa.UniqueConstraint(*(c.name for c in key.columns), name=f"{SCRATCH}_{number}"))
    table.create(made.engine)
    try:
        begun = time.perf_counter()
        with made.engine.begin() as connection:
            connection.execute(sa.insert(table), rows)
        return time.perf_counter() - begun
    finally:
        table.drop(made.engine)
