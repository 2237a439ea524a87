"""What a vote costs once many are recorded, over what it costs at 10 thousand: the whole vote, from its request to its
answer; and by itself what is behind the web server: admitting it in Valkey, recording it in SQL, telling of it."""

import statistics
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import ledger, load, stack
from bench.frame import Options, at_most, say
from bench.vote import LOADERS, environ_of

BATCH = 50
FEW = 10_000
QUICK = 50_000
PER_TURN = 1_000
TURNS = 4  # of each ledger in a round, one after the other
WARM = 1_000
MOST = 6_000  # whole votes a second that there are requests for
CONNECTIONS = 100
WHOLE_S, WHOLE_WARM_S = 6.0, 2.0

GOALS = {"whole_vote_over_few": at_most(1.1)}


def many_of(options: Options) -> int:
    """How many votes the large ledger holds."""
    return min(options.votes, QUICK) if options.quick else options.votes


def method(options: Options) -> str:
    """How it is taken."""
    return (
        f"ledgers of {FEW:,} and {many_of(options):,} votes, each with its own database and Valkey; "
        f"{options.rounds * TURNS} turns of {PER_TURN:,} votes on each, alternating, {BATCH} at a time; medians per "
        f"vote; then whole votes over HTTP on {CONNECTIONS} connections, {options.rounds} turns of {WHOLE_S:g} s on "
        "each. Processor time of the web server, of the sequencer (with SQLite within) and of Valkey; "
        f"{'PostgreSQL' if options.database_url else 'SQLite'}"
    )


def run(options: Options) -> dict[str, Any]:
    """Measures; returns the figures by name."""
    sizes = {"few": FEW, "many": many_of(options)}
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in sizes}
    figures: dict[str, Any] = {"votes_few": sizes["few"], "votes_many": sizes["many"]}
    with stack.folder() as where, ExitStack() as opened:
        ledgers = {}
        for name, size in sizes.items():
            made = opened.enter_context(ledger.parts(where / name, _url(where, name, options), BATCH))
            begun = time.perf_counter()
            ledger.fill(made, size)
            figures[f"fill_{name}_s"] = time.perf_counter() - begun
            begun = time.perf_counter()
            made.ready()
            figures[f"rebuild_{name}_s"] = time.perf_counter() - begun
            filled, rebuilt = figures[f"fill_{name}_s"], figures[f"rebuild_{name}_s"]
            say(f"{size:,} votes: {filled:.0f} s to fill, {rebuilt:.0f} s to load")
            _turn(made, WARM)
            ledgers[name] = made
        for _ in range(options.rounds * TURNS):
            for name, made in ledgers.items():
                turns[name].append(_turn(made, PER_TURN))
        for name, made in ledgers.items():
            expected = sizes[name] + WARM + PER_TURN * len(turns[name])
            if made.leaves() != expected:
                raise RuntimeError(f"{made.leaves()} votes are recorded, not {expected}")
            made.sequencer.release()
        figures |= _whole(where, ledgers, options)
    for what in turns["few"][0]:
        for name in sizes:
            figures[f"{what}_us_{name}"] = statistics.median(turn[what] for turn in turns[name])
    for what in ("whole_vote", "processor", "wall", "valkey", "sequencer"):
        figures[f"{what}_over_few"] = figures[f"{what}_us_many"] / figures[f"{what}_us_few"]
    return figures


def _whole(where: Path, ledgers: dict[str, ledger.Parts], options: Options) -> dict[str, float]:
    """Processor time of whole votes, µs by process and ledger; the platforms run side by side, asked in turn."""
    spent: dict[str, list[float]] = {}
    with ExitStack() as opened:
        asked = {}
        for name, made in ledgers.items():
            _publish(made)
            environ = environ_of(where / name, made.url, made.database_url)
            port, pids = opened.enter_context(
                stack.platform(environ, where / f"{name}.log", workers=options.workers, threads=options.threads)
            )
            asked[name] = (port, {**pids, "valkey": made.server})
        for number in range(options.rounds):
            for name, (port, pids) in asked.items():
                count = int((WHOLE_S + WHOLE_WARM_S) * MOST)
                with ledgers[name].poll.app.app_context():
                    requests = load.split(ledgers[name].poll.requests(count), LOADERS)
                meter = stack.Meter(pids)
                found = load.drive(port, requests, connections=CONNECTIONS, warm_s=WHOLE_WARM_S, measure_s=WHOLE_S)
                recorded = found.all_statuses[201]
                if recorded < 0.99 * found.all_statuses.total():
                    raise RuntimeError(f"only {recorded} votes were recorded: {found.all_statuses}")
                taken = meter.spent()
                for part, seconds in {**taken, "vote": sum(taken.values())}.items():
                    spent.setdefault(f"whole_{part}_us_{name}", []).append(seconds / recorded * 1e6)
                say(f"turn {number + 1}, {name}:", f"{spent[f'whole_vote_us_{name}'][-1]:.0f} µs a vote")
    return {name: statistics.median(found) for name, found in spent.items()}


def _publish(made: ledger.Parts) -> None:
    """Puts all leaves into the tiles, as they would be by now; or the sequencer did it while it is measured."""
    from concours.voting.log.keeper import Keeper

    sequencer = made.sequencer
    with made.poll.app.app_context():
        sequencer.hold()
        keeper = Keeper(made.engine, sequencer.client, sequencer.poll_key_secret, sequencer.token)
        while keeper.step():
            pass
        sequencer.release()


def _url(where: Path, name: str, options: Options) -> str:
    """Of a database of its own; PostgreSQL's gets the name of the one that was given, with the size behind it."""
    if not options.database_url:
        return f"sqlite:///{where}/{name}.sqlite3"
    import sqlalchemy as sa

    given = sa.make_url(options.database_url)
    fresh = given.set(database=f"{given.database}_{name}")
    engine = sa.create_engine(given, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{fresh.database}"')
        connection.exec_driver_sql(f'CREATE DATABASE "{fresh.database}"')
    engine.dispose()
    return fresh.render_as_string(hide_password=False)


def _turn(made: ledger.Parts, count: int) -> dict[str, float]:
    """`count` votes admitted and recorded, a batch at a time; µs per vote by what is counted."""
    ballots = made.ballots(count)
    with made.poll.app.app_context():
        made.sequencer.hold()
        valkey, own, begun = made.server_seconds(), 0.0, time.perf_counter()
        for first in range(0, count, BATCH):
            made.admit(ballots[first : first + BATCH], at_once=BATCH)
            spent = time.process_time()
            if made.sequencer.step() != min(BATCH, count - first):
                raise RuntimeError("a batch was not recorded whole")
            own += time.process_time() - spent
            made.sequencer.hold()
        wall, valkey = time.perf_counter() - begun, made.server_seconds() - valkey
    return {name: seconds / count * 1e6 for name, seconds in
            {"wall": wall, "processor": own + valkey, "sequencer": own, "valkey": valkey}.items()}  # fmt: skip
