"""lua/admit.lua against a plain model of the rules: the same answers to any sequence of ballots, with what Redis has
lost put back between them; and the ledger's keys hold every limit when Redis is set back to an older state."""

import itertools
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from apiflask import APIFlask
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concours.voting import journal, keys, limits, scripts, tally
from concours.voting.booth import booth
from concours.voting.journal import Entry
from concours.voting.ladder import ways as ladder
from concours.voting.rules import Day, Facts, Rules

CANDIDATES = (11, 12, 13, 14)
WITHDRAWN = 15
_polls = itertools.count(10_000_000)
SETTINGS = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

rules_of = st.builds(
    Rules,
    per_day=st.integers(0, 5),
    per_candidate_day=st.integers(0, 2),
    total=st.integers(0, 9),
    per_candidate_total=st.integers(0, 3),
    min_picks=st.integers(1, 2),
    max_picks=st.integers(1, 4),
    network_per_minute=st.just(0),
    voter_per_minute=st.just(0),
    new_devices_per_minute=st.just(0),
)


@dataclass(frozen=True)
class Step:
    """Somebody votes: the nonce is one of a few, so that some are sent again; then midnight may come, or a loss."""

    voter: int
    candidates: tuple[int, ...]
    nonce: int
    weight: int
    midnight: bool
    loss: bool


steps = st.lists(
    st.builds(
        Step,
        voter=st.integers(0, 1),
        candidates=st.sets(st.sampled_from((*CANDIDATES, WITHDRAWN)), min_size=1, max_size=4).map(
            lambda chosen: tuple(sorted(chosen))
        ),
        nonce=st.integers(0, 25),
        weight=st.sampled_from([1, 1, 2, 1000]),
        midnight=st.sampled_from([False] * 7 + [True]),
        loss=st.sampled_from([False] * 11 + [True]),
    ),
    min_size=1,
    max_size=40,
)


def facts_of(rules: Rules) -> Facts:
    """A poll that only Redis knows."""
    poll, now = next(_polls), int(time.time() * 1000)
    found = Facts(
        id=poll, slug=f"model-{poll}", event_id=1, version=1, ways=ladder.read({"device": {"weight": 1}}),
        challenge="never", challenge_now=False, zone="UTC", rules=rules, opens=now - 1000,
        closes=now + 86_400_000, key=b"k" * 32, signing_key=Ed25519PrivateKey.generate(),
    )  # fmt: skip
    client = booth().client
    state: dict[Any, Any] = {"ready": 1, "version": 1, "opens": found.opens, "closes": found.closes, **rules.kept()}
    client.hset(keys.state(poll), mapping=state)
    client.sadd(keys.candidates(poll), *CANDIDATES)
    return found


def day_of(number: int) -> Day:
    """A day that is now: the script takes the caller's word for its number, and checks its bounds."""
    return Day(number, 0, 2**52)


def tag_of(voter: int) -> bytes:
    return bytes([voter + 1]) * 32


def nonce_of(voter: int, number: int) -> bytes:
    return bytes([voter + 1, number + 1]) * 8


def ask(facts: Facts, day: int, step: Step) -> list[str]:
    """The script's answer to one ballot."""
    command = limits.ballot(
        facts, day_of(day), candidates=step.candidates, nonce=nonce_of(step.voter, step.nonce), tag=tag_of(step.voter),
        weight=step.weight, network="192.0.2.1",
    )  # fmt: skip
    client = booth().client
    scripts.load(client, "admit")
    connection = client.connection_pool.get_connection()
    try:
        connection.send_packed_command([command])  # type: ignore[no-untyped-call]
        found: list[Any] = connection.read_response()
    finally:
        client.connection_pool.release(connection)
    return [value.decode() if isinstance(value, bytes) else str(value) for value in found]


