"""How much of everything a replay plays: the model case of spring and summer 2021, times a scale."""

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Plan:
    """Counts of one replay. At scale 1 they are the model case's own; smaller ones are rounded up."""

    scale: float
    departments: int
    teams: int
    members: int
    clips: int
    works: int
    selected: int
    votes: int
    judges: int
    reviews: int = 3

    @property
    def first_cut(self) -> int:
        """How many works the first round (yes/no) lets through: three in four, never fewer than are selected."""
        return max(self.selected, ceil(self.works * 0.75))


def plan_of(scale: float) -> Plan:
    """The plan at `scale` (above 0, at most 1). Raises ValueError outside."""
    if not 0 < scale <= 1:
        raise ValueError("the scale must be above 0 and at most 1")

    def part(whole: int, least: int = 1) -> int:
        return max(least, ceil(round(whole * scale, 6)))

    teams = part(276, 2)
    return Plan(
        scale=scale,
        departments=part(55, 2),
        teams=teams,
        members=part(6_600, teams),
        clips=part(594_000, 10),
        works=part(1_700, 12),
        selected=part(647, 5),
        votes=part(779_700, 60),
        judges=part(30, 6),
    )
