"""Co-voting: voters who go through one list together.

Three candidates a, b, c are chosen together on one day by n voters. If three-way agreement comes from pairwise liking
alone,
    E = N n_ab n_bc n_ac / (n_a n_b n_c)          (Kirkwood's superposition, 1935; N: voters' days)
where n_ab leaves out those who have all three. A ring has its list almost to itself: n far above E. Teams of one
department are liked together by many and in part, so E is large for them; and colleagues share a place, which
explains the rest: a list of which a quarter or more of the voters ever came from one network is no evidence here.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from concours.voting.evidence.finding import COVOTING, Finding
from concours.voting.evidence.streams import PLACE_VOTERS
from concours.voting.evidence.votes import Ints, Votes

MOST_PER_DAY = 8  # candidates of a voter's day that are combined; of more, the rarest
LEAST = 10  # voters' days
LIFT = 12.0
LEAST_APART = 8  # networks: fewer are a family, or friends of two families
ONE_PLACE = 0.25
WORTH = 1e-8
FIRM_SHARE = 0.5  # of those who ever shared the list: a ring comes as one
DAYS = 2  # a voter must have been there on that many days, or with that many triples


def find(votes: Votes) -> list[Finding]:
    """Groups of voters that share a rare list again and again."""
    turns = _turns(votes)
    if not len(turns[0]):
        return []
    turn_of, candidate_of = turns
    owner, triple = _triples(turn_of, candidate_of, votes.candidates)
    if not len(triple):
        return []
    order = np.argsort(triple, kind="stable")
    owner, triple = owner[order], triple[order]
    begins = np.flatnonzero(np.r_[True, triple[1:] != triple[:-1]])
    ends = np.r_[begins[1:], len(triple)]
    alone = np.bincount(candidate_of, minlength=votes.candidates).astype(float)
    pairs = _pairs(turn_of, candidate_of, votes.candidates)
    total = float(len(np.unique(turn_of)))
    days = int(votes.day.max()) + 1
    place, begins_of = _places(votes)
    kept: list[tuple[tuple[int, int, int], Ints, float, float]] = []
    often = ends - begins >= LEAST
    for begin, end in zip(begins[often], ends[often], strict=True):
        n = int(end - begin)
        a, b, c = _apart(int(triple[begin]), votes.candidates)
        expected = expected_together(total, n, (pairs[a, b], pairs[b, c], pairs[a, c]), (alone[a], alone[b], alone[c]))
        if n < LIFT * expected:
            continue
        p = float(stats.poisson.sf(n - 1, max(expected, 0.02)))
        if p > WORTH:
            continue
        members = np.unique(owner[begin:end] // days)
        known = np.concatenate([place[begins_of[m] : begins_of[m + 1]] for m in members])
        if len(known) and np.unique(known, return_counts=True)[1].max() >= ONE_PLACE * len(members):
            continue
        kept.append(((a, b, c), members, p, expected))
    return _joined(votes, kept, len(begins))


def expected_together(
    total: float, n: int, pairs: tuple[float, float, float], alone: tuple[float, float, float]
) -> float:
    """Voters' days with all three, by pairwise liking alone. `pairs` and `alone` count the days of those who have all
    three too; they are taken out, and one is put in, so that an empty pair proves nothing."""
    ab, bc, ac = (pair - n + 1 for pair in pairs)
    a, b, c = (max(1.0, one - n + 1) for one in alone)
    return float(total * ab * bc * ac / (a * b * c))


def _turns(votes: Votes) -> tuple[Ints, Ints]:
    """Voter's day and candidate of each vote that is combined: the rarest MOST_PER_DAY of each day."""
    days = int(votes.day.max()) + 1
    turn = votes.voter * np.int64(days) + votes.day
    pair = np.unique(turn * np.int64(votes.candidates) + votes.candidate)
    turn, candidate = pair // votes.candidates, pair % votes.candidates
    popular = np.bincount(votes.candidate, minlength=votes.candidates)[candidate]
    order = np.lexsort((popular, turn))
    turn, candidate = turn[order], candidate[order]
    begins = np.flatnonzero(np.r_[True, turn[1:] != turn[:-1]])
    sizes = np.diff(np.r_[begins, len(turn)])
    place = np.arange(len(turn)) - np.repeat(begins, sizes)
    keep = (place < MOST_PER_DAY) & (np.repeat(sizes, sizes) >= 3)
    return turn[keep], candidate[keep]


def _table(turn: Ints, candidate: Ints) -> tuple[Ints, Ints]:
    """One row per voter's day: its candidates in order, -1 where there are no more."""
    turns, row = np.unique(turn, return_inverse=True)
    order = np.lexsort((candidate, row))
    row, candidate = row[order], candidate[order]
    begins = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
    place = np.arange(len(row)) - np.repeat(begins, np.diff(np.r_[begins, len(row)]))
    table = np.full((len(turns), MOST_PER_DAY), -1, dtype=np.int64)
    table[row, place] = candidate
    return turns, table


