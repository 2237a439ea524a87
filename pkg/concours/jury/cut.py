"""The entries whose fate at the cut chance may have decided, and one more review for just these."""

from collections.abc import Callable, Mapping
from datetime import datetime
from math import sqrt

import numpy as np
import sqlalchemy as sa
from scipy import sparse

from concours import audit
from concours.base.db import session
from concours.base.errors import Conflict
from concours.base.messages import msg
from concours.entries.times import require_running
from concours.events.models import Event
from concours.identity.models import Account
from concours.jury import closing
from concours.jury.analysis.arrays import Floats
from concours.jury.analysis.model import Fit
from concours.jury.distribution import redistribute
from concours.jury.lookup import hold, require
from concours.jury.models import Round, RoundEntry, RoundStatus
from concours.jury.rounds import MODELLED
from concours.jury.scoring import Score
from concours.jury.selection import Chosen, Selection
from concours.jury.shortlist import Outcome, outcome

NOISE = 1.96
"""Standard errors of a difference within which chance may have made it: 95 of 100 chance differences are smaller."""


def near_cut(found: Round, result: Outcome) -> tuple[Chosen, ...]:
    """The entries within noise of the cut, in order; empty where the marks do not tell how far chance goes.

    An entry that is in is compared with the best that is out, one that is out with the last that is in.
    """
    if result.selection is None or not result.selection.others or found.kind not in MODELLED:
        return ()
    if result.ordering.fit is not None:
        return _close(result.selection, _ByModel(result.ordering.fit))
    return _close(result.selection, _ByMean(result.scores))


def one_more_review(
    event: Event, round_id: int, count: int | None, *, actor: Account, now: datetime
) -> tuple[int, int]:
    """Opens a closed round again and asks one more review of the entries near the cut at `count` places (None: the
    round's own number). All marks are kept. Returns how many entries get one, and for how many no judge is free.

    Raises Conflict where none is near the cut, or no judge is free for any of them.
    """
    found = hold(event.id, round_id)
    require(found, RoundStatus.CLOSED)
    require_running(event)
    near = [fate.candidate.entry for fate in near_cut(found, outcome(event, found, count))]
    if not near:
        raise Conflict(msg("No entry is within chance of the cut."), code="none_near_cut")
    closing.reopen(event, round_id, actor=actor, now=now)
    _ask(found, near, 1)
    given = {entry for entry, _ in redistribute(found, event, now).added}
    left = [entry for entry in near if entry not in given]
    if len(left) == len(near):
        raise Conflict(
            msg("No judge is free for another review of these entries."),
            hint=msg("Reopen the round, add judges to the panel, close it and try again."),
            code="no_judge_free",
        )
    _ask(found, left, -1)
    asked = [entry for entry in near if entry in given]
    audit.record(actor, "jury.review_cut", found, now=now, event_id=event.id, entries=asked, without_judge=left)
    return len(asked), len(left)


def error_of(fit: Fit) -> Callable[[int, int], float]:
    """The standard error, in points, of the difference of two entries' estimates, by their ids."""
    return _ByModel(fit).error


def _ask(found: Round, entries: list[int], more: int) -> None:
    for start in range(0, len(entries), 500):
        session().execute(
            sa.update(RoundEntry)
            .where(RoundEntry.round_id == found.id, RoundEntry.entry_id.in_(entries[start : start + 500]))
            .values(extra_reviews=RoundEntry.extra_reviews + more)
        )


class _ByModel:
    """The standard error of the difference of two estimates: the prediction errors' covariance is part of it."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self._place = {int(entry): at for at, entry in enumerate(fit.marks.entries)}
        variance, _ = fit.equations.entry_spread(fit.solved)
        self._variance = variance
        self._border = sparse.csr_array(fit.equations.border)
        self._through: Floats = np.asarray(self._border @ fit.solved.spread)

    def error(self, one: int, other: int) -> float:
        if not self._fit.noise_known:
            return 0.0
        a, b = self._place[one], self._place[other]
        shrunk = self._fit.solved.shrunk
        row = self._border[[b], :].toarray()[0]
        together = float(shrunk[a] * shrunk[b] * (self._through[a] @ row))
        square = float(self._variance[a] + self._variance[b]) - 2.0 * together
        return sqrt(max(0.0, self._fit.variances.noise * square))


class _ByMean:
    """The standard error of the difference of two means, with the spread of marks within an entry pooled over all."""

    def __init__(self, scores: Mapping[int, Score]) -> None:
        self._number = {entry: score.counted for entry, score in scores.items()}
        free = sum(number - 1 for number in self._number.values() if number > 1)
        squares = sum((score.counted - 1) * score.spread**2 for score in scores.values() if score.counted > 1)
        self._variance = squares / free if free else 0.0

    def error(self, one: int, other: int) -> float:
        return sqrt(self._variance * (1 / self._number[one] + 1 / self._number[other]))


def _close(selection: Selection, by: _ByModel | _ByMean) -> tuple[Chosen, ...]:
    last, first = selection.selected[-1].candidate, selection.others[0].candidate
    near = []
    for fate in (*selection.selected, *selection.others):
        mine, rival = fate.candidate, first if fate.place is not None else last
        if abs(float(mine.score - rival.score)) <= NOISE * by.error(mine.entry, rival.entry):
            near.append(fate)
    return tuple(near)
