"""What every benchmark shares: the options of the command line, figures with their goals, and how they are printed."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

AT_LEAST, AT_MOST = ">=", "<="


@dataclass(frozen=True)
class Options:
    """Of the command line. `seconds`: measured time of each run; `rounds`: runs of each, of which the medians count;
    `votes`: how large the ledger of `growth` is; `quick`: small sizes, to try whether it works."""

    seconds: float
    rounds: int
    workers: int
    threads: int
    database_url: str
    votes: int = 1_000_000
    quick: bool = False

    def sized(self, full: int, quick: int) -> int:
        """A size: the full one, or the one for trying."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Goal:
    """What a figure should reach: `sign` is `>=` or `<=`."""

    sign: str
    value: float

    def met(self, figure: float) -> bool:
        """Whether it does."""
        return figure >= self.value if self.sign == AT_LEAST else figure <= self.value


def at_least(value: float) -> Goal:
    """The figure is to be that or more."""
    return Goal(AT_LEAST, value)


def at_most(value: float) -> Goal:
    """The figure is to be that or less."""
    return Goal(AT_MOST, value)


def show_head(head: Mapping[str, str]) -> None:
    """Prints when, of what and where the figures are."""
    for name, value in head.items():
        print(f"{name:24} {value}")


def show(figures: Mapping[str, Any], goals: Mapping[str, Goal]) -> None:
    """Prints the figures, each with its goal beside it, if it has one."""
    for name, value in figures.items():
        if isinstance(value, dict):
            continue
        text = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
        goal = goals.get(name)
        beside = f"  goal {goal.sign} {goal.value:g}: {'met' if goal.met(value) else 'missed'}" if goal else ""
        print(f"{name:44} {text:>14}{beside}")


def say(*words: object) -> None:
    """A line about how it goes."""
    print(" ", *words, file=sys.stderr, flush=True)
