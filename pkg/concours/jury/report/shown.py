"""What the page of a report says: sentences and the geometry of its plots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from concours.base.db import session
from concours.base.messages import Message, msg, nmsg
from concours.identity.models import Account
from concours.jury.analysis.model import Trouble

INTERVAL = 1.96
"""Standard errors each way that hold 95 % of a normal distribution."""

WIDTH = 200.0
"""Of a plot in its own units; its height is 20."""

TROUBLES: dict[str, Message] = {
    Trouble.NO_VARIANCE: msg("All marks are equal: nothing tells the entries apart."),
    Trouble.ONE_JUDGE: msg("There was one judge, who cannot be compared with anybody."),
    Trouble.ONE_ENTRY: msg("There is one entry, which cannot be compared with anything."),
    Trouble.NO_REPEATS: msg(
        "No entry has two marks, so that luck and quality cannot be told apart: there are no chances and no errors."
    ),
    Trouble.NO_NOISE: msg("Severity and quality explain every mark: there is no noise to measure."),
    Trouble.PARTED: msg(
        "The panel falls into groups that share no entry: that the groups are equally severe can only be assumed."
    ),
}


@dataclass(frozen=True)
class Dot:
    """A figure with its interval, in the plot's units: `zero` is where no difference is."""

    x: float
    low: float
    high: float
    zero: float


@dataclass(frozen=True)
class Line:
    """One judge on the page. `said`: what is notable of them, in sentences; `bars`: heights of their marks, 0 to 20."""

    name: str
    figures: Mapping[str, Any]
    severity: Dot | None
    bars: tuple[float, ...]
    said: tuple[Message, ...]
    changes: int | None


def judges(content: Mapping[str, Any]) -> list[Line]:
    """The judges, the most severe first; one query."""
    numbers = [one["judge"] for one in content["judges"]]
    rows = session().execute(sa.select(Account.id, Account.name).where(Account.id.in_(numbers)))
    names = dict(rows.tuples().all())
    changes = {one["judge"]: one["count"] if one["possible"] else None for one in content["without"]}
    reach = max((_reach(one["severity"]) for one in content["judges"]), default=0.0)
    lines = [
        Line(
            name=names.get(one["judge"], "–"),
            figures=one,
            severity=_dot(one["severity"], reach),
            bars=_bars(one["bars"]),
            said=tuple(_notable(one)),
            changes=changes.get(one["judge"]),
        )
        for one in content["judges"]
    ]
    return sorted(lines, key=lambda line: -_value(line.figures["severity"]))


def in_short(content: Mapping[str, Any]) -> list[Message]:
    """What an organiser should know of the round as a whole."""
    said = [TROUBLES[trouble] for trouble in content["troubles"] if trouble in TROUBLES]
    if content["doubtful_places"] is not None:
        places = content["places"]
        said.append(
            nmsg(
                "%(count)s of %(places)s places is decided by less than noise: with other judges of the same kind the"
                " entry might well be out.",
                "%(count)s of %(places)s places are decided by less than noise: with other judges of the same kind"
                " these entries might well be out.",
                content["doubtful_places"],
                places=places,
            )
        )
        if content["expected_other"] is not None:
            said.append(
                msg(
                    "By the model's estimate about %(other)s of the %(places)s places go to entries that are not truly"
                    " among the best %(places)s. No jury avoids this; more reviews near the cut make it less.",
                    other=round(content["expected_other"]),
                    places=places,
                )
            )
    if content["reliability"] is not None:
        said.append(
            msg(
                "How well the scores tell the entries apart, from 0 (not at all) to 1 (without error): %(figure)s.",
                figure=f"{content['reliability']:.2f}",
            )
        )
    if content["alpha"] is not None:
        said.append(
            msg(
                "How far the judges agree, from 0 (as by chance) to 1 (all say the same; Krippendorff's alpha):"
                " %(figure)s. Taste differs; that is why an entry is seen by several.",
                figure=f"{content['alpha']:.2f}",
            )
        )
    if content["icc"] is not None:
        said.append(
            msg(
                "Everybody marked everything: how far another panel's means would agree with these, from 0 to 1"
                " (intraclass correlation ICC(A,k)): %(figure)s.",
                figure=f"{content['icc']:.2f}",
            )
        )
    said.extend(_of_all(content))
    return said


