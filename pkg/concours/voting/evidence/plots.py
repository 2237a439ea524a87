"""Plots as plain geometry for SVG in the page: no script, printable, in the page's own colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from concours.voting.evidence.shown import GAPS_S
from concours.voting.rules import moment_of

WIDTH, HEIGHT = 600.0, 100.0


@dataclass(frozen=True)
class Bar:
    """One column: where it stands, how high it is of all, and its part that belongs to the group."""

    x: float
    width: float
    height: float
    part: float
    label: str | datetime
    count: int
    of_group: int


@dataclass(frozen=True)
class Plot:
    """`most` is the highest column's count; `step_ms`, `begins`, `ends` of a plot over time; `marks`: what stands below
    the first, the middle and the last column of another."""

    bars: list[Bar]
    most: int
    total: int
    step_ms: int = 0
    begins: datetime | None = None
    ends: datetime | None = None
    marks: tuple[str, ...] = ()


def _bars(counts: Sequence[int], parts: Sequence[int], labels: Sequence[str | datetime], most: int) -> list[Bar]:
    width = WIDTH / max(1, len(counts))
    scale = HEIGHT / max(1, most)
    return [
        Bar(
            x=round(i * width, 2),
            width=round(max(0.6, width * 0.86), 2),
            height=round(max(count * scale, 1.0 if count else 0.0), 2),
            part=round(max(part * scale, 1.0 if part else 0.0), 2),
            label=label,
            count=count,
            of_group=part,
        )
        for i, (count, part, label) in enumerate(zip(counts, parts, labels, strict=True))
        if count
    ]


def over_time(pace: dict[str, Any], name: str, part: str | None = None, *, most: int | None = None) -> Plot:
    """The series `name` of a pace (`shown.pace`), with `part` of it marked; `most` sets several to one scale."""
    counts = pace[name]
    parts = pace[part] if part else [0] * len(counts)
    step, begin = pace["step_ms"], pace["from_ms"]
    labels = [moment_of(begin + i * step) for i in range(len(counts))]
    highest = max(counts, default=0)
    return Plot(_bars(counts, parts, labels, most or highest), highest, sum(counts), step, labels[0], labels[-1])


def intervals(counts: Sequence[int]) -> Plot:
    """The histogram of gaps."""
    labels = [f"≤ {_seconds(s)}" for s in GAPS_S] + [f"> {_seconds(GAPS_S[-1])}"]
    most, marks = max(counts, default=0), (labels[0], labels[len(labels) // 2], labels[-1])
    return Plot(_bars(counts, [0] * len(counts), labels, most), most, sum(counts), marks=marks)


def _seconds(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 3_600 else f"{seconds / 3_600:g} h"
