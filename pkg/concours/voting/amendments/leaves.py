"""A decision's leaves: canonical JSON with the ranges of votes that it covers, each leaf short enough for a bundle."""

import json
from collections.abc import Iterable, Sequence

LEAF_BYTES = 65_535  # a bundle has 16 bits for a leaf's length
MAX_RANGES = 1_500  # of a leaf: at most 35 bytes each, so that leaf numbers of 15 digits and the longest reason fit
MAX_VOTES = 10_000  # that one leaf covers: recorded in one transaction while votes wait


def ranges_of(leaves: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending numbers as ranges (first, last), both included."""
    found: list[tuple[int, int]] = []
    for leaf in leaves:
        if found and leaf == found[-1][1] + 1:
            found[-1] = (found[-1][0], leaf)
        else:
            found.append((leaf, leaf))
    return found


def leaf_of(poll_id: int, kind: str, reason: str, ranges: Sequence[tuple[int, int]]) -> bytes:
    """The leaf's bytes: exactly these are hashed into the log."""
    said = {"of": [list(span) for span in ranges], "poll": poll_id, "reason": reason, "type": kind, "v": 1}
    leaf = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    if len(leaf) > LEAF_BYTES:
        raise ValueError("the leaf is too long for a bundle")
    return leaf