def _triples(turn: Ints, candidate: Ints, candidates: int) -> tuple[Ints, Ints]:
    turns, table = _table(turn, candidate)
    owners, codes = [], []
    for i in range(MOST_PER_DAY):
        for j in range(i + 1, MOST_PER_DAY):
            for k in range(j + 1, MOST_PER_DAY):
                has = table[:, k] >= 0
                if has.any():
                    owners.append(turns[has])
                    codes.append((table[has, i] * candidates + table[has, j]) * candidates + table[has, k])
    if not codes:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate(owners), np.concatenate(codes)


def _pairs(turn: Ints, candidate: Ints, candidates: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    _, table = _table(turn, candidate)
    counts = np.zeros(candidates * candidates)
    for i in range(MOST_PER_DAY):
        for j in range(i + 1, MOST_PER_DAY):
            has = table[:, j] >= 0
            if has.any():
                counts += np.bincount(table[has, i] * candidates + table[has, j], minlength=candidates * candidates)
    square = counts.reshape(candidates, candidates)
    return square + square.T


def _apart(code: int, candidates: int) -> tuple[int, int, int]:
    rest, c = divmod(code, candidates)
    a, b = divmod(rest, candidates)
    return a, b, c


def _first_network(votes: Votes) -> Ints:
    first = np.full(votes.voters, -1, dtype=np.int64)
    first[votes.voter[::-1]] = votes.network[::-1]  # the earliest is written last
    return first


def _places(votes: Votes) -> tuple[Ints, Ints]:
    """The places that each voter ever voted from, one voter after the other, and where each voter's begin. All of them:
    colleagues vote from home first, and from the office the next day."""
    from_place = votes.network >= 0
    if votes.networks:
        from_place &= votes.voters_of_network[votes.network] >= PLACE_VOTERS
    width = np.int64(max(1, votes.networks))
    pair = np.unique(votes.voter[from_place] * width + votes.network[from_place])
    return pair % width, np.searchsorted(pair // width, np.arange(votes.voters + 1))


def _joined(
    votes: Votes, kept: Sequence[tuple[tuple[int, int, int], Ints, float, float]], looked_at: int
) -> list[Finding]:
    """Joins triples that share two candidates and half of the smaller one's voters into lists."""
    lists: list[tuple[set[int], list[int]]] = []
    for number, (three, members, _, _) in enumerate(kept):
        mine, here = set(three), None
        for known in lists:
            if len(known[0] & mine) >= 2 and any(
                len(np.intersect1d(kept[other][1], members)) >= 0.5 * min(len(kept[other][1]), len(members))
                for other in known[1][:10]
            ):
                if here is None:
                    known[0].update(mine)
                    known[1].append(number)
                    here = known
                else:
                    here[0].update(known[0])
                    here[1].extend(known[1])
                    known[0].clear()
        if here is None:
            lists.append((mine, [number]))
    return [_finding(votes, [kept[n] for n in numbers], sorted(named), looked_at) for named, numbers in lists if named]


def _finding(
    votes: Votes, parts: Sequence[tuple[tuple[int, int, int], Ints, float, float]], named: list[int], looked_at: int
) -> Finding:
    members = np.unique(np.concatenate([part[1] for part in parts]))
    index = np.flatnonzero(np.isin(votes.voter, members))
    on_list = np.isin(votes.candidate[index], named)
    # how often each member was there, in days on which at least two of the list were chosen
    turn = votes.voter[index] * np.int64(int(votes.day.max()) + 1) + votes.day[index]
    turns, counts = np.unique(turn[on_list], return_counts=True)
    together = np.bincount(
        np.searchsorted(members, turns[counts >= 2] // (int(votes.day.max()) + 1)), minlength=len(members)
    )
    firm = members[together >= DAYS]
    index = index[np.isin(votes.voter[index], firm)]
    homes = _first_network(votes)[firm]
    held = len(firm) >= FIRM_SHARE * len(members)
    apart = len(np.unique(homes))  # people of one home count once
    honest = float(len(index)) if apart < LEAST_APART or not held else min(part[3] for part in parts) * len(named)
    facts = {
        "voters": len(firm),
        "candidates": len(named),
        "on_list": float(np.isin(votes.candidate[index], named).mean()) if len(index) else 0.0,
        "expected": max(part[3] for part in parts),
        "votes": len(index),
    }
    best = min(part[2] for part in parts)
    return Finding(COVOTING, index, min(1.0, best * looked_at), honest, facts)
