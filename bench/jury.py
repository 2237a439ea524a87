"""How many of the truly best works a jury finds, in worlds whose truth is known, and what its model costs.

A world: 1,700 works in 3 categories, a panel of 10 judges for each, 647 places shared out by the categories' sizes.
Works differ in quality (standard deviation 10 points), judges in severity (6), in scale (a factor whose logarithm has
0.2) and in noise (10 on average, the logarithm of each judge's with 0.2). Marks are whole points from 0 to 100. Who
judges what is planned by the product's own assignment. `model`: with judges' scales and noises; `first_step`: without.

`python -m bench.jury --severity 3 --noise 14 --seeds 5` takes other worlds.
"""

import argparse
import statistics
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg as sparse_linalg

from bench.frame import Options, at_least, at_most, say, show

SIZES, PLACES, PANEL = (700, 550, 450), (266, 210, 171), 10
QUALITY, AVERAGE = 10.0, 65.0
SEEDS, FIRST_SEED = 20, 1
WAVES = 4
GOALS = {
    "recovered_by_model_3": at_least(0.78),
    "recovered_by_extra_reviews": at_least(0.81),
    "seeds_where_model_is_above_means": at_least(SEEDS),
    "seeds_where_extra_is_above_means": at_least(SEEDS),
    "seconds_of_75000_marks": at_most(0.5),
}
Floats = NDArray[np.float64]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Judges:
    """How judges differ: `severity` and `noise` in points, `scale` of the logarithms of their scales and noises; all
    standard deviations. `yes_no`: they only say whether a work is better than what they hold for the average."""

    severity: float = 6.0
    scale: float = 0.2
    noise: float = 10.0
    yes_no: bool = False


def method(options: Options) -> str:
    """How it is taken."""
    return f"{options.sized(SEEDS, 2)} worlds from seed {FIRST_SEED} on; {options.rounds} fits, median processor time"


class Category:
    """One category of a world: its works' qualities, its panel, and what each judge would say of each work."""

    def __init__(self, size: int, places: int, seed: int, judges: Judges) -> None:
        draw = np.random.RandomState(seed)
        self.size, self.places, self.seed = size, places, seed
        self.quality = draw.normal(0, QUALITY, size)
        severity, scale = draw.normal(0, judges.severity, PANEL), np.exp(draw.normal(0, judges.scale, PANEL))
        noise = judges.noise * np.exp(draw.normal(0, judges.scale, PANEL))
        said = AVERAGE + np.outer(self.quality, scale) - severity + draw.normal(size=(size, PANEL)) * noise
        self.said = np.where(said > AVERAGE, 100.0, 0.0) if judges.yes_no else np.clip(np.round(said), 0, 100)
        self.best = set(np.argsort(-self.quality)[:places].tolist())

    def planned(self, entries: list[int], reviews: int, kept: list[Pair], name: str) -> list[Pair]:
        """Pairs of entry and judge, `kept` ones included, by the product's assignment."""
        from concours.jury.assignment import plan

        made = plan(entries, list(range(PANEL)), reviews, kept=kept, seed=f"bench {self.seed} {name}")
        return [(int(entry), int(judge)) for entry, judge in made.pairs]

    def found(self, score: Floats) -> int:
        """How many of the truly best have the best scores. Equal scores go by a lottery."""
        lottery = np.random.RandomState(self.seed + 500).random_sample(len(score))
        return len(self.best & set(np.lexsort((lottery, -score))[: self.places].tolist()))


def run(options: Options) -> dict[str, Any]:
    """Measures; returns the figures by name."""
    return recovered(range(FIRST_SEED, FIRST_SEED + options.sized(SEEDS, 2)), Judges()) | _times(options)


def recovered(seeds: range, judges: Judges) -> dict[str, Any]:
    """The shares of the truly best that each way recovers, over the worlds of `seeds`, at least two."""
    worlds = [_world(seed, judges) for seed in seeds]
    places = sum(PLACES)
    shares = {name: [world[name] / places for world in worlds] for name in worlds[0]}
    figures: dict[str, Any] = {f"recovered_by_{name}": statistics.mean(values) for name, values in shares.items()}
    figures |= {f"spread_of_{name}": statistics.stdev(values) for name, values in shares.items()}
    for short, name in (("first_step", "first_step_3"), ("model", "model_3"), ("extra", "extra_reviews")):
        gains = [mine - raw for mine, raw in zip(shares[name], shares["means_3"], strict=True)]
        figures[f"seeds_where_{short}_is_above_means"] = sum(gain > 0 for gain in gains)
        figures[f"least_gain_of_{short}_works"] = round(min(gains) * places)
    return figures


def _world(seed: int, judges: Judges) -> dict[str, int]:
    total: dict[str, int] = {}
    for number, (size, places) in enumerate(zip(SIZES, PLACES, strict=True)):
        for name, count in _recovered(Category(size, places, 1000 * seed + number, judges)).items():
            total[name] = total.get(name, 0) + count
    say(f"seed {seed}:", ", ".join(f"{name} {count / sum(PLACES):.3f}" for name, count in total.items()))
    return total


def _recovered(category: Category) -> dict[str, int]:
    from concours.jury.analysis.model import fit
    from concours.jury.analysis.scale import fit_scaled

    entries = list(range(category.size))
    three = category.planned(entries, 3, [], "three")
    marks = _marks(category, three)
    means = np.bincount(marks.entry, marks.value) / marks.reviews
    extra = _with_extra_reviews(category, entries)
    assert len(extra) == len(three), "the budgets differ"
    more = _marks(category, extra)
    return {
        "means_3": category.found(means),
        "first_step_3": category.found(fit(marks).quality),
        "model_3": category.found(fit_scaled(marks).quality),
        "extra_reviews": category.found(fit_scaled(more).quality),
        "means_of_extra_reviews": category.found(np.bincount(more.entry, more.value) / more.reviews),
    }


