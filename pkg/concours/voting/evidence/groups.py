"""Findings put together into groups of votes, with the false discoveries held down.

Findings that are about the same voters are one group. Its probability is that of its best finding times the number of
its findings (Bonferroni); over all groups and all streams in which nothing was found, Benjamini and Hochberg's
procedure (1995) gives each a q: among the groups with q <= 0.01 at most one in a hundred is expected to be chance.
*Strong* is a group that keeps this and of whose votes at most a tenth are expected to be honest people's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from concours.voting.evidence import covoting, intervals, newcomers, repeats, solving
from concours.voting.evidence.finding import Finding
from concours.voting.evidence.streams import streams_of
from concours.voting.evidence.votes import Ints, Votes

DISCOVERY = 0.01
HONEST_SHARE = 0.10
LEAST_VOTES = 12
SAME_VOTERS = 0.5  # of the smaller one: two findings are about the same people


@dataclass(frozen=True)
class Group:
    """`index`: its votes; `findings`: why; `q`: the false discovery rate at which it is found; `honest`: the share of
    its votes that honest people are expected to have; `strong`: see above."""

    index: Ints
    findings: tuple[Finding, ...]
    q: float
    honest: float
    strong: bool


def score(votes: Votes, took: Ints | None = None) -> list[Group]:
    """All groups, the strongest first; `took` as in `solving.find`, None where no time is known.

    What is strong is taken out, and the rest is looked at once more: a farm may hide another, as long as it stands
    among what the other is held against.
    """
    first = _look(votes, took)
    strong = [group for group in first if group.strong]
    if not strong:
        return first
    rest = np.setdiff1d(np.arange(len(votes)), np.concatenate([group.index for group in strong]))
    again = [_moved(group, rest) for group in _look(_part(votes, rest), took)]
    return _ordered([*strong, *again])


def _part(votes: Votes, index: Ints) -> Votes:
    return Votes(votes.at[index], votes.voter[index], votes.candidate[index], votes.network[index], votes.day[index])


def _moved(group: Group, index: Ints) -> Group:
    """A group of a part of the votes, which stand at `index` of all."""
    findings = tuple(replace(found, index=index[found.index]) for found in group.findings)
    return replace(group, index=index[group.index], findings=findings)


def _ordered(groups: Sequence[Group]) -> list[Group]:
    return sorted(groups, key=lambda g: (not g.strong, g.q, -len(g.index)))


def _look(votes: Votes, took: Ints | None) -> list[Group]:
    if not len(votes):
        return []
    streams = list(streams_of(votes))
    findings = [
        *newcomers.find(votes, streams),
        *intervals.find(votes, streams),
        *repeats.find(votes),
        *covoting.find(votes),
        *(solving.find(votes, streams, took) if took is not None else ()),
    ]
    findings = [found for found in findings if len(found.index) >= LEAST_VOTES]
    joined = _joined(votes, findings)
    p = [min(1.0, min(f.p for f in parts) * len(parts)) for parts in joined]
    q = discovery_rates(p, max(len(streams), len(p)))
    return _ordered([_group(parts, rate) for parts, rate in zip(joined, q, strict=True)])


def discovery_rates(p: Sequence[float], tests: int) -> list[float]:
    """Benjamini and Hochberg's q of each probability among `tests` tests, of which those not given have p = 1."""
    if not p:
        return []
    order = np.argsort(p)
    ranked = np.asarray(p)[order] * tests / np.arange(1, len(p) + 1)
    rates = np.minimum(1.0, np.minimum.accumulate(ranked[::-1])[::-1])
    found = np.empty(len(p))
    found[order] = rates
    return [float(rate) for rate in found]


def _joined(votes: Votes, findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings about the same voters, together (a union-find over shared voters)."""
    voters = [np.unique(votes.voter[found.index]) for found in findings]
    of_voter: dict[int, list[int]] = {}
    for number, mine in enumerate(voters):
        for voter in mine.tolist():
            of_voter.setdefault(voter, []).append(number)
    shared: dict[tuple[int, int], int] = {}
    for numbers in of_voter.values():
        for i, one in enumerate(numbers):
            for other in numbers[i + 1 :]:
                shared[one, other] = shared.get((one, other), 0) + 1
    parent = list(range(len(findings)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for (one, other), count in shared.items():
        if count >= SAME_VOTERS * min(len(voters[one]), len(voters[other])):
            parent[root(other)] = root(one)
    together: dict[int, list[Finding]] = {}
    for number, found in enumerate(findings):
        together.setdefault(root(number), []).append(found)
    return list(together.values())


def _group(parts: Sequence[Finding], q: float) -> Group:
    clear = [found for found in parts if found.honest <= HONEST_SHARE * len(found.index)]
    used = clear or parts
    index = np.unique(np.concatenate([found.index for found in used]))
    honest = min(1.0, sum(found.honest for found in used) / max(1, sum(len(found.index) for found in used)))
    strong = bool(clear) and q <= DISCOVERY
    return Group(index, tuple(sorted(parts, key=lambda f: f.p)), q, honest, strong)
