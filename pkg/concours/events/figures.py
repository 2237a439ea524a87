"""The figures of an event's desk: each room adds those it keeps.

figure("teams", msg("Teams"), count_of_event, endpoint="teams.index", order=10)
"""

from collections.abc import Callable
from dataclasses import dataclass

from concours.base.messages import Message
from concours.events.models import Event


@dataclass(frozen=True)
class Figure:
    """One number: `count(event)` reads it (a kept counter or one cheap query); `endpoint` leads to what it counts."""

    name: str
    label: Message
    count: Callable[[Event], int]
    endpoint: str
    order: int
    fits: Callable[[Event], bool]


_figures: dict[str, Figure] = {}


def figure(
    name: str,
    label: Message,
    count: Callable[[Event], int],
    *,
    endpoint: str = "",
    order: int,
    fits: Callable[[Event], bool] = lambda _event: True,
) -> None:
    """Adds (or replaces) the figure of that name."""
    _figures[name] = Figure(name, label, count, endpoint, order, fits)


def figures_of(event: Event) -> list[tuple[Figure, int]]:
    """The event's figures with their numbers, in order."""
    fitting = [each for each in _figures.values() if each.fits(event)]
    return [(each, each.count(event)) for each in sorted(fitting, key=lambda each: each.order)]
