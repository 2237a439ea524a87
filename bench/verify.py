"""The verifier's Merkle root over as many leaves as the model case has votes, over hashing the same bytes once for each
node in a plain loop."""

import hashlib
import os
import statistics
import time
from datetime import date
from typing import Any

from bench.frame import Options, at_most, say

LEAVES = 779_700
NODE = b"\x01" + bytes(64)

GOALS = {"verifier_over_hashing": at_most(2.0)}


def method(options: Options) -> str:
    """How it is taken."""
    return (
        f"{options.rounds} rounds of {options.sized(LEAVES, 50_000):,} leaves each way in turn; processor time, medians"
    )


def run(options: Options) -> dict[str, Any]:
    """Measures; returns the figures by name."""
    import concours_verify
    from concours.voting.receipts import leaf_of

    day = date(2026, 11, 23)
    leaves = [leaf_of(1, n % 276 + 1, day, os.urandom(32), 1) for n in range(options.sized(LEAVES, 50_000))]
    hashing, verifier = [], []
    for number in range(1, options.rounds + 1):
        begun = time.process_time()
        _hash(leaves)
        hashing.append(time.process_time() - begun)
        begun = time.process_time()
        concours_verify.root_of([concours_verify.leaf_hash(leaf) for leaf in leaves])
        verifier.append(time.process_time() - begun)
        say(f"round {number}: hashing {hashing[-1]:.2f} s, verifier {verifier[-1]:.2f} s")
    return {
        "leaves": len(leaves),
        "hashing_s": statistics.median(hashing),
        "verifier_s": statistics.median(verifier),
        "verifier_over_hashing": statistics.median(verifier) / statistics.median(hashing),
    }


def _hash(leaves: list[bytes]) -> None:
    """Each leaf once, then as many nodes of two hashes as the tree has: one less than leaves."""
    sha = hashlib.sha256
    for leaf in leaves:
        sha(b"\x00" + leaf).digest()
    for _ in range(len(leaves) - 1):
        sha(NODE).digest()