def _marks(category: Category, pairs: list[Pair]) -> Any:
    from concours.jury.analysis.arrays import marks_of

    entry, judge = np.array(sorted(pairs)).T
    return marks_of(entry, judge, category.said[entry, judge])


def _with_extra_reviews(category: Category, entries: list[int]) -> list[Pair]:
    """Two reviews each; then, in waves, one more for those whose fate is most open, until three each are used up."""
    from concours.jury.analysis.chances import chances
    from concours.jury.analysis.scale import fit_scaled

    pairs = category.planned(entries, 2, [], "two")
    for wave in range(WAVES):
        size = category.size * (wave + 1) // WAVES - category.size * wave // WAVES
        marks = _marks(category, pairs)
        likely = chances(fit_scaled(marks), np.zeros(category.size, dtype=np.int64), category.places, seed=wave)
        assert likely is not None
        full = marks.reviews >= PANEL
        order = np.lexsort((np.arange(category.size), np.abs(likely - 0.5) + full))
        chosen = [int(entry) for entry in order[:size]]
        pairs = _one_more(category, pairs, chosen, f"wave {wave}")
    return pairs


def _one_more(category: Category, pairs: list[Pair], chosen: list[int], name: str) -> list[Pair]:
    """One review more for each of `chosen`. The assignment asks for one number of reviews for all it is given, so those
    that have as many already are planned together."""
    reviews: dict[int, int] = dict.fromkeys(chosen, 0)
    for entry, _ in pairs:
        if entry in reviews:
            reviews[entry] += 1
    result = list(pairs)
    for had in sorted(set(reviews.values())):
        group = [entry for entry, count in reviews.items() if count == had]
        there = set(group)
        kept = [pair for pair in pairs if pair[0] in there]
        planned = category.planned(group, had + 1, kept, f"{name} {had}")
        result += sorted(set(planned) - set(kept))
    return result


def _times(options: Options) -> dict[str, float]:
    """Processor time of the model at 75,000 marks in two shapes; of its equations built and solved once; and of what
    these were chosen over: the same equations with the entries in them, by sparse LU."""
    from concours.jury.analysis.model import fit
    from concours.jury.analysis.scale import fit_scaled

    wide, deep = _large(25_000, 60, 3, options), _large(1_700, 60, 44, options)
    seconds = {
        "seconds_of_75000_marks": max(_median(options, fit, wide), _median(options, fit, deep)),
        "seconds_25000_works_3_reviews": _median(options, fit, wide),
        "seconds_1700_works_44_reviews": _median(options, fit, deep),
        "seconds_with_scales_25000_works": _median(options, fit_scaled, wide),
        "seconds_with_scales_1700_works": _median(options, fit_scaled, deep),
    }
    for name, marks in (("25000_works", wide), ("1700_works", deep)):
        seconds[f"once_by_absorbing_ms_{name}"] = 1000 * _median(options, _by_absorbing, marks)
        seconds[f"once_by_sparse_lu_ms_{name}"] = 1000 * _median(options, _by_lu, marks)
    return seconds


def _large(entries: int, judges: int, reviews: int, options: Options) -> Any:
    from concours.jury.analysis.arrays import marks_of

    draw = np.random.RandomState(7)
    entries = options.sized(entries, entries // 20)
    entry = np.repeat(np.arange(entries), reviews)
    judge = np.argsort(draw.random_sample((entries, judges)), axis=1)[:, :reviews].ravel()
    value = AVERAGE + draw.normal(0, QUALITY, entries)[entry] - draw.normal(0, Judges.severity, judges)[judge]
    return marks_of(entry, judge, np.clip(np.round(value + draw.normal(0, Judges.noise, len(entry))), 0, 100))


def _by_absorbing(marks: Any) -> Any:
    from concours.jury.analysis.equations import Equations

    return Equations(marks).at(1.0, 0.6)


def _by_lu(marks: Any) -> Any:
    n, j, m = len(marks.entries), len(marks.judges), len(marks)
    rows, ones = np.arange(m), np.ones(m)
    columns = [
        sparse.csr_array(np.ones((m, 1))),
        sparse.csr_array((ones, (rows, marks.judge)), shape=(m, j)),
        sparse.csr_array((ones, (rows, marks.entry)), shape=(m, n)),
    ]
    design = sparse.csr_array(sparse.hstack(columns))
    ridge = sparse.diags_array(np.r_[0.0, np.full(j, 1 / 0.36), np.ones(n)])
    factors = sparse_linalg.splu(sparse.csc_array(design.T @ design + ridge), permc_spec="MMD_AT_PLUS_A")
    return factors.solve(design.T @ marks.value)


def _median(options: Options, work: Any, marks: Any) -> float:
    found = []
    for _ in range(options.rounds):
        begun = time.process_time()
        work(marks)
        found.append(time.process_time() - begun)
    return statistics.median(found)


def main() -> None:
    """The command line: worlds of one's own."""
    parser = argparse.ArgumentParser(prog="python -m bench.jury", description="Juries that differ as is said.")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first", type=int, default=FIRST_SEED)
    parser.add_argument("--severity", type=float, default=Judges.severity)
    parser.add_argument("--scale", type=float, default=Judges.scale)
    parser.add_argument("--noise", type=float, default=Judges.noise)
    parser.add_argument("--yes-no", action="store_true")
    given = parser.parse_args()
    judges = Judges(given.severity, given.scale, given.noise, given.yes_no)
    show(recovered(range(given.first, given.first + given.seeds), judges), {})


if __name__ == "__main__":
    main()
