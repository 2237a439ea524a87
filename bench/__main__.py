"""`python -m bench [NAME…]`: measures the figures of README.md and prints each with its goal beside it."""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime

from bench import (
    assignment,
    frame,
    fraud,
    growth,
    jury,
    light_table,
    pages,
    rebuild,
    renditions,
    sequencer,
    upload,
    verify,
    vote,
)
from bench.stack import ROOT

BENCHMARKS = {
    "vote": vote,
    "sequencer": sequencer,
    "growth": growth,
    "rebuild": rebuild,
    "pages": pages,
    "renditions": renditions,
    "upload": upload,
    "assignment": assignment,
    "jury": jury,
    "light_table": light_table,
    "verify": verify,
    "fraud": fraud,
}
QUICK_S = 2.0


def _options() -> tuple[frame.Options, list[str], bool]:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(BENCHMARKS)} (all)")
    parser.add_argument("--seconds", type=float, default=8.0, help="measured time of each run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each; medians count")
    parser.add_argument("--workers", type=int, default=2, help="processes of the web server")
    parser.add_argument("--threads", type=int, default=32, help="threads of each process")
    parser.add_argument("--database-url", default="", help="PostgreSQL instead of SQLite")
    parser.add_argument("--votes", type=int, default=1_000_000, help="growth: votes in the large ledger")
    parser.add_argument("--full", action="store_true", help="growth: 10 million votes")
    parser.add_argument("--quick", action="store_true", help="small sizes, to try whether it works: no figures")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    unknown = [name for name in given.what if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    options = frame.Options(
        seconds=min(given.seconds, QUICK_S) if given.quick else given.seconds,
        rounds=1 if given.quick else given.rounds,
        workers=given.workers,
        threads=given.threads,
        database_url=given.database_url,
        votes=10_000_000 if given.full else given.votes,
        quick=given.quick,
    )
    return options, given.what or list(BENCHMARKS), given.json


def main() -> int:
    """The command line."""
    options, wanted, as_json = _options()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    head = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": commit,
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}",
    }
    if options.quick:
        head["quick"] = "small sizes: these are no figures"
    found = {}
    if not as_json:
        frame.show_head(head)
    for name in wanted:
        benchmark = BENCHMARKS[name]
        figures = benchmark.run(options)
        found[name] = {"method": benchmark.method(options), **figures}
        if not as_json:
            print(f"\n{name}: {benchmark.method(options)}", flush=True)
            frame.show(figures, benchmark.GOALS)
    if as_json:
        print(json.dumps({**head, **found}, indent=2))
    return 1 if any(figures.get("difference") for figures in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
