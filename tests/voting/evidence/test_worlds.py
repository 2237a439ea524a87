"""Whole polls of the benchmark's maker: each plain attack is found, and what honest people do is not."""

import numpy as np
import pytest
from bench.fraud import judge
from bench.fraud_world import DAY, HOUR, Maker

SCALE = 0.05
ATTACKS = ("click_farm", "slow_drip", "voter_ring", "paid_network", "replay")


@pytest.mark.parametrize("kind", ATTACKS)
def test_a_plain_attack_is_found_and_little_else(kind: str) -> None:
    maker = Maker(31, SCALE)
    maker.honest()
    getattr(maker, kind)("plain")
    world = maker.world()
    flagged, _ = judge(world)
    attack = world.attack > 0
    assert (flagged & attack).sum() >= 0.9 * attack.sum()
    assert (flagged & attack).sum() >= 0.9 * flagged.sum()


@pytest.mark.parametrize("seed", range(41, 45))
def test_honest_voting_is_not_flagged(seed: int) -> None:
    maker = Maker(seed, SCALE)
    maker.honest()
    flagged, groups = judge(maker.world())
    assert not flagged.any(), [group.findings[0] for group in groups]


@pytest.mark.parametrize("single", [0.3, 0.7, 0.95])
def test_a_department_called_at_ten_behind_one_address_is_not_flagged(single: float) -> None:
    """Five hundred colleagues within the half hour, for their own team, on one day and never again."""
    maker = Maker(51, SCALE)
    maker.honest()
    voters, office = maker._voters(500), maker._networks(1)
    own = maker._taste(np.array([3]), 12.0)
    draw = maker.chance
    at = DAY + 10 * HOUR + draw.lognormal(np.log(8 * 60_000), 0.9, 500)
    votes = np.where(draw.random(500) < single, 1, 5)
    maker._sit(voters, np.repeat(office, 500), at, votes, own)
    world = maker.world()
    flagged, _ = judge(world)
    inside = world.network == office[0]
    assert inside.sum() > 400
    assert not flagged[inside].any()


def test_the_same_department_made_of_fresh_devices_alone_is_flagged() -> None:
    """The other side of the test before: nobody in that place does anything else."""
    maker = Maker(51, SCALE)
    maker.honest()
    draw = maker.chance
    at = DAY + 10 * HOUR + draw.lognormal(np.log(8 * 60_000), 0.9, 500)
    maker._inject("click farm", "plain", at, maker._voters(500), np.full(500, 3), np.repeat(maker._networks(1), 500))
    world = maker.world()
    flagged, _ = judge(world)
    assert flagged[world.attack > 0].mean() > 0.9
