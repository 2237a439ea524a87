"""The fairness report of a round: what an organiser draws and reads out, as plain data.

Built from the marks and the rule alone. `report` runs everything; `doubtful` says who gets extra reviews.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from concours.jury.analysis.agreement import Correlations, Metric, alpha, correlations
from concours.jury.analysis.arrays import Marks
from concours.jury.analysis.chances import DRAWS, chances
from concours.jury.analysis.judges import Effect, JudgeFigures, column_effect, drift_column, figures
from concours.jury.analysis.model import Fit, Group, Trouble, Variances
from concours.jury.analysis.outcome import Given, Known, Rule, Without, fitted, plain, scores, selected, without
from concours.jury.scoring import Score
from concours.jury.selection import Chosen, Selection, Step

DOUBT = 0.05
"""A place is decided by less than noise where the chance of the other outcome is at least this."""


@dataclass(frozen=True)
class Standing:
    """An entry. `place`: 1 is first, None: not selected; `decided_by` as in `selection`. `quality` with `error` is the
    model's estimate (None: the entry has no mark, or there is no error), `chance` that it is truly among the best.
    `in_doubt`: its fate is decided by less than noise."""

    entry: int
    label: str
    category: int
    place: int | None
    decided_by: Step
    mean: float
    reviews: int
    quality: float | None
    error: float | None
    chance: float | None
    in_doubt: bool


@dataclass(frozen=True)
class Report:
    """Everything. `reliability`: of an entry's estimate with the reviews asked, 0 to 1. `standings` in the selection's
    order. `doubtful_places`: selected entries that are in doubt; `expected_other`: how many of the places the truth is
    expected to give to others (the sum of what lacks to 1 in the chances of those selected). None: cannot be told."""

    average: float
    variances: Variances
    reliability: float | None
    troubles: tuple[Trouble, ...]
    groups: tuple[Group, ...]
    alpha: float | None
    correlations: Correlations | None
    judges: tuple[JudgeFigures, ...]
    drift: Effect | None
    own: Effect | None
    standings: tuple[Standing, ...]
    doubtful_places: int | None
    expected_other: float | None
    without: tuple[Without, ...]


def report(
    given: Sequence[Given],
    known: Sequence[Known],
    rule: Rule,
    *,
    metric: Metric = Metric.INTERVAL,
    seed: int = 0,
    draws: int = DRAWS,
) -> Report:
    """The report of a round.

    Arguments: `given` each judge's standing mark of an entry, at most one of each, in any order; `known` all entries of
    the round; `metric` of alpha (nominal for yes/no); `seed` of the draws, of which there are `draws`.
    Raises ValueError without any mark or for a mark of an entry that is not known, and `selection.CannotSelect` where
    the rule cannot be kept.
    """
    given = sorted(given, key=lambda mark: (mark.entry, mark.judge))
    by_entry = {one.entry: one for one in known}
    if not {mark.entry for mark in given} <= set(by_entry):
        raise ValueError("a mark is of an entry that is not known")
    found = fitted(given, rule)
    marks = found.marks
    own = np.array([given[place].own for place in marks.order], dtype=bool)
    at = np.array([given[place].at for place in marks.order], dtype=float)
    scored = scores(given, known, rule)
    now = selected(known, rule, scored, found)
    category = np.array([by_entry[entry].category for entry in plain(marks.entries)], dtype=np.int64)
    likely = chances(found, category, rule.places, rule.quotas, seed=seed, draws=draws)
    by_chance = None if likely is None else dict(zip(plain(marks.entries), likely.tolist(), strict=True))
    standings = _standings(now, found, scored, by_chance)
    inside = [one for one in standings if one.place is not None]
    return Report(
        average=found.average,
        variances=found.variances,
        reliability=found.variances.reliability(max(1, rule.asked)) if found.noise_known else None,
        troubles=found.troubles,
        groups=found.groups,
        alpha=alpha(marks.entry, marks.value, metric),
        correlations=_complete(marks),
        judges=figures(found, own, at),
        drift=column_effect(found, drift_column(found, at)),
        own=column_effect(found, own.astype(float)),
        standings=standings,
        doubtful_places=None if likely is None else sum(one.in_doubt for one in inside),
        expected_other=None if likely is None else sum(1.0 - one.chance for one in inside if one.chance is not None),
        without=tuple(without(given, known, rule, (scored, now), judge) for judge in plain(marks.judges)),
    )


def doubtful(standings: Sequence[Standing], count: int) -> tuple[int, ...]:
    """The entries, at most `count`, whose fate is most open: chance nearest to one half first, then by entry. These
    gain most from an extra review."""
    open_ones = [(abs(one.chance - 0.5), one.entry) for one in standings if one.in_doubt and one.chance is not None]
    return tuple(entry for _, entry in sorted(open_ones)[:count])


def _standings(
    now: Selection, found: Fit, scored: Mapping[int, Score], likely: Mapping[int, float] | None
) -> tuple[Standing, ...]:
    places = {entry: at for at, entry in enumerate(plain(found.marks.entries))}

    def standing(fate: Chosen) -> Standing:
        one = fate.candidate
        at = places.get(one.entry)
        chance = None if likely is None else likely.get(one.entry)
        other = 0.0 if chance is None else chance if fate.place is None else 1.0 - chance
        return Standing(
            entry=one.entry,
            label=one.label,
            category=one.category,
            place=fate.place,
            decided_by=fate.decided_by,
            mean=float(scored[one.entry].mean),
            reviews=one.reviews,
            quality=None if at is None else float(found.quality[at]),
            error=None if at is None or not found.noise_known else float(found.quality_error[at]),
            chance=chance,
            in_doubt=other >= DOUBT,
        )

    return tuple(standing(fate) for fate in (*now.selected, *now.others))


def _complete(marks: Marks) -> Correlations | None:
    """The intraclass correlations where every judge marked every entry once."""
    shape = len(marks.entries), len(marks.judges)
    if len(marks) != shape[0] * shape[1]:
        return None
    table = np.full(shape, np.nan)
    table[marks.entry, marks.judge] = marks.value
    return correlations(table) if np.isfinite(table).all() else None
