"""What a visitor can do in an event now: rooms offer acts that a phase opens; pages show those that fit the visitor.

offer("entries.mine", msg("Submit a work"), phase=PhaseKind.SUBMISSION, who={SIGNED_IN}, order=20)
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import datetime

from concours.base.messages import Message
from concours.events.models import Event, EventStatus, PhaseKind
from concours.events.phases import is_open
from concours.identity.access import PUBLIC, SIGNED_IN
from concours.identity.models import Account


@dataclass(frozen=True)
class Offer:
    """An act: the page where it is done (an endpoint that needs only the event's slug), its words, when and for whom.

    `phase` None means at any time; `fits` may look at the event (a contest with teams, …); `order` is 0 to 100.
    """

    endpoint: str
    label: Message
    phase: PhaseKind | None
    who: frozenset[str]
    order: int
    fits: Callable[[Event], bool]


_offers: dict[str, Offer] = {}


def offer(
    endpoint: str,
    label: Message,
    *,
    phase: PhaseKind | None,
    who: Set[str],
    order: int,
    fits: Callable[[Event], bool] = lambda _event: True,
) -> None:
    """Adds (or replaces) the act at `endpoint`; `who` is as in `identity.access.allow`."""
    _offers[endpoint] = Offer(endpoint, label, phase, frozenset(str(w) for w in who), order, fits)


def open_to(account: Account | None, roles: Set[str], event: Event, now: datetime) -> list[Offer]:
    """What somebody with these roles in the event can do at `now`; nobody does anything in an archived one."""
    if event.status == EventStatus.ARCHIVED:
        return []
    mine = set(roles) | ({PUBLIC, SIGNED_IN} if account is not None else {PUBLIC})
    found = [
        each
        for each in _offers.values()
        if each.who & mine and (each.phase is None or is_open(event, each.phase, now)) and each.fits(event)
    ]
    return sorted(found, key=lambda each: each.order)


def needs_sign_in(event: Event, now: datetime) -> bool:
    """Whether somebody who signs in could do more at `now` than the public."""
    return any(
        PUBLIC not in each.who and each.phase is not None and is_open(event, each.phase, now)
        for each in _offers.values()
        if each.fits(event)
    )
