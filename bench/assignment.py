"""How long the product takes to share 1,700 entries out to 60 judges, 3 reviews each, with a judge's own department
barred."""

import random
import statistics
import time
from typing import Any

from bench.frame import Options, at_most, say

ENTRIES, JUDGES, REVIEWS, DEPARTMENTS = 1_700, 60, 3, 55
GOALS = {"seconds": at_most(2.0), "greatest_s": at_most(2.0)}


def method(options: Options) -> str:
    """How it is taken."""
    return f"{options.rounds} plans with other seeds; median and greatest of the wall times"


def run(options: Options) -> dict[str, Any]:
    """Measures; returns the figures by name."""
    from concours.jury.assignment import plan

    entries, judges = list(range(1, options.sized(ENTRIES, 170) + 1)), list(range(1, JUDGES + 1))
    chance = random.Random(7)
    of_entry = {entry: chance.randrange(DEPARTMENTS) for entry in entries}
    of_judge = {judge: chance.randrange(DEPARTMENTS) for judge in judges}
    barred = [(entry, judge) for entry in entries for judge in judges if of_entry[entry] == of_judge[judge]]
    wall, processor = [], []
    for number in range(options.rounds):
        begun, spent = time.perf_counter(), time.process_time()
        made = plan(entries, judges, REVIEWS, barred=barred, seed=f"bench {number}")
        wall.append(time.perf_counter() - begun)
        processor.append(time.process_time() - spent)
        say(f"round {number + 1}: {wall[-1]:.2f} s, spread {made.spread}, missing {made.missing}")
    return {
        "seconds": statistics.median(wall),
        "greatest_s": max(wall),
        "processor_s": statistics.median(processor),
        "pairs": len(made.pairs),
        "spread": made.spread,
        "missing": made.missing,
    }
