"""`python -m bench`: measures and prints the figures of performance.md that exist by now."""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime

from bench import vote
from bench.stack import ROOT


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="*", default=["vote"], choices=["vote"], help="what to measure (all)")
    parser.add_argument("--seconds", type=float, default=8.0, help="measured time of each run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each; medians count")
    parser.add_argument("--workers", type=int, default=2, help="processes of the web server")
    parser.add_argument("--threads", type=int, default=32, help="threads of each process")
    parser.add_argument("--database-url", default="", help="PostgreSQL instead of SQLite")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    options = vote.Options(given.seconds, given.rounds, given.workers, given.threads, given.database_url)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    head = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": commit,
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}",
        "method": f"{options.rounds} rounds of {options.seconds:g} s, {vote.CONNECTIONS} connections, "
        f"{options.workers} processes of {options.threads} threads, "
        f"{'PostgreSQL' if options.database_url else 'SQLite'}, everything on the same cores",
    }
    figures = vote.run(options)
    if given.json:
        print(json.dumps({**head, "vote": figures}, indent=2))
        return 0
    for name, value in head.items():
        print(f"{name:24} {value}")
    for name, value in figures.items():
        if isinstance(value, float):
            print(f"{name:24} {value:,.2f}")
        elif not isinstance(value, dict):
            print(f"{name:24} {value:,}")
    return 0 if figures["difference"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
