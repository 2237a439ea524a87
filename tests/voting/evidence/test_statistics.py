"""Each statistic against the worked examples of docs/evidence.md, and against what it must not take for fraud."""

import numpy as np
import pytest

from concours.voting.evidence import bursts, covoting, groups, intervals, newcomers, repeats, solving
from concours.voting.evidence.finding import Finding
from concours.voting.evidence.streams import streams_of
from concours.voting.evidence.votes import Ints, Votes

HOUR, DAY = 3_600_000, 86_400_000
chance = np.random.default_rng


def votes(at: Ints, voter: Ints, candidate: Ints | int = 0, network: Ints | int = 0) -> Votes:
    """Votes in order of time."""
    at = np.asarray(at, dtype=np.int64)
    order = np.argsort(at, kind="stable")
    columns = [np.broadcast_to(np.asarray(c, dtype=np.int64), at.shape)[order] for c in (voter, candidate, network)]
    return Votes(at[order], *columns, day=at[order] // DAY)


def test_the_tail_of_newcomers() -> None:
    """With mean 1/2 and strength 2 every number of newcomers is as likely as any other."""
    assert newcomers.tail(12, 12, 0.5, 2) == pytest.approx(1 / 13)
    assert newcomers.tail(1, 1, 0.3, 10) == pytest.approx(0.3)
    assert newcomers.tail(40, 40, 0.1, 20) == pytest.approx(2.93e-14, rel=0.01)
    assert newcomers.tail(0, 7, 0.2, 5) == pytest.approx(1)


def test_the_local_variation_of_a_clock_a_line_and_strangers() -> None:
    clock = np.arange(50) * 3_000
    assert intervals.local_variation(clock) == 0
    assert intervals.agreeing(clock).all()
    assert intervals.local_variation(np.array([0, 1_000, 4_000, 5_000, 8_000])) == pytest.approx(0.75)
    strangers = np.cumsum(chance(3).exponential(60_000, 20_000)).astype(np.int64)
    assert intervals.local_variation(strangers) == pytest.approx(1, abs=0.03)
    assert intervals.agreeing(strangers).mean() == pytest.approx(0.1, abs=0.01)
    line = np.cumsum(chance(3).gamma(3, 4_000, 20_000)).astype(np.int64)
    assert intervals.local_variation(line) == pytest.approx(3 / 7, abs=0.02)
    assert intervals.agreeing(line).mean() == pytest.approx(intervals.IN_LINE, abs=0.01)


def test_gaps_shorter_than_the_clock_tells_say_nothing() -> None:
    assert not intervals.agreeing(np.arange(50) * 5).any()


@pytest.mark.parametrize("seed", range(5))
def test_people_in_a_line_are_no_script(seed: int) -> None:
    at = np.cumsum(chance(seed).gamma(3, 4_000, 400)).astype(np.int64)
    assert not groups.score(votes(at, np.arange(400)))


def test_a_script_with_a_random_pause_is_more_regular_than_people() -> None:
    at = np.cumsum(chance(5).uniform(3_000, 5_000, 200)).astype(np.int64)
    found = groups.score(votes(at, np.arange(200) % 100))
    assert [g.strong for g in found] == [True]
    assert found[0].findings[0].kind == "intervals"
    assert len(found[0].index) > 190


def test_candidates_chosen_together() -> None:
    """1,000 voters' days; 40 with all three; the pairs of the others are few."""
    assert covoting.expected_together(1_000, 40, (50, 45, 42), (100, 90, 80)) == pytest.approx(1.5523, abs=1e-4)


@pytest.mark.parametrize("colleagues", [True, False])
def test_one_list_is_a_ring_s_and_not_that_of_colleagues_who_began_at_home(colleagues: bool) -> None:
    """30 voters with one list on two days, the first from their homes, the second from the office or from home again;
    beside them 2,000 people with three of 40 candidates."""
    draw = chance(7)
    people = np.repeat(np.arange(100, 2_100), 3)
    liked = np.concatenate([draw.permutation(40)[:3] for _ in range(2_000)])
    listed = np.repeat(np.arange(30), 3)
    wanted = np.tile([3, 17, 29], 30)
    second = np.full(90, 5_000) if colleagues else listed
    cast = votes(
        np.r_[draw.uniform(0, 2 * DAY, len(people)), 9 * HOUR + listed * 60_000, DAY + 9 * HOUR + listed * 60_000],
        np.r_[people, listed, listed],
        np.r_[liked, wanted, wanted],
        np.r_[people, listed, second],
    )
    assert len({n for n in cast.network[cast.voter < 30].tolist() if cast.voters_of_network[n] < 6}) == 30
    found = covoting.find(cast)
    if colleagues:
        assert found == []
    else:
        (ring,) = found
        assert set(cast.voter[ring.index].tolist()) == set(range(30))
        assert ring.p < 1e-9


def test_false_discovery_rates() -> None:
    assert groups.discovery_rates([0.02, 0.001, 0.03], 4) == pytest.approx([0.04, 0.004, 0.04])
    assert groups.discovery_rates([], 10) == []


def test_a_replay_is_found_by_its_shift_and_people_who_come_back_are_not() -> None:
    draw = chance(11)
    people = draw.uniform(0, 5 * HOUR, 400)
    script = 3 * HOUR + np.cumsum(draw.uniform(30_000, 300_000, 25))
    first = np.r_[people, script]
    again = np.r_[people + DAY + draw.normal(0, HOUR, 400), script + 25.3 * HOUR + draw.normal(0, 500, 25)]
    who = np.arange(425)
    network = np.r_[np.arange(400), np.full(25, 400)]
    alone = votes(np.r_[first[:400], again[:400]].astype(np.int64), np.r_[who[:400], who[:400]], 0, np.arange(800))
    assert repeats.find(alone) == []
    both = votes(np.r_[first, again].astype(np.int64), np.r_[who, who], 0, np.r_[network, network])
    (found,) = repeats.find(both)
    voters = set(both.voter[found.index].tolist())
    assert voters >= set(range(400, 425))
    assert len(voters) <= 27, "hardly anybody else"
    assert found.facts["shift_ms"] == pytest.approx(25.3 * HOUR, abs=1_000)


def test_a_burst_is_held_against_the_same_hours_of_other_days() -> None:
    """3 votes on each other day between 10:00 and 10:09, and 212 on this one, while the poll is as busy as ever."""
    usual = np.concatenate([day * DAY + 10 * HOUR + np.array([60_000, 200_000, 400_000]) for day in range(3)])
    surge = DAY + 10 * HOUR + np.linspace(0, 540_000, 209)
    busy = np.concatenate([day * DAY + np.linspace(0, DAY - 1, 1_440) for day in range(3)])
    at = np.r_[usual, surge, busy].astype(np.int64)
    cast = votes(at, np.arange(len(at)), np.r_[np.zeros(218), np.ones(len(busy))])
    stream = np.flatnonzero(cast.candidate == 0)
    found = bursts.burst_of(cast, stream, DAY + 10 * HOUR, DAY + 10 * HOUR + 540_000)
    assert found is not None
    assert found.observed == 212
    assert found.expected == pytest.approx(3, abs=0.4)
    assert found.p < 1e-6
    assert bursts.burst_of(cast, stream, 0, 2 * DAY) is None


def test_findings_about_the_same_voters_are_one_group() -> None:
    cast = votes(np.arange(100) * 1_000, np.arange(100))
    one = Finding("once", np.arange(50), 1e-9, 0)
    two = Finding("intervals", np.arange(20, 50), 1e-5, 0)
    three = Finding("once", np.arange(60, 90), 1e-4, 29)
    joined = groups._joined(cast, [one, two, three])
    assert sorted(len(parts) for parts in joined) == [1, 2]


def test_an_empty_poll_and_one_vote() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert groups.score(Votes(none, none, none, none, none)) == []
    assert groups.score(votes(np.array([5]), np.array([0]))) == []


def test_votes_without_networks_are_scored_all_the_same() -> None:
    at = np.arange(200) * 2_500
    (found,) = groups.score(votes(at, np.arange(200), 0, -1))
    assert found.strong


class TestPuzzlesSolvedFast:
    """400 people at home with phones of all kinds for eight candidates; 60 more voters for the first."""

    @staticmethod
    def world(seed: int, farm_ms: tuple[float, float], network: int = -1) -> tuple[Votes, Ints]:
        draw = chance(seed)
        people, farm = 400, 60
        at = np.r_[draw.integers(0, DAY, people), draw.integers(0, DAY, farm)]
        candidate = np.r_[draw.integers(0, 8, people), np.zeros(farm, dtype=int)]
        networks = np.r_[np.arange(people), np.full(farm, people) if network >= 0 else people + np.arange(farm)]
        took = np.exp(draw.normal(np.log(3_000), 0.6, people)).astype(np.int64)
        return votes(at, np.arange(people + farm), candidate, networks), np.r_[
            took, draw.uniform(*farm_ms, farm).astype(np.int64)
        ]

    def test_the_worked_example(self) -> None:
        assert newcomers.tail(12, 12, solving.LEAST_SHARE, solving.STRENGTH) == pytest.approx(4.2115e-7, rel=0.001)

    @pytest.mark.parametrize("seed", range(5))
    def test_sixty_fast_ones_for_one_candidate_are_told_and_are_not_strong_alone(self, seed: int) -> None:
        cast, took = self.world(seed, (60, 200))
        (found,) = solving.find(cast, list(streams_of(cast)), took)
        assert set(cast.candidate[found.index].tolist()) == {0}
        assert found.facts["voters"] >= 58
        assert found.p < 0.001
        assert not any(group.strong for group in groups.score(cast, took) if len(group.findings) == 1)

    @pytest.mark.parametrize("seed", range(20))
    def test_phones_like_all_others_are_not(self, seed: int) -> None:
        cast, took = self.world(seed, (1_000, 9_000))
        assert not solving.find(cast, list(streams_of(cast)), took)

    def test_without_times_there_is_nothing(self) -> None:
        cast, took = self.world(1, (60, 200))
        assert not solving.find(cast, list(streams_of(cast)), np.full_like(took, solving.UNKNOWN))

    def test_an_office_whose_machines_are_fast_for_every_candidate_is_not(self) -> None:
        cast, took = self.world(3, (60, 200), network=1)
        draw = chance(4)
        more = 300  # of the same office, for the other candidates, as fast
        at = np.r_[cast.at, draw.integers(0, DAY, more)]
        voter = np.r_[cast.voter, 460 + np.arange(more)]
        candidate = np.r_[cast.candidate, draw.integers(1, 8, more)]
        network = np.r_[cast.network, np.full(more, cast.network.max())]
        office = votes(at, voter, candidate, network)
        times = np.r_[took, draw.uniform(60, 200, more).astype(np.int64)]
        slow = np.r_[times, np.full(800, 3_000)]  # people at home, who make the median
        people = votes(
            np.r_[office.at, draw.integers(0, DAY, 800)],
            np.r_[office.voter, 760 + np.arange(800)],
            np.r_[office.candidate, draw.integers(0, 8, 800)],
            np.r_[office.network, 1_000 + np.arange(800)],
        )
        assert not [f for f in solving.find(people, list(streams_of(people)), slow) if f.p < 0.001]