@dataclass
class Model:
    """The rules in plain words: every admitted vote is kept, and counted anew for each ballot."""

    rules: Rules
    votes: list[tuple[int, int, int, int]] = field(default_factory=list)  # voter, candidate, day, weight
    known: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)

    def count(self, voter: int, candidate: int | None = None, day: int | None = None) -> int:
        return sum(1 for v, c, d, _ in self.votes if v == voter and candidate in {None, c} and day in {None, d})

    def expect(self, step: Step, day: int) -> str:
        rules, voter, chosen = self.rules, step.voter, step.candidates
        if (voter, step.nonce) in self.known:
            return "known"
        if not rules.min_picks <= len(chosen) <= rules.max_picks:
            return "wrong_picks"
        if WITHDRAWN in chosen:
            return "not_eligible"
        if rules.per_day and self.count(voter, day=day) + len(chosen) > rules.per_day:
            return "quota_used:day"
        for c in chosen:
            if rules.per_candidate_day and self.count(voter, c, day) >= rules.per_candidate_day:
                return "already_voted"
            if rules.per_candidate_total and self.count(voter, c) >= rules.per_candidate_total:
                return "already_voted:total"
        if rules.total and self.count(voter) + len(chosen) > rules.total:
            return "quota_used:total"
        self.known[voter, step.nonce] = chosen
        self.votes += [(voter, c, day, step.weight) for c in chosen]
        return "admitted"

    def issued(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for _, candidate, _, weight in self.votes:
            found[candidate] = found.get(candidate, 0) + weight
        return found


def entries_of(facts: Facts) -> list[Entry]:
    return journal.read(booth().client, {facts.id: "0-0"}, count=10_000).get(facts.id, [])


def lose_and_restore(facts: Facts, entries: list[Entry]) -> None:
    """All voters are forgotten and put back from their recorded votes, as after a loss."""
    client = booth().client
    for name in list(client.scan_iter(match=keys.every_voter(facts.id))):
        client.delete(name)
    rows = [SimpleNamespace(**e._asdict(), candidate_id=e.candidate) for e in entries]
    cut = len(rows) // 2  # wherever it falls, in the middle of a ballot too
    for part in (rows[:cut], rows[cut:], rows[cut:]):
        if part:
            tally._restore(client, facts.id, part)
    scripts.word(
        client, "settle", tuple(name(facts.id) for name in (keys.state, keys.counts, keys.journal, keys.issued)),
        ("rebuild", 0, "0-0", 0),
    )  # fmt: skip


@SETTINGS
@given(rules=rules_of, steps=steps)
def test_the_script_does_what_the_rules_say(app: APIFlask, rules: Rules, steps: list[Step]) -> None:
    facts, model, day = facts_of(rules), Model(rules), 700_000
    for step in steps:
        answer = ask(facts, day, step)
        assert answer[0] == model.expect(step, day)
        if answer[0] == "admitted":
            assert answer[2:] == [str(model.count(step.voter, day=day)), str(model.count(step.voter))]
        if answer[0] == "known":
            assert int(answer[1]) == model.known[step.voter, step.nonce][0]
        if step.loss:
            lose_and_restore(facts, entries_of(facts))
        day += step.midnight
    entries = entries_of(facts)
    assert [(e.tag, e.candidate, e.day.toordinal(), e.weight) for e in entries] == [
        (tag_of(voter), candidate, day, weight) for voter, candidate, day, weight in model.votes
    ]
    assert len({e.commitment for e in entries}) == len({e.journal_id for e in entries}) == len(entries)
    for name in ("ordinal", "slot", "repeat", "nth"):
        assert sum(held(entries, name).values()) == len(entries)
    issued = {int(c): int(n) for c, n in booth().client.hgetall(keys.issued(facts.id)).items()}
    assert issued == model.issued()


def held(entries: list[Entry], name: str) -> dict[tuple[Any, ...], int]:
    """How many votes there are of each unique key of the ledger."""
    found: dict[tuple[Any, ...], int] = {}
    for e in entries:
        key = {
            "ordinal": (e.tag, e.ordinal),
            "slot": (e.tag, e.day, e.slot),
            "repeat": (e.tag, e.candidate, e.day, e.repeat),
            "nth": (e.tag, e.candidate, e.nth),
        }[name]
        found[key] = found.get(key, 0) + 1
        assert found[key] == 1, (name, key)
    return found


@SETTINGS
@given(rules=rules_of, steps=steps)
def test_the_ledgers_keys_hold_every_limit_when_redis_is_set_back(
    app: APIFlask, rules: Rules, steps: list[Step]
) -> None:
    """A loss sets all voters back to how they were at the loss before. What the keys let in of the journal keeps all
    limits of the poll, whatever was admitted."""
    facts, day, client = facts_of(rules), 700_000, booth().client
    before: dict[bytes, dict[bytes, bytes]] = {}
    fresh = itertools.count()
    for step in steps:
        ask(facts, day, Step(step.voter, step.candidates, next(fresh) % 250, step.weight, False, False))
        if step.loss:
            names = list(client.scan_iter(match=keys.every_voter(facts.id)))
            now: dict[bytes, dict[bytes, bytes]] = {name: client.hgetall(name) for name in names}  # type: ignore[misc]
            for name in names:
                client.delete(name)
                if name in before:
                    client.hset(name, mapping=before[name])  # type: ignore[arg-type]
            before = now
        day += step.midnight
    taken: list[Entry] = []
    seen: set[tuple[Any, ...]] = set()
    for _, picks in itertools.groupby(entries_of(facts), key=lambda e: journal.place_of(e.journal_id)):
        ballot = list(picks)
        wanted = [
            key
            for e in ballot
            for key in (
                ("o", e.tag, e.ordinal),
                ("s", e.tag, e.day, e.slot),
                ("r", e.tag, e.candidate, e.day, e.repeat),
                ("n", e.tag, e.candidate, e.nth),
            )
        ]
        if seen.isdisjoint(wanted):
            seen.update(wanted)
            taken += ballot
    counted: dict[tuple[Any, ...], int] = {}
    for e in taken:
        for key in ((e.tag, e.day), (e.tag,), (e.tag, e.candidate, e.day), (e.tag, e.candidate, "all")):
            counted[key] = counted.get(key, 0) + 1
    for key, count in counted.items():
        limit = {1: rules.total, 2: rules.per_day}.get(len(key)) if len(key) < 3 else (
            rules.per_candidate_total if key[2] == "all" else rules.per_candidate_day
        )  # fmt: skip
        assert not limit or count <= limit, key


def test_weights_do_not_count_against_a_quota(app: APIFlask) -> None:
    facts = facts_of(Rules(per_day=2, per_candidate_day=1))
    for number, candidate in enumerate(CANDIDATES[:2]):
        assert ask(facts, 700_000, Step(0, (candidate,), number, 1000, False, False))[0] == "admitted"
    assert ask(facts, 700_000, Step(0, (CANDIDATES[2],), 9, 1, False, False))[0] == "quota_used:day"
