"""What judges say of two works. Append-only; a repeated sending is the same comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from concours.base.db import session
from concours.base.errors import Conflict, DomainError, Invalid
from concours.base.messages import msg
from concours.events.models import Event
from concours.identity.models import Account
from concours.jury import marks
from concours.jury.kinds import pairwise
from concours.jury.kinds.drawing import Pair, left_first
from concours.jury.lookup import hold
from concours.jury.models import Assignment, Comparison, Round, RoundKind

_OTHER_WAY = {pairwise.FIRST: pairwise.SECOND, pairwise.SECOND: pairwise.FIRST}


@dataclass(frozen=True)
class Compared:
    """One comparison as it was sent: which of the works `first` and `second` (tokens) is the better.

    `better`: `first`, `second` or `equal`; None takes what was said back. `client_id` is the sender's own random name
    for it: sent again with the same name, it is the same comparison.
    """

    first: str
    second: str
    client_id: str
    better: str | None


def compare(
    event: Event, round_id: int, given: Sequence[Compared], *, actor: Account, now: datetime
) -> list[marks.Answer]:
    """Records comparisons in the order in which they came; each stands or is refused on its own.

    What was saved before is answered as saved again. Any two of a judge's own works can be compared, also such as were
    not drawn: what a judge said while away from the network is not lost because the draw has changed. Raises NotFound
    and Forbidden where the judge has no business in the round at all. `Answer.token` is the first work's.
    """
    found = hold(event.id, round_id, together=True)
    panelist = marks.seat_of(found, actor)
    marks.require_kind(found, RoundKind.PAIRWISE)
    own = {row.token: row for row in pairwise.own_works(found, actor.id)}
    known = _known(found, actor, {item.client_id for item in given})
    closed = marks.why_closed(event, found, panelist, now)
    answers = []
    for item in given:
        refusal = _refuse(item, own, known, closed)
        if refusal is None:
            pair, better = _spelled(item, own)
            if (pair, item.client_id) not in known:
                known[pair, item.client_id] = better
                session().add(
                    Comparison(
                        round_id=found.id,
                        first_id=pair[0],
                        second_id=pair[1],
                        client_id=item.client_id,
                        better=better,
                        at=now,
                    )
                )
                session().flush()  # the order of sending is the order of the numbers
                if better is not None:
                    for token in (item.first, item.second):
                        own[token].withdrawn_at = None  # theirs again, as with a mark
        answers.append(marks.Answer(item.first, item.client_id, refusal is None, refusal))
    session().flush()
    pairwise.settle(found, actor.id, now)
    return answers


@dataclass(frozen=True)
class Asked:
    """A pair as a judge sees it: tokens of the left and the right work, and what was said (`first` is the left)."""

    left: str
    right: str
    better: str | None


def asked_of(found: Round, judge: Account) -> list[Asked]:
    """A judge's pairs in the order of asking; two queries."""
    said = pairwise.own_words(found, judge.id)
    active = pairwise.active_of(found, judge.id)
    seed = pairwise.seed_of(found, judge.id)
    listed = []
    for pair in pairwise.pairs_of(found, judge.id, active, said):
        left, right = (active[number].token for number in pair)
        better = said.get(pair)
        if not left_first(seed, pair):
            left, right, better = right, left, _OTHER_WAY.get(better or "", better)
        listed.append(Asked(left, right, better))
    return listed


def _known(found: Round, judge: Account, names: set[str]) -> dict[tuple[Pair, str], str | None]:
    rows = session().execute(
        sa.select(Comparison.first_id, Comparison.second_id, Comparison.client_id, Comparison.better)
        .join(Assignment, Assignment.id == Comparison.first_id)
        .where(Comparison.round_id == found.id, Assignment.account_id == judge.id, Comparison.client_id.in_(names))
    )
    return {((first, second), name): better for first, second, name, better in rows.tuples()}


def _spelled(item: Compared, own: dict[str, Assignment]) -> tuple[Pair, str | None]:
    """The comparison with the smaller assignment first."""
    one, other = own[item.first].id, own[item.second].id
    if one < other:
        return (one, other), item.better
    return (other, one), _OTHER_WAY.get(item.better or "", item.better)


def _refuse(
    item: Compared,
    own: dict[str, Assignment],
    known: dict[tuple[Pair, str], str | None],
    closed: DomainError | None,
) -> DomainError | None:
    if item.first not in own or item.second not in own:
        return marks.no_such_work()
    if item.first == item.second or item.better not in {*_OTHER_WAY, pairwise.EQUAL, None}:
        return Invalid(msg("Say which of two works is the better, or that they are equal."), code="bad_mark")
    pair, better = _spelled(item, own)
    if (pair, item.client_id) in known:
        if known[pair, item.client_id] == better:
            return None
        return Conflict(msg("Another mark was sent under the same name."), code="client_id_reused")
    aside = own[item.first].recused_at or own[item.second].recused_at
    return closed or (marks.stepped_aside() if aside is not None else None)