def _of_all(content: Mapping[str, Any]) -> list[Message]:
    said = []
    drift, own = content["drift"], content["own"]
    if drift is not None and drift["notable"]:
        said.append(
            msg("From their first mark to their last, the judges together changed by %(points)s points.",
                points=_signed(drift["value"]))
        )  # fmt: skip
    if own is not None:
        sentence = (
            msg("Works of a judge's own department got %(points)s points more than their other marks explain.",
                points=_signed(own["value"]))
            if own["notable"]
            else msg("Works of a judge's own department were marked no differently than chance explains.")
        )  # fmt: skip
        said.append(sentence)
    return said


def _notable(one: Mapping[str, Any]) -> list[Message]:
    said = []
    severity, noise, drift, own = one["severity"], one["noise"], one["drift"], one["own"]
    if severity is not None and severity["notable"]:
        points = f"{abs(severity['value']):.1f}"
        said.append(
            msg("Marks %(points)s points lower than the average judge.", points=points)
            if severity["value"] > 0
            else msg("Marks %(points)s points higher than the average judge.", points=points)
        )
    if noise is not None and noise["notable"]:
        said.append(
            msg("The marks differ from what the others saw by %(points)s points on average: other than most.",
                points=f"{noise['value']:.1f}")
        )  # fmt: skip
    if drift is not None and drift["notable"]:
        said.append(
            msg("From the first mark to the last, changed by %(points)s points.", points=_signed(drift["value"]))
        )
    if own is not None and own["notable"]:
        said.append(
            msg("Works of the own department: %(points)s points against what the other marks explain.",
                points=_signed(own["value"]))
        )  # fmt: skip
    return said


def chance_bars(content: Mapping[str, Any], limit: int) -> Sequence[Mapping[str, Any]]:
    """The entries in doubt, those nearest to even odds first, with `width` of their bar in the plot's units."""
    return [{**one, "width": round(WIDTH * (one["chance"] or 0.0), 1)} for one in content["in_doubt"][:limit]]


@dataclass(frozen=True)
class Curve:
    """The chances in the selection's order, as an SVG polyline's `points` in WIDTH × 60, and where the cut is."""

    points: str
    cut: float
    entries: int


def curve(content: Mapping[str, Any]) -> Curve | None:
    """The plot of all chances; None where there are none."""
    if not content["curve"]:
        return None
    across = WIDTH / max(1, content["entries"])
    points = [f"{(rank - 0.5) * across:.2f},{60 - 58 * chance:.2f}" for rank, chance in content["curve"]]
    return Curve(" ".join(points), round(content["places"] * across, 2), content["entries"])


def _reach(effect: Mapping[str, Any] | None) -> float:
    return abs(effect["value"]) + INTERVAL * (effect["error"] or 0.0) if effect else 0.0


def _dot(effect: Mapping[str, Any] | None, reach: float) -> Dot | None:
    if effect is None or not reach:
        return None
    middle, scale = WIDTH / 2, (WIDTH / 2 - 6) / reach
    half = INTERVAL * (effect["error"] or 0.0) * scale
    x = middle + effect["value"] * scale
    return Dot(round(x, 1), round(x - half, 1), round(x + half, 1), middle)


def _bars(counts: Sequence[int]) -> tuple[float, ...]:
    most = max(counts, default=0) or 1
    return tuple(round(max(18.0 * count / most, 1.0 if count else 0.0), 1) for count in counts)


def _value(effect: Mapping[str, Any] | None) -> float:
    return float(effect["value"]) if effect else 0.0


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
