"""Voting as it may have been: honest voters at the model case's scale with all that makes them look odd, and injected
attacks.

Nothing here knows how fraud is looked for. Times are ms since the poll opened; it runs for 66 hours from midnight.
Every injected vote has the number of its attack; 0 is honest.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

HOUR = 3_600_000
DAY = 24 * HOUR
OPEN_MS = 66 * HOUR
PER_DAY = 5
RHYTHM = np.array([3, 1, 0.5, 0.4, 0.5, 1, 3, 6, 9, 11, 12, 11, 13, 10, 8, 8, 8, 9, 10, 12, 14, 13, 9, 5], float)
INTENSITIES = ("plain", "middling", "hard")

Ints = NDArray[np.int64]


@dataclass
class Sittings:
    """People who sit down to vote: who, from where, when, how many votes, for whom (a row of the table of tastes)."""

    voter: list[Ints] = field(default_factory=list)
    network: list[Ints] = field(default_factory=list)
    at: list[NDArray[np.float64]] = field(default_factory=list)
    votes: list[Ints] = field(default_factory=list)
    taste: list[Ints] = field(default_factory=list)


@dataclass
class World:
    """Votes in order of time, and what is true of them: `attack` (0 honest), `department` (0 none) of each."""

    at: Ints
    voter: Ints
    candidate: Ints
    network: Ints
    attack: Ints
    department: Ints
    attacks: list[tuple[str, str]]
    candidates: int


class Maker:
    """Draws one world from a seed. `scale` 1 is the model case: about 779,700 votes for 276 teams of 55 departments."""

    def __init__(self, seed: int, scale: float = 1.0) -> None:
        self.chance = np.random.default_rng(seed)
        self.scale = scale
        self.candidates = max(40, round(276 * scale**0.5))
        self.departments = max(8, round(55 * scale**0.5))
        self.people = scale / (self.departments / 55)
        rank = self.chance.permutation(self.candidates) + 1
        self.popularity = rank**-0.8 / (rank**-0.8).sum()
        self.home_of = self.chance.integers(0, self.departments, self.candidates)
        self.tastes: list[NDArray[np.float64]] = [np.zeros(self.candidates)]
        self.sat = Sittings()
        self.next_voter = 1
        self.next_network = 1
        self.carriers = self._networks(max(6, round(30 * scale**0.5)))
        self.carrier_share = self.chance.dirichlet(np.full(len(self.carriers), 1.5))
        self.department_of: dict[int, int] = {}
        self.extra: list[tuple[Ints, Ints, Ints, Ints, Ints]] = []
        self.attacks: list[tuple[str, str]] = [("honest", "")]

    # -- small parts

    def _voters(self, count: int) -> Ints:
        self.next_voter += count
        return np.arange(self.next_voter - count, self.next_voter)

    def _networks(self, count: int) -> Ints:
        self.next_network += count
        return np.arange(self.next_network - count, self.next_network)

    def _taste(self, favourites: Ints, boost: float) -> int:
        row = np.zeros(self.candidates)
        row[favourites] = boost
        self.tastes.append(row)
        return len(self.tastes) - 1

    def _rhythm(self, count: int, days: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Moments that follow the hours of the day."""
        day = self.chance.choice(3, count, p=[0.38, 0.36, 0.26] if days is None else days)
        hour = self.chance.choice(24, count, p=RHYTHM / RHYTHM.sum())
        hour = np.where((day == 2) & (hour >= 18), self.chance.integers(8, 18, count), hour)
        return day * DAY + hour * HOUR + self.chance.random(count) * HOUR

    def _sit(self, voter: Ints, network: Ints, at: NDArray[np.float64], votes: Ints, taste: Ints | int) -> None:
        keep = (at >= 0) & (at < OPEN_MS - 60_000)
        for name, values in (("voter", voter), ("network", network), ("at", at), ("votes", votes)):
            getattr(self.sat, name).append(values[keep])
        self.sat.taste.append(np.full(int(keep.sum()), taste) if isinstance(taste, int) else taste[keep])

    def _counts(self, count: int, single: float | NDArray[np.float64]) -> Ints:
        """How many votes people cast at one sitting: one, or two to five."""
        several = self.chance.choice([2, 3, 4, 5], count, p=[0.2, 0.2, 0.15, 0.45])
        return np.where(self.chance.random(count) < single, 1, several)

    def _away(self, count: int) -> Ints:
        """Networks of people on the move or at home: a carrier's shared address, or one's own."""
        carrier = self.chance.choice(self.carriers, count, p=self.carrier_share)
        return np.where(self.chance.random(count) < 0.45, carrier, self._networks(count))

    # -- honest people

    def honest(self) -> None:
        """All of them."""
        for number in range(self.departments):
            self._department(number + 1)
        self._public()
        self._families()
        for _ in range(max(3, round(10 * self.scale**0.5))):
            self._seen_by_many()

    def _department(self, number: int) -> None:
        """Colleagues behind one address, called to vote at an hour: mostly for their own teams, many for all five of
        them, some departments nearly all with one vote, some on one day only; part of them votes again from home or
        the phone."""
        chance = self.chance
        own = np.flatnonzero(self.home_of == number - 1)
        if not len(own):
            own = chance.integers(0, self.candidates, 1)
        size = int(np.clip(chance.lognormal(6.2, 0.8), 60, 4_000) * self.people)
        voters, office = self._voters(size), self._networks(1)
        self.department_of[int(office[0])] = number
        single = float(np.clip(chance.beta(1.8, 3.2), 0.03, 0.85))
        again = float(np.clip(chance.beta(2, 2.5), 0.03, 0.9))
        loyal = self._taste(own, float(chance.uniform(3.0, 9.0)))
        star = self._taste(own[:1], 9.0) if chance.random() < 0.3 else loyal  # one team of theirs stands out
        in_own_time = 0.5
        if chance.random() < 0.1:  # told to give one team one vote, and nearly all do just that
            single, in_own_time = float(chance.uniform(0.9, 0.98)), float(chance.uniform(0.05, 0.2))
            star, again = self._taste(own[:1], 12.0), 0.05
        lone = chance.random(size) < single
        called = chance.permutation(3)[: chance.integers(1, 4)]
        queue = chance.random() < 0.08  # one code on the wall, people stand in line
        for turn, day in enumerate(np.sort(called)):
            comes = chance.random(size) < (0.75 if turn == 0 else again)
            who = voters[comes]
            hour = chance.choice([9.0, 10.0, 10.0, 10.0, 14.0, 16.0])
            if queue:
                lag = np.cumsum(chance.gamma(3.0, 4_000, len(who)))
            else:
                lag = chance.lognormal(np.log(chance.uniform(4, 25) * 60_000), 0.9, len(who))
            at = day * DAY + hour * HOUR + lag
            inside = chance.random(len(who)) < 0.85
            votes = np.where(lone[comes], 1, self._counts(len(who), 0.05))
            self._sit(who, np.where(inside, office[0], self._away(len(who))), at, votes, star)
        late = voters[chance.random(size) < in_own_time]  # in their own time
        at = self._rhythm(len(late))
        hour_of_day = at % DAY / HOUR
        inside = (hour_of_day > 8.5) & (hour_of_day < 18) & (chance.random(len(late)) < 0.7)
        self._sit(late, np.where(inside, office[0], self._away(len(late))), at, self._counts(len(late), single), loyal)
        if chance.random() < 0.4:  # a word in the department's chat in the evening
            heard = voters[chance.random(size) < 0.35]
            at = chance.integers(0, 2) * DAY + chance.uniform(19, 21.5) * HOUR
            lag = chance.lognormal(np.log(12 * 60_000), 1.0, len(heard))
            self._sit(heard, self._away(len(heard)), at + lag, self._counts(len(heard), single), loyal)

    def _public(self) -> None:
        """Everybody else: once, or every day at about their hour; friends of a team vote for it first."""
        count = int(185_000 * self.scale)
        voters, taste = self._voters(count), np.zeros(count, dtype=np.int64)
        friends = [self._taste(np.array([c]), 7.0) for c in range(self.candidates)]
        friend = self.chance.random(count) < 0.6
        taste[friend] = np.array(friends)[self.chance.choice(self.candidates, int(friend.sum()), p=self.popularity)]
        at, place = self._rhythm(count), self._away(count)
        single = np.where(friend, 0.78, 0.35)
        self._sit(voters, place, at, self._counts(count, single), taste)
        daily = self.chance.random(count) < 0.22
        for step in (1, 2):
            later = at[daily] + step * DAY + self.chance.normal(0, 1.2 * HOUR, int(daily.sum()))
            self._sit(voters[daily], place[daily], later, self._counts(int(daily.sum()), 0.15), taste[daily])

    def _families(self) -> None:
        """Two to five behind one address at home, together, for the same team and a few more, on one day or on each."""
        homes = int(6_000 * self.scale)
        sizes = self.chance.integers(2, 6, homes)
        place = np.repeat(self._networks(homes), sizes)
        first = np.repeat(self._rhythm(homes), sizes)
        taste = np.repeat(
            [self._taste(self.chance.choice(self.candidates, 4, p=self.popularity), 6.0) for _ in range(homes)], sizes
        )
        voters = self._voters(len(place))
        for day in range(3):
            comes = np.repeat(self.chance.random(homes) < (1.0 if day == 0 else 0.35), sizes)
            at = (first + day * DAY + self.chance.exponential(150_000, len(place)))[comes]
            self._sit(voters[comes], place[comes], at, self._counts(int(comes.sum()), 0.2), taste[comes])

    def _seen_by_many(self) -> None:
        """A team is shown on a screen or in a large chat: many strangers within the hour, most for it alone, few
        again."""
        count = int(self.chance.integers(150, 1_600) * self.scale**0.5)
        who, candidate = self._voters(count), self.chance.choice(self.candidates, p=self.popularity)
        taste = self._taste(np.array([candidate]), 9.0)
        begins = float(self._rhythm(1)[0])
        lag = self.chance.lognormal(np.log(self.chance.uniform(10, 90) * 60_000), 1.0, count)
        single = float(self.chance.uniform(0.4, 0.7))
        self._sit(who, self._away(count), begins + lag, self._counts(count, single), taste)
        again = self.chance.random(count) < 0.15
        later = begins + DAY + self.chance.normal(0, 3 * HOUR, int(again.sum()))
        self._sit(who[again], self._away(int(again.sum())), later, self._counts(int(again.sum()), 0.3), taste)

    # -- attacks

    def _inject(
        self, kind: str, intensity: str, at: NDArray[np.float64], voter: Ints, candidate: Ints, network: Ints
    ) -> None:
        self.attacks.append((kind, intensity))
        keep = (at >= 0) & (at < OPEN_MS)
        label = np.full(int(keep.sum()), len(self.attacks) - 1)
        self.extra.append((at[keep].astype(np.int64), voter[keep], candidate[keep], network[keep], label))

    def _target(self) -> int:
        return int(self.chance.choice(np.argsort(self.popularity)[: self.candidates * 4 // 5]))  # not the most loved

    def attack(self) -> None:
        """Each kind at each intensity, on candidates of their own."""
        for intensity in INTENSITIES:
            self.click_farm(intensity)
            self.slow_drip(intensity)
            self.voter_ring(intensity)
            self.paid_network(intensity)
            self.replay(intensity)

    def _with_others(
        self, at: NDArray[np.float64], voter: Ints, candidate: Ints, network: Ints, most: int
    ) -> tuple[NDArray[np.float64], Ints, Ints, Ints]:
        """The same with up to `most` votes of each voter for others, so that it looks less plain."""
        parts = [(at, voter, candidate, network)]
        for step in range(most):
            some = self.chance.random(len(at)) < 0.7
            other = self.chance.choice(self.candidates, len(at), p=self.popularity)
            some &= other != candidate
            parts.append(
                (
                    at[some] + (step + 1) * self.chance.uniform(4_000, 15_000, int(some.sum())),
                    voter[some],
                    other[some],
                    network[some],
                )
            )
        stacked = [np.concatenate(column) for column in zip(*parts, strict=True)]
        _, first = np.unique(stacked[1] * self.candidates + stacked[2], return_index=True)
        return stacked[0][first], stacked[1][first], stacked[2][first], stacked[3][first]

    def click_farm(self, intensity: str) -> None:
        """Many fresh devices behind few networks. Hard: behind a carrier's address, with votes for others."""
        count, places, hours = {"plain": (400, 2, 0.7), "middling": (220, 4, 3.0), "hard": (130, 1, 5.0)}[intensity]
        begins = self.chance.uniform(8, 55) * HOUR
        at = begins + np.sort(self.chance.random(count)) * hours * HOUR
        place = self._networks(places) if intensity != "hard" else self.chance.choice(self.carriers, 1)
        network = self.chance.choice(place, count)
        votes = at, self._voters(count), np.full(count, self._target()), network
        self._inject("click farm", intensity, *(self._with_others(*votes, most=2) if intensity == "hard" else votes))

    def slow_drip(self, intensity: str) -> None:
        """A few fresh devices an hour, for days."""
        rate, places = {"plain": (8, 1), "middling": (4, 3), "hard": (2, 8)}[intensity]
        at = np.cumsum(self.chance.exponential(HOUR / rate, int(rate * 66)))
        if intensity != "plain":
            at = at[(at % DAY > 8 * HOUR) & (at % DAY < 22 * HOUR)]
        place = self._networks(places)
        if intensity == "hard":
            place = np.concatenate((place[:4], self.chance.choice(self.carriers, 4)))
        count = len(at)
        self._inject(
            "slow drip",
            intensity,
            at,
            self._voters(count),
            np.full(count, self._target()),
            self.chance.choice(place, count),
        )

    def voter_ring(self, intensity: str) -> None:
        """Accounts that vote for a list together, every day, from networks of their own."""
        count, size, skip, minutes, others = {
            "plain": (80, 5, 0.0, 5, 0), "middling": (50, 4, 0.15, 30, 1), "hard": (25, 3, 0.3, 180, 2)
        }[intensity]  # fmt: skip
        voters = self._voters(count)
        place = self._networks(count) if intensity != "hard" else self._away(count)
        listed = self.chance.choice(np.argsort(self.popularity)[: self.candidates * 4 // 5], size, replace=False)
        parts = []
        for day in range(3):
            begins = day * DAY + self.chance.uniform(8, 16.5) * HOUR
            sit = begins + self.chance.random(count) * minutes * 60_000
            for turn, candidate in enumerate(self.chance.permutation(listed)):
                does = self.chance.random(count) >= skip
                at = sit[does] + turn * self.chance.uniform(3_000, 12_000, int(does.sum()))
                parts.append((at, voters[does], np.full(int(does.sum()), candidate), place[does]))
            for turn in range(others):
                other = self.chance.choice(self.candidates, count, p=self.popularity)
                does = (self.chance.random(count) < 0.8) & ~np.isin(other, listed)
                parts.append((sit[does] + 60_000 + turn * 9_000, voters[does], other[does], place[does]))
        self._inject("voter ring", intensity, *(np.concatenate(column) for column in zip(*parts, strict=True)))

    def paid_network(self, intensity: str) -> None:
        """Fresh devices on networks all over the country, at human times, for one candidate."""
        count, hours = {"plain": (1_500, 3.0), "middling": (800, 10.0), "hard": (400, 48.0)}[intensity]
        if intensity == "hard":
            at = self._rhythm(count)
        else:
            at = self.chance.uniform(8, 40) * HOUR + self.chance.beta(1.5, 2.5, count) * hours * HOUR
        carrier = self.chance.choice(self.carriers, count, p=self.carrier_share)
        place = np.where(self.chance.random(count) < 0.3, carrier, self._networks(count))
        self._inject("paid network", intensity, at, self._voters(count), np.full(count, self._target()), place)

    def replay(self, intensity: str) -> None:
        """A script that votes with the same devices every day, in the same order and rhythm."""
        count, listed, places = {"plain": (60, 3, 1), "middling": (40, 3, 5), "hard": (25, 2, 8)}[intensity]
        gaps = {
            "plain": lambda: np.full(count, 3_000.0) * self.chance.normal(1, 0.02, count),
            "middling": lambda: self.chance.uniform(12_000, 28_000, count),
            "hard": lambda: self.chance.uniform(30_000, 300_000, count),
        }[intensity]()
        voters, offsets = self._voters(count), np.cumsum(gaps)
        place = self._networks(places) if intensity != "hard" else self.chance.choice(self.carriers, places)
        network = self.chance.choice(place, count)
        chosen = self.chance.choice(np.argsort(self.popularity)[: self.candidates * 4 // 5], listed, replace=False)
        parts = []
        for day in range(3):
            begins = day * DAY + self.chance.uniform(7, 15) * HOUR
            for turn, candidate in enumerate(chosen):
                at = (
                    begins
                    + offsets
                    + turn * 700.0
                    + self.chance.normal(0, 300 if intensity != "hard" else 1_000, count)
                )
                parts.append((at, voters, np.full(count, candidate), network))
        self._inject("replay", intensity, *(np.concatenate(column) for column in zip(*parts, strict=True)))

    # -- all together

    def world(self) -> World:
        """Turns sittings into votes, within the poll's limits (5 a day, one a day for one candidate)."""
        columns: list[Ints] = [
            np.concatenate(part)
            for part in (self.sat.voter, self.sat.network, self.sat.at, self.sat.votes, self.sat.taste)
        ]
        tastes, favour = np.array(self.tastes), np.log(self.popularity)
        parts = []
        for begin in range(0, len(columns[0]), 20_000):
            part = [column[begin : begin + 20_000] for column in columns]
            voter, network, at, votes, taste = part
            drawn = favour + tastes[taste] + self.chance.gumbel(size=(len(voter), self.candidates))
            first = np.argpartition(-drawn, PER_DAY, axis=1)[:, :PER_DAY]
            first = np.take_along_axis(first, np.argsort(-np.take_along_axis(drawn, first, axis=1), axis=1), axis=1)
            pause = np.cumsum(self.chance.lognormal(9.0, 0.7, (len(voter), PER_DAY)), axis=1)
            used = np.arange(PER_DAY) < votes[:, None]
            where = np.nonzero(used)[0]
            parts.append(
                (
                    (at[:, None] + pause)[used].astype(np.int64),
                    voter[where],
                    first[used],
                    network[where],
                    np.zeros(len(where), np.int64),
                )
            )
        whole: list[Ints] = [np.concatenate(column) for column in zip(*parts, *self.extra, strict=True)]
        order = np.argsort(whole[0], kind="stable")
        at, voter, candidate, network, attack = (column[order] for column in whole)
        keep = _within_limits(at, voter, candidate) & (at < OPEN_MS)
        at, voter, candidate, network, attack = (column[order][keep] for column in whole)
        offices = np.zeros(self.next_network, dtype=np.int64)
        for office, number in self.department_of.items():
            offices[office] = number
        return World(at, voter, candidate, network, attack, offices[network], self.attacks, self.candidates)


def _within_limits(at: Ints, voter: Ints, candidate: Ints) -> NDArray[np.bool_]:
    """What the poll would have let in, of votes in order of time."""
    day = at // DAY
    once = np.zeros(len(at), dtype=bool)
    once[np.unique((voter * 4 + day) * 4_096 + candidate, return_index=True)[1]] = True
    turn = voter * 4 + day
    order = np.argsort(turn[once], kind="stable")
    sorted_turn = turn[once][order]
    begins = np.flatnonzero(np.r_[True, sorted_turn[1:] != sorted_turn[:-1]])
    place = np.arange(len(sorted_turn)) - np.repeat(begins, np.diff(np.r_[begins, len(sorted_turn)]))
    within = np.zeros(len(order), dtype=bool)
    within[order] = place < PER_DAY
    keep = once.copy()
    keep[np.flatnonzero(once)] = within
    return keep


def make(seed: int, scale: float = 1.0, *, attacked: bool = True) -> World:
    """One world of that seed."""
    maker = Maker(seed, scale)
    maker.honest()
    if attacked:
        maker.attack()
    return maker.world()
